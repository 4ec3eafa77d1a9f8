#include <torch/torch.h>
// The precompiled torch header comes first.
#include <nlohmann/json.hpp>

#include "expect_error.h"
#include "file_edit_test_support.h"
#include "instructme/edit/batch.h"
#include "instructme/edit/estimate.h"
#include "playing_options.h"
#include "small_font.h"

namespace instructme {
namespace {

using nlohmann::json;

TEST_F(FileEditTest, ABatchGoesOnWhereItWas) {
  write_noise("song.wav");
  write_file_atomically(
      path("songs.jsonl"),
      R"({"file": "song.wav", "sentence": "remove the bass", "output": "out/a.wav"})"
      "\n\n"
      R"({"file": "song.wav", "sentence": "remove the kazoo", "output": "out/b.wav"})"
      "\n"
      R"({"file": "song.wav", "sentence": "add a violin", "output": "out/c.wav", "seed": 3, "range": "0-0.2"})"
      "\nnonsense\n"
      R"({"file": "song.wav", "sentence": "remove the bass", "output": "out/d.wav", "sed": 3})"
      "\n");
  std::vector<json> told;
  const auto tell = [&](const json& line) { told.push_back(line); };
  const EditOptions quick{.steps = 1};
  BatchResult result = run_batch(editor(), path("songs.jsonl"), {0, 1}, quick, tell);
  EXPECT_EQ(result.done, 2);
  EXPECT_EQ(result.failed, 3);
  ASSERT_EQ(told.size(), 5u);
  EXPECT_EQ(told[0]["status"], "done");
  EXPECT_EQ(told[1]["line"], 3);
  EXPECT_THAT(told[1]["error"].get<std::string>(), testing::HasSubstr("no instrument called 'kazoo'"));
  EXPECT_THAT(told[3]["error"].get<std::string>(), testing::HasSubstr("no JSON object"));
  EXPECT_THAT(told[4]["error"].get<std::string>(), testing::HasSubstr("sed"));
  EXPECT_TRUE(fs::exists(path("out/c.wav")));

  // Again: nothing is left to do but what failed. Another seed is another edit.
  result = run_batch(editor(), path("songs.jsonl"), {0, 1}, quick, tell);
  EXPECT_EQ(result.skipped, 2);
  EXPECT_EQ(result.done, 0);
  fs::remove(path("out/a.wav"));
  result = run_batch(editor(), path("songs.jsonl"), {0, 1}, quick, tell);
  EXPECT_EQ(result.done, 1);
  EXPECT_EQ(result.skipped, 1);

  // Two shards share the lines.
  told.clear();
  for (const int index : {0, 1}) run_batch(editor(), path("songs.jsonl"), {index, 2}, quick, tell);
  EXPECT_EQ(told.size(), 5u);
  EXPECT_EQ(parse_shard("2/8").index, 1);
  for (const char* text : {"0/8", "9/8", "1", "a/b", "1/8x"})
    expect_error(ErrorKind::kUsage, "is no shard", [&] { parse_shard(text); });
  expect_error(ErrorKind::kIo, "cannot read", [&] { run_batch(editor(), path("absent"), {0, 1}, quick, tell); });
}

TEST_F(FileEditTest, ALineThatCannotBeUsedHarmsNoOther) {
  write_noise("song.wav");
  const std::string deep = std::string(100000, '['), rest = R"("file": "song.wav", "sentence": "remove the bass", )";
  write_file_atomically(path("songs.jsonl"), R"({"file": )" + deep + std::string(deep.size(), ']') + "}\n{" + rest +
                                                 R"("output": "a.wav", "steps": -5})" + "\n{" + rest +
                                                 R"("output": "b.wav", "guidance": 31})" + "\n{" + rest +
                                                 R"("output": "c.wav"})" + "\n");
  std::vector<json> told;
  run_batch(editor(), path("songs.jsonl"), {0, 1}, {.steps = 1}, [&](const json& line) { told.push_back(line); });
  ASSERT_EQ(told.size(), 4u);
  EXPECT_THAT(told[0]["error"].get<std::string>(), testing::HasSubstr("nested too deeply"));
  EXPECT_THAT(told[1]["error"].get<std::string>(), testing::HasSubstr("'steps' lies in 0 to 1000, not -5"));
  EXPECT_THAT(told[2]["error"].get<std::string>(), testing::HasSubstr("'guidance' lies in -1 to 30, not 31"));
  EXPECT_EQ(told[3]["status"], "done");
}

TEST_F(FileEditTest, ABatchKnowsWhenItsFilesChangeAndKeepsItsOutputsApart) {
  write_noise("song.wav");
  write_file_atomically(path("songs.jsonl"), R"({"file": "song.wav", "sentence": "remove the bass", "output": "a.wav"})"
                                             "\n"
                                             R"({"file": "song.wav", "sentence": "add a violin", "output": "./a.wav"})"
                                             "\n");
  std::vector<json> told;
  const auto tell = [&](const json& line) { told.push_back(line); };
  const EditOptions quick{.steps = 1};
  run_batch(editor(), path("songs.jsonl"), {0, 1}, quick, tell);
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0]["status"], "done");
  EXPECT_EQ(told[1]["status"], "failed");
  EXPECT_THAT(told[1]["error"].get<std::string>(), testing::HasSubstr("line 1 has the same output"));
  EXPECT_EQ(run_batch(editor(), path("songs.jsonl"), {0, 1}, quick, tell).skipped, 1);
  // The second shard has only the line that it must not make.
  EXPECT_EQ(run_batch(editor(), path("songs.jsonl"), {1, 2}, quick, tell).failed, 1);
  write_noise("song.wav", AudioEncoding::kPcm16, 24000, 2, 0.6);
  EXPECT_EQ(run_batch(editor(), path("songs.jsonl"), {0, 1}, quick, tell).done, 1);
  // Other sounds are another edit.
  write_file_atomically(path("sounds.sf2"), "");
  EditorOptions players;
  players.accompanist = std::make_shared<Accompanist>(PaletteOptions{.fonts = {path("sounds.sf2")}});
  Editor other(tiny_pipeline(), players);
  EXPECT_EQ(run_batch(other, path("songs.jsonl"), {0, 1}, quick, tell).done, 1);
  EXPECT_EQ(run_batch(other, path("songs.jsonl"), {0, 1}, quick, tell).skipped, 1);
}

