#include <torch/torch.h>
// The precompiled torch header comes first.
#include <atomic>
#include <limits>

#include "expect_error.h"
#include "instructme/audio/audio_file.h"
#include "instructme/base/strings.h"
#include "instructme/dsp/metrics.h"
#include "instructme/eval/evaluation.h"
#include "tiny_pipeline.h"
#include "tiny_song.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUnedited = "unedited source";
constexpr const char* kCompose = "edit, compose";
constexpr const char* kIdealMask = "ideal ratio mask";
constexpr const char* kCeiling = "VAE of the true result";

TEST(EvaluationReport, MeansAndMarkdown) {
  EvaluationReport report;
  report.add("remove", "edit", {"clip", 1.0, 10.0});
  report.add("remove", "edit", {"clip", 2.0, -4.0});
  report.add("remove", "edit", {"clip", 3.0, -3.0});
  report.add("extract", "edit", {"clip", 0.25, 1.0});
  report.add("remove", "another", {"clip", 0.5, 2.0});
  const Distances mean = report.mean("remove", "edit");
  EXPECT_DOUBLE_EQ(mean.log_mel, 2.0);
  EXPECT_DOUBLE_EQ(mean.si_sdr, 1.0);
  EXPECT_DOUBLE_EQ(mean.si_sdr_median, -3.0);
  EXPECT_EQ(mean.examples, 3);
  EXPECT_EQ(report.tasks, (std::vector<std::string>{"remove", "extract"}));
  EXPECT_EQ(report.systems, (std::vector<std::string>{"edit", "another"}));
  EXPECT_EQ(report.markdown(),
            "| task | compared with the true result | log-mel L1 | SI-SDR (dB) | median | examples |\n"
            "|---|---|---|---|---|---|\n"
            "| remove | edit | 2.000 | 1.00 | -3.00 | 3 |\n"
            "| remove | another | 0.500 | 2.00 | 2.00 | 1 |\n"
            "| extract | edit | 0.250 | 1.00 | 1.00 | 1 |\n");
  const auto lines = split(trim(report.json_lines()), '\n');
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_EQ(lines[0], R"({"log_mel":0.25,"name":"clip","si_sdr":1.0,"system":"edit","task":"extract"})");
  expect_error(ErrorKind::kInternal, "no score of another for extract", [&] { report.mean("extract", "another"); });
}

TEST(EvaluationReport, ASilentEditHasNoNumber) {
  EvaluationReport report;
  report.add("remove", "edit", {"clip", 1.0, -std::numeric_limits<double>::infinity()});
  EXPECT_NE(report.markdown().find("| remove | edit | 1.000 | -inf | -inf | 1 |"), std::string::npos);
  EXPECT_NE(report.json_lines().find(R"("si_sdr":null)"), std::string::npos);
}

TEST(EvaluationReport, SaysWhatIsHeardOfNewParts) {
  EvaluationReport report;
  report.add("add", "edit, compose", {"a", 0.5, 1});
  report.heard["add"] = {{"edit, compose", {{"a", 1.0, 0.5}, {"b", 0.0, 1.0}, {"c", std::nullopt, 0.75}}},
                         {"true result", {{"a", 1.0, std::nullopt}}}};
  const std::string table = report.markdown();
  EXPECT_NE(table.find("| add | edit, compose | 0.500 of 2 | 0.750 | 3 |"), std::string::npos) << table;
  EXPECT_NE(table.find("| add | true result | 1.000 |  | 1 |"), std::string::npos) << table;
  const auto lines = split(trim(report.json_lines()), '\n');
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_EQ(lines[3], R"({"chords":0.75,"name":"c","present":null,"system":"edit, compose","task":"add"})");
}

class EvaluateSongs : public testing::Test {
 protected:
  EvaluateSongs() {
    write_tiny_song(folder_.path() / "a");
    options_.examples = 2;
    options_.seconds = 1.0;
  }
  TempDir folder_;
  EvaluationOptions options_;
  Editor editor_{tiny_pipeline()};
};

