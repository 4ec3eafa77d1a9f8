#include <gmock/gmock.h>

#include <csignal>
#include <memory>

#include "instructme/audio/audio_file.h"
#include "instructme/base/strings.h"
#include "material.h"
#include "program.h"

namespace fs = std::filesystem;

namespace instructme {
namespace {

constexpr const char* kFont = "/usr/share/sounds/sf2/TimGM6mb.sf2";

/// The way from nothing to an edit with a model of one's own, as a user goes it, on two short songs.
class Loop : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!fs::exists(kFont)) return;
    shared_ = std::make_unique<TempDir>();
    rendered_ = run_program(render());
  }
  static void TearDownTestSuite() { shared_.reset(); }
  void SetUp() override {
    if (!shared_) GTEST_SKIP() << "needs " << kFont << " (apt install timgm6mb-soundfont)";
    ASSERT_EQ(rendered_.exit_code, 0) << rendered_.err;
  }

  static std::string songs() { return (shared_->path() / "songs").string(); }
  static Arguments render() {
    return {"data", "render", "--no-mma", "-n", "2", "--seconds", "12", "--fonts", kFont, "-o", songs()};
  }
  std::string path(const std::string& name) const { return (folder_.path() / name).string(); }

  static void expect_done(const Outcome& outcome, const std::string& part) {
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_THAT(outcome.out, testing::HasSubstr(part));
  }

  TempDir folder_;
  static std::unique_ptr<TempDir> shared_;
  static Outcome rendered_;
};
std::unique_ptr<TempDir> Loop::shared_;
Outcome Loop::rendered_;

TEST_F(Loop, FromNothingToAnEdit) {
  expect_done(rendered_, "2 songs rendered, 0 were there already, 0 could not be made");
  expect_done(run_program(render()), "0 songs rendered, 2 were there already");
  expect_done(run_program({"data", "render", "--no-mma", "-n", "300", "--seconds", "12", "--fonts", kFont, "-o",
                           path("dry"), "--dry-run"}),
              "300 songs, 1.");
  EXPECT_FALSE(fs::exists(path("dry")));
  expect_done(run_program({"data", "triplets", songs(), "-o", path("triplets"), "-n", "2", "--seconds", "2"}),
              "2 triplets");
  EXPECT_EQ(read_audio(path("triplets/00001_source.flac")).frames(),
            read_audio(path("triplets/00001_target.flac")).frames());
  EXPECT_EQ(lines_of(read_text_file(path("triplets/triplets.tsv"))).size(), 3u);

  const std::string recipe = tiny_recipe().string();
  expect_done(
      run_program({"train", "vae", "-c", recipe, "-s", songs(), "-o", path("vae"), "--steps", "3", "--threads", "1"}),
      "3 of 3 steps done");
  expect_done(run_program({"train", "editor", "-c", recipe, "-s", songs(), "-o", path("editor"), "--steps", "3",
                           "--vae", path("vae/export"), "--tokenizer", tokenizer_file().string(), "--threads", "1"}),
              "3 of 3 steps done");
  expect_done(run_program({"train", "mask", "-c", recipe, "-s", songs(), "-o", path("mask"), "--steps", "3", "--from",
                           path("editor/export"), "--threads", "1"}),
              "3 of 3 steps done");
  for (const char* name : {"vae/checkpoint.safetensors", "vae/log.jsonl", "vae/loss.png", "vae/recipe.json",
                           "editor/checkpoint.safetensors", "editor/log.jsonl", "editor/export/config.json"})
    EXPECT_TRUE(fs::exists(path(name))) << name;

  expect_done(run_program({"evaluate", "--songs", songs(), "-m", path("mask/export"), "-n", "1", "--operations",
                           "extract", "--seconds", "2", "-o", path("scores.md"), "--threads", "1"}),
              "| extract | VAE of the true result |");
  EXPECT_EQ(lines_of(read_text_file(path("scores.md"))).size(), 7u);

  // A run folder keeps the recipe of its own checkpoint.
  const std::string noted = read_text_file(path("vae/recipe.json"));
  EXPECT_NE(run_program({"train", "mask", "-c", recipe, "-s", songs(), "-o", path("vae"), "--from",
                         path("editor/export"), "--threads", "1"})
                .exit_code,
            0);
  EXPECT_EQ(read_text_file(path("vae/recipe.json")), noted);

  // Packing takes the ears along, and those of a model packed there before go.
  const fs::path ears = path("mask/export/ears"), packed = path("packed/ears");
  make_folder(ears);
  for (const char* contents : {"older", "newer"}) {
    write_file_atomically(ears / "tagger.json", contents);
    expect_done(run_program({"train", "pack", path("mask/export"), "-o", path("packed")}), "packed");
    EXPECT_EQ(read_text_file(packed / "tagger.json"), contents);
  }
  fs::remove_all(ears);
  expect_done(run_program({"train", "pack", path("mask/export"), "-o", path("packed")}), "packed");
  EXPECT_FALSE(fs::exists(packed));
  EXPECT_THAT(leftovers(path("packed")), testing::IsEmpty());

  std::string song;
  for (const auto& entry : fs::directory_iterator(songs()))
    if (entry.is_directory()) song = entry.path().string();
  expect_done(run_program({"data", "mix", song, "-o", path("mix.wav")}), "beats per minute");
  expect_done(run_program({"data", "mix", song, "-o", path("mix.ogg")}), "beats per minute");
  expect_done(run_program({"edit", path("mix.wav"), "remove the bass", "-o", path("edited.flac"), "-m",
                           path("editor/export"), "--threads", "1"}),
              "edited.flac");
  const AudioBuffer mix = read_audio(path("mix.wav")), edited = read_audio(path("edited.flac"));
  EXPECT_EQ(edited.frames(), mix.frames());
  EXPECT_EQ(edited.sample_rate, mix.sample_rate);
  EXPECT_THAT(leftovers(folder_.path()), testing::IsEmpty());
}

