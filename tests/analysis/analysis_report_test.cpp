#include <torch/torch.h>
// The precompiled torch header comes first.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "instructme/analysis/analysis_report.h"
#include "instructme/annotation/beat_file.h"
#include "instructme/annotation/chord_file.h"
#include "instructme/annotation/key_file.h"
#include "instructme/base/config_reader.h"
#include "instructme/base/files.h"
#include "instructme/score/midi_file.h"
#include "music.h"

namespace instructme {
namespace {

TEST(AnalysisSummary, IsAPageForPeople) {
  EXPECT_EQ(analysis_summary(heard_by_hand()),
            "file         song.wav, 0:09, 44100 Hz, 2 channel(s)\n"
            "level        -20.0 dB RMS\n"
            "tempo        60.0 beats per minute (0.80)\n"
            "metre        4 beats per bar, 2 bars\n"
            "key          C:major (0.70)\n"
            "instruments  piano (0.90)\n"
            "  piano                0:00-0:02, 0:08-0:09\n"
            "genre        jazz (0.70)\n"
            "notes        2, from C4 to E5\n"
            "judges       the chords of the notes are the same in 75 % of the time\n"
            "chords       \n"
            "     0:00 | C:maj | . . . . | G:maj . . . |\n");
}

TEST(AnalysisSummary, SaysWhatIsMissing) {
  Analysis analysis;
  analysis.name = "silence.wav";
  analysis.silent = true;
  analysis.hearing.duration_s = 2;
  analysis.hearing.chord_spans = {{0, 2, Chord::no_chord()}};
  analysis.missing = {"notes: no weights"};
  const std::string text = analysis_summary(analysis);
  for (const char* part : {"level        silence\n", "key          none is heard\n", "chords       (by templates)\n",
                           "     0:00  N        2.0 s\n", "not heard    notes: no weights\n"})
    EXPECT_THAT(text, testing::HasSubstr(part));
  analysis.trained_ears = true;
  EXPECT_THAT(analysis_summary(analysis), testing::HasSubstr("tempo        no pulse is heard\n"));
}

TEST(AnalysisSummary, TellsNoInstrumentFromNoTagger) {
  Analysis analysis = heard_by_hand();
  analysis.hearing.instruments.clear();
  EXPECT_THAT(analysis_summary(analysis), testing::HasSubstr("instruments  none\n"));
  analysis.hearing.has_tagger = false;
  EXPECT_THAT(analysis_summary(analysis), testing::Not(testing::HasSubstr("instruments")));
}

TEST(AnalysisSummary, ABeatAloneHasNoTempo) {
  Analysis analysis = heard_by_hand();
  analysis.hearing.beats.resize(1);
  analysis.hearing.tempo_bpm = 0;
  const std::string text = analysis_summary(analysis);
  EXPECT_THAT(text, testing::HasSubstr("tempo        no pulse is heard\n"));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("metre")));
  EXPECT_TRUE(to_json(analysis).at("tempo_bpm").is_null());
  EXPECT_TRUE(to_json(analysis).at("beats_per_bar").is_null());
}

TEST(AnalysisSummary, NoChordIsWrittenWhereItBegins) {
  Analysis analysis = heard_by_hand();
  for (auto& row : analysis.hearing.chords) std::fill(row.begin(), row.end(), 0.0f), row[0] = 1;
  EXPECT_THAT(analysis_summary(analysis), testing::HasSubstr("     0:00 | N | . . . . | . . . . |\n"));
}

TEST(AnalysisSummary, JudgesOfNothingDoNotDisagree) {
  Analysis analysis = heard_by_hand();
  analysis.chord_agreement.reset();
  EXPECT_THAT(analysis_summary(analysis),
              testing::HasSubstr("judges       whether the chords of the notes are the same cannot be told\n"));
  EXPECT_TRUE(to_json(analysis).at("chord_agreement").is_null());
}

TEST(AnalysisJson, HoldsWhatWasHeard) {
  const nlohmann::json json = to_json(heard_by_hand());
  EXPECT_EQ(json.at("format"), "instructme-analysis-1");
  EXPECT_EQ(json.at("beats").size(), 9u);
  EXPECT_EQ(json.at("beats")[5].dump(), R"([5.6,2,0,"G:maj"])");
  EXPECT_EQ(json.at("chords")[1].dump(), R"([5.6,9.6,"G:maj"])");
  EXPECT_EQ(json.at("key"), "C:major");
  EXPECT_EQ(json.at("chord_agreement"), 0.75);
  EXPECT_EQ(json.at("instruments")[0].at("present"), true);
  EXPECT_EQ(json.at("notes")[1].dump(), "[2.6,1.0,76,70]");
  Analysis silent;
  silent.level_db = -std::numeric_limits<double>::infinity();
  const nlohmann::json nothing = to_json(silent);
  EXPECT_TRUE(nothing.at("level_db").is_null());
  EXPECT_TRUE(nothing.at("key").is_null());
  EXPECT_FALSE(nothing.contains("beats"));
  EXPECT_FALSE(nothing.contains("notes"));
}