TEST_F(EvaluateSongs, ScoresEverySystemOnEveryExample) {
  std::vector<int64_t> done;
  int64_t total = 0;
  const EvaluationReport report = evaluate_songs(editor_, folder_.path(), options_, [&](const Progress& progress) {
    done.push_back(progress.done);
    total = progress.total;
  });
  EXPECT_EQ(done, (std::vector<int64_t>{1, 2, 3, 4}));
  EXPECT_EQ(total, 4);
  EXPECT_EQ(report.tasks, (std::vector<std::string>{"extract", "remove"}));
  EXPECT_EQ(report.systems, (std::vector<std::string>{kUnedited, "edit", kCeiling, kCompose, kIdealMask}));
  for (const auto& task : report.tasks) {
    for (const auto& system : report.systems) {
      const Distances mean = report.mean(task, system);
      EXPECT_EQ(mean.examples, 2);
      EXPECT_GT(mean.log_mel, 0);
      EXPECT_TRUE(std::isfinite(mean.si_sdr));
    }
    // Two or three sines of like level against some of them: a few dB; the random network is far away.
    EXPECT_GT(report.mean(task, kUnedited).si_sdr, -12);
    EXPECT_LT(report.mean(task, kUnedited).si_sdr, 12);
    EXPECT_LT(report.mean(task, "edit").si_sdr, report.mean(task, kUnedited).si_sdr);
    // Sines in bins of their own can be taken apart nearly without a rest.
    EXPECT_GT(report.mean(task, kIdealMask).si_sdr, report.mean(task, kUnedited).si_sdr + 10);
  }
}

TEST_F(EvaluateSongs, EditsInTheModesThatAreWanted) {
  options_.modes = {EditMode::kCompose};
  const EvaluationReport report = evaluate_songs(editor_, folder_.path(), options_);
  EXPECT_EQ(report.systems, (std::vector<std::string>{kUnedited, kCompose, kIdealMask}));
}

TEST_F(EvaluateSongs, AnEditThatIsRefusedCountsAsNone) {
  options_.operations = {"replace"};
  options_.modes = {EditMode::kCompose};
  options_.edit.notes = {Note{}};  // which nothing plays
  const EvaluationReport report = evaluate_songs(editor_, folder_.path(), options_);
  ASSERT_EQ(report.refused.size(), 2u);
  EXPECT_NE(report.refused[0].find("nothing plays the notes"), std::string::npos) << report.refused[0];
  EXPECT_EQ(report.mean("replace", kCompose).si_sdr, report.mean("replace", kUnedited).si_sdr);
  EXPECT_NE(report.markdown().find("nothing had been done: 2, the first of "), std::string::npos);
}

TEST_F(EvaluateSongs, WhatIsNotInstalledEndsIt) {
  options_.operations = {"add"};
  options_.modes = {EditMode::kCompose};
  options_.edit.parts = PartMaker::kPlayed;  // on nothing
  expect_error(ErrorKind::kMissing, "there is no SoundFont",
               [&] { evaluate_songs(editor_, folder_.path(), options_); });
  options_.operations = {"replace"};
  options_.edit.parts = PartMaker::kAuto;
  options_.edit.part_notes = PartNotes::kHeard;  // by nobody
  expect_error(ErrorKind::kMissing, "get-transcriber", [&] { evaluate_songs(editor_, folder_.path(), options_); });
}

TEST_F(EvaluateSongs, StemsMayStandInStereo) {
  const EvaluationReport mono = evaluate_songs(editor_, folder_.path(), options_);
  options_.stereo = 0.8;
  const EvaluationReport report = evaluate_songs(editor_, folder_.path(), options_);
  EXPECT_EQ(report.systems, (std::vector<std::string>{kUnedited, kCompose, kIdealMask}));
  // The same stems at the same power, so as far apart as in mono but for sines of one frequency.
  EXPECT_NEAR(report.mean("extract", kUnedited).si_sdr, mono.mean("extract", kUnedited).si_sdr, 3);
  EXPECT_NE(report.mean("extract", kUnedited).si_sdr, mono.mean("extract", kUnedited).si_sdr);
  options_.operations = {"extract", "add"};
  expect_error(ErrorKind::kUsage, "in stereo, extract and remove are scored, not 'add'",
               [&] { evaluate_songs(editor_, folder_.path(), options_); });
  options_.stereo = 1.5;
  expect_error(ErrorKind::kUsage, "0 to 1, not 1.5", [&] { evaluate_songs(editor_, folder_.path(), options_); });
}