TEST_F(Loop, TrainsOnShardsAndOnAStream) {
  const Arguments shards{
      "data", "shards",  "--no-mma", "-n",         "5",           "--shard-size",   "3",    "--seconds",
      "12",   "--block", "1",        "--per-song", "3",           "--clip-seconds", "2.56", "--chord-rate",
      "12.5", "--fonts", kFont,      "-o",         path("shards")};
  Arguments dry = shards;
  dry.push_back("--dry-run");
  expect_done(run_program(dry), "5 examples, 0.0 hours of source and as much of target, in 2 shards");
  EXPECT_FALSE(fs::exists(path("shards")));
  expect_done(run_program(shards), "2 shards written, 0 were there already");
  expect_done(run_program(shards), "0 shards written, 2 were there already");
  expect_done(run_program({"data", "report", path("shards"), "-o", path("charts")}), "5 examples");
  EXPECT_TRUE(fs::exists(path("charts/operations.png")));
  expect_done(run_program({"data", "report", songs(), "--json"}), "\"effective_number\"");
  expect_done(run_program({"data", "listen", songs(), "-o", path("page"), "-n", "2", "--seconds", "2"}), "2 examples");
  EXPECT_TRUE(fs::exists(path("page/index.html")));
  const Outcome cut = run_program({"data", "listen", path("shards"), "-o", path("page2"), "--seconds", "2"});
  EXPECT_EQ(cut.exit_code, 2);
  EXPECT_THAT(cut.err, testing::HasSubstr("--seconds is for songs"));

  const std::string recipe = tiny_recipe().string();
  expect_done(run_program({"train", "vae", "-c", recipe, "--shards", path("shards"), "-o", path("vae"), "--steps", "2",
                           "--threads", "1"}),
              "2 of 2 steps done");
  expect_done(run_program({"train", "vae", "-c", recipe, "--stream", "--no-mma", "--seconds", "12", "--fonts", kFont,
                           "-o", path("vae2"), "--steps", "2", "--threads", "1"}),
              "2 of 2 steps done");
  const Outcome both =
      run_program({"train", "vae", "-c", recipe, "--stream", "--shards", path("shards"), "-o", path("vae3")});
  EXPECT_EQ(both.exit_code, 2);
  const Outcome same = run_program(
      {"train", "vae", "-c", recipe, "-s", songs(), "--validation", songs(), "-o", path("vae3"), "--threads", "1"});
  EXPECT_EQ(same.exit_code, 3);
  EXPECT_THAT(same.err, testing::HasSubstr("are the same music"));
}

