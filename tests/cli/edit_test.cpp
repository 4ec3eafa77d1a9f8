#include <gmock/gmock.h>

#include <csignal>
#include <nlohmann/json.hpp>

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
  EXPECT_EQ(outcome.out, path("song_extract.wav").string() + "\n");
  EXPECT_TRUE(fs::exists(path("song_extract.wav")));
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

TEST_F(Edit, ADryRunTellsProgramsThePlanAndWhatItTakes) {
  const Arguments call{"edit", path("song.wav").string(), "remove the drums from 0.2 s to 0.5 s", "--dry-run", "--json",
                       "-m",   tiny_model().string()};
  const Outcome without = run_program(call);
  ASSERT_EQ(without.exit_code, 0) << without.err;
  EXPECT_TRUE(nlohmann::json::parse(without.out)["expected_seconds"].is_null());
  write_music(path("song.wav"), 1);
  const Outcome outcome = run_program(call);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const auto plan = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(plan["steps"][0]["range_s"], nlohmann::json::parse("[0.2, 0.5]"));
  EXPECT_GT(plan["expected_seconds"].get<double>(), 0);
  EXPECT_GT(plan["expected_memory_mb"].get<double>(), 0);
  EXPECT_EQ(run_program({"edit", "song.wav", "remove the drums", "--json"}).exit_code, 2);
}

TEST_F(Edit, ThroughPipes) {
  write_music(path("song.flac"), 1, 44100, 2);
  const std::string pipes = "cat " + path("song.flac").string() + " | \"$@\" > " + path("out").string();
  const Arguments edit{"edit", "-", "remove the bass", "-m", tiny_model().string(), "--threads", "1"};
  const Outcome outcome = run_program_behind({"sh", "-c", pipes, "sh"}, edit);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const AudioInfo info = probe_audio(path("out"));
  EXPECT_THAT(outcome.err, testing::Not(testing::HasSubstr("given back"))) << "there is nothing beside it";
  EXPECT_EQ(info.extension, ".flac");
  EXPECT_EQ(info.frames, 44100);
  Arguments wav = edit;
  wav.insert(wav.end(), {"-o", "-", "--format", "wav"});
  ASSERT_EQ(run_program_behind({"sh", "-c", pipes, "sh"}, wav).exit_code, 0);
  EXPECT_EQ(probe_audio(path("out")).extension, ".wav");
  EXPECT_EQ(read_audio(path("out")).frames(), 44100);
}

TEST_F(Edit, WhoeverReadsMayStopEarly) {
  write_music(path("song.wav"), 2, 44100, 2);  // more than a pipe holds
  // Where the program keeps its files while it works.
  fs::create_directory(path("tmp"));
  const std::string pipe = "(TMPDIR=" + path("tmp").string() + " \"$@\"; echo exit code $? >&2) | head -c 10";
  const Outcome outcome = run_program_behind(
      {"sh", "-c", pipe, "sh"},
      {"edit", path("song.wav").string(), "remove the bass", "-m", tiny_model().string(), "--threads", "1", "-o", "-"});
  EXPECT_THAT(outcome.err, testing::HasSubstr("cannot write to standard output: Broken pipe"));
  EXPECT_THAT(outcome.err, testing::HasSubstr("exit code 5"));
  EXPECT_TRUE(fs::is_empty(path("tmp")));
}

TEST_F(Edit, EmptyStandardInputIsNoMusic) {
  const Outcome outcome = run_program_behind({"sh", "-c", "\"$@\" < /dev/null | cat", "sh"},
                                             {"edit", "-", "remove the bass", "-m", tiny_model().string()});
  EXPECT_THAT(outcome.err, testing::HasSubstr("standard input is empty"));
}

TEST_F(Edit, VariationsAndStemsAreWritten) {
  write_music(path("song.wav"), 0.7, 24000, 1);
  const Outcome outcome =
      run_program({"edit", path("song.wav").string(), "add a violin", "-m", tiny_model().string(), "--threads", "1",
                   "--variations", "2", "--seed", "4", "--steps", "1", "--stems", path("stems").string()});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(lines_of(outcome.out),
              testing::UnorderedElementsAre(path("song_add_seed4.wav").string(), path("song_add_seed5.wav").string()));
  EXPECT_THAT(outcome.err, testing::HasSubstr("chords agree: "));
  for (const char* name : {"seed4/report.json", "seed5/residual.flac", "seed5/1_violin_added.flac", "seed5/chords.lab"})
    EXPECT_TRUE(fs::exists(path("stems") / name)) << name;
}

