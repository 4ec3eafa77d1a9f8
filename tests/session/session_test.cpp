#include "instructme/session/session.h"

#include <torch/torch.h>
// The precompiled torch header comes first.
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "expect_error.h"
#include "instructme/audio/audio_file.h"
#include "instructme/base/config_reader.h"
#include "instructme/base/files.h"
#include "instructme/base/rng.h"
#include "instructme/score/midi_file.h"
#include "small_font.h"
#include "tiny_pipeline.h"

namespace fs = std::filesystem;

namespace instructme {
namespace {

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
    session.apply([]() -> Editor& { return editor(); }, parse_plan(sentence, Lexicon::builtin()),
                  {.seed = seed, .steps = 1});
  }
  static Editor& no_editor() { throw Error(ErrorKind::kInternal, "no model is needed here"); }
  static int id_of(const Session& session, const std::string& name) {
    for (const SessionLayer& layer : session.layers())
      if (layer.name == name) return layer.id;
    return -1;
  }

  TempDir folder_;
  AudioBuffer source_;
};

TEST_F(SessionTest, WhatWasAddedIsRemovedExactly) {
  Session session = begin();
  EXPECT_EQ(session.render().samples, source_.samples);
  apply(session, "add a violin");
  const auto with_violin = session.render().samples;
  EXPECT_NE(with_violin, source_.samples);
  apply(session, "add a piano");
  apply(session, "replace the bass with an organ");
  EXPECT_EQ(session.layers().size(), 5u);
  // By its own stem, without a model.
  session.apply(no_editor, parse_plan("remove the violin", Lexicon::builtin()));
  EXPECT_EQ(id_of(session, "violin"), -1);
  session.apply(no_editor, parse_plan("remove the piano and the organ", Lexicon::builtin()));
  session.mute(id_of(session, "bass"), true);  // the removed bass comes back
  EXPECT_EQ(session.render().samples, source_.samples);
}

TEST_F(SessionTest, AddedPartsAreRemovedInPartToo) {
  Session session = begin();
  apply(session, "add a violin");
  const AudioBuffer all = session.render();
  session.apply(no_editor, parse_plan("remove the violin from 0.2 s to 0.3 s", Lexicon::builtin()));
  const AudioBuffer some = session.render();
  for (size_t i = 0; i < all.samples.size(); ++i) {
    const size_t frame = i / 2;
    if (frame < 4800 || frame >= 7200) {
      ASSERT_EQ(some.samples[i], all.samples[i]);
    } else if (frame >= 5280 && frame < 6720) {
      ASSERT_EQ(some.samples[i], source_.samples[i]);
    }
  }
}

TEST_F(SessionTest, UndoRedoAndBranches) {
  Session session = begin();
  expect_error(ErrorKind::kUsage, "nothing has been done", [&] { session.undo(); });
  expect_error(ErrorKind::kUsage, "nothing has been undone", [&] { session.redo(); });
  apply(session, "add a violin");
  const auto violin = session.render().samples;
  apply(session, "remove the bass");
  const auto both = session.render().samples;
  session.undo();
  EXPECT_EQ(session.render().samples, violin);
  session.undo();
  EXPECT_EQ(session.render().samples, source_.samples);
  session.redo();
  session.redo();
  EXPECT_EQ(session.render().samples, both);
  session.undo();
  session.branch("quiet");
  session.level(id_of(session, "violin"), -12);
  EXPECT_EQ(session.current_branch(), "quiet");
  const auto quiet = session.render().samples;
  EXPECT_NE(quiet, violin);
  session.switch_to("main");
  EXPECT_EQ(session.render().samples, violin);
  session.switch_to("quiet");
  EXPECT_EQ(session.render().samples, quiet);
  expect_error(ErrorKind::kUsage, "there is no branch 'qiet' (did you mean 'quiet'",
               [&] { session.switch_to("qiet"); });
  expect_error(ErrorKind::kUsage, "already", [&] { session.branch("main"); });
  expect_error(ErrorKind::kUsage, "cannot be the name", [&] { session.branch("a b"); });
  // Nothing is ever lost: all five changes and the beginning are there.
  EXPECT_EQ(session.log().size(), 4u);
}

