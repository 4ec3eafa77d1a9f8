#include <algorithm>
#include <cmath>

#include "instructme/analysis/analysis.h"
#include "instructme/audio/resample.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"

namespace instructme {

AudioBuffer read_for_analysis(const std::filesystem::path& path, const CancelToken& cancel) {
  constexpr int64_t kPiece_s = 60, kMargin_s = 1;  // resampling needs a little of what lies around
  const AudioInfo info = probe_audio(path);
  if (info.seconds() > kLongestAnalysis_s)
    throw Error(ErrorKind::kInput,
                format("%s lasts %.1f hours; at most %.0f can be analysed at once, cut it into parts",
                       path.string().c_str(), info.seconds() / 3600, kLongestAnalysis_s / 3600));
  const auto converted = [](const AudioBuffer& piece) {
    return resample(mix_to_mono(piece), piece.sample_rate, kAnalysisRate);
  };
  if (info.frames < 0 || info.seconds() <= static_cast<double>(kPiece_s))
    return from_mono(converted(read_audio(path, {.max_seconds = kLongestAnalysis_s})), kAnalysisRate);

  std::vector<float> music;
  music.reserve(static_cast<size_t>(info.seconds() * kAnalysisRate) + 1);
  const int64_t rate = info.sample_rate, seconds = (info.frames + rate - 1) / rate;
  for (int64_t start = 0; start < seconds; start += kPiece_s) {
    cancel.check();
    // Pieces begin on whole seconds, which are whole numbers of samples at both rates.
    const int64_t first = std::max<int64_t>(0, start - kMargin_s);
    const int64_t last = std::min(info.frames, (start + kPiece_s + kMargin_s) * rate);
    const std::vector<float> piece =
        converted(read_audio(path, {.start_frame = first * rate, .frames = last - first * rate}));
    const auto from = static_cast<int64_t>(start - first) * kAnalysisRate;
    const int64_t to = std::min(static_cast<int64_t>(piece.size()), from + kPiece_s * kAnalysisRate);
    music.insert(music.end(), piece.begin() + from, piece.begin() + std::max(from, to));
  }
  return from_mono(std::move(music), kAnalysisRate);
}

}  // namespace instructme
