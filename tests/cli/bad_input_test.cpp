#include <gmock/gmock.h>

#include <functional>

#include "instructme/audio/audio_file.h"
#include "instructme/base/process.h"
#include "instructme/base/strings.h"
#include "material.h"
#include "program.h"

namespace fs = std::filesystem;

namespace instructme {
namespace {

/// Exactly one sentence of complaint, at the end, after at most the line that says what was understood.
void expect_one_sentence(const Outcome& outcome, int exit_code, const std::string& part) {
  EXPECT_EQ(outcome.exit_code, exit_code) << outcome.err;
  auto lines = lines_of(outcome.err);
  if (!lines.empty() && lines.front().starts_with("understood: ")) lines.erase(lines.begin());
  ASSERT_EQ(lines.size(), 1u) << outcome.err;
  EXPECT_THAT(lines.front(), testing::StartsWith("instructme: "));
  EXPECT_THAT(lines.front(), testing::HasSubstr(part));
  EXPECT_EQ(outcome.out, "");
}

/// An edit that must fail. `prepare` gets an empty folder in which song.wav lies, and changes what the
/// command line will say.
struct Call {
  fs::path folder;
  std::string file, sentence = "remove the drums", output, model;
};
struct BadEdit {
  const char* name;
  int exit_code;
  const char* part;  ///< of the sentence
  std::function<void(Call&)> prepare;
};

class BadEdits : public testing::TestWithParam<BadEdit> {};

TEST_P(BadEdits, GiveOneSentenceAndLeaveNothing) {
  const TempDir folder;
  Call call{folder.path(), (folder.path() / "song.wav").string(), "remove the drums",
            (folder.path() / "out.flac").string(), tiny_model().string()};
  write_music(call.file, 1);
  GetParam().prepare(call);
  const bool output_was_there = fs::exists(call.output);
  const Outcome outcome = run_program({"edit", call.file, call.sentence, "-o", call.output, "-m", call.model});
  expect_one_sentence(outcome, GetParam().exit_code, GetParam().part);
  EXPECT_EQ(fs::exists(call.output), output_was_there);
  EXPECT_THAT(leftovers(folder.path()), testing::IsEmpty());
}

void use_file(Call& call, const char* name) { call.file = (call.folder / name).string(); }

const BadEdit kBadEdits[] = {
    {"MissingFile", 3, "does not exist", [](Call& c) { use_file(c, "absent.wav"); }},
    {"FolderAsFile", 3, "folder", [](Call& c) { c.file = c.folder.string(); }},
    {"EmptyFile", 3, "empty", [](Call& c) { use_file(c, "empty.wav"), write_file_atomically(c.file, ""); }},
    {"TextNamedWav", 3, "not an audio file",
     [](Call& c) { use_file(c, "text.wav"), write_file_atomically(c.file, "this is not music\n"); }},
    {"TruncatedWav", 3, "truncated", [](Call& c) { truncate_file(c.file, 0.5); }},
    {"TruncatedFlac", 3, "truncated",
     [](Call& c) { use_file(c, "song.flac"), write_music(c.file, 1), truncate_file(c.file, 0.5); }},
    {"Silence", 3, "silent", [](Call& c) { use_file(c, "silence.wav"), write_silence(c.file); }},
    {"NotANumber", 3, "NaN at 0.9", [](Call& c) { use_file(c, "nan.wav"), write_wav_with_nan(c.file); }},
    {"TooLong", 3, "1500 s long; at most 1200 s",
     [](Call& c) { use_file(c, "long.wav"), write_long_wav(c.file, 1500); }},
    {"UnknownInstrument", 3, "did you mean 'piano'", [](Call& c) { c.sentence = "remove the pianno"; }},
    {"UnknownOperation", 3, "'destroy'", [](Call& c) { c.sentence = "destroy the piano"; }},
    {"EmptySentence", 3, "is empty", [](Call& c) { c.sentence = ""; }},
    {"MissingModel", 4, "there is no model folder", [](Call& c) { c.model = (c.folder / "absent").string(); }},
    {"ModelWithoutConfig", 5, "config.json",
     [](Call& c) { c.model = copy_of_tiny_model(c.folder), fs::remove(c.model + "/config.json"); }},
    {"ModelWithoutUNet", 5, "unet.safetensors",
     [](Call& c) { c.model = copy_of_tiny_model(c.folder), fs::remove(c.model + "/unet.safetensors"); }},
    {"ModelWithoutTokenizer", 4, "spiece.model",
     [](Call& c) { c.model = copy_of_tiny_model(c.folder), fs::remove(c.model + "/text_encoder/spiece.model"); }},
    {"TruncatedWeights", 4, "unet.safetensors",
     [](Call& c) { c.model = copy_of_tiny_model(c.folder), truncate_file(c.model + "/unet.safetensors", 0.5); }},
    {"WeightsOfAnotherShape", 4, "unet.safetensors",
     [](Call& c) {
       c.model = copy_of_tiny_model(c.folder);
       damage_weights(c.model + "/unet.safetensors", Damage::kShape);
     }},
    {"WeightsOfAnotherName", 4, "vae.safetensors",
     [](Call& c) {
       c.model = copy_of_tiny_model(c.folder);
       damage_weights(c.model + "/vae.safetensors", Damage::kName);
     }},
    {"WeightsOfAnotherType", 4, "unet.safetensors",
     [](Call& c) {
       c.model = copy_of_tiny_model(c.folder);
       damage_weights(c.model + "/unet.safetensors", Damage::kType);
     }},
    {"ConfigIsNotJson", 4, "not valid JSON",
     [](Call& c) { c.model = copy_of_tiny_model(c.folder), write_file_atomically(c.model + "/config.json", "{oops"); }},
    {"ConfigWithUnknownKey", 4, "'chanels' (did you mean 'channels'",
     [](Call& c) {
       c.model = copy_of_tiny_model(c.folder);
       std::string text = read_text_file(c.model + "/config.json");
       text.replace(text.find("\"channels\""), 10, "\"chanels\"");
       write_file_atomically(c.model + "/config.json", text);
     }},
    {"OutputInMissingFolder", 5, "does not exist", [](Call& c) { c.output = (c.folder / "absent/out.flac").string(); }},
    {"OutputIsFolder", 5, "it is a folder",
     [](Call& c) { c.output = (c.folder / "out.flac").string(), fs::create_directory(c.output); }},
    {"UnknownExtension", 2, "did you mean '.flac'", [](Call& c) { c.output = (c.folder / "out.flacc").string(); }},
    {"OutputIsTheSource", 2, "--overwrite", [](Call& c) { c.output = c.file; }},
    {"OutputIsTheSourceByAnotherName", 2, "--overwrite",
     [](Call& c) { c.output = (c.folder / "." / "song.wav").string(); }},
};

INSTANTIATE_TEST_SUITE_P(Cli, BadEdits, testing::ValuesIn(kBadEdits),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST(BadPlaces, NoModelNamedAndNoneThereIsMissing) {
  const TempDir folder;
  // A copy of the program has no models folder above it.
  const fs::path copy = folder.path() / "a/b/c/instructme";
  fs::create_directories(copy.parent_path());
  fs::copy_file(INSTRUCTME_BINARY, copy);
  write_music(folder.path() / "song.wav", 1);
  const ProcessResult result = run_process({"env", "-u", "INSTRUCTME_MODEL", "-C", folder.path().string(),
                                            copy.string(), "edit", "song.wav", "remove the drums"});
  EXPECT_EQ(result.exit_code, 6) << result.output;
  EXPECT_THAT(result.output, testing::HasSubstr("instructme: no model was found in"));
  EXPECT_FALSE(fs::exists(folder.path() / "song_remove.flac"));
}

TEST(BadPlaces, TrainingAndDataRefuseWithOneSentence) {
  const TempDir folder;
  const auto path = [&](const char* name) { return (folder.path() / name).string(); };
  const std::string recipe = tiny_recipe().string();
  fs::create_directory(path("songs"));
  expect_one_sentence(run_program({"train", "vae", "-c", path("absent.json"), "-s", path("songs"), "-o", path("run")}),
                      5, "absent.json");
  expect_one_sentence(run_program({"train", "vae", "-c", recipe, "-s", path("songs"), "-o", path("run")}), 3, "songs");
  expect_one_sentence(run_program({"train", "editor", "-c", recipe, "-s", path("songs"), "-o", path("run")}), 2,
                      "--vae");
  expect_one_sentence(run_program({"data", "triplets", path("absent"), "-o", path("triplets")}), 3, "absent");
  expect_one_sentence(run_program({"data", "mix", path("absent"), "-o", path("mix.wav")}), 5, "absent");
  expect_one_sentence(run_program({"evaluate", "--songs", path("songs"), "-m", path("absent")}), 4, "absent");
  expect_one_sentence(run_program({"evaluate", "--ears", path("songs"), "--details", path("details")}), 2, "--details");
  EXPECT_FALSE(fs::exists(path("run")));
  EXPECT_FALSE(fs::exists(path("triplets")));
}

TEST(BadOptions, WhatWouldBeToldInVainIsRefused) {
  const struct {
    const char* part;  ///< of the sentence
    Arguments call;
  } calls[] = {
      {"--shard is for", {"edit", "a.wav", "remove the drums", "--shard", "2/8"}},
      {"--fonts is for", {"edit", "a.wav", "add a piano", "--parts", "model", "--fonts", "a.sf2"}},
      {"--part-notes is for", {"edit", "a.wav", "add a piano", "--parts", "model", "--part-notes", "written"}},
      {"--parts played", {"edit", "a.wav", "add a piano", "--mode", "direct", "--parts", "played"}},
      {"--transcriber is for", {"analyze", "a.wav", "--no-notes", "--transcriber", "nmp.onnx"}},
      {"--operations is for", {"evaluate", "--clips", "clips", "--operations", "extract"}},
      {"--examples is for", {"evaluate", "--ears", "songs", "-n", "3"}},
      {"--bfloat16 is for", {"evaluate", "--ears", "songs", "--bfloat16"}},
      {"--no-mma is for", {"data", "shards", "-o", "out", "-n", "5", "--songs", "songs", "--no-mma"}},
      {"--metadata is for", {"data", "import", ".", "--kind", "folders", "--check", "--metadata", "yaml"}},
      {"--jobs is for", {"train", "vae", "-c", "a.json", "-s", "songs", "-o", "out", "-j", "4"}},
      {"leave --tokenizer out", {"train", "text", "-c", "a.json", "-o", "out", "--tokenizer", "a", "--from", "t5"}},
      {"--steps: ", {"train", "vae", "-c", "a.json", "-s", "songs", "-o", "out", "--steps", "0"}},
      {"--from is required", {"train", "mask", "-c", "a.json", "-s", "songs", "-o", "out"}},
      {"--seed: ", {"session", "reroll", "work", "--seed", "-5"}},
      {"--speed is about", {"info", "a.wav", "--speed"}},
      {"'data rendr' (did you mean 'render'?)", {"data", "rendr", "-o", "songs"}},
  };
  for (const auto& [part, call] : calls) expect_one_sentence(run_program(call), 2, part);
}

TEST(BadPlaces, AreToldBeforeTheWork) {
  const TempDir folder;
  const std::string absent = (folder.path() / "absent/file").string(), model = (folder.path() / "no_model").string();
  for (const char* option : {"-o", "--details"})
    expect_one_sentence(run_program({"evaluate", "--songs", "songs", "-m", model, option, absent}), 5, absent);
  expect_one_sentence(run_program({"train", "sentences", "-s", "absent.tsv", "-o", absent}), 5, absent);
  expect_one_sentence(run_program({"data", "import", folder.path().string(), "--kind", "folders", "--json", absent,
                                   "-o", (folder.path() / "songs").string()}),
                      5, absent);
  // What cannot be heard leaves no folder.
  const std::string heard = (folder.path() / "heard").string();
  expect_one_sentence(run_program({"analyze", "absent.wav", "-o", heard}), 3, "absent.wav");
  write_music(folder.path() / "song.wav", 1);
  expect_one_sentence(run_program({"analyze", (folder.path() / "song.wav").string(), "-o", heard, "-m", model}), 4,
                      "there is no model folder");
  EXPECT_FALSE(fs::exists(heard));
  EXPECT_THAT(leftovers(folder.path()), testing::IsEmpty());
}

TEST(BadSongs, AnImportOfNoneFails) {
  const TempDir folder;
  fs::create_directories(folder.path() / "mine/quiet");
  for (const char* name : {"drums.wav", "bass.wav"}) write_silence(folder.path() / "mine/quiet" / name);
  const Outcome outcome = run_program({"data", "import", (folder.path() / "mine").string(), "--kind", "folders", "-o",
                                       (folder.path() / "songs").string()});
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_THAT(outcome.out, testing::HasSubstr("0 songs imported, 0 were there already, 0 left out, 1 refused"));
  EXPECT_THAT(lines_of(outcome.err).back(), testing::StartsWith("instructme: no song could be imported; the first "));
}

Arguments edit_of(const fs::path& source, const fs::path& output) {
  return {"edit", source.string(),       "remove the drums", "-o", output.string(),
          "-m",   tiny_model().string(), "--threads",        "1"};
}

/// The complaint at the end, after the reports of the work before it.
void expect_disk_error(const Outcome& outcome, const std::string& reason) {
  EXPECT_EQ(outcome.exit_code, 5) << outcome.err;
  const auto lines = lines_of(outcome.err);
  ASSERT_FALSE(lines.empty());
  EXPECT_THAT(lines.back(),
              testing::AllOf(testing::StartsWith("instructme: cannot write "), testing::HasSubstr(reason)));
  EXPECT_EQ(outcome.out, "");
}

TEST(FullDisk, FileBeyondTheLimitOfTheUser) {
  const TempDir folder;
  write_music(folder.path() / "song.wav", 2);
  for (const char* name : {"out.flac", "out.mp3"}) {
    const Outcome outcome = run_program_behind({"sh", "-c", "ulimit -f 8; exec \"$@\"", "sh"},
                                               edit_of(folder.path() / "song.wav", folder.path() / name));
    expect_disk_error(outcome, "File too large");
    EXPECT_FALSE(fs::exists(folder.path() / name));
  }
  EXPECT_THAT(leftovers(folder.path()), testing::IsEmpty());
}

TEST(FullDisk, SmallFileSystem) {
  const TempDir folder;
  const std::string disk = (folder.path() / "disk").string();
  fs::create_directory(disk);
  write_music(folder.path() / "song.wav", 2);
  if (!program_exists("unshare") ||
      run_process({"unshare", "-rm", "mount", "-t", "tmpfs", "-o", "size=16k", "none", disk}).exit_code != 0)
    GTEST_SKIP() << "needs the right to mount a file system in a namespace of its own";
  // The mount is gone with the namespace, so what is left on it is listed inside.
  const std::string script = "mount -t tmpfs -o size=16k none " + disk + " && { \"$@\"; code=$?; ls -A " + disk + " >" +
                             (folder.path() / "list").string() + "; exit $code; }";
  const Outcome outcome = run_program_behind({"unshare", "-rm", "sh", "-c", script, "sh"},
                                             edit_of(folder.path() / "song.wav", fs::path(disk) / "out.flac"));
  expect_disk_error(outcome, "No space left");
  EXPECT_EQ(read_text_file(folder.path() / "list"), "");
}

}  // namespace
}  // namespace instructme