TEST_F(Edit, WhatAnalyzeWritesIsTakenAsItIs) {
  const fs::path source = INSTRUCTME_SOURCE_DIR;
  const std::string song = (source / "examples/song.flac").string(), model = (source / "models/default").string();
  const Outcome heard =
      run_program({"analyze", song, "-m", model, "-o", path("heard").string(), "--no-notes", "--no-figure"});
  ASSERT_EQ(heard.exit_code, 0) << heard.err;
  const auto ranges = [&](const std::string& report, const Arguments& more) {
    Arguments call{"edit",
                   song,
                   "remove the bass in bars 2-3",
                   "-m",
                   model,
                   "-o",
                   path("out.flac").string(),
                   "--report",
                   path(report).string()};
    call.insert(call.end(), more.begin(), more.end());
    const Outcome outcome = run_program(call);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(outcome.err.find("bars were counted by the beats that are heard") == std::string::npos, !more.empty());
    const auto told = nlohmann::json::parse(read_text_file(path(report)));
    EXPECT_EQ(told["chords_given"], !more.empty());
    EXPECT_EQ(told["beats_given"], !more.empty());
    return told["ranges_frames"];
  };
  // The bars are those that are heard without the files.
  EXPECT_EQ(ranges("given.json",
                   {"--chords", path("heard/chords.lab").string(), "--beats", path("heard/beats.txt").string()}),
            ranges("heard.json", {}));
}

TEST_F(Edit, AnAnalysisReplacesAnEarlierOneOnlyWhenAsked) {
  write_music(path("song.wav"), 1, 24000, 1);
  Arguments call{"analyze", path("song.wav").string(), "-o",         path("heard").string(),
                 "-m",      tiny_model().string(),     "--no-notes", "--no-figure"};
  ASSERT_EQ(run_program(call).exit_code, 0);
  write_file_atomically(path("heard/chords.lab"), "0 1 C:maj\n");
  write_file_atomically(path("heard/notes.mid"), "of other music");
  write_file_atomically(path("heard/remarks.txt"), "mine");
  const Outcome refused = run_program(call);
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, testing::HasSubstr("--overwrite"));
  EXPECT_EQ(read_text_file(path("heard/chords.lab")), "0 1 C:maj\n");
  call.emplace_back("--overwrite");
  const Outcome replaced = run_program(call);
  EXPECT_EQ(replaced.exit_code, 0) << replaced.err;
  EXPECT_NE(read_text_file(path("heard/chords.lab")), "0 1 C:maj\n");
  EXPECT_FALSE(fs::exists(path("heard/notes.mid")));
  EXPECT_EQ(read_text_file(path("heard/remarks.txt")), "mine");
}