TEST(EvaluateSongsWithDrums, DrumsAloneHaveNoChordsToKeep) {
  RenderedSong song = tiny_song();
  for (VersionInfo& version : song.info.arrangements[0].versions) {
    version.stems[0].instrument = "drum kit";
    version.stems[0].role = Role::kDrums;
    version.stems.resize(2);
  }
  for (auto& version : song.audio[0]) version.resize(2);
  const TempDir folder;
  write_song(folder.path() / "a", song);
  EditorOptions with_ears;
  with_ears.ears = [](const AudioBuffer& audio, const ProgressCallback&, const CancelToken&) {
    Hearing hearing;
    hearing.chord_spans = {{0.0, audio.seconds(), Chord::of(0, ChordQuality::kMaj)}};
    return hearing;
  };
  Editor editor(tiny_pipeline(), with_ears);
  EvaluationOptions options;
  options.examples = 12;
  options.seconds = 1.0;
  options.operations = {"add"};
  options.modes = {EditMode::kCompose};
  const EvaluationReport report = evaluate_songs(editor, folder.path(), options);
  int with_harmony = 0;
  for (const auto& one : report.heard.at("add").at(kUnedited)) {
    const bool to_drums =
        parse_instruction(one.name, Lexicon::builtin()).instruments != std::vector<std::string>{"drum kit"};
    EXPECT_EQ(one.chords.has_value(), !to_drums) << one.name;
    with_harmony += one.chords ? 1 : 0;
  }
  EXPECT_GT(with_harmony, 0);
  EXPECT_LT(with_harmony, options.examples);
  EXPECT_NE(report.markdown().find(format(" of %d | 12 |", with_harmony)), std::string::npos);
}

TEST_F(EvaluateSongs, TheSeedDecidesTheExamples) {
  const auto table = [&] { return evaluate_songs(editor_, folder_.path(), options_).markdown(); };
  const std::string first = table();
  EXPECT_EQ(first, table());
  options_.seed = 1;
  EXPECT_NE(first, table());
}

TEST_F(EvaluateSongs, Errors) {
  const std::atomic<bool> stop = true;
  expect_error(ErrorKind::kCancelled, "stopped",
               [&] { evaluate_songs(editor_, folder_.path(), options_, {}, CancelToken(&stop)); });
  options_.operations = {"extract", "extrakt"};
  int edits = 0;
  expect_error(ErrorKind::kUsage, "'extrakt' (did you mean 'extract'",
               [&] { evaluate_songs(editor_, folder_.path(), options_, [&](const Progress&) { ++edits; }); });
  EXPECT_EQ(edits, 0);
  const TempDir empty, slow;
  expect_error(ErrorKind::kInput, "", [&] { evaluate_songs(editor_, empty.path(), options_); });
  write_tiny_song(slow.path() / "a", 16000);
  expect_error(ErrorKind::kInput, "the songs have 16000 Hz, the model works at 24000 Hz",
               [&] { evaluate_songs(editor_, slow.path(), options_); });
}

class EvaluateClips : public testing::Test {
 protected:
  void clip(const std::string& name, const std::vector<float>& wave) {
    write_audio(folder_.path() / name, from_mono(wave, 24000), {.encoding = AudioEncoding::kPcm16});
  }
  void table(const std::string& lines) {
    write_file_atomically(folder_.path() / "clips.tsv", "clip\tinstruction\n" + lines);
  }
  EvaluationReport evaluate() { return evaluate_clips(editor_, folder_.path(), {}); }

  TempDir folder_;
  Editor editor_{tiny_pipeline()};
  const std::vector<float> bass_ = sine(110, 24000, 1, 0.2), flute_ = sine(1320, 24000, 1, 0.2);
  const std::vector<float> both_ = [this] {
    std::vector<float> sum = bass_;
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += flute_[i];
    return sum;
  }();
};

