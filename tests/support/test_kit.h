#pragma once

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "instructme/audio/audio_file.h"
#include "instructme/base/files.h"

namespace instructme {

/// A drum of a made-up kit: one sine per layer, layers of equal width.
struct TestDrum {
  std::string name;
  std::vector<double> layer_hz;
  double seconds = 0.2;
};

/// Writes drumkit.xml and the sound files into `folder`.
inline void write_test_kit(const std::filesystem::path& folder, const std::vector<TestDrum>& drums, int rate = 44100) {
  make_folder(folder);
  std::string xml =
      "<?xml version=\"1.0\"?>\n<drumkit_info>\n<name>Test kit</name>\n<license>CC0</license>\n<instrumentList>\n";
  for (const TestDrum& drum : drums) {
    xml += "<instrument><name>" + drum.name + "</name><volume>1</volume><gain>1</gain><muteGroup>-1</muteGroup>\n";
    const size_t count = drum.layer_hz.size();
    for (size_t i = 0; i < count; ++i) {
      const std::string file = drum.name + std::to_string(i) + ".wav";
      std::vector<float> x(static_cast<size_t>(drum.seconds * rate));
      for (size_t t = 0; t < x.size(); ++t)
        x[t] = static_cast<float>(0.5 * std::sin(2 * M_PI * drum.layer_hz[i] * static_cast<double>(t) / rate));
      write_audio(folder / file, from_mono(x, rate));
      xml += "<layer><filename>" + file + "</filename><min>" + std::to_string(static_cast<double>(i) / count) +
             "</min><max>" + std::to_string(static_cast<double>(i + 1) / count) +
             "</max><gain>1</gain><pitch>0</pitch></layer>\n";
    }
    xml += "</instrument>\n";
  }
  write_file_atomically(folder / "drumkit.xml", xml + "</instrumentList>\n</drumkit_info>\n");
}

/// Amplitude of the sine at `hz` in x[first, first + count).
inline double level_at(const std::vector<float>& x, double hz, int rate, size_t first, size_t count) {
  double c = 0, s = 0;
  for (size_t i = first; i < first + count && i < x.size(); ++i) {
    const double phase = 2 * M_PI * hz * static_cast<double>(i) / rate;
    c += x[i] * std::cos(phase), s += x[i] * std::sin(phase);
  }
  return 2 * std::hypot(c, s) / static_cast<double>(count);
}

}  // namespace instructme
