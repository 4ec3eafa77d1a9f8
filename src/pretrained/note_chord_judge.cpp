#include "instructme/pretrained/note_chord_judge.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"

namespace instructme {
namespace {

constexpr int64_t kPianoKeys = NoteNetwork::kKeys;
constexpr int kHighestBass = 55;  // MIDI; a lowest key above is no bass
constexpr int kHighestTone = 96;  // above, the network mostly hears overtones

// Chance that a tone of the chord sounds, by its place in the list of tones: root, third, fifth, seventh.
constexpr double kToneSounds[] = {0.80, 0.75, 0.70, 0.70};
// Of the lowest key being the root, or another tone of the chord; the rest is for strangers.
constexpr double kBassIsRoot = 0.65, kBassIsTone = 0.25;

// Logarithm of how much rarer a quality is than a triad: what it needs in evidence.
double rarity(ChordQuality quality) {
  switch (quality) {
    case ChordQuality::kMaj:
    case ChordQuality::kMin: return 0.0;
    case ChordQuality::k7:
    case ChordQuality::kMaj7:
    case ChordQuality::kMin7: return -0.7;
    case ChordQuality::kDim:
    case ChordQuality::kSus: return -1.5;
    case ChordQuality::kAug: return -2.0;
  }
  return 0.0;
}

// (T, 12): chance that any key of a pitch class sounds, and (T, 12) that the lowest key is of it.
struct PitchClasses {
  at::Tensor tones, bass;
};

PitchClasses fold(const at::Tensor& keys, double silence) {
  const int64_t frames = keys.size(0);
  at::Tensor silent = at::ones({frames, 12}, at::kDouble), bass = at::zeros({frames, 12}, at::kDouble);
  at::Tensor nothing_lower = at::ones({frames}, at::kDouble);
  for (int64_t key = 0; key < kPianoKeys; ++key) {
    const int64_t pitch = key + NoteNetwork::kLowestKey;
    if (pitch > kHighestTone) break;
    const at::Tensor sounds = ((keys.select(1, key) - silence) / (1.0 - silence)).clamp_min(0.0);
    silent.select(1, pitch % 12).mul_(1.0 - sounds);
    if (pitch > kHighestBass) continue;
    bass.select(1, pitch % 12).add_(nothing_lower * sounds);
    nothing_lower = nothing_lower * (1.0 - sounds);
  }
  return {1.0 - silent, bass};
}

}  // namespace

void NoteChordOptions::validate() const {
  const auto chance = [](double value) { return value > 0 && value < 1; };
  if (!chance(stray) || !(silence >= 0 && silence < 1) || !chance(self_transition) || !(bass_weight >= 0) ||
      !(evidence > 0) || !std::isfinite(bass_weight + evidence))
    throw Error(ErrorKind::kUsage,
                "chords of notes need chances between 0 and 1, a bass weight of 0 or more and an evidence above 0");
}

at::Tensor chords_of_keys(const at::Tensor& keys, const NoteChordOptions& options) {
  options.validate();
  ensure(keys.dim() == 2 && keys.size(1) == kPianoKeys, "chords are found from keys of shape (T, 88)");
  const PitchClasses heard = fold(keys.to(at::kCPU, at::kDouble).clamp(0.0, 1.0), options.silence);
  // Score of a frame: sum of log P(sounds) or log P(silent) over pitch classes, so a product with two matrices.
  at::Tensor sounds = at::full({12, kChordClasses}, options.stray, at::kDouble);
  at::Tensor lowest = at::full({12, kChordClasses}, 1.0 / 12, at::kDouble);
  at::Tensor prior = at::zeros({kChordClasses}, at::kDouble);
  for (int index = 1; index < kChordClasses; ++index) {
    const Chord chord = chord_of_class(index);
    const std::vector<int> tones = chord_pitch_classes(chord);
    const double others = static_cast<double>(tones.size()) - 1;
    lowest.select(1, index).fill_((1.0 - kBassIsRoot - kBassIsTone) / (11.0 - others));
    for (size_t i = 0; i < tones.size(); ++i) {
      sounds[tones[i]][index] = kToneSounds[i];
      lowest[tones[i]][index] = i == 0 ? kBassIsRoot : kBassIsTone / others;
    }
    prior[index] = rarity(chord.quality);
  }
  const at::Tensor none_lower = 1.0 - heard.bass.sum(1, true);  // tells nothing about the chord
  const at::Tensor score = heard.tones.matmul(sounds.log()) + (1.0 - heard.tones).matmul((1.0 - sounds).log()) +
                           options.bass_weight * (heard.bass.matmul(lowest) + none_lower / 12.0).log() + prior;
  return smooth_forward_backward(at::softmax(options.evidence * score, 1), options.self_transition).to(at::kFloat);
}

void KeyActivity::add(int64_t first, const NotePosteriors& posteriors) {
  constexpr double kRate = static_cast<double>(kChordSampleRate) / kChordHop;
  const at::Tensor notes = posteriors.note.to(at::kCPU, at::kFloat);
  for (int64_t i = 0; i < notes.size(0); ++i) {
    const auto frame = static_cast<size_t>(NotePosteriors::time_of(first + i) * kRate);
    while (sums_.size() <= frame) {
      sums_.push_back(at::zeros({kPianoKeys}));
      counts_.push_back(0);
    }
    sums_[frame].add_(notes[i]);
    ++counts_[frame];
  }
}

at::Tensor KeyActivity::matrix(int64_t frames) const {
  at::Tensor matrix = at::zeros({frames, kPianoKeys});
  for (int64_t i = 0; i < std::min(frames, static_cast<int64_t>(sums_.size())); ++i)
    if (counts_[static_cast<size_t>(i)] > 0)
      matrix[i] = sums_[static_cast<size_t>(i)] / counts_[static_cast<size_t>(i)];
  return matrix;
}

NoteChordJudge::NoteChordJudge(const std::filesystem::path& path, const NoteChordOptions& options)
    : transcriber_(path), options_(options) {
  options_.validate();
}

at::Tensor NoteChordJudge::extract(const at::Tensor& waveform, int64_t frames) {
  const at::NoGradGuard no_grad;
  if ((waveform.dim() != 1 && waveform.dim() != 2) || frames < 1)
    throw Error(ErrorKind::kInternal,
                "chords are extracted from waveforms of shape (S) or (N, S) into 1 or more frames");
  at::Tensor audio = waveform.to(at::kCPU, at::kFloat);
  if (audio.dim() == 1) audio = audio.unsqueeze(0);
  if (!audio.isfinite().all().item<bool>())
    throw Error(ErrorKind::kInput, "the audio holds samples that are not finite numbers; export it again");
  std::vector<at::Tensor> results;
  for (int64_t n = 0; n < audio.size(0); ++n) {
    const at::Tensor wave = audio[n].slice(0, 0, frames * kChordHop).contiguous();
    KeyActivity keys;
    if (wave.numel() > 0)
      transcriber_.listen({wave.data_ptr<float>(), static_cast<size_t>(wave.numel())}, kChordSampleRate,
                          [&](int64_t first, const NotePosteriors& posteriors) { keys.add(first, posteriors); });
    results.push_back(chords_of_keys(keys.matrix(frames), options_));
  }
  if (results.empty()) return at::zeros({0, frames, kChordClasses}, waveform.options().dtype(at::kFloat));
  return at::stack(results).to(waveform.device());
}

}  // namespace instructme
