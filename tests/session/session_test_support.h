#pragma once

#include <torch/torch.h>
// The precompiled torch header comes first.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <string>

#include "instructme/audio/audio_file.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/rng.h"
#include "instructme/session/session.h"
#include "tiny_pipeline.h"

namespace fs = std::filesystem;

namespace instructme {

/// Half a second of noise, and an editor of random weights.
class SessionTest : public testing::Test {
 protected:
  SessionTest() {
    AudioBuffer music{24000, 2, {}};
    Rng rng(4);
    for (int i = 0; i < 24000; ++i)
      music.samples.push_back(static_cast<float>(std::round(rng.uniform(-0.2, 0.2) * 32768) / 32768));
    write_audio(path("song.wav"), music, {.encoding = AudioEncoding::kPcm16, .tags = {{"title", "Song"}}});
    source_ = read_audio(path("song.wav"));
  }

  fs::path path(const std::string& name) const { return folder_.path() / name; }
  fs::path session_path() const { return path("session"); }
  Session begin() const { return Session::create(session_path(), path("song.wav")); }

  static Editor& editor() {
    static Editor editor(tiny_pipeline());
    return editor;
  }
  static void apply(Session& session, const std::string& sentence, uint64_t seed = 0) {
    session.apply(editor, parse_plan(sentence, Lexicon::builtin()), {.seed = seed, .steps = 1});
  }
  static Editor& no_editor() { throw Error(ErrorKind::kInternal, "no model is needed here"); }
  /// What takes no model.
  static void apply_without(Session& session, const std::string& sentence) {
    session.apply(no_editor, parse_plan(sentence, Lexicon::builtin()));
  }
  static int id_of(const Session& session, const std::string& name) {
    for (const SessionLayer& layer : session.layers())
      if (layer.name == name) return layer.id;
    return -1;
  }

  TempDir folder_;
  AudioBuffer source_;
};

}  // namespace instructme
