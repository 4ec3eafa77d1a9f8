#include <gmock/gmock.h>

#include <csignal>

#include "instructme/audio/audio_file.h"
#include "material.h"
#include "program.h"

namespace fs = std::filesystem;

namespace instructme {
namespace {

class Edit : public testing::Test {
 protected:
  fs::path path(const std::string& name) const { return folder_.path() / name; }
  Arguments edit(const std::string& output, Arguments more = {}) const {
    Arguments arguments{"edit", path("song.wav").string(), "remove the drums", "-o", path(output).string(),
                        "-m",   tiny_model().string(),     "--threads",        "1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  TempDir folder_;
};

TEST_F(Edit, TheResultHasTheFormOfTheSource) {
  write_music(path("song.wav"), 1.7, 44100, 2);
  const Outcome outcome = run_program(edit("out.flac"));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, path("out.flac").string() + "\n");
  EXPECT_THAT(outcome.err, testing::HasSubstr("understood: remove drum kit"));
  const AudioBuffer source = read_audio(path("song.wav")), result = read_audio(path("out.flac"));
  EXPECT_EQ(result.sample_rate, 44100);
  EXPECT_EQ(result.channels, 2);
  EXPECT_EQ(result.frames(), source.frames());
  EXPECT_FALSE(is_silent(result));
  EXPECT_THAT(leftovers(folder_.path()), testing::IsEmpty());
}

TEST_F(Edit, TheSameSeedGivesTheSameBytes) {
  write_music(path("song.wav"), 1, 24000, 1);
  for (const auto& [name, seed] : {std::pair("a.flac", "7"), std::pair("b.flac", "7"), std::pair("c.flac", "8")})
    ASSERT_EQ(
        run_program(edit(name, {"--mode", "direct", "--seed", seed, "--steps", "3", "--guidance", "2"})).exit_code, 0);
  EXPECT_TRUE(read_text_file(path("a.flac")) == read_text_file(path("b.flac")));
  EXPECT_FALSE(read_text_file(path("a.flac")) == read_text_file(path("c.flac")));
}

TEST_F(Edit, EveryFormatIsWritten) {
  write_music(path("song.wav"), 1.5, 48000, 2);
  for (const char* name : {"out.wav", "out.aiff", "out.ogg", "out.opus", "out.mp3"}) {
    const Outcome outcome = run_program(edit(name));
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    const AudioBuffer result = read_audio(path(name));
    EXPECT_EQ(result.sample_rate, 48000) << name;
    EXPECT_EQ(result.channels, 2) << name;
    // MP3 comes in blocks of 1152 frames, of which encoder and decoder add a few.
    EXPECT_NEAR(static_cast<double>(result.frames()), 72000, std::string(name) == "out.mp3" ? 2400 : 0) << name;
  }
}

TEST_F(Edit, WithoutAnOutputItWritesBesideTheSource) {
  write_music(path("song.wav"), 1);
  const Outcome outcome = run_program({"edit", path("song.wav").string(), "extract the bass", "-m",
                                       tiny_model().string(), "--bfloat16", "--threads", "1"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, path("song_extract.flac").string() + "\n");
  EXPECT_TRUE(fs::exists(path("song_extract.flac")));
}

TEST_F(Edit, TheSourceIsReplacedOnlyWhenAsked) {
  write_music(path("song.wav"), 1);
  const std::string before = read_text_file(path("song.wav"));
  EXPECT_EQ(run_program(edit("song.wav")).exit_code, 2);
  EXPECT_EQ(read_text_file(path("song.wav")), before);
  EXPECT_EQ(run_program(edit("song.wav", {"--overwrite"})).exit_code, 0);
  EXPECT_NE(read_text_file(path("song.wav")), before);
}

TEST_F(Edit, ADryRunNeedsNeitherMusicNorModel) {
  const Outcome outcome = run_program({"edit", path("absent.wav").string(), "remix it to funk", "--dry-run"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.err, "understood: remix to funk\n");
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

TEST_F(Edit, CtrlCStopsItWithoutAnOutput) {
  write_music(path("song.wav"), 60, 24000, 1);
  RunningProgram program(edit("out.flac", {"--mode", "direct", "--steps", "1000", "--guidance", "2"}));
  // A plain line of progress appears after five seconds of sampling.
  ASSERT_TRUE(wait_until([&] { return program.err().find("/1000 steps") != std::string::npos || program.ended(); }));
  ASSERT_FALSE(program.ended()) << program.err();
  program.send(SIGINT);
  const Outcome outcome = program.wait(30);
  EXPECT_EQ(outcome.exit_code, 130) << outcome.err;
  EXPECT_THAT(lines_of(outcome.err).back(), testing::StartsWith("instructme: stopped on request"));
  EXPECT_EQ(outcome.out, "");
  EXPECT_FALSE(fs::exists(path("out.flac")));
  EXPECT_THAT(leftovers(folder_.path()), testing::IsEmpty());
}

}  // namespace
}  // namespace instructme