TEST_F(Loop, TrainsAllPartsAndGoesOnWhereItWas) {
  const auto all = [&](const std::string& recipe, const Arguments& more) {
    Arguments arguments{"train",     "all", "--recipe",  recipe,        "-s",
                        songs(),     "-o",  path("all"), "--tokenizer", tokenizer_file().string(),
                        "--threads", "1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program(arguments);
  };
  const std::string recipe = tiny_recipe().string();
  // What later parts would refuse is refused before the first.
  const Outcome same = all(recipe, {"--steps", "2", "--validation", songs()});
  EXPECT_EQ(same.exit_code, 3);
  EXPECT_THAT(same.err, testing::HasSubstr("are the same music"));
  EXPECT_FALSE(fs::exists(path("all/text")));
  expect_done(all(recipe, {"--steps", "2", "--limit", "0.001"}), "stopped in 'text'; the same command goes on");
  EXPECT_FALSE(fs::exists(path("all/model")));
  const Outcome first = all(recipe, {"--steps", "2"});
  expect_done(first, "| mask | 2 |");
  EXPECT_THAT(first.out, testing::HasSubstr("| mulan | 2 |"));
  for (const char* name : {"config.json", "vae.safetensors", "unet.safetensors", "mask.safetensors", "compute.md",
                           "text_encoder/spiece.model", "ears/chords.safetensors", "ears/beats.safetensors",
                           "ears/keys.safetensors", "ears/tagger.safetensors", "ears/mulan.safetensors"})
    EXPECT_TRUE(fs::exists(path("all/model") + "/" + name)) << name;

  // What is finished is left alone, what is missing is made again.
  const auto written = fs::last_write_time(path("all/editor/checkpoint.safetensors"));
  fs::remove_all(path("all/beats"));
  const Outcome second = all(recipe, {"--steps", "2"});
  expect_done(second, "/beats: 2 of 2 steps done");
  EXPECT_THAT(second.out, testing::Not(testing::HasSubstr("/editor: ")));
  EXPECT_EQ(fs::last_write_time(path("all/editor/checkpoint.safetensors")), written);
  expect_done(run_program({"info", "-m", path("all/model"), "--threads", "1"}), "mask");

  // What others stand on already is not trained further under them.
  const Outcome further = all(recipe, {"--steps", "3"});
  EXPECT_EQ(further.exit_code, 3);
  EXPECT_THAT(further.err, testing::HasSubstr("is to be trained further, but editor and mask and "));
  EXPECT_THAT(further.err, testing::HasSubstr("all/mulan to have what stands on it trained anew"));

  const Outcome unknown = all("no_such_recipe", {});
  EXPECT_EQ(unknown.exit_code, 6);
  EXPECT_THAT(unknown.err, testing::HasSubstr("there is no recipe 'no_such_recipe'"));
  EXPECT_THAT(leftovers(folder_.path()), testing::IsEmpty());
}

TEST_F(Loop, CtrlCLeavesACheckpointAndTheSameCommandGoesOn) {
  const Arguments train{"train",   "vae",     "-c",        tiny_recipe().string(),
                        "-s",      songs(),   "-o",        path("run"),
                        "--steps", "1000000", "--threads", "1"};
  const auto stop_after = [&](const std::function<bool(RunningProgram&)>& seen) {
    RunningProgram program(train);
    EXPECT_TRUE(wait_until([&] { return seen(program) || program.ended(); }, 60)) << program.err();
    program.send(SIGINT);
    return program.wait(60);
  };
  const auto logged = [&] {
    return fs::exists(path("run/log.jsonl")) ? lines_of(read_text_file(path("run/log.jsonl"))).size() : 0;
  };
  const auto steps_of = [](const std::string& out) { return std::stol(out.substr(out.find(": ") + 2)); };

  const Outcome first = stop_after([&](RunningProgram&) { return logged() >= 1; });
  EXPECT_EQ(first.exit_code, 130) << first.err;
  ASSERT_THAT(first.out, testing::HasSubstr(" of 1000000 steps done"));
  EXPECT_GE(steps_of(first.out), 10);
  EXPECT_TRUE(fs::exists(path("run/checkpoint.safetensors")));

  const size_t before = logged();
  const Outcome second = stop_after([&](RunningProgram&) { return logged() > before; });
  EXPECT_EQ(second.exit_code, 130) << second.err;
  EXPECT_THAT(second.err, testing::HasSubstr(format("going on from step %ld\n", steps_of(first.out))));
  EXPECT_GT(steps_of(second.out), steps_of(first.out));
  EXPECT_THAT(leftovers(folder_.path()), testing::IsEmpty());
}

}  // namespace
}  // namespace instructme
