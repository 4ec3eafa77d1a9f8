#include <algorithm>
#include <cmath>
#include <functional>

#include "instructme/analysis/analysis.h"
#include "instructme/audio/resample.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "instructme/ears/mono_to_hear.h"

namespace instructme {
namespace {

constexpr int64_t kPiece_s = 60;

using ToMono = std::function<std::vector<float>(const AudioBuffer&)>;

std::vector<float> mono_in_pieces(const std::filesystem::path& path, const AudioInfo& info, const ToMono& to_mono,
                                  const CancelToken& cancel) {
  constexpr int64_t kMargin_s = 1;  // resampling needs a little of what lies around
  std::vector<float> music;
  music.reserve(static_cast<size_t>(info.seconds() * kAnalysisRate) + 1);
  const int64_t rate = info.sample_rate, seconds = (info.frames + rate - 1) / rate;
  for (int64_t start = 0; start < seconds; start += kPiece_s) {
    cancel.check();
    // Pieces begin on whole seconds, which are whole numbers of samples at both rates.
    const int64_t first = std::max<int64_t>(0, start - kMargin_s);
    const int64_t last = std::min(info.frames, (start + kPiece_s + kMargin_s) * rate);
    const AudioBuffer stored = read_audio(path, {.start_frame = first * rate, .frames = last - first * rate});
    const std::vector<float> piece = resample(to_mono(stored), stored.sample_rate, kAnalysisRate);
    const auto from = static_cast<int64_t>(start - first) * kAnalysisRate;
    const int64_t to = std::min(static_cast<int64_t>(piece.size()), from + kPiece_s * kAnalysisRate);
    music.insert(music.end(), piece.begin() + from, piece.begin() + std::max(from, to));
  }
  return music;
}

}  // namespace

AudioBuffer read_for_analysis(const std::filesystem::path& path, const CancelToken& cancel) {
  const AudioInfo info = probe_audio(path);
  if (info.seconds() > kLongestAnalysis_s)
    throw Error(ErrorKind::kInput,
                format("%s lasts %.1f hours; at most %.0f can be analysed at once, cut it into parts",
                       path.string().c_str(), info.seconds() / 3600, kLongestAnalysis_s / 3600));
  if (info.frames < 0 || info.seconds() <= static_cast<double>(kPiece_s)) {
    const AudioBuffer music = read_audio(path, {.max_seconds = kLongestAnalysis_s});
    return from_mono(resample(mono_to_hear(music), music.sample_rate, kAnalysisRate), kAnalysisRate);
  }
  ChannelBalance balance;
  const ToMono mix = [&](const AudioBuffer& piece) {
    balance.add(piece);
    return mix_to_mono(piece);
  };
  std::vector<float> mono = mono_in_pieces(path, info, mix, cancel);
  // Only the whole tells which channel to hear, so that it is the same throughout.
  if (const auto channel = balance.channel_to_hear()) {
    mono = std::vector<float>();  // gives its memory back
    mono = mono_in_pieces(
        path, info, [&](const AudioBuffer& piece) { return extract_channel(piece, *channel); }, cancel);
  }
  return from_mono(std::move(mono), kAnalysisRate);
}

}  // namespace instructme