TEST_F(EvaluateClips, ScoresOtherSystemsBesideTheEditor) {
  clip("one_source.wav", both_);
  clip("one_target.flac", bass_);
  clip("one_perfect.wav", bass_);
  clip("one_wrong.wav", flute_);
  clip("two_source.wav", both_);
  clip("two_target.wav", bass_);
  clip("without_target_source.wav", both_);
  write_file_atomically(folder_.path() / "one_notes.txt", "not music");
  table("one\textract the bass\ntwo\tremove the flute\r\n\nwithout_target\tremove the flute\n");
  const EvaluationReport report = evaluate();
  EXPECT_EQ(report.tasks, (std::vector<std::string>{"extract", "remove"}));
  EXPECT_EQ(report.systems,
            (std::vector<std::string>{kUnedited, "perfect", "wrong", "edit", kCeiling, kCompose, kIdealMask}));
  EXPECT_EQ(report.examples.at("remove").size(), 5u);
  EXPECT_NEAR(report.mean("extract", kUnedited).si_sdr, 0, 0.2);
  EXPECT_GT(report.mean("extract", "perfect").si_sdr, 60);
  EXPECT_LT(report.mean("extract", "perfect").log_mel, 1e-6);
  EXPECT_LT(report.mean("extract", "wrong").si_sdr, -20);
  EXPECT_GT(report.mean("extract", "wrong").log_mel, report.mean("extract", kUnedited).log_mel);
}

TEST_F(EvaluateClips, ANameThatBeginsAnotherIsNotMixedUp) {
  for (const char* name : {"take", "take_2"}) {
    clip(std::string(name) + "_source.wav", both_);
    clip(std::string(name) + "_target.wav", bass_);
  }
  clip("take_2_other.wav", bass_);
  table("take\textract the bass\ntake_2\tremove the flute\n");
  const EvaluationReport report = evaluate();
  EXPECT_EQ(report.examples.at("extract").size(), 5u) << report.markdown();
  EXPECT_EQ(report.examples.at("remove").count("other"), 1u);
  EXPECT_EQ(report.systems.size(), 6u) << join(report.systems, ", ");
}

TEST_F(EvaluateClips, OtherRatesAndLengths) {
  write_audio(folder_.path() / "a_source.wav",
              from_planar({sine(110, 44100, 1, 0.2), sine(110, 44100, 1, 0.2)}, 44100));
  clip("a_target.wav", std::vector<float>(bass_.begin(), bass_.begin() + 20000));
  table("a\tremove the drums\n");
  EXPECT_GT(evaluate().mean("remove", kUnedited).si_sdr, 30);
}

TEST_F(EvaluateClips, Errors) {
  expect_error(ErrorKind::kIo, "clips.tsv", [&] { evaluate(); });
  table("one\textract the bass\nno tab here\n");
  expect_error(ErrorKind::kInput, "clips.tsv, line 3", [&] { evaluate(); });
  clip("one_source.wav", both_);
  clip("one_target.wav", bass_);
  // What is wrong is told before the first edit.
  int edits = 0;
  const auto refused = [&](const std::string& lines, const std::string& part) {
    table(lines);
    expect_error(ErrorKind::kInput, part,
                 [&] { evaluate_clips(editor_, folder_.path(), {}, [&](const Progress&) { ++edits; }); });
  };
  refused("one\textract the bass\none\tqqqq the bass\n", "clips.tsv, line 3: ");
  clip("two_target.wav", bass_);
  refused("one\textract the bass\ntwo\textract the bass\n",
          "clips.tsv, line 3: two_target.wav has no source: two_source.flac or .wav was wanted");
  refused("onne\textract the bass\n", "has no clip to score");
  EXPECT_EQ(edits, 0);
  EvaluationOptions stereo;
  stereo.stereo = 0.5;
  expect_error(ErrorKind::kUsage, "clips are scored as they are",
               [&] { evaluate_clips(editor_, folder_.path(), stereo); });
  write_file_atomically(folder_.path() / "one_target.wav", "not a sound");
  table("one\textract the bass\n");
  expect_error(ErrorKind::kInput, "one_target.wav", [&] { evaluate(); });
}

}  // namespace
}  // namespace instructme