TEST_F(FileEditTest, ABatchKeepsReportsAndStemsApartToo) {
  write_noise("song.wav");
  const auto line = [&](const std::string& output, const std::string& more) {
    return R"({"file": "song.wav", "sentence": "remove the bass", "output": ")" + output + "\"" + more + "}\n";
  };
  write_file_atomically(path("songs.jsonl"),
                        line("a.wav", R"(, "stems": "stems", "report": "report.json")") +
                            line("b.wav", R"(, "stems": "./stems/")") +
                            line("c.wav", ", \"report\": \"" + path("report.json").string() + "\"") +
                            line("d.wav", R"(, "report": "d.wav.json")"));
  std::vector<std::string> errors;
  run_batch(editor(), path("songs.jsonl"), {0, 1}, {.steps = 1},
            [&](const json& told) { errors.push_back(told.value("error", "")); });
  ASSERT_EQ(errors.size(), 4u);
  EXPECT_EQ(errors[0], "");
  EXPECT_THAT(errors[1], testing::HasSubstr("line 1 has the same output, report or stems"));
  EXPECT_THAT(errors[2], testing::HasSubstr("line 1 has the same output, report or stems"));
  EXPECT_THAT(errors[3], testing::HasSubstr("need a place each"));
}

TEST_F(FileEditTest, ABatchSparesWhatItsLinesRead) {
  for (const char* name : {"song.wav", "other.wav"}) write_noise(name);
  const std::string before = read_text_file(path("song.wav"));
  write_file_atomically(
      path("songs.jsonl"),
      "{\"file\": \"song.wav\", \"sentence\": \"remove the bass\", \"output\": \"a.wav\"}\n"
      "{\"file\": \"other.wav\", \"sentence\": \"remove the bass\", \"output\": \"./song.wav\"}\n"
      "{\"file\": \"other.wav\", \"sentence\": \"remove the bass\", \"output\": \"c.wav\", \"range\": \"\"}\n");
  std::vector<std::string> errors;
  run_batch(editor(), path("songs.jsonl"), {0, 1}, {.steps = 1},
            [&](const json& told) { errors.push_back(told.value("error", "")); });
  ASSERT_EQ(errors.size(), 3u);
  EXPECT_EQ(errors[0], "");
  EXPECT_THAT(errors[1], testing::HasSubstr("it would write over what line 1 reads"));
  EXPECT_THAT(errors[2], testing::HasSubstr("'range' is empty"));
  EXPECT_EQ(read_text_file(path("song.wav")), before);
}

TEST_F(FileEditTest, EstimatesOfARemixCountTheBand) {
  SKIP_WITHOUT_SMALL_FONT();
  EditorOptions options = playing_options();
  options.ears = [](const AudioBuffer&, const ProgressCallback&, const CancelToken&) { return Hearing{}; };
  const Editor playing(tiny_pipeline(), options);
  AudioInfo music;
  music.sample_rate = 44100;
  music.channels = 2;
  music.frames = 44100 * 300;
  const auto of = [&](const std::string& sentence) {
    return estimate_edit(playing, parse_plan(sentence, Lexicon::builtin()), music, {}, 100).seconds;
  };
  EXPECT_GT(of("remix it to rock"), of("remix this with a bass"));
}

TEST_F(FileEditTest, EstimatesGrowWithTheWork) {
  AudioInfo music;
  music.sample_rate = 44100;
  music.channels = 2;
  music.frames = 44100 * 300;
  const auto of = [&](const std::string& sentence, int64_t steps = 0) {
    return estimate_edit(editor(), parse_plan(sentence, Lexicon::builtin()), music, {.steps = steps}, 100);
  };
  EXPECT_LT(of("remove the bass").seconds, of("replace the bass with a violin").seconds);
  EXPECT_LT(of("add a violin", 10).seconds, of("add a violin", 20).seconds);
  EXPECT_LT(of("remove the bass from 0:10 to 0:20").seconds, of("remove the bass").seconds);
  EXPECT_LT(of("remove the bass").memory_mb, of("remove the bass and add a violin").memory_mb);
  EXPECT_GT(of("remove the bass").memory_mb, 300);
}

}  // namespace
}  // namespace instructme