TEST(AnalysisFiles, ComeBackAsTheyWereHeard) {
  const TempDir folder;
  const Analysis analysis = heard_by_hand();
  const AudioBuffer music = struck_chord({60}, 9.6);
  const auto names = write_analysis(folder.path() / "new", analysis, can_write_png() ? &music : nullptr);
  EXPECT_THAT(names, testing::IsSupersetOf({"analysis.json", "chords.lab", "beats.txt", "keys.txt", "notes.mid"}));
  EXPECT_EQ(read_json_file(folder.path() / "new/analysis.json"), to_json(analysis));
  EXPECT_EQ(read_chord_file(folder.path() / "new/chords.lab").size(), 2u);
  EXPECT_EQ(read_beat_file(folder.path() / "new/beats.txt").size(), 9u);
  EXPECT_EQ(key_label(read_key_file(folder.path() / "new/keys.txt").at(0).key), "C:major");
  const Score score = score_of_midi(load_midi((folder.path() / "new/notes.mid").string()));
  ASSERT_EQ(score.parts.size(), 1u);
  ASSERT_EQ(score.parts[0].notes.size(), 2u);
  EXPECT_NEAR(score.parts[0].notes[1].onset_s, 2.6, 2e-3);
  EXPECT_EQ(score.parts[0].notes[1].pitch, 76);
  EXPECT_NEAR(score.tempo_bpm, 60, 1e-3);

  Analysis less = analysis;
  less.has_notes = false;
  less.hearing.beats.clear();
  less.hearing.keys.clear();
  EXPECT_THAT(write_analysis(folder.path() / "less", less, nullptr),
              testing::ElementsAre("analysis.json", "chords.lab"));
}

TEST(AnalysisMidi, BeatsFallOnBeats) {
  Analysis analysis = heard_by_hand();
  Hearing& hearing = analysis.hearing;
  hearing.duration_s = 40;
  hearing.beats.clear();
  analysis.notes.clear();
  double time_s = 1.3;
  for (int beat = 0, bar = 0, position = 2; beat < 40; ++beat) {  // two upbeats, and a bar of three among those of four
    hearing.beats.push_back({time_s, bar, position});
    analysis.notes.push_back({time_s, 0.1, 60, 90});
    time_s += 0.6 + 0.15 * std::sin(beat);
    if (++position == (bar == 4 ? 3 : 4)) position = 0, ++bar;
  }
  const MidiFile file = read_midi(midi_of_analysis(analysis));
  const auto beats = beats_of_midi(file);
  const auto notes = tones_of_midi(file);
  const size_t lead = 1;  // at 60 beats a minute there is time for one before the first
  ASSERT_GE(beats.size(), hearing.beats.size() + lead);
  ASSERT_EQ(notes.size(), hearing.beats.size());
  for (size_t k = 0; k < notes.size(); ++k) {
    EXPECT_NEAR(beats[k + lead].time_s, hearing.beats[k].time_s, 1e-3) << k;
    EXPECT_NEAR(notes[k].onset_s, hearing.beats[k].time_s, 1e-3) << k;
    EXPECT_EQ(beats[k + lead].position == 0, hearing.beats[k].position == 0) << k;
  }
}

TEST(AnalysisMidi, ASteadyPulseHasOneTempo) {
  Analysis analysis = heard_by_hand();
  Hearing& hearing = analysis.hearing;
  hearing.tempo_bpm = 120;
  hearing.duration_s = 200;
  hearing.beats.clear();
  for (int beat = 0; beat < 398; ++beat) hearing.beats.push_back({0.5002 * (beat + 1), beat / 4, beat % 4});
  const MidiFile file = read_midi(midi_of_analysis(analysis));
  const auto& head = file.tracks.front().events;
  EXPECT_EQ(std::count_if(head.begin(), head.end(), [](auto& event) { return event.kind == MidiKind::kTempo; }), 1);
  EXPECT_NEAR(beats_of_midi(file).at(398).time_s, hearing.beats.back().time_s, 1e-3);
}

TEST(AnalysisFigure, EveryDownbeatIsSeen) {
  const AudioBuffer music = struck_chord({60}, 9.6);
  Analysis analysis = heard_by_hand();
  analysis.hearing.beats.clear();
  for (int bar = 0; bar < 90; ++bar) analysis.hearing.beats.push_back({0.1 * bar + 0.053, bar, 0});
  const Image image = analysis_figure(analysis, music);
  int lines = 0;
  for (int x = 0; x < image.width - 120; ++x) lines += image.at(x, 60).r > 200 && image.at(x, 60).b < 120;
  EXPECT_EQ(lines, 90);
}

TEST(AnalysisFigure, HasAPanelForEverything) {
  const AudioBuffer music = struck_chord({60}, 9.6);
  Analysis analysis = heard_by_hand();
  const Image whole = analysis_figure(analysis, music);
  analysis.has_notes = false;
  const Image less = analysis_figure(analysis, music);
  EXPECT_EQ(whole.width, less.width);
  EXPECT_EQ(whole.height, 4 * less.height / 3);
  // A downbeat is a line over the whole height of the waveform; without beats there is none.
  const auto bright_columns = [](const Image& image) {
    int columns = 0;
    for (int x = 0; x < image.width - 120; ++x) {
      int bright = 0;
      for (int y = 30; y < 190; ++y) bright += image.at(x, y).r > 200 && image.at(x, y).b < 120;
      columns += bright > 120;
    }
    return columns;
  };
  EXPECT_GE(bright_columns(whole), 2);
  analysis.hearing.beats.clear();
  EXPECT_EQ(bright_columns(analysis_figure(analysis, music)), 0);
  // The shortest music and music without chords can be drawn too.
  Analysis nothing;
  nothing.hearing.duration_s = 1.0 / kAnalysisRate;
  EXPECT_GT(analysis_figure(nothing, from_mono({0.5f}, kAnalysisRate)).height, 0);
}

}  // namespace
}  // namespace instructme
