// What was not mentioned comes back untouched.
#include <torch/torch.h>
// The precompiled torch header comes first.
#include <cmath>

#include "expect_error.h"
#include "instructme/base/rng.h"
#include "instructme/edit/editor.h"
#include "tiny_pipeline.h"

namespace instructme {
namespace {

/// Noise whose samples are integers of so many bits.
AudioBuffer integers(int rate, int channels, double seconds, int bits = 16, uint64_t seed = 4) {
  AudioBuffer buffer{rate, channels, {}};
  const double scale = std::ldexp(1.0, bits - 1);
  Rng rng(seed);
  for (auto count = static_cast<int64_t>(seconds * rate) * channels; count > 0; --count)
    buffer.samples.push_back(static_cast<float>(std::round(rng.uniform(-0.2, 0.2) * scale) / scale));
  return buffer;
}

AudioBuffer sum(AudioBuffer a, const AudioBuffer& b, float sign = 1) {
  add_audio(a, b, sign);
  return a;
}

void expect_stems_add_up(const EditResult& result) {
  AudioBuffer total = result.residual();
  for (const EditedStem& stem : result.stems)
    if (stem.in_result) add_audio(total, stem.audio);
  EXPECT_EQ(total.samples, result.audio.samples);
}

Editor& editor() {
  static Editor editor(tiny_pipeline());
  return editor;
}

TEST(EditByPlan, ExtractedAndRemovedAreTheSourceToTheLastBit) {
  for (const int bits : {8, 16, 24})
    for (const auto& [rate, channels] :
         std::vector<std::pair<int, int>>{{8000, 1}, {44100, 2}, {48000, 6}, {192000, 1}}) {
      SCOPED_TRACE(testing::Message() << bits << " bits, " << rate << " Hz");
      const AudioBuffer source = integers(rate, channels, 0.3, bits);
      const EditResult taken = editor().edit(source, "extract the bass"),
                       left = editor().edit(source, "remove the bass");
      EXPECT_GT(peak(taken.audio.samples), 0.001f);
      EXPECT_EQ(sum(taken.audio, left.audio).samples, source.samples);
      EXPECT_EQ(sum(left.audio, left.stems[0].audio).samples, source.samples);
    }
}

TEST(EditByPlan, NothingOutsideOfTheRangesChanges) {
  // Every kind of step, in either mode, over any range; the tiny mask head does not know the vibraphone.
  const std::vector<std::string> requests = {"remove the bass",
                                             "extract the bass",
                                             "add a violin",
                                             "replace the bass with a violin",
                                             "remove the vibraphone",
                                             "turn the drums down by 6 dB",
                                             "remix it to funk",
                                             "add a violin at half volume",
                                             "extract the bass by half",
                                             "accompany it with a violin"};
  Rng rng(7);
  int changed = 0;
  constexpr int kPlans = 1000;
  for (int i = 0; i < kPlans; ++i) {
    const int rate = rng.pick(std::vector<int>{8000, 11025, 16000});
    const AudioBuffer source =
        integers(rate, static_cast<int>(rng.integer(1, 2)), rng.uniform(0.15, 0.3), 16, static_cast<uint64_t>(i));
    Plan plan;
    std::vector<std::pair<double, double>> ranges;
    for (int64_t steps = rng.integer(1, 2); steps > 0; --steps) {
      PlanStep step = parse_plan(rng.pick(requests), Lexicon::builtin()).steps.front();
      const double begin = rng.uniform(0, 0.8 * source.seconds()), end = rng.uniform(begin + 0.01, source.seconds());
      step.range = PlanRange{PlanRange::Unit::kSeconds, begin, end};
      plan.steps.push_back(step);
      ranges.emplace_back(begin, end);
    }
    try {
      check_plan(plan);
    } catch (const Error&) {
      plan.steps.pop_back();
    }
    const EditResult result = editor().edit(source, plan, {.seed = static_cast<uint64_t>(i), .steps = 1});
    ASSERT_EQ(result.audio.samples.size(), source.samples.size());
    bool different = false;
    for (int64_t frame = 0; frame < source.frames(); ++frame) {
      bool inside = false;
      for (const Region& region : result.regions) inside = inside || (frame >= region.begin && frame < region.end);
      for (int c = 0; c < source.channels; ++c) {
        const auto at = static_cast<size_t>(frame * source.channels + c);
        if (!inside) {
          ASSERT_EQ(result.audio.samples[at], source.samples[at]) << plain_sentence(plan) << ", frame " << frame;
        }
        different = different || result.audio.samples[at] != source.samples[at];
      }
    }
    changed += different;
    expect_stems_add_up(result);
  }
  EXPECT_GT(changed, kPlans * 9 / 10);
}

TEST(EditByPlan, StrengthIsTheShareOfTheChange) {
  const AudioBuffer source = integers(24000, 2, 0.5);
  const EditResult all = editor().edit(source, "remove the bass"),
                   some = editor().edit(source, "remove the bass by 25 %");
  for (size_t i = 0; i < source.samples.size(); ++i)
    ASSERT_NEAR(some.audio.samples[i], source.samples[i] - 0.25 * all.stems[0].audio.samples[i], 2e-7);
}

TEST(EditByPlan, StepsFollowEachOther) {
  const AudioBuffer source = integers(24000, 1, 0.5);
  const EditResult both = editor().edit(source, "remove the bass and add a violin", {.steps = 1});
  ASSERT_EQ(both.stems.size(), 2u);
  EXPECT_EQ(both.stems[1].step, 1u);
  EXPECT_TRUE(both.stems[1].in_result);
  EXPECT_FALSE(both.stems[0].in_result);
  const EditResult first = editor().edit(source, "remove the bass");
  EXPECT_EQ(sum(first.audio, both.stems[1].audio).samples, both.audio.samples);
  expect_stems_add_up(both);
}

TEST(EditByPlan, ThreeRoundsLeaveTheRestAsItWas) {
  const AudioBuffer source = integers(44100, 2, 0.6);
  const EditOptions quick{.steps = 1};
  const EditResult first = editor().edit(source, "add a violin from 0.1 s to 0.3 s", quick);
  const EditResult second = editor().edit(first.audio, "add a piano from 0.2 s to 0.4 s", quick);
  const EditResult third = editor().edit(second.audio, "replace the bass with an organ from 0.2 s to 0.3 s", quick);
  for (size_t i = 0; i < source.samples.size(); ++i) {
    const auto frame = static_cast<int64_t>(i) / 2;
    if (frame < 4410 || frame >= 17640) {
      ASSERT_EQ(third.audio.samples[i], source.samples[i]);
    }
  }
  // And what was done can be taken back, to the last bit.
  AudioBuffer back = third.audio;
  for (const EditResult* round : {&third, &second, &first})
    for (const EditedStem& stem : round->stems) add_audio(back, stem.audio, stem.added ? -1.0f : 1.0f);
  EXPECT_EQ(back.samples, source.samples);
}

TEST(EditByPlan, BarsNeedBeats) {
  const AudioBuffer source = integers(24000, 1, 0.5);
  expect_error(ErrorKind::kInput, "needs the beats", [&] { editor().edit(source, "remove the bass in bar 2"); });
  EditOptions options;
  options.beats = {{0.1, 0, 0}, {0.2, 1, 0}, {0.3, 2, 0}};
  const EditResult result = editor().edit(source, "remove the bass in bar 2", options);
  EXPECT_EQ(result.regions[0].begin, 4800);
  EXPECT_EQ(result.regions[0].end, 7200);
}

TEST(EditByPlan, KnownChordsAndKeysReachTheModel) {
  const AudioBuffer source = integers(24000, 1, 0.5);
  EditOptions options{.steps = 1};
  const EditResult estimated = editor().edit(source, "add a violin", options);
  options.chords = {{0, 0.5, Chord::of(4, ChordQuality::kMin)}};
  const EditResult given = editor().edit(source, "add a violin", options);
  EXPECT_EQ(given.chords[0].argmax().item<int64_t>(), chord_class(Chord::of(4, ChordQuality::kMin)));
  EXPECT_NE(given.audio.samples, estimated.audio.samples);
  options.chords.clear();
  options.key = Key{3, Mode::kMinor};
  EXPECT_NE(editor().edit(source, "add a violin", options).audio.samples, estimated.audio.samples);
}

TEST(EditByPlan, WhatIsNotHeardIsNotTakenOut) {
  EditorOptions options;
  options.hears = [](const AudioBuffer&, const std::string& name) { return name == "bass" ? 0.9 : 0.03; };
  Editor listening(tiny_pipeline(), options);
  const AudioBuffer source = integers(24000, 1, 0.3);
  EXPECT_NO_THROW(listening.edit(source, "remove the bass"));
  EXPECT_NO_THROW(listening.edit(source, "add a violin", {.steps = 1}));
  expect_error(ErrorKind::kInput, "the music has no flute that can be heard (certainty 0.03)",
               [&] { listening.edit(source, "remove the flute"); });
  EXPECT_NO_THROW(listening.edit(source, "remove the flute", {.force = true}));
}

TEST(EditByPlan, OfAKindOfInstrumentIsTakenWhatIsHeard) {
  EditorOptions options;
  options.hears = [](const AudioBuffer&, const std::string& name) { return name == "piano" ? 0.9 : 0.03; };
  Editor listening(tiny_pipeline(), options);
  const AudioBuffer source = integers(24000, 1, 0.3);
  const EditResult result = listening.edit(source, "remove the keyboards");
  EXPECT_EQ(plain_sentence(result.plan), "remove piano");
  EXPECT_EQ(result.audio.samples, listening.edit(source, "remove the piano").audio.samples);
  ASSERT_FALSE(result.notes.empty());
  EXPECT_NE(result.notes.front().find("'keyboard' was taken for the piano"), std::string::npos);
  expect_error(ErrorKind::kInput, "the music has no guitar", [&] { listening.edit(source, "remove the guitars"); });
}

TEST(EditByPlan, WhatCannotBeKeptIsSaid) {
  const AudioBuffer source = integers(24000, 1, 0.3);
  EXPECT_NO_THROW(editor().edit(source, "remove the bass and keep the vibraphone"));
  expect_error(ErrorKind::kInput, "cannot keep the bass",
               [&] { editor().edit(source, "remove the vibraphone and keep the bass"); });
  expect_error(ErrorKind::kInput, "outside the music", [&] { editor().edit(source, "remove the bass after 0:20"); });
  AudioBuffer half = source;
  half.samples.resize(11 * 24000, 0.0f);
  expect_error(ErrorKind::kInput, "silent (below -80 dBFS) around 9.00 s",
               [&] { editor().edit(half, "remove the bass from 9 s to 10 s"); });
}

}  // namespace
}  // namespace instructme
