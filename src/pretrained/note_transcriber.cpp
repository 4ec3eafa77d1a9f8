#include "instructme/pretrained/note_transcriber.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "instructme/audio/resample.h"
#include "instructme/base/error.h"

namespace instructme {
namespace {

constexpr int kRate = NoteNetwork::kSampleRate;
constexpr int64_t kHop = NoteNetwork::kHop, kWindow = NoteNetwork::kWindow;
constexpr int64_t kKept = NotePosteriors::kFramesPerWindow, kStep = NotePosteriors::kWindowStep;
constexpr int64_t kOverlap = NoteNetwork::kFrames - kKept;  // frames of two neighbouring windows: 30
constexpr double kSilence = 1e-4;                           // peak of a silent window, -80 dBFS
constexpr int64_t kBatch = 12;                              // windows at a time, about 20 s

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
    const at::Tensor heard = wave.unfold(0, kWindow, kStep).contiguous();
    NoteNetwork::Output output = network_.forward(heard);
    // The network stretches each window to full range; what it makes of the dust in a silent one is no music.
    const at::Tensor sounds = heard.abs().amax(1).ge(kSilence).to(at::kFloat).view({-1, 1, 1});
    output.note.mul_(sounds);
    output.onset.mul_(sounds);
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
  NoteCollector notes(options_);
  listen(
      mono, sample_rate,
      [&](int64_t first, const NotePosteriors& posteriors) {
        if (also) also(first, posteriors);
        notes.add(posteriors);
      },
      progress, cancel);
  return notes.finish(static_cast<double>(mono.size()) / sample_rate);
}

std::function<std::vector<Note>(const AudioBuffer&, const ProgressCallback&, const CancelToken&)> transcriber_of(
    const std::filesystem::path& path) {
  if (path.empty()) return {};
  return [path, transcriber = std::shared_ptr<NoteTranscriber>()](
             const AudioBuffer& audio, const ProgressCallback& progress, const CancelToken& cancel) mutable {
    if (!transcriber) transcriber = std::make_shared<NoteTranscriber>(path);
    return transcriber->transcribe(mix_to_mono(audio), audio.sample_rate, {}, progress, cancel);
  };
}

}  // namespace instructme
