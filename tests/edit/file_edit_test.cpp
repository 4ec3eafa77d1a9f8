#include <torch/torch.h>
// The precompiled torch header comes first.
#include <sndfile.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "expect_error.h"
#include "file_edit_test_support.h"
#include "instructme/annotation/beat_file.h"
#include "instructme/annotation/chord_file.h"
#include "instructme/base/config_reader.h"
#include "instructme/edit/report.h"
#include "playing_options.h"
#include "small_font.h"

namespace instructme {
namespace {

using nlohmann::json;

/// The last raw samples of an uncompressed file, which only tags may follow.
std::string tail(const fs::path& file, size_t bytes) {
  std::string all = read_text_file(file);
  const size_t tags = all.rfind("LIST");
  if (tags != std::string::npos && tags > all.size() / 2) all.resize(tags);
  return all.substr(all.size() - bytes);
}

TEST_F(FileEditTest, FormatBitDepthAndTagsComeBackAndWhatWasNotAskedForDoesToo) {
  using enum AudioEncoding;
  const std::vector<std::tuple<std::string, AudioEncoding, int, int>> kinds = {
      {".wav", kPcm8, 8000, 1},    {".wav", kPcm16, 44100, 2},   {".wav", kPcm24, 48000, 6},
      {".wav", kPcm32, 44100, 2},  {".wav", kFloat32, 96000, 2}, {".wav", kFloat64, 44100, 1},
      {".wav", kPcm24, 192000, 1}, {".aiff", kPcm8, 11025, 1},   {".aiff", kPcm16, 44100, 2},
      {".aiff", kPcm32, 22050, 2}, {".flac", kPcm8, 16000, 1},   {".flac", kPcm16, 44100, 2},
      {".flac", kPcm24, 96000, 2}};
  for (const auto& [ending, encoding, rate, channels] : kinds) {
    const std::string name = "song" + ending;
    SCOPED_TRACE(testing::Message() << name << ", encoding " << static_cast<int>(encoding) << ", " << rate << " Hz");
    const AudioBuffer source = write_noise(name, encoding, rate, channels);
    FileEditRequest asked = request("remove the bass from 0.1 s to 0.3 s", name);
    asked.output.clear();
    const auto written = FileEdit(asked).run(editor());
    ASSERT_EQ(written.size(), 1u);
    EXPECT_EQ(written[0].output, path("song_remove" + ending));
    EXPECT_EQ(written[0].written.gain, 1);
    const AudioInfo before = probe_audio(path(name)), after = probe_audio(written[0].output);
    EXPECT_EQ(after.container, before.container);
    EXPECT_EQ(after.encoding, before.encoding);
    EXPECT_EQ(after.sample_rate, rate);
    EXPECT_EQ(after.channels, channels);
    EXPECT_EQ(after.tags, before.tags);
    EXPECT_EQ(after.tags.count("title"), 1u);
    const AudioBuffer result = read_audio(written[0].output);
    ASSERT_EQ(result.samples.size(), source.samples.size());
    bool changed = false;
    for (size_t i = 0; i < source.samples.size(); ++i) {
      const double time = static_cast<double>(i / static_cast<size_t>(channels)) / rate;
      if (time < 0.0999 || time >= 0.3001) {
        ASSERT_EQ(result.samples[i], source.samples[i]);
      } else {
        changed = changed || result.samples[i] != source.samples[i];
      }
    }
    EXPECT_TRUE(changed);
    // To the last bit of the file, where its samples lie open.
    if (ending != ".flac") {
      const auto bytes = static_cast<size_t>(0.19 * rate) * static_cast<size_t>(channels * before.bit_depth / 8);
      EXPECT_TRUE(tail(path(name), bytes) == tail(written[0].output, bytes));
    }
  }
}

TEST_F(FileEditTest, NothingIsCutOrTurnedDownInSilence) {
  // So loud that anything added is too much.
  write_noise("song.wav", AudioEncoding::kPcm16, 24000, 1, 0.5, 0.9999);
  const auto loud = FileEdit(request("add a violin")).run(editor());
  ASSERT_EQ(loud[0].written.notes.size(), 1u);
  EXPECT_THAT(loud[0].written.notes[0], testing::HasSubstr("written in 32-bit floats"));
  EXPECT_EQ(loud[0].written.gain, 1);
  const AudioBuffer floats = read_audio(loud[0].output);
  EXPECT_GT(peak(floats.samples), 1.0f);

  write_noise("song.flac", AudioEncoding::kPcm16, 24000, 1, 0.5, 0.9999);
  const auto flac = FileEdit(request("add a violin", "song.flac", "out.flac")).run(editor());
  EXPECT_LT(flac[0].written.gain, 1);
  EXPECT_THAT(flac[0].written.notes[0], testing::HasSubstr("turned down by"));
  const AudioBuffer turned = read_audio(flac[0].output);
  for (size_t i = 0; i < turned.samples.size(); ++i)
    ASSERT_NEAR(turned.samples[i], flac[0].written.gain * floats.samples[i], 1.0 / 32768);

  const auto lossy = FileEdit(request("remove the bass", "song.wav", "out.ogg")).run(editor());
  EXPECT_THAT(lossy[0].written.notes[0], testing::HasSubstr("loses a little of everything"));
}

TEST_F(FileEditTest, StemsAndResidualAreTheResult) {
  write_noise("song.wav");
  FileEditRequest asked = request("replace the bass with a violin, then add a piano from 0.1 s to 0.4 s");
  asked.stems = path("stems");
  asked.report = path("report.json");
  FileEdit(asked).run(editor());
  const json report = read_json_file(path("stems") / "report.json");
  AudioBuffer sum{24000, 2, std::vector<float>(24000, 0.0f)}, source = read_audio(path("song.wav"));
  ASSERT_EQ(report["stems"].size(), 4u);
  for (const json& stem : report["stems"]) {
    const AudioBuffer audio = read_audio(path("stems") / stem["file"].get<std::string>());
    if (stem["in_result"].get<bool>()) add_audio(sum, audio);
    if (stem["kind"] == "added") add_audio(source, audio);
    if (stem["kind"] == "removed") add_audio(source, audio, -1);
  }
  const AudioBuffer result = read_audio(path("out.wav"));
  // The file has 16 bits, the stems 24.
  for (size_t i = 0; i < result.samples.size(); ++i) {
    ASSERT_EQ(sum.samples[i], source.samples[i]);
    ASSERT_NEAR(sum.samples[i], result.samples[i], 0.5001 / 32768);
  }
  EXPECT_EQ(report["format"], "instructme-edit-report-1");
  EXPECT_EQ(report["plan"]["steps"].size(), 2u);
  EXPECT_EQ(report["preservation"]["changed_outside_ranges"], 0);
  for (const json& band : report["preservation"]["bands"]) {
    EXPECT_TRUE(band["changed_db"].is_number());
    EXPECT_TRUE(band["changed_other_than_stems_db"].is_null()) << band;
  }
  EXPECT_EQ(report["output"]["gain"], 1.0);
  EXPECT_FALSE(report["chords"].empty());
  EXPECT_FALSE(read_chord_file(path("stems") / "chords.lab", 0.5).empty());
  EXPECT_EQ(read_json_file(path("report.json")), report);
}

TEST_F(FileEditTest, ReportsSayWhatDirectModeChanges) {
  const AudioBuffer source = write_noise("song.wav");
  const EditResult result = editor().edit(source, "remove the bass from 0.1 s to 0.2 s", {.mode = EditMode::kDirect});
  const json report = edit_report(source, result, {});
  EXPECT_EQ(report["preservation"]["changed_outside_ranges"], 0);
  EXPECT_EQ(report["preservation"]["samples_outside_ranges"], 2 * (12000 - 2400));
  EXPECT_TRUE(report["preservation"]["bands"][3]["changed_other_than_stems_db"].is_number());
  EXPECT_EQ(report["modes"][0], "direct");
  EXPECT_TRUE(report["model"].is_null());
}

TEST_F(FileEditTest, ReportsHearChangesThatCancelInTheMixOfTheChannels) {
  const AudioBuffer source = write_noise("song.wav");
  EditResult result;
  result.plan = parse_plan("remove the bass", Lexicon::builtin());
  result.modes = {EditMode::kDirect};
  result.regions = {{0, source.frames(), 0, 0}};
  result.audio = source;
  for (size_t i = 0; i < source.samples.size(); ++i)
    result.audio.samples[i] += (i % 2 == 0 ? 0.1f : -0.1f) * std::sin(0.2f * static_cast<float>(i / 2));
  const json bands = edit_report(source, result, {})["preservation"]["bands"];
  EXPECT_GT(bands[3]["changed_db"].get<double>(), -20);  // 764 Hz
}

TEST_F(FileEditTest, StemsKeepTheirKindWhateverFollows) {
  write_noise("song.wav");
  FileEditRequest asked = request("extract the bass, then remix it to funk");
  asked.stems = path("stems");
  FileEdit(asked).run(editor());
  const json stem = read_json_file(path("stems") / "report.json")["stems"][0];
  EXPECT_EQ(stem["kind"], "extracted");
  EXPECT_EQ(stem["in_result"], false);
}

TEST_F(FileEditTest, StemsOfAnEarlierEditDoNotStayAmongThem) {
  write_noise("song.wav");
  FileEditRequest asked = request("remove the bass and the piano");
  asked.stems = path("stems");
  FileEdit(asked).run(editor());
  write_file_atomically(path("stems/beats.txt"), "0.1 1\n0.2 2\n");  // as of music that has a pulse
  ASSERT_TRUE(fs::exists(path("stems/2_piano_removed.wav")) || fs::exists(path("stems/2_piano_removed.flac")));
  fs::copy_file(path("song.wav"), path("stems/mine.wav"));
  // A recording of somebody's own stays, and what the next edit is made of, whatever their names.
  fs::copy_file(path("song.wav"), path("stems/3_solo_added.wav"));
  fs::copy_file(path("song.wav"), path("stems/9_flute_added.wav"));
  asked = request("extract the bass", "stems/9_flute_added.wav");
  asked.stems = path("stems");
  asked.overwrite = true;
  FileEdit(asked).run(editor());
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(path("stems"))) names.insert(entry.path().stem().string());
  EXPECT_EQ(names, (std::set<std::string>{"1_bass_extracted", "residual", "report", "chords", "mine", "3_solo_added",
                                          "9_flute_added"}));
}

TEST_F(FileEditTest, AllVariationsPlayTheNotesThatAreGiven) {
  SKIP_WITHOUT_SMALL_FONT();
  write_noise("song.wav");
  Editor playing(tiny_pipeline(), playing_options());
  FileEditRequest asked = request("add a violin");
  asked.options.notes = {{0.1, 0.2, 72, 80}};
  asked.variations = 2;
  const auto written = FileEdit(asked).run(playing);
  ASSERT_EQ(written.size(), 2u);
  EXPECT_EQ(read_audio(written[0].output).samples, read_audio(written[1].output).samples);
}

TEST_F(FileEditTest, OptionsFillInWhatTheSentenceLeavesOpen) {
  write_noise("song.wav");
  write_file_atomically(path("beats.txt"), "0 1\n0.1 2\n0.2 1\n0.3 2\n0.4 1\n");
  write_file_atomically(path("chords.lab"), "0 0.5 A:min\n");
  FileEditRequest asked = request("remove the bass and add a violin with strength 0.5");
  asked.range = parse_range("bars 2-2");
  asked.beats = path("beats.txt");
  asked.chords = path("chords.lab");
  asked.key = "A minor";
  const FileEdit edit(asked);
  EXPECT_EQ(plain_sentence(edit.plan()), "remove bass in bar 2, then add violin in bar 2 with strength 0.5");
  asked.sentence = "remove the bass after 0.3 s and then add a violin";
  EXPECT_EQ(plain_sentence(FileEdit(asked).plan()), "remove bass after 0.3 s, then add violin in bar 2");
  const EditOptions options = edit.options_for(probe_audio(path("song.wav")));
  EXPECT_EQ(options.beats.size(), 5u);
  EXPECT_EQ(options.chords.size(), 1u);
  EXPECT_EQ(options.key->tonic, 9);
  EXPECT_NO_THROW(edit.run(editor()));

  asked.notes = path("notes.mid");
  Part part;
  part.notes = {{0.1, 0.1, 36, 90}};
  part.drums = true;
  write_notes(path("notes.wav"), part, 0.5, 120);
  expect_error(ErrorKind::kInput, "no notes but those of drums", [&] { FileEdit{asked}.check(); });
  part.drums = false;
  write_notes(path("notes.wav"), part, 0.5, 120);
  EXPECT_EQ(FileEdit{asked}.options_for(probe_audio(path("song.wav"))).notes.size(), 1u);
  asked.notes.clear();

  asked.sentence = "remove the bass after 0.2 s";
  expect_error(ErrorKind::kUsage, "says when, and so does --range", [&] { FileEdit{asked}; });
  asked = request("remove the bass by half");
  asked.strength = 0.3;
  expect_error(ErrorKind::kUsage, "says how much, and so does --strength", [&] { FileEdit{asked}; });
  asked = request("remove the bass", "song.wav", "song.wav");
  expect_error(ErrorKind::kUsage, "would overwrite the source", [&] { FileEdit{asked}; });
  asked = request("remove the bass", "song.wav", "out.xyz");
  expect_error(ErrorKind::kUsage, "not a known audio extension", [&] { FileEdit{asked}; });
  // Found without a model.
  expect_error(ErrorKind::kInput, "outside the music", [&] { FileEdit(request("remove the bass after 9 s")).check(); });
  expect_error(ErrorKind::kInput, "does not exist",
               [&] { FileEdit(request("remove the bass", "absent.wav")).check(); });
  expect_error(ErrorKind::kIo, "does not exist",
               [&] { FileEdit(request("remove the bass", "song.wav", "no/out.wav")).check(); });
  asked = request("remove the bass");
  asked.key = "H";
  expect_error(ErrorKind::kUsage, "is no key", [&] { FileEdit{asked}; });
}

TEST_F(FileEditTest, FloatsBeyondFullScaleAreNotCutInFilesOfIntegers) {
  write_noise("song.wav", AudioEncoding::kFloat32, 24000, 1, 0.5, 1.5);
  FileEditRequest asked = request("add a violin", "song.wav", "out.flac");
  asked.range = parse_range("0-0.2");
  const auto written = FileEdit(asked).run(editor());
  EXPECT_LT(written[0].written.gain, 1);
  EXPECT_THAT(written[0].written.notes[0], testing::HasSubstr("turned down by"));
  // Integers may hold the lowest value, which is beyond the highest, themselves.
  AudioBuffer lowest{24000, 1, std::vector<float>(12000, 0.1f)};
  lowest.samples.back() = -1;
  write_audio(path("low.wav"), lowest, {.encoding = AudioEncoding::kPcm16});
  asked = request("add a violin", "low.wav", "low.flac");
  asked.range = parse_range("0-0.2");
  EXPECT_EQ(FileEdit(asked).run(editor())[0].written.gain, 1);
}

TEST_F(FileEditTest, NewPartsStandInFront) {
  const AudioBuffer music = write_noise("song.wav", AudioEncoding::kPcm16, 24000, 6);
  FileEdit(request("add a violin")).run(editor());
  const AudioBuffer result = read_audio(path("out.wav"));
  std::vector<bool> changed(6, false);
  for (size_t i = 0; i < music.samples.size(); ++i)
    if (music.samples[i] != result.samples[i]) changed[i % 6] = true;
  EXPECT_EQ(changed, (std::vector<bool>{true, true, false, false, false, false}));
}

TEST_F(FileEditTest, VariationsAreRankedByTheJudges) {
  write_noise("song.wav");
  FileEditRequest asked = request("add a violin");
  asked.variations = 3;
  asked.options.seed = 5;
  asked.report = path("report.json");
  int calls = 0;
  const Judge odd{"likes the middle", [&](const AudioBuffer&, const EditResult&) { return ++calls == 2 ? 0.9 : 0.1; }};
  const auto written = FileEdit(asked).run(editor(), {odd, standard_judges(editor())[1]});
  ASSERT_EQ(written.size(), 3u);
  EXPECT_EQ(written[0].output, path("out_seed6.wav"));
  EXPECT_EQ(written[0].scores.at("likes the middle"), 0.9);
  for (const WrittenEdit& one : written) {
    EXPECT_TRUE(fs::exists(one.output));
    ASSERT_TRUE(one.scores.at("chords agree").has_value());
    EXPECT_GE(*one.scores.at("chords agree"), 0.0);
    EXPECT_LE(*one.scores.at("chords agree"), 1.0);
  }
  const json report = read_json_file(path("report.json"));
  EXPECT_EQ(report[0]["seed"], 6);
  EXPECT_EQ(report.size(), 3u);
  // The seed alone makes the same again.
  asked.variations = 1;
  asked.options.seed = 6;
  FileEdit(asked).run(editor());
  EXPECT_EQ(read_audio(path("out.wav")).samples, read_audio(path("out_seed6.wav")).samples);
}

TEST_F(FileEditTest, VariationsOfWhatIsNotLeftToChanceSaySo) {
  write_noise("song.wav");
  FileEditRequest asked = request("extract the bass");
  asked.variations = 2;
  asked.options.mode = EditMode::kCompose;
  const auto written = FileEdit(asked).run(editor());
  EXPECT_TRUE(written[0].written.notes.empty());
  ASSERT_EQ(written[1].written.notes.size(), 1u);
  EXPECT_THAT(written[1].written.notes[0], testing::HasSubstr("with seed 0 is the same"));
}

TEST_F(FileEditTest, OnlyTheFirstVariationPlaysTheNotesThatAreHeard) {
  write_noise("song.wav");
  FileEditRequest asked = request("replace the piano with a violin");
  asked.variations = 2;
  asked.report = path("report.json");
  FileEdit(asked).run(editor());
  json report = read_json_file(path("report.json"));
  EXPECT_EQ(report[0]["part_notes"], "auto");
  EXPECT_EQ(report[1]["part_notes"], "written");
  asked.variations = 1;
  asked.options.part_notes = PartNotes::kWritten;
  FileEdit(asked).run(editor());
  EXPECT_EQ(read_json_file(path("report.json"))["part_notes"], "written");
}

TEST_F(FileEditTest, BarsAreCountedByBeatsThatAreHeard) {
  write_noise("song.wav");
  FileEditRequest asked = request("remove the bass in bar 2");
  EXPECT_NO_THROW(FileEdit(asked).check());
  expect_error(ErrorKind::kInput, "this model has no ears to hear them: name a file",
               [&] { FileEdit(asked).run(editor()); });
  int calls = 0;
  EditorOptions options;
  options.ears = [&](const AudioBuffer& audio, const ProgressCallback&, const CancelToken&) {
    ++calls;
    Hearing hearing;
    for (int i = 0; i < 4; ++i) hearing.beats.push_back({0.1 * (i + 1), i / 2, i % 2});
    hearing.chord_spans = {{0, audio.seconds(), Chord::of(9, ChordQuality::kMin)}};
    return hearing;
  };
  Editor listening(tiny_pipeline(), options);
  EXPECT_NO_THROW(FileEdit(request("remove the bass")).run(listening));
  EXPECT_EQ(calls, 0);  // it takes time, so only where it is wanted

  asked.stems = path("stems");
  asked.variations = 2;
  const auto written = FileEdit(asked).run(listening, standard_judges(listening));
  EXPECT_EQ(calls, 2);  // the music and its result, in which no noise plays a part
  ASSERT_EQ(written[0].written.notes.size(), 1u);
  EXPECT_THAT(written[0].written.notes[0], testing::HasSubstr("beats that are heard (600 a minute)"));
  const json report = read_json_file(path("stems") / "seed0" / "report.json");
  EXPECT_EQ(report["ranges_frames"][0], json::parse("[7200, 12000]"));  // bar 2 begins at 0.3 s and is the last
  EXPECT_EQ(report["beats"][3], json::parse("[0.4, 2]"));
  EXPECT_EQ(report["beats_given"], false);
  EXPECT_EQ(report["tempo_bpm"], 600.0);
  EXPECT_EQ(report["chords"][0][2], "A:min");
  EXPECT_EQ(report["scores"]["beats agree"], 1.0);
  EXPECT_EQ(report["scores"]["chords agree"], 1.0);
  EXPECT_TRUE(report["scores"]["instrument heard"].is_null());
  EXPECT_EQ(read_beat_file(path("stems") / "seed1" / "beats.txt").size(), 4u);

  // What was saved can be corrected and given back; then nothing is to be heard.
  asked = request("remove the bass in bar 2");
  asked.chords = path("stems") / "seed0" / "chords.lab";
  asked.beats = path("stems") / "seed0" / "beats.txt";
  asked.report = path("report.json");
  EXPECT_TRUE(FileEdit(asked).run(editor())[0].written.notes.empty());
  EXPECT_EQ(read_json_file(path("report.json"))["ranges_frames"], report["ranges_frames"]);
  EXPECT_EQ(read_json_file(path("report.json"))["beats_given"], true);
}

}  // namespace
}  // namespace instructme
