#include "instructme/pretrained/note_transcriber.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "instructme/audio/resample.h"
#include "instructme/base/error.h"

namespace instructme {
namespace {

constexpr int kRate = NoteNetwork::kSampleRate;
constexpr int64_t kHop = NoteNetwork::kHop, kWindow = NoteNetwork::kWindow;
constexpr int64_t kOverlap = 30;                            // frames of two neighbouring windows
constexpr int64_t kKept = NoteNetwork::kFrames - kOverlap;  // frames that count: 142
constexpr int64_t kStep = kWindow - kOverlap * kHop;        // samples from window to window: 36164
constexpr int64_t kBatch = 12;                              // windows at a time, about 20 s
constexpr int64_t kBatchesPerPart = 31;                     // decoded together: 10 min
constexpr double kPartOverlap_s = 15;                       // longer than nearly all notes

/// The samples [first, first + count) at the network's rate, silence outside the piece. Resampling needs a little of
/// what lies around.
std::vector<float> samples_at(std::span<const float> mono, int sample_rate, int64_t first, int64_t count) {
  constexpr double kMargin_s = 0.05;
  std::vector<float> result(static_cast<size_t>(count), 0.0f);
  // Blocks begin on whole seconds of both rates, so that samples of different blocks lie on one grid.
  const int64_t begin_s =
      std::max<int64_t>(0, static_cast<int64_t>(std::floor(static_cast<double>(first) / kRate - kMargin_s)));
  const auto begin = static_cast<size_t>(begin_s * sample_rate);
  const auto end = static_cast<size_t>(
      std::max(0.0, std::ceil((static_cast<double>(first + count) / kRate + kMargin_s) * sample_rate)));
  if (begin >= mono.size() || end <= begin) return result;
  const std::vector<float> block =
      resample(mono.subspan(begin, std::min(end, mono.size()) - begin), sample_rate, kRate);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t at = first + i - begin_s * kRate;
    if (at >= 0 && at < static_cast<int64_t>(block.size()))
      result[static_cast<size_t>(i)] = block[static_cast<size_t>(at)];
  }
  return result;
}

int64_t frames_before(double seconds) {
  auto frames = static_cast<int64_t>(seconds * kRate / static_cast<double>(kStep)) * kKept;
  while (NotePosteriors::time_of(frames) < seconds) ++frames;
  return frames;
}

}  // namespace

NoteTranscriber::NoteTranscriber(const std::filesystem::path& path, const NoteDecodingOptions& options)
    : network_(path), options_(options) {
  options_.validate();
}

void NoteTranscriber::listen(std::span<const float> mono, int sample_rate, const Use& use,
                             const ProgressCallback& progress, const CancelToken& cancel) const {
  ensure(!mono.empty() && sample_rate > 0, "notes are heard in one sample or more");
  const int64_t frames = frames_before(static_cast<double>(mono.size()) / sample_rate);
  const int64_t windows = (frames + kKept - 1) / kKept;
  for (int64_t first = 0; first < windows; first += kBatch) {
    cancel.check();
    const int64_t count = std::min(kBatch, windows - first);
    // Half of the overlap lies before the first frame that counts.
    std::vector<float> samples =
        samples_at(mono, sample_rate, first * kStep - kOverlap / 2 * kHop, (count - 1) * kStep + kWindow);
    const at::Tensor wave = at::from_blob(samples.data(), {static_cast<int64_t>(samples.size())}, at::kFloat);
    const NoteNetwork::Output output = network_.forward(wave.unfold(0, kWindow, kStep).contiguous());
    const int64_t start = first * kKept, wanted = std::min(count * kKept, frames - start);
    const auto kept = [&](const at::Tensor& x) {
      return x.slice(1, kOverlap / 2, kOverlap / 2 + kKept)
          .reshape({count * kKept, NoteNetwork::kKeys})
          .slice(0, 0, wanted);
    };
    use(start, {kept(output.note), kept(output.onset)});
    if (progress) progress({"hearing notes", first + count, windows, ""});
  }
}

std::vector<Note> NoteTranscriber::transcribe(std::span<const float> mono, int sample_rate, const Use& also,
                                              const ProgressCallback& progress, const CancelToken& cancel) const {
  constexpr int64_t kPart = kBatch * kBatchesPerPart * kKept;  // frames
  constexpr auto kExtra = static_cast<int64_t>(kPartOverlap_s / (kStep / static_cast<double>(kRate))) * kKept;
  const double duration = static_cast<double>(mono.size()) / sample_rate;
  std::vector<Note> notes;
  std::vector<at::Tensor> note, onset;
  int64_t part_start = 0, held = 0;  // of the frames in hand

  // Decodes what is in hand and keeps the notes that begin in it, but for those at its end, which the next part sees
  // better.
  const auto decode = [&](bool last) {
    const NotePosteriors posteriors{at::cat(note), at::cat(onset)};
    const double shift = NotePosteriors::time_of(part_start);
    const double from = part_start == 0 ? 0.0 : NotePosteriors::time_of(part_start + kExtra / 2);
    const double to = last ? duration : NotePosteriors::time_of(part_start + held - kExtra / 2);
    for (Note found : decode_notes(posteriors, options_)) {
      found.onset_s += shift;
      if (found.onset_s < from || found.onset_s >= to) continue;
      found.duration_s = std::min(found.duration_s, duration - found.onset_s);
      notes.push_back(found);
    }
    const int64_t kept = std::min(kExtra, held);
    note = {posteriors.note.slice(0, held - kept).clone()};
    onset = {posteriors.onset.slice(0, held - kept).clone()};
    part_start += held - kept;
    held = kept;
  };
  listen(
      mono, sample_rate,
      [&](int64_t first, const NotePosteriors& posteriors) {
        if (also) also(first, posteriors);
        note.push_back(posteriors.note);
        onset.push_back(posteriors.onset);
        held += posteriors.note.size(0);
        if (held >= kPart) decode(false);
      },
      progress, cancel);
  if (held > 0) decode(true);
  return notes;
}

}  // namespace instructme
