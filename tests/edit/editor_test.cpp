#include <torch/torch.h>
// The precompiled torch header comes first.
#include <atomic>
#include <set>

#include "expect_error.h"
#include "instructme/base/files.h"
#include "instructme/base/rng.h"
#include "instructme/edit/editor.h"
#include "instructme/torchx/runtime.h"
#include "tiny_pipeline.h"

namespace instructme {
namespace {

/// Noise of its own in every channel.
AudioBuffer music(int rate, int channels, double seconds, double level = 0.1) {
  AudioBuffer buffer;
  buffer.sample_rate = rate;
  buffer.channels = channels;
  buffer.samples.resize(static_cast<size_t>(seconds * rate) * static_cast<size_t>(channels));
  Rng rng(4);
  for (float& sample : buffer.samples) sample = static_cast<float>(level * rng.uniform(-1, 1));
  return buffer;
}

Editor tiny_editor() { return Editor(tiny_pipeline()); }

/// As the paper edits: the whole mix anew.
EditOptions direct() {
  EditOptions options;
  options.mode = EditMode::kDirect;
  return options;
}

TEST(Editor, TheResultHasTheFormatOfTheSource) {
  Editor editor = tiny_editor();
  for (const auto& [rate, channels, seconds] : std::vector<std::tuple<int, int, double>>{
           {44100, 2, 1.0001}, {48000, 1, 0.7}, {22050, 6, 1.3}, {24000, 1, 0.5}}) {
    SCOPED_TRACE(rate);
    const AudioBuffer source = music(rate, channels, seconds);
    const EditResult result = editor.edit(source, "remove the drums", direct());
    EXPECT_EQ(result.audio.sample_rate, rate);
    EXPECT_EQ(result.audio.channels, channels);
    EXPECT_EQ(result.audio.frames(), source.frames());
    EXPECT_EQ(result.plan.steps[0].instruction.operation, Operation::kRemove);
    ASSERT_EQ(result.chords.dim(), 2);
    EXPECT_EQ(result.chords.size(1), 97);
    float loudest = 0;
    for (int64_t i = 0; i < result.audio.frames(); ++i)
      for (int c = 0; c < channels; ++c) {
        const float value = result.audio.samples[static_cast<size_t>(i * channels + c)];
        ASSERT_TRUE(std::isfinite(value));
        ASSERT_EQ(value, result.audio.samples[static_cast<size_t>(i * channels)]) << "all channels are the same";
        loudest = std::max(loudest, std::abs(value));
      }
    EXPECT_GT(loudest, 0);
  }
}

TEST(Editor, VeryShortMusic) {
  Editor editor = tiny_editor();
  for (int frames : {1, 2, 100}) {
    AudioBuffer source = music(24000, 1, 1);
    source.samples.resize(static_cast<size_t>(frames));
    EXPECT_EQ(editor.edit(source, "remove the drums").audio.frames(), frames);
    EXPECT_EQ(editor.edit(source, "remove the drums", direct()).audio.frames(), frames);
  }
  AudioBuffer source = music(96000, 1, 1);
  source.samples.resize(1);
  expect_error(ErrorKind::kInput, "shorter than one sample",
               [&] { editor.edit(source, "remove the drums", direct()); });
}

TEST(Editor, SameSeedSameBytes) {
  Editor editor = tiny_editor(), other = tiny_editor();
  const AudioBuffer source = music(24000, 1, 1);
  const std::string sentence = "add a violin";
  EditOptions options{.seed = 3, .steps = 2};
  const auto first = editor.edit(source, sentence, options).audio.samples;
  EXPECT_EQ(first, editor.edit(source, sentence, options).audio.samples);
  EXPECT_EQ(first, other.edit(source, sentence, options).audio.samples);
  options.seed = 4;
  EXPECT_NE(first, editor.edit(source, sentence, options).audio.samples);
}

TEST(Editor, TheLevelOfTheSourceComesBack) {
  Editor editor = tiny_editor();
  AudioBuffer loud = music(24000, 1, 1, 0.5), quiet = loud;
  for (float& sample : quiet.samples) sample *= 0.01f;
  const auto a = editor.edit(loud, "remove the drums", direct()).audio.samples;
  const auto b = editor.edit(quiet, "remove the drums", direct()).audio.samples;
  double difference = 0, power = 0;
  for (size_t i = 0; i < a.size(); ++i) difference += std::pow(a[i] - 100.0 * b[i], 2), power += a[i] * a[i];
  EXPECT_LT(std::sqrt(difference / power), 0.02);
}

TEST(Editor, OptionsReplaceTheSettingsOfTheModel) {
  Editor editor = tiny_editor();
  const AudioBuffer source = music(24000, 1, 0.5);
  const EditResult kept = editor.edit(source, "remove the drums", direct());
  EXPECT_EQ(kept.settings.sampler.steps, 1);
  EXPECT_EQ(kept.settings.guidance.scale, 1.0);
  const EditResult replaced =
      editor.edit(source, "remove the drums", {.mode = EditMode::kDirect, .seed = 9, .steps = 3, .guidance = 0});
  EXPECT_EQ(replaced.settings.sampler.steps, 3);
  EXPECT_EQ(replaced.settings.guidance.scale, 0.0);
  EXPECT_EQ(replaced.settings.sampler.seed, 9u);
  EXPECT_NE(kept.audio.samples, replaced.audio.samples);
}

TEST(Editor, ChordsGivenByTheCallerAreUsed) {
  Editor editor = tiny_editor();
  torch::manual_seed(1);
  const at::Tensor wave = torch::randn({24000}) * 0.1;
  const at::Tensor chords = torch::softmax(5 * torch::randn({13, 97}), -1);
  EditResult given, estimated;
  const at::Tensor a = editor.edit_direct(wave, Operation::kRemove, "remove the drums", {}, chords, given);
  const at::Tensor b = editor.edit_direct(wave, Operation::kRemove, "remove the drums", {}, {}, estimated);
  EXPECT_TRUE(torch::equal(given.chords, chords));
  EXPECT_EQ(estimated.chords.size(0), chord_frames(24000));
  EXPECT_FALSE(torch::equal(a, b));
}

TEST(Editor, WhatCannotBeEdited) {
  Editor editor = tiny_editor();
  const AudioBuffer source = music(24000, 2, 0.5);
  const auto refused = [&](const char* part, const AudioBuffer& buffer, const char* sentence) {
    SCOPED_TRACE(part);
    expect_error(ErrorKind::kInput, part, [&] { editor.edit(buffer, sentence, direct()); });
  };
  refused("piano", source, "remove the pianno");
  refused("", source, "");
  AudioBuffer empty = source;
  empty.samples.clear();
  refused("empty", empty, "remove the drums");
  AudioBuffer silent = source;
  for (float& sample : silent.samples) sample *= 1e-6f;
  refused("silent", silent, "remove the drums");
  AudioBuffer endless = from_mono(std::vector<float>(8000 * 1201, 0.1f), 8000);
  refused("at most 1200 s", endless, "remove the drums");
}

TEST(Editor, OfChannelsThatCancelEachOtherOneIsHeard) {
  Editor editor = tiny_editor();
  const std::vector<float> one = music(24000, 1, 0.5).samples;
  std::vector<float> other = one;
  for (float& sample : other) sample = -sample;
  const EditResult both = editor.edit(from_planar({one, other}, 24000), "remove the drums", direct()),
                   alone = editor.edit(from_mono(one, 24000), "remove the drums", direct());
  EXPECT_GT(peak(both.audio.samples), 0);
  EXPECT_EQ(extract_channel(both.audio, 0), alone.audio.samples);
  EXPECT_TRUE(
      editor.estimate_chords(from_planar({one, other}, 24000)).equal(editor.estimate_chords(from_mono(one, 24000))));
}

TEST(Editor, CancellingAndProgress) {
  Editor editor = tiny_editor();
  const AudioBuffer source = music(24000, 1, 0.5);
  std::atomic<bool> stop = false;
  std::set<std::string> stages;
  editor.edit(
      source, "add a violin", {.steps = 3}, [&](const Progress& progress) { stages.insert(progress.stage); },
      CancelToken(&stop));
  EXPECT_EQ(stages, (std::set<std::string>{"decoding", "listening", "sampling"}));
  // In the middle of sampling.
  expect_error(ErrorKind::kCancelled, "stopped", [&] {
    editor.edit(
        source, "add a violin", {.steps = 3},
        [&](const Progress& progress) { stop = stop || progress.stage == "sampling"; }, CancelToken(&stop));
  });
  // From the start.
  expect_error(ErrorKind::kCancelled, "stopped",
               [&] { editor.edit(source, "add a violin", {}, {}, CancelToken(&stop)); });
}

TEST(Editor, FromAFolderAndInBfloat16) {
  const TempDir folder;
  tiny_pipeline().save(folder.path());
  Editor editor(folder.path()), half(folder.path(), {.bfloat16 = true});
  const AudioBuffer source = music(24000, 1, 0.5);
  const auto a = editor.edit(source, "remove the drums", direct()).audio.samples;
  const auto b = half.edit(source, "remove the drums", direct()).audio.samples;
  double difference = 0, power = 0;
  for (size_t i = 0; i < a.size(); ++i) difference += std::pow(a[i] - b[i], 2), power += a[i] * a[i];
  EXPECT_LT(std::sqrt(difference / power), 0.15);
  EXPECT_EQ(difference > 0, half.options().bfloat16);
  EXPECT_EQ(half.options().bfloat16, multiplies_bfloat16(at::kCPU));
}

TEST(Editor, Errors) {
  expect_error(ErrorKind::kModel, "no model folder", [] { Editor("/nowhere/at/all"); });
  expect_error(ErrorKind::kUsage, "unknown device 'gpu'", [] { Editor(tiny_pipeline(), {.device = "gpu"}); });
}

}  // namespace
}  // namespace instructme
