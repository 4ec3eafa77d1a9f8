#pragma once

#include <torch/torch.h>
// The precompiled torch header comes first.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "instructme/audio/audio_file.h"
#include "instructme/base/files.h"
#include "instructme/base/rng.h"
#include "instructme/edit/file_edit.h"
#include "tiny_pipeline.h"

namespace fs = std::filesystem;

namespace instructme {

/// Files of noise in a folder, and an editor of random weights.
class FileEditTest : public testing::Test {
 protected:
  fs::path path(const std::string& name) const { return folder_.path() / name; }

  /// Noise whose samples use all the bits that the encoding has.
  AudioBuffer write_noise(const std::string& name, AudioEncoding encoding = AudioEncoding::kPcm16, int rate = 24000,
                          int channels = 2, double seconds = 0.5, double level = 0.2) const {
    AudioBuffer music{rate, channels, {}};
    Rng rng(4);
    for (auto count = static_cast<int64_t>(seconds * rate) * channels; count > 0; --count)
      music.samples.push_back(static_cast<float>(rng.uniform(-level, level)));
    write_audio(path(name), music, {.encoding = encoding, .tags = {{"title", "Song"}, {"artist", "Nobody"}}});
    return read_audio(path(name));
  }

  FileEditRequest request(const std::string& sentence, const std::string& file = "song.wav",
                          const std::string& output = "out.wav") const {
    FileEditRequest request{.file = path(file), .sentence = sentence, .output = path(output)};
    request.options.steps = 1;
    return request;
  }

  static Editor& editor() {
    static Editor editor(tiny_pipeline());
    return editor;
  }

  TempDir folder_;
};

}  // namespace instructme
