#include "golden.h"

#include <gmock/gmock.h>

#include "material.h"

namespace instructme {
namespace {

TEST(Golden, HelpPages) {
  expect_golden("help", session({{"--help"},
                                 {"edit", "--help"},
                                 {"data", "--help"},
                                 {"data", "render", "--help"},
                                 {"data", "mix", "--help"},
                                 {"data", "triplets", "--help"},
                                 {"data", "tokenizer", "--help"},
                                 {"train", "--help"},
                                 {"train", "vae", "--help"},
                                 {"train", "editor", "--help"},
                                 {"evaluate", "--help"},
                                 {"info", "--help"}}));
}

TEST(Golden, Words) { expect_golden("words", session({{"info", "words"}})); }

TEST(Golden, UnderstoodSentences) {
  std::vector<Arguments> calls;
  for (const char* sentence :
       {"extract the bass", "remove the drums", "add an acoustic guitar", "replace the piano with a violin",
        "remix this with bass, drums and strings", "remix it to funk", "Please get rid of the sax!",
        "take out the drums and the bass", "make it sad", "play a flute to this", "swap the organ for a choir"})
    calls.push_back({"edit", "song.wav", sentence, "--dry-run"});
  expect_golden("understood", session(calls));
}

TEST(Golden, RefusedSentences) {
  std::vector<Arguments> calls;
  for (const char* sentence : {"", "   ", "remove the pianno", "destroy the piano", "remove", "remix it to jaz",
                               "replace the piano", "remove the drums and add a piano"})
    calls.push_back({"edit", "song.wav", sentence, "--dry-run"});
  expect_golden("refused", session(calls));
}

TEST(Golden, WrongCommandLines) {
  expect_golden("usage", session({{},
                                  {"edti", "song.wav"},
                                  {"frobnicate"},
                                  {"--no-such-option"},
                                  {"edit"},
                                  {"edit", "song.wav"},
                                  {"edit", "song.wav", "remove the drums", "--steps", "many"},
                                  {"edit", "song.wav", "remove the drums", "--steps", "-3"},
                                  {"edit", "song.wav", "remove the drums", "--guidance", "99"},
                                  {"edit", "song.wav", "remove the drums", "--device", "tpu"},
                                  {"edit", "song.wav", "remove the drums", "-o", "out.fla"},
                                  {"edit", "song.wav", "remove the drums", "-o", "song.wav"},
                                  {"edit", "song.wav", "remove", "the", "drums"},
                                  {"data"},
                                  {"data", "render", "-o", "songs"},
                                  {"data", "render", "-o", "songs", "-n", "0"},
                                  {"data", "render", "-o", "songs", "-n", "1", "--split", "half"},
                                  {"train"},
                                  {"train", "vae", "-s", "songs", "-o", "run"},
                                  {"evaluate"},
                                  {"evaluate", "--songs", "a", "--clips", "b"},
                                  {"--threads", "-1", "info", "words"}}));
}

TEST(Golden, MusicFiles) {
  const TempDir folder;
  const auto file = [&](const char* name) { return (folder.path() / name).string(); };
  write_music(file("song.wav"));
  write_music(file("song.flac"), 1.5, 48000, 1);
  write_music(file("song.ogg"), 1, 22050, 2);
  write_silence(file("silence.aiff"));
  expect_golden("files", session({{"info", file("song.wav")},
                                  {"info", file("song.flac")},
                                  {"info", file("song.ogg")},
                                  {"info", file("silence.aiff")},
                                  {"info", file("absent.wav")},
                                  {"info", folder.path().string()}},
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

TEST(Program, FullStandardOutputIsAnError) {
  const Outcome outcome = run_program_behind({"sh", "-c", "exec \"$@\" >/dev/full", "sh"}, {"info", "words"});
  EXPECT_EQ(outcome.exit_code, 5);
  EXPECT_THAT(outcome.err, testing::StartsWith("instructme: cannot write to standard output"));
}

}  // namespace
}  // namespace instructme
