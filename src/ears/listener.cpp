#include "instructme/ears/listener.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <optional>
#include <span>

#include "instructme/audio/resample.h"
#include "instructme/base/error.h"
#include "instructme/base/hash.h"
#include "instructme/base/raw_samples.h"
#include "instructme/ears/beat_net.h"
#include "instructme/ears/beat_tracker.h"
#include "instructme/ears/chord_net.h"
#include "instructme/ears/key_estimate.h"
#include "instructme/ears/mono_to_hear.h"
#include "instructme/ears/tagger.h"

namespace instructme {

namespace fs = std::filesystem;
using at::Tensor;

namespace {

constexpr double kSnap_s = 0.12;  // chords change on beats that are so near

/// What a Listener cannot do without and the folder has not.
std::optional<std::string> missing_ear(const fs::path& model_folder) {
  for (const char* needed : {"chords.json", "beats.json"})
    if (!fs::is_regular_file(model_folder / "ears" / needed)) return needed;
  return std::nullopt;
}

double nearest_beat(double time_s, const std::vector<Beat>& beats) {
  const auto next = std::lower_bound(beats.begin(), beats.end(), time_s,
                                     [](const Beat& beat, double time) { return beat.time_s < time; });
  double best = time_s, distance = kSnap_s;
  const auto consider = [&](const Beat& beat) {
    if (std::abs(beat.time_s - time_s) < distance) distance = std::abs(beat.time_s - time_s), best = beat.time_s;
  };
  if (next != beats.end()) consider(*next);
  if (next != beats.begin()) consider(*(next - 1));
  return best;
}

std::vector<ChordSpan> spans_of(const Tensor& chords, double rate, double duration_s, const std::vector<Beat>& beats) {
  std::vector<ChordSpan> spans;
  const Tensor best = chords.argmax(1).contiguous();
  for (int64_t t = 0; t < best.size(0); ++t) {
    const Chord chord = chord_of_class(static_cast<int>(best.data_ptr<int64_t>()[t]));
    if (!spans.empty() && spans.back().chord == chord) continue;
    const double start = t == 0 ? 0.0 : nearest_beat(static_cast<double>(t) / rate, beats);
    if (!spans.empty()) {
      spans.back().end_s = start;
      // Two borders that met at one beat leave nothing between them.
      if (spans.back().end_s <= spans.back().start_s) spans.pop_back();
    }
    if (spans.empty() || !(spans.back().chord == chord)) spans.push_back({spans.empty() ? 0.0 : start, 0.0, chord});
  }
  if (!spans.empty()) spans.back().end_s = duration_s;
  return spans;
}

std::vector<HeardTag> sorted(std::vector<HeardTag> tags) {
  std::stable_sort(tags.begin(), tags.end(), [](auto& a, auto& b) { return a.probability > b.probability; });
  return tags;
}

/// Mono at the networks' rate, at least one sample.
std::vector<float> samples_to_hear(const AudioBuffer& audio) {
  std::vector<float> mono = resample(mono_to_hear(audio), audio.sample_rate, static_cast<double>(kChordSampleRate));
  if (mono.empty()) mono.push_back(0.0f);
  return mono;
}

/// Beats from the first sound to the last: the network goes on counting in silence.
BeatTrack track_sounding(const Tensor& activations, std::span<const float> mono) {
  constexpr int64_t kNear = 5;  // frames; a beat is not always in the frame in which its sound begins
  const auto [from, to] = sounding_part(mono, kBeatHop);
  const int64_t first = std::max<int64_t>(0, from / kBeatHop - kNear);
  const int64_t end = std::min(activations.size(0), (to + kBeatHop - 1) / kBeatHop + kNear);
  BeatTrack track = track_beats(activations.slice(0, first, end));
  const auto seconds = [](int64_t samples) {
    return static_cast<double>(samples) / static_cast<double>(kChordSampleRate);
  };
  for (Beat& beat : track.beats) beat.time_s += seconds(first * kBeatHop);
  // The last frame may be shorter than the others, and its beat is in the middle of what there is of it.
  const auto samples = static_cast<int64_t>(mono.size());
  const double latest = seconds((samples - 1) / kBeatHop * kBeatHop + samples) / 2;
  if (!track.beats.empty()) track.beats.back().time_s = std::min(track.beats.back().time_s, latest);
  return track;
}

void add_tags(CalibratedTagger& tagger, const Tensor& wave, Hearing& hearing) {
  const Tags tags = listen_for_tags(tagger.net, wave);
  constexpr int64_t kBlocksPerWindow = 2;
  const auto number = [](const Tensor& x) { return x.item<double>(); };
  const TaggerOptions& options = tagger.net->options;
  const Tensor over_time = tags.blocks.t().contiguous();  // (I, B)
  const int64_t blocks = over_time.size(1);
  for (size_t i = 0; i < options.instruments.size(); ++i) {
    const auto c = static_cast<int64_t>(i);
    HeardTag tag{options.instruments[i], number(tags.instruments[c]), tagger.instrument_thresholds[i], {}};
    const float* const row = over_time.data_ptr<float>() + c * blocks;
    for (int64_t b = 0; b < blocks; b += kBlocksPerWindow)
      tag.over_time.push_back(*std::max_element(row + b, row + std::min(blocks, b + kBlocksPerWindow)));
    hearing.instruments.push_back(std::move(tag));
  }
  hearing.tag_window_s = kBlocksPerWindow * static_cast<double>(TaggerImpl::kBlockSamples) / kChordSampleRate;
  for (size_t i = 0; i < options.genres.size(); ++i)
    hearing.genres.push_back(
        {options.genres[i], number(tags.genres[static_cast<int64_t>(i)]), tagger.genre_thresholds[i], {}});
  hearing.instruments = sorted(std::move(hearing.instruments));
  hearing.genres = sorted(std::move(hearing.genres));
}

}  // namespace

struct Listener::Parts {
  NeuralChordExtractor chords;
  BeatNet beats{nullptr};
  BeatSpectrum beat_spectrum;
  KeyNet keys{nullptr};     // may be empty, …
  CalibratedTagger tagger;  // … and so may its network
};

Listener::Listener(const fs::path& model_folder) {
  if (const auto missing = missing_ear(model_folder))
    throw Error(ErrorKind::kMissing, "the model folder '" + model_folder.string() + "' has no ears/" + *missing +
                                         "; train one ('instructme train chords', '… beats') or give another folder");
  const fs::path folder = model_folder / "ears";
  parts_ = std::make_unique<Parts>(Parts{NeuralChordExtractor::load(folder), load_beat_net(folder), {}, nullptr, {}});
  if (fs::is_regular_file(folder / "keys.json")) parts_->keys = load_key_net(folder);
  if (fs::is_regular_file(folder / "tagger.json")) parts_->tagger = load_tagger(folder);
}

Listener::~Listener() = default;
Listener::Listener(Listener&&) noexcept = default;

Hearing Listener::listen(const AudioBuffer& audio, const ProgressCallback& progress, const CancelToken& cancel) {
  if (audio.frames() == 0) throw Error(ErrorKind::kInput, "there is nothing to listen to: the audio is empty");
  for (const float sample : audio.samples)
    if (!std::isfinite(sample)) throw Error(ErrorKind::kInput, "the audio holds samples that are not finite numbers");
  int64_t stage = 0;
  const auto begin = [&](const char* what) {
    constexpr int64_t kStages = 3;
    cancel.check();
    if (progress) progress({what, stage++, kStages, ""});
  };
  const torch::NoGradGuard no_grad;
  Hearing hearing;
  hearing.duration_s = audio.seconds();
  hearing.has_tagger = static_cast<bool>(parts_->tagger.net);
  std::vector<float> mono = samples_to_hear(audio);
  const Tensor wave = torch::from_blob(mono.data(), {static_cast<int64_t>(mono.size())});
  const bool silent = is_silence(mono);
  const int64_t frames = chord_frames(wave.size(0));
  hearing.chord_rate = static_cast<double>(kChordSampleRate) / static_cast<double>(kChordHop);

  begin("listening for chords");
  Tensor chords;  // (T, classes)
  if (silent) {
    chords = torch::zeros({frames, kChordClasses});
    chords.select(1, 0).fill_(1.0f);
  } else {
    chords = parts_->chords.extract(wave, frames)[0].contiguous();
  }
  for (int64_t t = 0; t < frames; ++t) {
    const float* const row = chords.data_ptr<float>() + t * kChordClasses;
    hearing.chords.emplace_back(row, row + kChordClasses);
  }
  begin("listening for beats");
  if (!silent) {
    BeatTrack track = track_sounding(beat_activations(parts_->beats, parts_->beat_spectrum, wave), mono);
    hearing.beats = std::move(track.beats);
    hearing.tempo_bpm = track.tempo_bpm;
    hearing.beats_per_bar = track.beats_per_bar;
    hearing.beat_confidence = track.confidence;
  }
  hearing.chord_spans = spans_of(chords, hearing.chord_rate, hearing.duration_s, hearing.beats);
  if (parts_->keys) hearing.keys = estimate_keys(parts_->keys, chords, hearing.duration_s);
  if (!hearing.keys.empty()) hearing.key = longest_key(hearing.keys);

  begin("listening for instruments");
  if (parts_->tagger.net && !silent) add_tags(parts_->tagger, wave, hearing);
  return hearing;
}

Ears ears_of(const fs::path& model_folder) {
  if (missing_ear(model_folder)) return {};
  auto listener = std::make_shared<std::unique_ptr<Listener>>();
  return
      [listener, model_folder](const AudioBuffer& audio, const ProgressCallback& progress, const CancelToken& cancel) {
        if (!*listener) *listener = std::make_unique<Listener>(model_folder);
        return (*listener)->listen(audio, progress, cancel);
      };
}

Ears tagger_of(const fs::path& model_folder) {
  if (!fs::is_regular_file(model_folder / "ears" / "tagger.json")) return {};
  auto tagger = std::make_shared<CalibratedTagger>();
  return [tagger, model_folder](const AudioBuffer& audio, const ProgressCallback&, const CancelToken& cancel) {
    cancel.check();
    const torch::NoGradGuard no_grad;
    if (!tagger->net) *tagger = load_tagger(model_folder / "ears");
    std::vector<float> mono = samples_to_hear(audio);
    Hearing hearing;
    hearing.duration_s = audio.seconds();
    hearing.has_tagger = true;
    add_tags(*tagger, torch::from_blob(mono.data(), {static_cast<int64_t>(mono.size())}), hearing);
    return hearing;
  };
}

Ears remembering(Ears ears) {
  struct Memory {
    uint64_t hash = 0;
    int rate = 0, channels = 0;
    Hearing hearing;
  };
  constexpr size_t kPieces = 2;
  auto memories = std::make_shared<std::deque<Memory>>();  // the last first
  return [ears = std::move(ears), memories](const AudioBuffer& audio, const ProgressCallback& progress,
                                            const CancelToken& cancel) {
    const uint64_t hash = stable_hash(bytes_of(audio.samples));
    const auto known = std::find_if(memories->begin(), memories->end(), [&](const Memory& memory) {
      return memory.hash == hash && memory.rate == audio.sample_rate && memory.channels == audio.channels;
    });
    if (known == memories->end()) {
      memories->push_front({hash, audio.sample_rate, audio.channels, ears(audio, progress, cancel)});
      if (memories->size() > kPieces) memories->pop_back();
    } else {
      std::rotate(memories->begin(), known, known + 1);
    }
    return memories->front().hearing;
  };
}

}  // namespace instructme