TEST_F(Edit, ClipsAreEvaluatedWithTheSeedThatIsGiven) {
  fs::create_directory(path("clips"));
  write_file_atomically(path("clips/clips.tsv"), "clip\tinstruction\ntake\tadd a piano\n");
  for (const char* name : {"clips/take_source.wav", "clips/take_target.wav"}) write_music(path(name), 1, 24000, 1);
  const auto scores = [&](const char* seed) {
    const Outcome outcome =
        run_program({"evaluate", "--clips", path("clips").string(), "-m", tiny_model().string(), "--modes", "direct",
                     "--steps", "2", "--seed", seed, "--details", path("details").string(), "--threads", "1"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return read_text_file(path("details"));
  };
  const std::string first = scores("7");
  EXPECT_EQ(scores("7"), first);
  EXPECT_NE(scores("8"), first);
}

TEST_F(Edit, ALineOfAManifestSaysWhoMakesItsParts) {
  const fs::path font = "/usr/share/sounds/sf2/TimGM6mb.sf2";
  if (!fs::exists(font)) GTEST_SKIP() << "needs " << font << " (apt install timgm6mb-soundfont)";
  write_music(path("song.wav"), 0.7, 24000, 1);
  write_file_atomically(path("songs.jsonl"),
                        R"({"file": "song.wav", "sentence": "add a violin", "output": "a.wav", "parts": "played"})");
  const Outcome outcome = run_program({"edit", "--manifest", path("songs.jsonl").string(), "-m", tiny_model().string(),
                                       "--parts", "model", "--fonts", font.string()});
  const auto told = nlohmann::json::parse(outcome.out);
  // It is a model without ears that cannot have it played, and no lack of a SoundFont.
  EXPECT_EQ(told["status"], "failed");
  EXPECT_THAT(told["error"].get<std::string>(), testing::Not(testing::HasSubstr("there is no SoundFont")));
}

TEST_F(Edit, AManifestIsDoneOnce) {
  write_music(path("song.wav"), 0.7, 24000, 1);
  write_file_atomically(path("songs.jsonl"),
                        R"({"file": "song.wav", "sentence": "remove the bass", "output": "a.wav"})"
                        "\n"
                        R"({"file": "song.wav", "sentence": "extract the bass", "output": "b.wav"})"
                        "\n");
  const Arguments call{"edit",      "--manifest", path("songs.jsonl").string(), "-m", tiny_model().string(),
                       "--threads", "1"};
  Arguments second = call;
  second.insert(second.end(), {"--shard", "2/2"});
  const Outcome half = run_program(second), all = run_program(call);
  ASSERT_EQ(all.exit_code, 0) << all.err;
  ASSERT_EQ(lines_of(half.out).size(), 1u);
  EXPECT_EQ(nlohmann::json::parse(lines_of(half.out)[0])["status"], "done");
  ASSERT_EQ(lines_of(all.out).size(), 2u);
  EXPECT_EQ(nlohmann::json::parse(lines_of(all.out)[0])["status"], "done");
  EXPECT_EQ(nlohmann::json::parse(lines_of(all.out)[1])["status"], "skipped");
  write_file_atomically(path("songs.jsonl"),
                        R"({"file": "absent.wav", "sentence": "remove the bass", "output": "c.wav"})");
  for (const Arguments& more : {Arguments{"--dry-run"}, {"--stems", "x"}, {"--range", "0-1"}, {"--variations", "2"}}) {
    Arguments too_much = call;
    too_much.insert(too_much.end(), more.begin(), more.end());
    const Outcome refused = run_program(too_much);
    EXPECT_EQ(refused.exit_code, 2);
    EXPECT_THAT(refused.err, testing::HasSubstr(more.front() + " does not go with --manifest"));
  }
  const Outcome failed = run_program(call);
  EXPECT_EQ(failed.exit_code, 3);
  EXPECT_EQ(nlohmann::json::parse(failed.out)["status"], "failed");
}

TEST_F(Edit, ASessionFromBeginningToEnd) {
  write_music(path("song.wav"), 0.7, 24000, 1);
  const std::string folder = path("session").string();
  const auto session = [&](const std::string& action, Arguments more = {}) {
    Arguments arguments{"session", action, folder};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = run_program(arguments);
    EXPECT_EQ(outcome.exit_code, 0) << action << ": " << outcome.err;
    return outcome.out;
  };
  session("new", {path("song.wav").string()});
  EXPECT_THAT(session("apply", {"add a violin", "--steps", "1", "-m", tiny_model().string()}),
              testing::HasSubstr("violin"));
  EXPECT_THAT(session("level", {"1", "-3.5"}), testing::HasSubstr("-3.5 dB"));
  EXPECT_THAT(session("mute", {"1"}), testing::HasSubstr("muted"));
  session("undo");
  session("undo");
  session("reroll", {"-m", tiny_model().string(), "--device", "cpu", "--bfloat16"});
  EXPECT_EQ(
      run_program({"session", "reroll", folder, "-m", tiny_model().string(), "--fonts", path("absent.sf2").string()})
          .exit_code,
      6);
  session("branch", {"other"});
  session("apply", {"remove the violin"});  // without a model
  EXPECT_THAT(session("log"), testing::HasSubstr("apply: remove violin  [other]"));
  session("export", {"-o", path("out.wav").string(), "--stems", path("layers").string()});
  EXPECT_EQ(read_audio(path("out.wav")).samples, read_audio(path("song.wav")).samples);
  EXPECT_EQ(run_program({"session", "export", folder, "-o", folder + "/music.wav"}).exit_code, 2);
  const Outcome wrong = run_program({"session", "undo", path("absent").string()});
  EXPECT_EQ(wrong.exit_code, 3);
  EXPECT_THAT(wrong.err, testing::HasSubstr("there is no session"));
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