TEST_F(SessionTest, MixAndReroll) {
  Session session = begin();
  apply(session, "add a violin", 5);
  const int violin = id_of(session, "violin");
  session.solo(violin, true);
  const AudioBuffer alone = session.render();
  session.solo(violin, false);
  AudioBuffer sum = source_;
  add_audio(sum, alone);
  EXPECT_EQ(session.render().samples, sum.samples);
  session.mute(violin, true);
  EXPECT_EQ(session.render().samples, source_.samples);
  session.mute(violin, false);
  session.level(violin, -6);
  const AudioBuffer mix = session.render();
  for (size_t i = 0; i < mix.samples.size(); ++i)
    ASSERT_NEAR(mix.samples[i], source_.samples[i] + std::pow(10, -0.3) * alone.samples[i], 2e-7);
  expect_error(ErrorKind::kUsage, "there is no layer 9", [&] { session.mute(9, true); });
  expect_error(ErrorKind::kUsage, "from -120 to 40 dB", [&] { session.level(violin, 1e9); });

  expect_error(ErrorKind::kUsage, "which is no edit", [&] { session.reroll([]() -> Editor& { return editor(); }); });
  for (int i = 0; i < 6; ++i) session.undo();
  apply(session, "add a violin", 5);
  const auto first = session.render().samples;
  session.reroll([]() -> Editor& { return editor(); });
  EXPECT_NE(session.render().samples, first);
  EXPECT_THAT(session.log().back().text, testing::HasSubstr("(seed 6)"));
  session.reroll([]() -> Editor& { return editor(); }, 5);
  EXPECT_EQ(session.render().samples, first);
}

TEST_F(SessionTest, BarsAreCountedByTheBeatsOfTheMusicAsItCame) {
  std::vector<float> heard;
  EditorOptions options;
  options.ears = [&](const AudioBuffer& audio, const ProgressCallback&, const CancelToken&) {
    heard = audio.samples;
    Hearing hearing;
    hearing.beats = {{0.1, 0, 0}, {0.2, 0, 1}, {0.3, 1, 0}, {0.4, 1, 1}};
    return hearing;
  };
  Editor listening(tiny_pipeline(), options);
  Session session = begin();
  apply(session, "add a violin");
  session.apply([&]() -> Editor& { return listening; }, parse_plan("remove the bass in bar 1", Lexicon::builtin()));
  EXPECT_EQ(heard, source_.samples);
  EXPECT_THAT(session.log().back().text, testing::HasSubstr("remove bass from 0.1 s to 0.3 s"));
  expect_error(ErrorKind::kInput, "no ears to hear them", [&] { apply(session, "remove the piano in bar 1"); });
}

TEST_F(SessionTest, APartThatIsMadeAnewStandsWhereItStood) {
  Session session = begin();
  session.apply([]() -> Editor& { return editor(); }, parse_plan("add a violin", Lexicon::builtin()),
                {.seed = 5, .steps = 1, .pan = -1});
  session.reroll([]() -> Editor& { return editor(); });
  session.solo(id_of(session, "violin"), true);
  EXPECT_GT(peak(extract_channel(session.render(), 0)), 1e-3f);
  EXPECT_LT(peak(extract_channel(session.render(), 1)), 1e-6f);
}

TEST_F(SessionTest, ExtractingAndRemixingLeaveNothingOfTheMix) {
  Session session = begin();
  apply(session, "add a violin");
  apply(session, "extract the bass");
  ASSERT_EQ(session.layers().size(), 1u);
  EXPECT_EQ(session.layers()[0].name, "bass");
  session.undo();
  apply(session, "remix it to funk");
  ASSERT_EQ(session.layers().size(), 1u);
  EXPECT_EQ(session.layers()[0].name, "music");
}

TEST_F(SessionTest, ComesBackFromItsFolder) {
  std::vector<float> mix;
  {
    Session session = begin();
    apply(session, "remove the bass and add a violin");
    session.level(id_of(session, "violin"), -3);
    mix = session.render().samples;
  }
  Session again = Session::open(session_path());
  EXPECT_EQ(again.render().samples, mix);
  const WrittenLike written = again.export_mix(path("out.wav"), path("layers"));
  EXPECT_TRUE(written.notes.empty());
  const AudioInfo info = probe_audio(path("out.wav"));
  EXPECT_EQ(info.bit_depth, 16);
  EXPECT_EQ(info.tags.at("title"), "Song");
  AudioBuffer sum{24000, 2, std::vector<float>(mix.size(), 0.0f)};
  int files = 0;
  for (const auto& entry : fs::directory_iterator(path("layers"))) add_audio(sum, read_audio(entry.path())), ++files;
  EXPECT_EQ(files, 3);
  EXPECT_EQ(sum.samples, mix);
}

