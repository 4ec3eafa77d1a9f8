#include "instructme/data/stem_loudness.h"

#include <cmath>
#include <vector>

#include "instructme/audio/loudness.h"
#include "instructme/base/statistics.h"
#include "instructme/data/palette.h"

namespace instructme {

std::map<std::string, StemLoudness> stem_loudness(const SongSet& songs, const ProgressCallback& progress,
                                                  const CancelToken& cancel) {
  std::map<std::string, std::vector<double>> differences;  // LU
  for (size_t song = 0; song < songs.size(); ++song) {
    cancel.check();
    if (progress) progress({"measuring", static_cast<int64_t>(song), static_cast<int64_t>(songs.size()), ""});
    const SongInfo& info = songs.info(song);
    const std::vector<StemInfo>& stems = info.arrangements.front().versions.front().stems;
    std::vector<float> mix(static_cast<size_t>(info.frames), 0.0f);
    std::vector<std::pair<std::string, double>> loudness;  // role, LUFS
    for (size_t i = 0; i < stems.size(); ++i) {
      const std::vector<float> wave = songs.clip(song, 0, 0, i, 0, info.frames);
      loudness.emplace_back(role_name(stems[i].role), loudness_lufs(wave, info.sample_rate));
      for (size_t n = 0; n < mix.size(); ++n) mix[n] += wave[n];
    }
    const double of_mix = loudness_lufs(mix, info.sample_rate);
    for (const auto& [role, lufs] : loudness)
      if (std::isfinite(lufs) && std::isfinite(of_mix)) differences[role].push_back(of_mix - lufs);
  }
  std::map<std::string, StemLoudness> out;
  for (auto& [role, values] : differences) out[role] = {static_cast<int64_t>(values.size()), upper_median(values)};
  return out;
}

}  // namespace instructme
