#include "stem_audio.h"

#include <algorithm>

#include "instructme/audio/audio_file.h"
#include "instructme/audio/resample.h"
#include "instructme/base/error.h"

namespace instructme {

double SongHeaders::seconds(size_t stem) const {
  double longest = 0;
  for (const File& file : stems.at(stem)) longest = std::max(longest, file.seconds);
  return longest;
}

bool SongHeaders::exact(size_t stem) const {
  const std::vector<File>& files = stems.at(stem);
  return std::all_of(files.begin(), files.end(), [](const File& file) { return file.exact; });
}

double SongHeaders::longest() const {
  double longest = 0;
  for (size_t s = 0; s < stems.size(); ++s) longest = std::max(longest, seconds(s));
  return longest;
}

SongHeaders read_headers(const MultitrackSong& song) {
  SongHeaders headers;
  for (const MultitrackStem& stem : song.stems) {
    std::vector<SongHeaders::File>& files = headers.stems.emplace_back();
    for (const StemPart& part : stem.files) {
      SongHeaders::File& file = files.emplace_back();
      std::error_code code;
      if (!std::filesystem::exists(part.path, code)) {
        file.missing = true;
        file.error = "The file '" + part.path.string() + "' is missing.";
        continue;
      }
      try {
        const AudioInfo info = probe_audio(part.path);
        file.seconds = info.seconds();
        file.exact = info.frames >= 0 && info.extension != ".mp3";  // of which only some state their length
        file.sample_rate = info.sample_rate;
      } catch (const Error& error) {
        file.error = error.what();
      }
    }
  }
  return headers;
}

std::vector<float> read_mono(const std::filesystem::path& path, int sample_rate) {
  const AudioBuffer audio = read_audio(path);
  std::vector<float> mono = mix_to_mono(audio);
  return audio.sample_rate == sample_rate ? mono : resample(mono, audio.sample_rate, sample_rate);
}

std::vector<float> read_stem_sum(const MultitrackStem& stem, int sample_rate) {
  std::vector<float> sum;
  for (const StemPart& part : stem.files) add_to(sum, read_mono(part.path, sample_rate), part.gain);
  return sum;
}

void add_to(std::vector<float>& sum, const std::vector<float>& part, double gain) {
  if (sum.size() < part.size()) sum.resize(part.size());
  const auto factor = static_cast<float>(gain);
  for (size_t i = 0; i < part.size(); ++i) sum[i] += factor * part[i];
}

}  // namespace instructme
