#include <torch/torch.h>
// The precompiled torch header comes first.
#include <algorithm>
#include <cmath>

#include "expect_error.h"
#include "instructme/audio/loudness.h"
#include "instructme/base/rng.h"
#include "instructme/edit/editor.h"
#include "instructme/synth/stem_renderer.h"
#include "playing_options.h"
#include "small_font.h"
#include "tiny_pipeline.h"

namespace instructme {
namespace {

AudioBuffer music(int rate, int channels, double seconds) {
  AudioBuffer buffer{rate, channels, {}};
  buffer.samples.resize(static_cast<size_t>(seconds * rate) * static_cast<size_t>(channels));
  Rng rng(4);
  // On the grid of 16 bits, so that sums of stems are exact.
  for (float& sample : buffer.samples) sample = static_cast<float>(std::round(3276.8 * rng.uniform(-1, 1)) / 32768);
  return buffer;
}

std::vector<Beat> beats_for(double seconds) {
  std::vector<Beat> beats;
  for (int i = 0; 0.5 * i + 0.1 < seconds; ++i) beats.push_back({0.1 + 0.5 * i, i / 4, i % 4});
  return beats;
}

/// Ears that hear a beat and C major in everything, and count how often they listen.
Ears steady_ears(int* listened = nullptr) {
  return [listened](const AudioBuffer& audio, const ProgressCallback&, const CancelToken&) {
    if (listened != nullptr) ++*listened;
    Hearing hearing;
    hearing.duration_s = audio.seconds();
    hearing.beats = beats_for(audio.seconds());
    hearing.chord_spans = {{0, audio.seconds(), Chord::of(0, ChordQuality::kMaj)}};
    return hearing;
  };
}

EditorOptions with_players(Ears ears) {
  EditorOptions options = playing_options();
  options.ears = std::move(ears);
  return options;
}

double largest_difference(const AudioBuffer& a, const AudioBuffer& b) {
  double largest = 0;
  for (size_t i = 0; i < a.samples.size(); ++i)
    largest = std::max(largest, static_cast<double>(std::abs(a.samples[i] - b.samples[i])));
  return largest;
}

TEST(PlayedParts, AreAddedToAnUntouchedSource) {
  SKIP_WITHOUT_SMALL_FONT();
  int listened = 0;
  Editor editor(tiny_pipeline(), with_players(steady_ears(&listened)));
  for (const auto& [rate, channels] : std::vector<std::pair<int, int>>{{24000, 1}, {44100, 2}, {8000, 6}}) {
    SCOPED_TRACE(rate);
    const AudioBuffer source = music(rate, channels, 4);
    const EditResult result = editor.edit(source, "add a bass and a drum kit");
    ASSERT_EQ(result.stems.size(), 2u);
    EXPECT_EQ(result.seconds_sample, 0);
    for (const EditedStem& stem : result.stems) {
      ASSERT_TRUE(stem.notes.has_value());
      EXPECT_FALSE(stem.notes->notes.empty());
      EXPECT_EQ(stem.audio.channels, channels);
    }
    EXPECT_EQ(largest_difference(result.residual(), source), 0);
    EXPECT_GT(largest_difference(result.audio, source), 0.01);
    ASSERT_EQ(result.notes.size(), 2u);
    EXPECT_NE(result.notes[0].find(" of TimGM6mb.sf2"), std::string::npos) << result.notes[0];
  }
  EXPECT_EQ(listened, 3);  // once for both parts
}

TEST(PlayedParts, RangesHoldAndNotesAreInSecondsOfTheSource) {
  SKIP_WITHOUT_SMALL_FONT();
  Editor editor(tiny_pipeline(), with_players(steady_ears()));
  const AudioBuffer source = music(24000, 1, 40);
  const EditResult result = editor.edit(source, "add a piano from 20 to 24 seconds");
  int64_t outside = 0;
  for (size_t i = 0; i < source.samples.size(); ++i)
    outside += (i < 20 * 24000 || i >= 24 * 24000) && result.audio.samples[i] != source.samples[i];
  EXPECT_EQ(outside, 0);
  EXPECT_GT(largest_difference(result.audio, source), 0.001);
  const auto& notes = result.stems[0].notes->notes;
  EXPECT_GT(notes.front().onset_s, 5);
  EXPECT_LT(notes.front().onset_s, 21);
}

TEST(PlayedParts, AreSilentWhereTheMusicIs) {
  SKIP_WITHOUT_SMALL_FONT();
  Editor editor(tiny_pipeline(), with_players(steady_ears()));
  AudioBuffer source = music(24000, 1, 12);
  std::fill(source.samples.begin() + 4 * 24000, source.samples.begin() + 8 * 24000, 0.0f);
  for (const char* sentence : {"add a drum kit", "add a synth pad", "add a bass"}) {
    const EditResult result = editor.edit(source, sentence);
    const auto& notes = result.stems[0].notes->notes;
    EXPECT_TRUE(std::any_of(notes.begin(), notes.end(), [](const Note& n) { return n.onset_s >= 8; })) << sentence;
    for (const Note& note : notes)
      EXPECT_TRUE(note.onset_s + note.duration_s < 4.11 || note.onset_s > 7.89) << sentence;
  }
}

TEST(PlayedParts, JoinInWhereChannelsCancelEachOther) {
  SKIP_WITHOUT_SMALL_FONT();
  Editor editor(tiny_pipeline(), with_players(steady_ears()));
  const std::vector<float> one = music(24000, 1, 4).samples;
  std::vector<float> other = one;
  for (float& sample : other) sample = -sample;
  const EditResult result = editor.edit(from_planar({one, other}, 24000), "add a bass");
  ASSERT_TRUE(result.stems[0].notes.has_value());
  EXPECT_FALSE(result.stems[0].notes->notes.empty());
}

TEST(PlayedParts, AreSoftInMusicThatIsHardlyHeard) {
  SKIP_WITHOUT_SMALL_FONT();
  Editor editor(tiny_pipeline(), with_players(steady_ears()));
  AudioBuffer source = music(24000, 1, 4);
  for (float& sample : source.samples) sample *= 0.002f;
  ASSERT_FALSE(std::isfinite(loudness_lufs(source)));
  for (const char* sentence : {"add a bass", "remix this with bass, drums and piano"})
    EXPECT_LT(peak(editor.edit(source, sentence).stems[0].audio.samples), 0.01f) << sentence;
}

TEST(PlayedParts, SayWhatWasHeardOfAllTheMusic) {
  SKIP_WITHOUT_SMALL_FONT();
  Editor editor(tiny_pipeline(), with_players(steady_ears()));
  const AudioBuffer source = music(24000, 1, 20);
  const EditResult all = editor.edit(source, "add a bass and a piano"),
                   some = editor.edit(source, "add a bass from 2 to 4 seconds"),
                   given = editor.edit(source, "add a bass", {.beats = beats_for(20)}),
                   none = editor.edit(source, "remove the bass");
  EXPECT_EQ(all.heard_beats.size(), beats_for(20).size());
  ASSERT_EQ(all.heard_chords.size(), 1u);
  EXPECT_EQ(all.heard_chords[0].end_s, 20);
  EXPECT_TRUE(some.heard_beats.empty() && some.heard_chords.empty());
  EXPECT_TRUE(given.heard_beats.empty());
  EXPECT_EQ(given.heard_chords.size(), 1u);
  EXPECT_TRUE(none.heard_beats.empty() && none.heard_chords.empty());
}

TEST(PlayedParts, PlayTheNotesThatAreGiven) {
  SKIP_WITHOUT_SMALL_FONT();
  Editor editor(tiny_pipeline(), with_players({}));
  const AudioBuffer source = music(24000, 2, 40);
  EditOptions edit;
  edit.notes = {{1, 0.5, 72, 80}, {21, 2, 74, 80}, {30, 1, 76, 80}};
  const auto pitches_of = [&](const std::string& sentence) {
    std::vector<int> pitches;
    for (const Note& note : editor.edit(source, sentence, edit).stems.back().notes->notes)
      pitches.push_back(note.pitch);
    return pitches;
  };
  EXPECT_EQ(pitches_of("add a violin"), (std::vector<int>{72, 74, 76}));
  EXPECT_EQ(pitches_of("accompany it with a flute"), (std::vector<int>{72, 74, 76}));
  const EditResult result = editor.edit(source, "add a violin from 20 to 24 seconds", edit);
  EXPECT_NE(result.notes[0].find("the notes that were given"), std::string::npos) << result.notes[0];
  EXPECT_NEAR(result.stems[0].notes->notes.at(0).onset_s, 21, 0.01);
  double before = 0, after = 0;
  for (int64_t frame = 20 * 24000; frame < 24 * 24000; ++frame) {
    const float sample = result.stems[0].audio.samples[static_cast<size_t>(2 * frame)];
    (frame < 20.9 * 24000 ? before : after) += static_cast<double>(sample) * sample;
  }
  EXPECT_EQ(before, 0);
  EXPECT_GT(after, 0.001);
}

TEST(PlayedParts, NotesThatNothingPlaysAreErrors) {
  SKIP_WITHOUT_SMALL_FONT();
  Editor editor(tiny_pipeline(), with_players(steady_ears()));
  const AudioBuffer source = music(24000, 1, 4);
  EditOptions edit;
  edit.notes = {{1, 0.5, 72, 80}};
  expect_error(ErrorKind::kInput, "nothing plays the notes", [&] { editor.edit(source, "add a drum kit", edit); });
  expect_error(ErrorKind::kInput, "nothing plays the notes", [&] { editor.edit(source, "remove the piano", edit); });
  expect_error(ErrorKind::kInput, "none of the 1 notes", [&] {
    editor.edit(source, "add a violin after 2 s", {.notes = {{30, 1, 72, 80}}});
  });
  edit.part_notes = PartNotes::kWritten;
  expect_error(ErrorKind::kUsage, "leave one of them out", [&] { editor.edit(source, "add a violin", edit); });
  // Those that sound near the part, where only its surroundings are heard, are not in it.
  expect_error(ErrorKind::kInput, "sounds between 2.00 s and 3.00 s, where the new part is to be", [&] {
    editor.edit(source, "add a violin from 2 to 3 seconds", {.notes = {{1, 0.5, 72, 80}}});
  });
}

TEST(PlayedParts, GivenBeatsAndChordsNeedNoEars) {
  SKIP_WITHOUT_SMALL_FONT();
  EditorOptions options = with_players({});
  Editor editor(tiny_pipeline(), options);
  const AudioBuffer source = music(24000, 1, 4);
  EditOptions edit;
  edit.beats = beats_for(4);
  edit.chords = {{0, 4, Chord::of(6, ChordQuality::kMin)}};
  const EditResult result = editor.edit(source, "add a bass", edit);
  ASSERT_TRUE(result.stems[0].notes.has_value());
  EXPECT_EQ(result.stems[0].notes->notes.front().pitch % 12, 6);
  EXPECT_TRUE(editor.would_play("bass", edit));
  EXPECT_FALSE(editor.would_play("bass", {}));
  EXPECT_FALSE(editor.would_play("vocals", edit));
}

TEST(PlayedParts, TheModelStepsInWhereNothingCanBePlayed) {
  SKIP_WITHOUT_SMALL_FONT();
  const AudioBuffer source = music(24000, 1, 2);
  EditOptions played;
  played.parts = PartMaker::kPlayed;
  const auto silent_ears = [](const AudioBuffer&, const ProgressCallback&, const CancelToken&) { return Hearing{}; };
  Editor deaf(tiny_pipeline(), with_players(silent_ears)), hearing(tiny_pipeline(), with_players(steady_ears())),
      bare(tiny_pipeline());
  const EditResult result = deaf.edit(source, "add a bass");
  EXPECT_FALSE(result.stems[0].notes.has_value());
  ASSERT_EQ(result.notes.size(), 1u);
  EXPECT_NE(result.notes[0].find("made by the model: no beat is heard"), std::string::npos) << result.notes[0];
  expect_error(ErrorKind::kInput, "--beats", [&] { deaf.edit(source, "add a bass", played); });
  played.beats = {{1.9, 0, 0}, {2.4, 0, 1}};
  expect_error(ErrorKind::kInput, "fewer than two of the beats that were given",
               [&] { hearing.edit(source, "add a bass", played); });
  played.beats.clear();
  EXPECT_FALSE(hearing.edit(source, "add vocals").stems[0].notes.has_value());
  expect_error(ErrorKind::kInput, "--fonts", [&] { hearing.edit(source, "add vocals", played); });
  expect_error(ErrorKind::kMissing, "no SoundFont", [&] { bare.edit(source, "add a bass", played); });
  EXPECT_TRUE(bare.edit(source, "add a bass").notes.empty());
  EditOptions model;
  model.parts = PartMaker::kModel;
  const EditResult made = hearing.edit(source, "add a bass", model);
  EXPECT_FALSE(made.stems[0].notes.has_value());
  EXPECT_GT(made.seconds_sample, 0);
}

TEST(PlayedParts, RemixesArePlayedAnew) {
  SKIP_WITHOUT_SMALL_FONT();
  Editor editor(tiny_pipeline(), with_players(steady_ears()));
  const AudioBuffer source = music(24000, 2, 6);
  for (const char* sentence : {"remix it to rock", "remix this with bass, drums and piano"}) {
    SCOPED_TRACE(sentence);
    const EditResult result = editor.edit(source, sentence);
    EXPECT_EQ(result.mode(), EditMode::kCompose);
    EXPECT_FALSE(result.is_sum_of_stems());
    EXPECT_GE(result.stems.size(), 3u);
    for (const EditedStem& stem : result.stems) EXPECT_TRUE(stem.added && stem.in_result && stem.notes);
    EXPECT_LT(peak(result.residual().samples), 1e-6);
    EXPECT_NEAR(loudness_lufs(result.audio), loudness_lufs(source), 0.3);
  }
  const EditResult part = editor.edit(source, "remix it to rock from 2 to 4 seconds");
  int64_t outside = 0;
  for (size_t i = 0; i < source.samples.size(); ++i)
    outside += (i < 4 * 24000 || i >= 8 * 24000) && part.audio.samples[i] != source.samples[i];
  EXPECT_EQ(outside, 0);
}

TEST(PlayedParts, RemixesThatCannotBePlayedAreRendered) {
  SKIP_WITHOUT_SMALL_FONT();
  const AudioBuffer source = music(24000, 1, 2);
  const auto silent_ears = [](const AudioBuffer&, const ProgressCallback&, const CancelToken&) { return Hearing{}; };
  Editor deaf(tiny_pipeline(), with_players(silent_ears)), hearing(tiny_pipeline(), with_players(steady_ears())),
      bare(tiny_pipeline());
  const EditResult rendered = deaf.edit(source, "remix it to rock");
  EXPECT_EQ(rendered.mode(), EditMode::kDirect);
  ASSERT_EQ(rendered.notes.size(), 1u);
  EXPECT_NE(rendered.notes[0].find("no beat is heard"), std::string::npos);
  EXPECT_EQ(hearing.edit(source, "make it sad").mode(), EditMode::kDirect);
  EXPECT_EQ(hearing.edit(source, "remix this with vocals").mode(), EditMode::kDirect);
  EXPECT_EQ(bare.edit(source, "remix it to rock").mode(), EditMode::kDirect);
  EditOptions model;
  model.parts = PartMaker::kModel;
  EXPECT_EQ(hearing.edit(source, "remix it to rock", model).mode(), EditMode::kDirect);
  EditOptions compose;
  compose.mode = EditMode::kCompose;
  expect_error(ErrorKind::kInput, "--beats", [&] { deaf.edit(source, "remix it to rock", compose); });
  compose.parts = PartMaker::kModel;
  expect_error(ErrorKind::kUsage, "in compose mode a remix is played",
               [&] { hearing.edit(source, "remix it to rock", compose); });
}

TEST(PlayedParts, RemixesArePlayedWhereThereIsABeatNearThem) {
  SKIP_WITHOUT_SMALL_FONT();
  int listened = 0;
  const Ears late = [&](const AudioBuffer& audio, const ProgressCallback&, const CancelToken&) {
    ++listened;
    Hearing hearing;
    if (audio.seconds() > 10) hearing.beats = beats_for(audio.seconds());
    return hearing;
  };
  Editor editor(tiny_pipeline(), with_players(late));
  const AudioBuffer source = music(24000, 1, 20);
  const EditResult rendered = editor.edit(source, "remix it to rock from 1 to 3 seconds");
  EXPECT_EQ(rendered.mode(), EditMode::kDirect);
  EXPECT_EQ(listened, 1);  // to what is near
  EditOptions given;
  given.beats = {{15, 0, 0}, {15.5, 0, 1}, {16, 0, 2}};
  const EditResult elsewhere = editor.edit(source, "remix it to rock from 1 to 3 seconds", given);
  EXPECT_EQ(elsewhere.mode(), EditMode::kDirect);
  EXPECT_NE(elsewhere.notes.at(0).find("fewer than two of the beats"), std::string::npos) << elsewhere.notes[0];
}

TEST(PlayedParts, SeedsDecide) {
  SKIP_WITHOUT_SMALL_FONT();
  Editor editor(tiny_pipeline(), with_players(steady_ears()));
  const AudioBuffer source = music(24000, 1, 4);
  EditOptions one, two;
  two.seed = 1;
  const AudioBuffer first = editor.edit(source, "add a piano", one).audio;
  EXPECT_EQ(largest_difference(editor.edit(source, "add a piano", one).audio, first), 0);
  EXPECT_GT(largest_difference(editor.edit(source, "add a piano", two).audio, first), 0);
}

/// A tune from 0.5 s on, a note every 0.5 s, over held thirds.
std::vector<Note> tune(double seconds) {
  std::vector<Note> notes;
  for (int i = 0; 0.5 * i + 1 < seconds; ++i) {
    notes.push_back({0.5 * i + 0.5, 0.4, 72 + i % 5, 80});
    notes.push_back({0.5 * i + 0.5, 0.4, 60 + i % 5, 70});
  }
  return notes;
}

/// Hears `notes` in everything; counts how often it is asked.
EditorOptions with_transcriber(std::vector<Note> notes, int* asked = nullptr) {
  EditorOptions options = with_players(steady_ears());
  options.transcribes = [notes = std::move(notes), asked](const AudioBuffer&, const ProgressCallback&,
                                                          const CancelToken&) {
    if (asked != nullptr) ++*asked;
    return notes;
  };
  return options;
}

TEST(ReplacedParts, PlayWhatWasHeardOfWhatTheyReplace) {
  SKIP_WITHOUT_SMALL_FONT();
  int asked = 0;
  EditorOptions options = with_transcriber(tune(6), &asked);
  options.ears = {};  // beats and chords are not needed
  Editor editor(tiny_pipeline(), options);
  const AudioBuffer source = music(24000, 2, 6);
  const EditResult result = editor.edit(source, "replace the piano with a violin and an organ");
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(result.seconds_sample, 0);
  ASSERT_EQ(result.stems.size(), 3u);
  ASSERT_TRUE(result.stems[1].notes && result.stems[2].notes);
  std::vector<int> violin, organ, upper, all;
  for (const Note& note : result.stems[1].notes->notes) violin.push_back(note.pitch);
  for (const Note& note : result.stems[2].notes->notes) organ.push_back(note.pitch);
  for (const Note& note : tune(6)) {
    if (note.pitch >= 72) upper.push_back(note.pitch);
    all.push_back(note.pitch);
  }
  std::sort(organ.begin(), organ.end());
  std::sort(all.begin(), all.end());
  EXPECT_EQ(violin, upper);  // a violin plays one tone at a time
  EXPECT_EQ(organ, all);
  EXPECT_EQ(result.stems[1].notes->notes.front().onset_s, 0.5);
  ASSERT_EQ(result.notes.size(), 2u);
  EXPECT_NE(result.notes[0].find("violin: the notes that are heard of the piano, played on "), std::string::npos)
      << result.notes[0];
  EXPECT_TRUE(result.is_sum_of_stems());
}

TEST(ReplacedParts, NotesAreInSecondsOfTheSource) {
  SKIP_WITHOUT_SMALL_FONT();
  Editor editor(tiny_pipeline(), with_transcriber(tune(12)));
  const AudioBuffer source = music(24000, 1, 30);
  const EditResult result = editor.edit(source, "replace the piano with a flute from 20 to 22 seconds");
  // 5 s around the range are heard.
  EXPECT_NEAR(result.stems[1].notes->notes.front().onset_s, 15.5, 1e-6);
  int64_t outside = 0;
  for (size_t i = 0; i < source.samples.size(); ++i)
    outside += (i < 20 * 24000 || i >= 22 * 24000) && result.audio.samples[i] != source.samples[i];
  EXPECT_EQ(outside, 0);
}

TEST(ReplacedParts, AreWrittenWhereThereIsNothingToPlay) {
  SKIP_WITHOUT_SMALL_FONT();
  const AudioBuffer source = music(24000, 1, 6);
  Editor hearing(tiny_pipeline(), with_transcriber(tune(6))), deaf(tiny_pipeline(), with_players(steady_ears())),
      unsure(tiny_pipeline(), with_transcriber({{1, 0.5, 60, 80}}));
  const auto told = [&](Editor& editor, const char* sentence, const EditOptions& options = {}) {
    std::string all;
    for (const std::string& note : editor.edit(source, sentence, options).notes) all += note + "\n";
    return all;
  };
  const char* written = ": written for the beats and chords";
  const char* sentence = "replace the piano with a violin";
  EXPECT_NE(told(deaf, sentence).find(written), std::string::npos);
  EXPECT_NE(told(hearing, "replace the drums with a violin").find(written), std::string::npos);
  EXPECT_NE(told(hearing, "replace the piano with percussion").find(written), std::string::npos);
  EXPECT_NE(told(hearing, "add a violin").find(written), std::string::npos);
  const std::string few = told(unsure, sentence);
  EXPECT_NE(few.find("hardly any notes are heard in the piano"), std::string::npos) << few;
  EXPECT_NE(few.find(written), std::string::npos) << few;
  EditOptions wants_written, wants_heard;
  wants_written.part_notes = PartNotes::kWritten;
  EXPECT_NE(told(hearing, sentence, wants_written).find(written), std::string::npos);
  wants_heard.part_notes = PartNotes::kHeard;
  EXPECT_NE(told(hearing, sentence, wants_heard).find("the notes that are heard"), std::string::npos);
  expect_error(ErrorKind::kInput, "hardly any notes", [&] { unsure.edit(source, sentence, wants_heard); });
  expect_error(ErrorKind::kMissing, "scripts/get-transcriber", [&] { deaf.edit(source, sentence, wants_heard); });
  expect_error(ErrorKind::kInput, "tones",
               [&] { hearing.edit(source, "replace the drums with a violin", wants_heard); });
  expect_error(ErrorKind::kUsage, "leave --part-notes heard out",
               [&] { hearing.edit(source, "replace the vibraphone with a violin", wants_heard); });
  EXPECT_NE(told(hearing, "add a violin", wants_heard).find("nothing of the music is replaced"), std::string::npos);
  wants_heard.parts = PartMaker::kModel;
  expect_error(ErrorKind::kInput, "cannot be played", [&] { hearing.edit(source, sentence, wants_heard); });
}

TEST(PartNotes, Names) {
  for (const PartNotes notes : {PartNotes::kAuto, PartNotes::kHeard, PartNotes::kWritten})
    EXPECT_EQ(parse_part_notes(part_notes_name(notes)), notes);
  expect_error(ErrorKind::kUsage, "no kind of notes for a part is called 'seen'; known are auto, heard, written",
               [] { parse_part_notes("seen"); });
}

TEST(PartMaker, Names) {
  for (const PartMaker maker : {PartMaker::kAuto, PartMaker::kModel, PartMaker::kPlayed})
    EXPECT_EQ(parse_part_maker(part_maker_name(maker)), maker);
  expect_error(ErrorKind::kUsage, "no maker of parts is called 'band'; known are auto, model, played",
               [] { parse_part_maker("band"); });
}

}  // namespace
}  // namespace instructme
