#include "golden.h"

#include <gmock/gmock.h>

#include "material.h"

namespace instructme {
namespace {

TEST(Golden, HelpPages) {
  expect_golden("help", session({{"--help"},
                                 {"edit", "--help"},
                                 {"analyze", "--help"},
                                 {"session", "--help"},
                                 {"session", "apply", "--help"},
                                 {"data", "--help"},
                                 {"data", "render", "--help"},
                                 {"data", "mix", "--help"},
                                 {"data", "triplets", "--help"},
                                 {"data", "shards", "--help"},
                                 {"data", "report", "--help"},
                                 {"data", "listen", "--help"},
                                 {"data", "tokenizer", "--help"},
                                 {"train", "--help"},
                                 {"train", "vae", "--help"},
                                 {"train", "editor", "--help"},
                                 {"evaluate", "--help"},
                                 {"info", "--help"}}));
}

TEST(Golden, Words) { expect_golden("words", session({{"info", "words"}})); }

// Starting the program takes half a second of libtorch, so these are few; the parser has tests of its own.
TEST(Golden, UnderstoodSentences) {
  std::vector<Arguments> calls;
  for (const char* sentence :
       {"extract the bass", "replace the piano with a violin", "remix this with bass and strings", "remix it to funk",
        "make it sad", "Please get rid of the sax!",
        "remove the drums from 0:10 to 0:20, then turn the piano down by 6 dB and keep the bass"})
    calls.push_back({"edit", "song.wav", sentence, "--dry-run"});
  expect_golden("understood", session(calls));
}

TEST(Golden, RefusedSentences) {
  std::vector<Arguments> calls;
  for (const char* sentence :
       {"", "remix it to jaz", "replace the piano", "remove the drums and keep the drums", "turn the piano down"})
    calls.push_back({"edit", "song.wav", sentence, "--dry-run"});
  expect_golden("refused", session(calls));
}

TEST(Golden, WrongCommandLines) {
  expect_golden("usage", session({{},
                                  {"edti", "song.wav"},
                                  {"--no-such-option"},
                                  {"edit", "song.wav"},
                                  {"edit", "song.wav", "remove the drums", "--steps", "many"},
                                  {"edit", "song.wav", "remove the drums", "--device", "tpu"},
                                  {"edit", "song.wav", "remove the drums", "-o", "out.fla"},
                                  {"edit", "song.wav", "remove", "the", "drums"},
                                  {"data", "render", "-o", "songs"},
                                  {"train"},
                                  {"evaluate"},
                                  {"evaluate", "--songs", "a", "--clips", "b"}}));
}

TEST(Golden, MusicFiles) {
  const TempDir folder;
  const auto file = [&](const char* name) { return (folder.path() / name).string(); };
  write_music(file("song.wav"));
  write_music(file("song.ogg"), 1, 22050, 1);
  expect_golden("files", session({{"info", file("song.wav")}, {"info", file("song.ogg")}, {"info", file("absent.wav")}},
                                 folder.path().string()));
}

// Without weights of others, which a developer may or may not have installed.
TEST(Golden, Analysis) {
  const TempDir folder;
  const auto file = [&](const char* name) { return (folder.path() / name).string(); };
  const std::string model = copy_of_tiny_model(folder.path()).string();  // it has no ears
  write_music(file("song.wav"), 3);
  write_silence(file("silence.wav"));
  write_file_atomically(file("text.wav"), "no sound");
  expect_golden("analysis",
                session({{"analyze", file("song.wav"), "-m", model, "--no-notes", "-o", file("heard"), "--no-figure"},
                         {"analyze", file("silence.wav"), "-m", model, "--no-notes", "--json"},
                         {"analyze", file("text.wav"), "--no-notes"},
                         {"analyze", file("song.wav"), "--transcriber", file("absent.onnx")},
                         {"analyze", file("song.wav"), "--transcriber", file("text.wav")},
                         {"analyze"}},
                        folder.path().string()));
}

TEST(GoldenCompare, TheFirstDifferenceIsShown) {
  EXPECT_EQ(first_difference("a\nb\n", "a\nb\n"), "");
  const std::string text = first_difference("one\ntwo\nthree\n", "one\ntwo\nthrew\n");
  EXPECT_THAT(text, testing::HasSubstr("line 3, column 5"));
  EXPECT_THAT(text, testing::HasSubstr("same    |two"));
  EXPECT_THAT(text, testing::HasSubstr("wanted  |three"));
  EXPECT_THAT(text, testing::HasSubstr("found   |threw"));
  EXPECT_THAT(first_difference("one\n", "one\ntwo\n"), testing::HasSubstr("line 2, column 1"));
  EXPECT_THAT(first_difference("one\ntwo", "one"), testing::HasSubstr("<end of text>"));
}

TEST(Program, TellsItsVersion) {
  const Outcome outcome = run_program({"--version"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_TRUE(outcome.out.starts_with("instructme ")) << outcome.out;
}

TEST(Program, TellsAboutTheModel) {
  const Outcome outcome = run_program({"info", "-m", tiny_model().string(), "--threads", "1"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  for (const char* part :
       {"libtorch", "1 thread(s)", "16 channels at 50 frames/s", "U-Net", "text encoder", "v-prediction"})
    EXPECT_THAT(outcome.out, testing::HasSubstr(part));
}

TEST(Program, MakesUpNoLengthThatAFileDoesNotTell) {
  const TempDir folder;
  const auto file = folder.path() / "song.flac";
  write_music(file, 1);
  std::string bytes = read_text_file(file);
  // The 36 bits of the number of samples.
  bytes[21] = static_cast<char>(bytes[21] & 0xf0);
  bytes.replace(22, 4, 4, '\0');
  write_file_atomically(file, bytes);
  const Outcome outcome = run_program({"info", file.string()});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, testing::HasSubstr("song.flac: length not told, 44100 Hz"));
}

TEST(Program, UsesAsManyThreadsAsItIsTold) {
  const Arguments info{"info", "-m", tiny_model().string()};
  EXPECT_THAT(run_program(info).out, testing::HasSubstr("1 thread(s)")) << "OMP_NUM_THREADS";
  Arguments three = info;
  three.insert(three.end(), {"--threads", "3"});
  EXPECT_THAT(run_program(three).out, testing::HasSubstr("3 thread(s)"));
}

TEST(Program, FullStandardOutputIsAnError) {
  const Outcome outcome = run_program_behind({"sh", "-c", "exec \"$@\" >/dev/full", "sh"}, {"info", "words"});
  EXPECT_EQ(outcome.exit_code, 5);
  EXPECT_THAT(outcome.err, testing::StartsWith("instructme: cannot write to standard output"));
}

}  // namespace
}  // namespace instructme