TEST_F(SessionTest, OneProcessAtATime) {
  Session session = begin();
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      Session::open(session_path());
    } catch (const Error& error) {
      ::_exit(std::string(error.what()).find("in use by another process") != std::string::npos ? 7 : 8);
    }
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 7);
}

/// What a session may look like after a crash: every file that a change writes, but the later ones missing.
TEST_F(SessionTest, ACrashAtAnyMomentLeavesBeforeOrAfter) {
  std::vector<float> before, after;
  std::vector<fs::path> old_files;
  std::string old_state;
  {
    Session session = begin();
    apply(session, "add a violin");
    before = session.render().samples;
    old_state = read_text_file(session_path() / "state.json");
    for (const auto& entry : fs::recursive_directory_iterator(session_path())) old_files.push_back(entry.path());
    apply(session, "replace the bass with a piano");
    after = session.render().samples;
  }
  ASSERT_NE(before, after);
  const std::string new_state = read_text_file(session_path() / "state.json");
  EXPECT_EQ(Session::open(session_path()).render().samples, after);
  // Before the state was written: node and stems are there, but nobody stands on them.
  write_file_atomically(session_path() / "state.json", old_state);
  write_file_atomically(session_path() / "nodes" / ".000002.part-1.json", "{");  // and half of a file
  {
    Session session = Session::open(session_path());
    EXPECT_EQ(session.render().samples, before);
    apply(session, "replace the bass with a piano");
    EXPECT_EQ(session.render().samples, after);
    session.undo();
  }
  // Before the node was written: only stems.
  fs::remove(session_path() / "nodes" / "000003.json");
  fs::remove(session_path() / "nodes" / "000002.json");
  write_file_atomically(session_path() / "state.json", old_state);
  Session session = Session::open(session_path());
  EXPECT_EQ(session.render().samples, before);
  apply(session, "replace the bass with a piano");
  EXPECT_EQ(session.render().samples, after);
}

TEST_F(SessionTest, APartThatPlayedWhatItReplacesIsWrittenWhenItIsMadeAnew) {
  SKIP_WITHOUT_SMALL_FONT();
  EditorOptions options;
  options.accompanist = std::make_shared<Accompanist>(PaletteOptions{.fonts = {small_font()}});
  options.ears = [](const AudioBuffer&, const ProgressCallback&, const CancelToken&) {
    Hearing hearing;
    for (int i = 0; i < 4; ++i) hearing.beats.push_back({0.1 * i, 0, i});
    hearing.chord_spans = {{0, 0.5, Chord::of(0, ChordQuality::kMaj)}};
    return hearing;
  };
  options.transcribes = [](const AudioBuffer&, const ProgressCallback&, const CancelToken&) {
    return std::vector<Note>{{0.1, 0.3, 72, 80}};
  };
  Editor playing(tiny_pipeline(), options);
  const auto source = [&]() -> Editor& { return playing; };
  Session session = begin();
  const auto told = [](const std::vector<std::string>& notes) { return notes.empty() ? "" : notes.back(); };
  EXPECT_THAT(told(session.apply(source, parse_plan("replace the piano with a violin", Lexicon::builtin()))),
              testing::HasSubstr("the notes that are heard"));
  const auto first = session.render().samples;
  EXPECT_THAT(told(session.reroll(source)), testing::Not(testing::HasSubstr("the notes that are heard")));
  EXPECT_NE(session.render().samples, first);
  session.undo();
  session.apply(source, parse_plan("replace the piano with a violin", Lexicon::builtin()),
                {.part_notes = PartNotes::kHeard});
  EXPECT_THAT(told(session.reroll(source)), testing::HasSubstr("the notes that are heard"));
}

