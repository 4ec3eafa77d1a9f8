#include "instructme/session/session.h"

#include <torch/torch.h>
// The precompiled torch header comes first.
#include <cmath>

#include "expect_error.h"
#include "instructme/base/config_reader.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"
#include "instructme/score/midi_file.h"
#include "playing_options.h"
#include "session_test_support.h"
#include "small_font.h"

namespace instructme {
namespace {

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
  // Frames [first, last) have none of the violin but for fades of 0.02 s, the others all of it.
  const auto expect_gone = [&](int64_t first, int64_t last) {
    const AudioBuffer some = session.render();
    for (int64_t frame = 0; frame < some.frames(); ++frame)
      for (const auto i : {static_cast<size_t>(2 * frame), static_cast<size_t>(2 * frame + 1)}) {
        if (frame < first || frame >= last) {
          ASSERT_EQ(some.samples[i], all.samples[i]) << frame;
        } else if (frame >= first + 480 && frame < last - 480) {
          ASSERT_EQ(some.samples[i], source_.samples[i]) << frame;
        }
      }
  };
  apply_without(session, "remove the violin from 0.2 s to 0.3 s");
  expect_gone(4800, 7200);
  // What is left is a part like any other, and all that is heard of it.
  session.mute(id_of(session, "violin"), true);
  EXPECT_EQ(session.render().samples, source_.samples);
  session.undo();
  // What is gone is not taken away a second time.
  apply_without(session, "remove the violin from 0.25 s to 0.4 s");
  expect_gone(4800, 9600);
  ASSERT_EQ(session.layers().size(), 2u);
  EXPECT_EQ(session.layers().back().name, "violin");
  EXPECT_FALSE(session.layers().back().removed);
  apply_without(session, "remove the violin");
  EXPECT_EQ(session.layers().size(), 1u);
  session.export_mix(path("out.wav"));
  EXPECT_EQ(read_audio(path("out.wav")).samples, source_.samples);
  session.undo();
  expect_gone(4800, 9600);
  session.undo();
  session.undo();
  EXPECT_EQ(session.render().samples, all.samples);
}

TEST_F(SessionTest, LaterStepsSeeWhatIsLeftOfAPart) {
  Session session = begin();
  apply(session, "add a violin");
  apply_without(session, "remove the violin from 0.1 s to 0.2 s, then remove the violin from 0.3 s to 0.4 s");
  EXPECT_EQ(session.layers().size(), 2u);
  const AudioBuffer some = session.render();
  for (const int frame : {2880, 3600, 4319, 7680, 8400, 9119})
    EXPECT_EQ(some.samples[static_cast<size_t>(2 * frame)], source_.samples[static_cast<size_t>(2 * frame)]) << frame;
  apply_without(session, "remove the violin from 0 s to 0.3 s with strength 0.5");
  EXPECT_EQ(session.layers().size(), 2u);
  // Piece by piece all of it goes, and the layer with it.
  apply_without(session, "remove the violin from 0 s to 0.3 s");
  EXPECT_EQ(session.layers().size(), 2u);
  apply_without(session, "remove the violin from 0.25 s on");
  EXPECT_EQ(session.layers().size(), 1u);
  EXPECT_EQ(session.render().samples, source_.samples);
}

TEST_F(SessionTest, WhatIsLeftOfAPartKeepsItsPlaceInTheMix) {
  std::vector<float> some;
  {
    Session session = begin();
    apply(session, "add a violin");
    session.level(id_of(session, "violin"), -6);
    session.solo(id_of(session, "violin"), true);
    const AudioBuffer alone = session.render();
    apply_without(session, "remove the violin from 0.2 s to 0.3 s");
    some = session.render().samples;
    for (const size_t frame : {0, 4799, 7200, 11999}) EXPECT_EQ(some[2 * frame], alone.samples[2 * frame]) << frame;
    for (const size_t frame : {5280, 6719}) EXPECT_EQ(some[2 * frame], 0) << frame;
  }
  Session again = Session::open(session_path());
  EXPECT_EQ(again.layers().back().level_db, -6);
  EXPECT_TRUE(again.layers().back().soloed);
  EXPECT_EQ(again.render().samples, some);
  again.solo(id_of(again, "violin"), false);
  apply_without(again, "remove the violin");
  EXPECT_EQ(again.render().samples, source_.samples);
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
  session.redo();  // what was undone before the other branch began
  EXPECT_EQ(session.render().samples, both);
  session.switch_to("quiet");
  EXPECT_EQ(session.render().samples, quiet);
  expect_error(ErrorKind::kUsage, "there is no branch 'qiet' (did you mean 'quiet'",
               [&] { session.switch_to("qiet"); });
  expect_error(ErrorKind::kUsage, "already", [&] { session.branch("main"); });
  expect_error(ErrorKind::kUsage, "cannot be the name", [&] { session.branch("a b"); });
  // Nothing is ever lost: all three changes and the beginning are there.
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
  EXPECT_EQ(session.layer_called(std::to_string(violin)), violin);
  EXPECT_EQ(session.layer_called("violin"), violin);
  EXPECT_EQ(session.layer_called("the Violins"), violin);
  EXPECT_EQ(session.layer_called("music"), 0);
  expect_error(ErrorKind::kUsage, "there is no layer tuba; there are 0 (music), 1 (violin)",
               [&] { session.layer_called("tuba"); });
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
  apply(session, "add a violin", 6);
  expect_error(ErrorKind::kUsage, "are all called violin: give the number of one",
               [&] { session.layer_called("violin"); });
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

TEST_F(SessionTest, BeatsAreKeptForWhatIsMadeAnew) {
  EditorOptions options;
  options.ears = [](const AudioBuffer&, const ProgressCallback&, const CancelToken&) {
    Hearing hearing;
    hearing.beats = {{0.1, 0, 0}, {0.2, 0, 1}, {0.3, 1, 0}, {0.4, 1, 1}};
    return hearing;
  };
  Editor listening(tiny_pipeline(), options);
  const auto beats_of = [&](int id) {
    return read_json_file(session_path() / "nodes" / format("%06d.json", id)).at("beats").get<std::string>();
  };
  {
    Session session = begin();
    session.apply(editor, parse_plan("add a violin", Lexicon::builtin()),
                  {.steps = 1, .beats = {{0.1 + 0.2, 0, 0}, {1.0 / 3, 0, 1}}});
    session.reroll(editor);
    EXPECT_EQ(beats_of(1), "0.30000000000000004 0 0\n0.33333333333333331 0 1\n");
    EXPECT_EQ(beats_of(2), beats_of(1));
    session.apply([&]() -> Editor& { return listening; }, parse_plan("remove the bass in bar 1", Lexicon::builtin()));
  }
  Session session = Session::open(session_path());
  session.reroll(editor);
  EXPECT_THAT(beats_of(3), testing::StartsWith("0.1"));
  EXPECT_EQ(beats_of(4), beats_of(3));
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

TEST_F(SessionTest, WhatWasExtractedIsMusicAndNoPartThatWasAdded) {
  {
    Session session = begin();
    apply(session, "extract the bass from 0.1 s to 0.3 s");
    ASSERT_EQ(session.layers().size(), 2u);
    EXPECT_TRUE(session.layers()[1].extracted);
  }
  Session session = Session::open(session_path());
  EXPECT_TRUE(session.layers()[1].extracted);
  // Only who listens can tell what is left of it.
  expect_error(ErrorKind::kInternal, "no model is needed here",
               [&] { apply_without(session, "remove the bass from 0.3 s on"); });
  const auto before = session.render().samples;
  apply(session, "remove the bass from 0.3 s on");
  EXPECT_NE(session.render().samples, before);
  EXPECT_FALSE(session.layers().back().extracted);
  EXPECT_TRUE(session.layers().back().removed);
}

TEST_F(SessionTest, APartThatIsAllThatIsHeardCanBeReplaced) {
  Session session = begin();
  apply(session, "accompany it with a flute");
  ASSERT_EQ(session.layers().size(), 1u);
  apply(session, "replace the flute with a bass");
  EXPECT_EQ(session.layers().back().name, "bass");
  EXPECT_GT(peak(session.render().samples), 0.0f);
}

TEST_F(SessionTest, APartIsOneThatWasAddedAlsoWhereNothingOfItIsLeft) {
  Session session = begin();
  apply(session, "add a violin from 0 s to 0.2 s");
  apply_without(session, "remove the violin from 0 s to 0.3 s, then remove the violin from 0.35 s to 0.45 s");
  EXPECT_EQ(session.render().samples, source_.samples);
}

TEST_F(SessionTest, APartThatPlayedWhatItReplacesIsWrittenWhenItIsMadeAnew) {
  SKIP_WITHOUT_SMALL_FONT();
  EditorOptions options = playing_options();
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
  Editor playing(tiny_pipeline(), playing_options());
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

TEST_F(SessionTest, WhatReplacesTheRestOfAPartPlaysWhatIsLeftOfItsNotes) {
  SKIP_WITHOUT_SMALL_FONT();
  Editor playing(tiny_pipeline(), playing_options());
  const auto source = [&]() -> Editor& { return playing; };
  Session session = begin();
  session.apply(source, parse_plan("add a violin", Lexicon::builtin()),
                {.notes = {{0.05, 0.15, 72, 80}, {0.3, 0.15, 74, 80}}});
  apply_without(session, "remove the violin from 0 s to 0.28 s");
  // Whoever wants the notes that are heard wants these.
  session.apply(source, parse_plan("replace the violin with a flute", Lexicon::builtin()),
                {.part_notes = PartNotes::kHeard});
  ASSERT_EQ(session.layers().size(), 2u);
  const fs::path midi = (session_path() / session.layers().back().file).replace_extension(".mid");
  const std::vector<Note> notes = tones_of_midi(load_midi(midi.string()));
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_NEAR(notes[0].onset_s, 0.3, 0.005);
}

TEST_F(SessionTest, APartThatIsMadeAnewPlaysTheNotesThatWereGiven) {
  SKIP_WITHOUT_SMALL_FONT();
  Editor playing(tiny_pipeline(), playing_options());
  const auto source = [&]() -> Editor& { return playing; };
  std::vector<float> first;
  {
    Session session = begin();
    session.apply(source, parse_plan("add a violin", Lexicon::builtin()),
                  {.seed = 5, .notes = {{0.05, 0.2, 72, 80}, {0.3, 0.1, 74, 80}}});
    first = session.render().samples;
  }
  Session session = Session::open(session_path());
  EXPECT_THAT(session.reroll(source, 5).back(), testing::HasSubstr("the notes that were given"));
  EXPECT_EQ(session.render().samples, first);
  // And from there once more.
  session.reroll(source, 5);
  EXPECT_EQ(session.render().samples, first);
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

}  // namespace
}  // namespace instructme