TEST_F(SessionTest, WhatReplacesAPartThatWasAddedPlaysItsNotes) {
  SKIP_WITHOUT_SMALL_FONT();
  EditorOptions options;
  options.accompanist = std::make_shared<Accompanist>(PaletteOptions{.fonts = {small_font()}});
  Editor playing(tiny_pipeline(), options);
  const auto source = [&]() -> Editor& { return playing; };
  Session session = begin();
  session.apply(source, parse_plan("add a violin", Lexicon::builtin()),
                {.notes = {{0.05, 0.2, 72, 80}, {0.3, 0.1, 74, 80}}});
  const fs::path folder = session_path();
  const auto notes_of = [&](const SessionLayer& layer) {
    return tones_of_midi(load_midi((folder / layer.file).replace_extension(".mid").string()));
  };
  ASSERT_EQ(session.layers().size(), 2u);
  const auto first = notes_of(session.layers().back());
  ASSERT_EQ(first.size(), 2u);
  session.apply(source, parse_plan("replace the violin with a flute", Lexicon::builtin()));
  ASSERT_EQ(session.layers().size(), 2u);
  EXPECT_EQ(session.layers().back().name, "flute");
  const auto second = notes_of(session.layers().back());
  ASSERT_EQ(second.size(), first.size());
  for (size_t i = 0; i < first.size(); ++i) {
    EXPECT_NEAR(second[i].onset_s, first[i].onset_s, 0.005);
    EXPECT_EQ(second[i].pitch, first[i].pitch);
  }
  // Notes are looked at as closely as sounds.
  write_file_atomically((folder / session.layers().back().file).replace_extension(".mid"), "no notes");
  expect_error(ErrorKind::kInput, "damaged",
               [&] { session.apply(source, parse_plan("replace the flute with an oboe", Lexicon::builtin())); });
}

TEST_F(SessionTest, SaysWhatOneShouldKnowOfAnEdit) {
  Session session = begin();
  const auto source = []() -> Editor& { return editor(); };
  EXPECT_TRUE(session.apply(source, parse_plan("remove the piano", Lexicon::builtin())).empty());
  // The family stands for what the model has not learned.
  EXPECT_EQ(session.apply(source, parse_plan("remove the harpsichord", Lexicon::builtin())).size(), 1u);
  EXPECT_EQ(session.reroll(source).size(), 1u);
}

TEST_F(SessionTest, AnEditThatFailsChangesNothing) {
  Session session = begin();
  apply(session, "add a violin");
  const auto mix = session.render().samples;
  expect_error(ErrorKind::kInput, "outside the music", [&] { apply(session, "remove the bass after 0:20"); });
  EXPECT_EQ(session.render().samples, mix);
  EXPECT_EQ(session.log().size(), 2u);
}

TEST_F(SessionTest, DamageIsNamed) {
  {
    Session session = begin();
    apply(session, "add a violin");
  }
  const auto refused = [&](const std::string& part) {
    SCOPED_TRACE(part);
    expect_error(ErrorKind::kInput, part, [&] { Session::open(session_path()).render(); });
  };
  const auto with = [&](const std::string& name, const std::string& text, const std::string& part) {
    const std::string old = read_text_file(session_path() / name);
    write_file_atomically(session_path() / name, text);
    refused(part);
    write_file_atomically(session_path() / name, old);
  };
  std::string stem;
  for (const auto& entry : fs::directory_iterator(session_path() / "stems"))
    stem = "stems/" + entry.path().filename().string();
  const std::string sound = read_text_file(session_path() / stem);
  with(stem, sound.substr(0, 100), "has 100 bytes instead of");
  std::string changed = sound;
  changed[changed.size() / 2] ^= 1;
  with(stem, changed, "have changed");
  with("state.json", "{", "state.json cannot be understood");
  with("state.json", R"({"head": 9, "branch": "main", "branches": {"main": 9}, "redo": []})",
       "a change that is not there");
  with("nodes/000001.json", R"({"id": 1})", "damaged");
  with("session.json", R"({"format": "instructme-session", "version": 2})", "newer version");
  with("session.json", R"({"format": "other", "version": 1})", "is not of a session");
  fs::rename(session_path() / stem, path("elsewhere"));
  refused(stem + " is missing");
  fs::rename(path("elsewhere"), session_path() / stem);
  fs::remove(session_path() / "nodes" / "000000.json");
  refused("nodes/000000.json is missing");
  expect_error(ErrorKind::kInput, "there is no session", [&] { Session::open(path("nowhere")); });
  fs::create_directory(path("empty"));
  expect_error(ErrorKind::kInput, "is no session", [&] { Session::open(path("empty")); });
  EXPECT_TRUE(fs::is_empty(path("empty")));
  expect_error(ErrorKind::kUsage, "exists", [&] { Session::create(session_path(), path("song.wav")); });
  expect_error(ErrorKind::kInput, "does not exist", [&] { Session::create(path("new"), path("absent.wav")); });
  EXPECT_FALSE(fs::exists(path("new")));
}

}  // namespace
}  // namespace instructme
