#include <torch/torch.h>
// The precompiled torch header comes first.
#include <array>
#include <cmath>

#include "expect_error.h"
#include "instructme/audio/loudness.h"
#include "instructme/base/rng.h"
#include "instructme/edit/editor.h"
#include "instructme/edit/stem_extractor.h"
#include "spatial_filter.h"
#include "tiny_pipeline.h"

namespace instructme {
namespace {

AudioBuffer noise(int rate, int channels, double seconds) {
  AudioBuffer buffer;
  buffer.sample_rate = rate;
  buffer.channels = channels;
  buffer.samples.resize(static_cast<size_t>(seconds * rate) * static_cast<size_t>(channels));
  Rng rng(4);
  for (float& sample : buffer.samples) sample = static_cast<float>(0.1 * rng.uniform(-1, 1));
  return buffer;
}

double largest_difference(const AudioBuffer& a, const AudioBuffer& b) {
  EXPECT_EQ(a.samples.size(), b.samples.size());
  double largest = 0;
  for (size_t i = 0; i < a.samples.size(); ++i)
    largest = std::max(largest, static_cast<double>(std::abs(a.samples[i] - b.samples[i])));
  return largest;
}

AudioBuffer total(AudioBuffer a, const AudioBuffer& b, float factor = 1) {
  for (size_t i = 0; i < a.samples.size(); ++i) a.samples[i] += factor * b.samples[i];
  return a;
}

/// A mask head whose answers differ from bin to bin and hear far around them.
MaskHead lively_mask() {
  MaskHeadOptions o = *tiny_config().mask;
  o.channels = {8, 8, 8, 8};
  o.blocks = {2};
  torch::manual_seed(3);
  MaskHead mask(o);
  torch::NoGradGuard no_grad;
  for (auto& weight : mask->parameters()) weight.add_(0.3 * torch::randn_like(weight));
  mask->eval();
  return mask;
}

StemExtractor extractor(bool thorough = false) { return StemExtractor(lively_mask(), 24000, -20, thorough); }

TEST(StemExtractor, StemsHaveTheFormatOfTheSourceAtAnyRate) {
  for (const auto& [rate, channels] : std::vector<std::pair<int, int>>{
           {8000, 1}, {11025, 2}, {22050, 1}, {24000, 1}, {44100, 2}, {48000, 6}, {96000, 2}}) {
    SCOPED_TRACE(rate);
    const AudioBuffer source = noise(rate, channels, 0.913);
    const auto stems = extractor().extract(source, {"bass", "flute"});
    ASSERT_EQ(stems.size(), 2u);
    for (const AudioBuffer& stem : stems) {
      EXPECT_EQ(stem.sample_rate, rate);
      EXPECT_EQ(stem.channels, channels);
      ASSERT_EQ(stem.frames(), source.frames());
      EXPECT_GT(peak(stem.samples), 0.001);
      // Something is heard up to the very end.
      EXPECT_GT(peak(std::span(stem.samples).last(static_cast<size_t>(channels) * 20)), 0.0);
    }
    EXPECT_GT(largest_difference(stems[0], stems[1]), 0.001);
  }
}

/// Music that begins elsewhere, by whole grains of the mask head, has the borders of its segments elsewhere.
void expect_no_seam(double seconds, int64_t skipped_frames, bool thorough) {
  const AudioBuffer source = noise(24000, 1, seconds);
  const int64_t hop = 480, skipped = skipped_frames * hop;
  AudioBuffer later = source;
  later.samples.erase(later.samples.begin(), later.samples.begin() + skipped);
  // The model hears both at the same level but for a rounding: white noise throughout.
  const auto whole = extractor(thorough).extract(source, {"bass"})[0],
             part = extractor(thorough).extract(later, {"bass"})[0];
  double error = 0, power = 0;
  for (size_t i = 300 * hop; i < part.samples.size(); ++i) {
    error += std::pow(part.samples[i] - whole.samples[i + static_cast<size_t>(skipped)], 2);
    power += std::pow(part.samples[i], 2);
  }
  EXPECT_LT(std::sqrt(error / power), 0.01);
  EXPECT_GT(power, 0);
}

TEST(StemExtractor, SegmentsLeaveNoSeam) { expect_no_seam(45, 304, false); }

TEST(StemExtractor, SegmentsLeaveNoSeamAtAnySpeed) {
  // Whole grains at all three speeds are 16 * 15 * 17 frames.
  expect_no_seam(122, 4080, true);
}

TEST(StemExtractor, WhatIsHeardAtAnotherSpeedIsPutBackInItsPlace) {
  // Shares that rise with time (s, of the middles of frames of 1 s) and frequency (Hz, bins of 1 Hz) of the music.
  const auto share = [](const at::Tensor& seconds, const at::Tensor& hz) {
    return (0.01 * seconds.unsqueeze(1) + 0.02 * hz.unsqueeze(0)).unsqueeze(0);
  };
  const at::Tensor frame = torch::arange(40, at::kFloat) + 0.5, bin = torch::arange(20, at::kFloat);
  for (const double ratio : {15.0 / 16, 17.0 / 16}) {
    // Played faster, a moment comes earlier and a tone is higher.
    const at::Tensor mask = mask_at_own_speed(share(frame * ratio, bin / ratio), ratio, 3, 30);
    ASSERT_EQ(mask.sizes(), at::IntArrayRef({1, 30, 20}));
    const at::Tensor error = (mask - share(frame.narrow(0, 3, 30), bin)).abs();
    EXPECT_LT(error.narrow(2, 0, 18).max().item<double>(), 1e-5);
  }
}

TEST(StemExtractor, WhoIsThoroughHearsNearlyTheSame) {
  const AudioBuffer source = noise(24000, 1, 6);
  const auto once = extractor().extract(source, {"bass", "flute"}),
             thorough = extractor(true).extract(source, {"bass", "flute"});
  const double change = rms_db(total(once[0], thorough[0], -1).samples) - rms_db(once[0].samples);
  EXPECT_LT(change, -6);
  EXPECT_GT(change, -40);
  EXPECT_LT(rms_db(total(thorough[0], thorough[1]).samples), rms_db(source.samples) + 0.1);
}

TEST(StemExtractor, InstrumentsThatAreNotToldApartShareWhatIsHeard) {
  const AudioBuffer source = noise(24000, 1, 2);
  for (const bool thorough : {false, true}) {
    const AudioBuffer flute = extractor(thorough).extract(source, {"flute"})[0];
    const auto wind = extractor(thorough).extract(source, {"piccolo", "flute"});  // of its family it knows the flute
    const AudioBuffer both = total(wind[0], wind[1]);
    EXPECT_LT(largest_difference(wind[0], wind[1]), 1e-6);
    // Odds are doubled for what is asked for, be it one or more.
    EXPECT_LT(rms_db(total(both, flute, -1).samples), rms_db(flute.samples) - 40);
  }
}

TEST(StemExtractor, ChannelsThatAreAlikeAreHeardAsOne) {
  const AudioBuffer mono = noise(24000, 1, 2);
  AudioBuffer wide = noise(24000, 2, 2);
  for (size_t i = 0; i < mono.samples.size(); ++i) wide.samples[2 * i] = wide.samples[2 * i + 1] = mono.samples[i];
  const AudioBuffer one = extractor().extract(mono, {"bass"})[0], two = extractor().extract(wide, {"bass"})[0];
  for (size_t i = 0; i < one.samples.size(); ++i) {
    ASSERT_NEAR(two.samples[2 * i], one.samples[i], 1e-6);
    ASSERT_EQ(two.samples[2 * i + 1], two.samples[2 * i]);
  }
}

TEST(StemExtractor, OfChannelsThatCancelEachOtherOneIsHeard) {
  const std::vector<float> one = noise(24000, 1, 1).samples, silent(one.size(), 0.0f);
  std::vector<float> other = one;
  for (float& x : other) x = -x;
  const AudioBuffer stem = extractor().extract(from_planar({one, other, silent}, 24000), {"bass"})[0],
                    alone = extractor().extract(from_mono(one, 24000), {"bass"})[0];
  EXPECT_LT(largest_difference(from_mono(extract_channel(stem, 0), 24000), alone), 1e-6);
}

TEST(SpatialFilter, TellsByPlaceWhatTheSharesCannotTell) {
  // Two noises of the same bins, one nearly on the left, one nearly on the right, with shares that hint at them only.
  torch::manual_seed(1);
  const at::Tensor a = torch::randn({400, 30}, at::kComplexFloat), b = torch::randn({400, 30}, at::kComplexFloat);
  const at::Tensor left = torch::stack({a, 0.3 * a}), right = torch::stack({0.3 * b, b}), mix = left + right;
  const at::Tensor share = torch::stack({torch::full({400, 30}, 0.75), torch::full({400, 30}, 0.25)}).unsqueeze(0);
  SpatialFilter filter(1, 30);
  for (const auto& [from, count] : {std::pair{0, 150}, {150, 250}})
    filter.learn(mix.narrow(1, from, count), share.narrow(2, from, count));
  const auto error = [&](const at::Tensor& x) {
    return ((x - left).abs().square().sum() / left.abs().square().sum()).item<double>();
  };
  const double by_share = error(mix * share[0]);
  EXPECT_LT(error(filter.apply(mix, share)[0]), 0.6 * by_share);
  // All and nothing stay that, and what is claimed and the rest are the whole.
  EXPECT_LT((filter.apply(mix, torch::ones_like(share))[0] - mix).abs().max().item<double>(), 1e-4);
  EXPECT_LT(filter.apply(mix, torch::zeros_like(share)).abs().max().item<double>(), 1e-6);
}

TEST(StemExtractor, SilenceStaysSilence) {
  AudioBuffer silence = noise(44100, 2, 1);
  for (float& x : silence.samples) x = 0;
  EXPECT_EQ(peak(extractor().extract(silence, {"bass"})[0].samples), 0.0f);
}

TEST(StemExtractor, ManyStemsNeverHoldMoreThanTheSource) {
  const AudioBuffer source = noise(24000, 1, 1);
  // The same instrument four times over is shared out.
  const auto shared = extractor().extract(source, {"bass", "bass", "bass", "bass"});
  AudioBuffer all = shared[0];
  for (size_t i = 1; i < shared.size(); ++i) all = total(all, shared[i]);
  EXPECT_LT(rms_db(all.samples), rms_db(source.samples) + 0.1);
}

TEST(StemExtractor, UnknownInstrumentsAreNamed) {
  expect_error(ErrorKind::kInput, "cannot tell 'basss' from other instruments (did you mean 'bass'",
               [] { extractor().extract(noise(24000, 1, 1), {"basss"}); });
}

TEST(StemExtractor, TheFamilyStandsForAnInstrumentThatIsNotKnown) {
  const AudioBuffer source = noise(24000, 1, 1);
  const AudioBuffer harpsichord = extractor().extract(source, {"harpsichord"})[0];
  const auto keys = extractor().extract(source, {"organ", "piano"});
  EXPECT_LT(largest_difference(harpsichord, total(keys[0], keys[1])), 1e-5);
  EXPECT_GT(peak(harpsichord.samples), 0.001);
  // No mallets are known.
  expect_error(ErrorKind::kInput, "cannot tell 'vibraphone'", [&] { extractor().extract(source, {"vibraphone"}); });
}

TEST(Compose, SaysWhenTheFamilyStandsForAnInstrument) {
  Editor editor(tiny_pipeline());
  const AudioBuffer source = noise(24000, 1, 1);
  const EditResult result = editor.edit(source, "remove the harpsichord");
  EXPECT_EQ(result.mode(), EditMode::kCompose);
  ASSERT_EQ(result.notes.size(), 1u);
  EXPECT_THAT(result.notes[0], testing::HasSubstr("has not learned the sound of 'harpsichord'"));
  EXPECT_TRUE(editor.edit(source, "remove the piano").notes.empty());
}

TEST(FitMask, ContinuesUpwardsAndCutsOff) {
  at::Tensor mask = torch::zeros({1, 2, 101});
  mask.narrow(2, 45, 56).fill_(0.5);
  const at::Tensor wide = fit_mask(mask, 201), narrow = fit_mask(mask, 40);
  EXPECT_EQ(wide.size(2), 201);
  EXPECT_TRUE(wide.narrow(2, 0, 90).equal(mask.narrow(2, 0, 90)));
  EXPECT_LT((wide.narrow(2, 90, 111) - 0.5).abs().max().item<double>(), 1e-6);
  EXPECT_TRUE(narrow.equal(mask.narrow(2, 0, 40)));
}

TEST(Compose, WhatIsTakenOutAndWhatStaysAreTheSource) {
  Editor editor(tiny_pipeline());
  const AudioBuffer source = noise(44100, 2, 1.3);
  AudioBuffer quick;
  for (const bool thorough : {false, true}) {
    const EditOptions options{.thorough = thorough};
    const EditResult taken = editor.edit(source, "extract the bass", options),
                     left = editor.edit(source, "remove the bass", options);
    EXPECT_EQ(taken.mode(), EditMode::kCompose);
    EXPECT_LT(largest_difference(total(taken.audio, left.audio), source), 1e-6);
    EXPECT_GT(peak(taken.audio.samples), 0.0f);
    ASSERT_EQ(left.stems.size(), 1u);
    EXPECT_EQ(left.stems[0].instrument, "bass");
    EXPECT_FALSE(left.stems[0].added);
    EXPECT_LT(largest_difference(left.stems[0].audio, taken.audio), 1e-6);
    if (thorough) {
      EXPECT_GT(largest_difference(taken.audio, quick), 1e-6);
    }
    quick = taken.audio;
  }
}

TEST(Compose, ShortMusicIsHeardAtThreeSpeedsUnlessToldOtherwise) {
  Editor editor(tiny_pipeline());
  EXPECT_TRUE(hears_thoroughly({}, kThoroughUpTo_s));
  EXPECT_FALSE(hears_thoroughly({}, kThoroughUpTo_s + 0.01));
  const AudioBuffer source = noise(24000, 1, kThoroughUpTo_s + 1);
  const auto remove = [&](const char* sentence, std::optional<bool> thorough) {
    return editor.edit(source, sentence, {.thorough = thorough});
  };
  EXPECT_FALSE(remove("remove the bass", {}).thorough);
  const EditResult all = remove("remove the bass", true);
  EXPECT_TRUE(all.thorough);
  // Of a range, no more than what is around it is heard.
  const EditResult range = remove("remove the bass from 2 to 4 s", {}),
                   once = remove("remove the bass from 2 to 4 s", false);
  EXPECT_TRUE(range.thorough);
  EXPECT_FALSE(once.thorough);
  EXPECT_GT(largest_difference(range.audio, once.audio), 1e-6);
  EXPECT_LT(largest_difference(range.audio, remove("remove the bass from 2 to 4 s", true).audio), 1e-6);
  EXPECT_FALSE(remove("add a flute", true).thorough);
}

TEST(Compose, AddingKeepsTheSourceAndReplacingTheRest) {
  Editor editor(tiny_pipeline());
  const AudioBuffer source = noise(48000, 2, 0.8);
  const EditOptions quick{.seed = 2, .steps = 1};
  const EditResult added = editor.edit(source, "add a violin and a piano", quick);
  ASSERT_EQ(added.stems.size(), 2u);
  EXPECT_TRUE(added.stems[0].added);
  EXPECT_LT(largest_difference(total(total(source, added.stems[0].audio), added.stems[1].audio), added.audio), 1e-6);
  EXPECT_GT(peak(added.stems[0].audio.samples), 0.0f);
  // A violin mostly plays tunes, a piano chords.
  const auto below_lu = [&](const EditedStem& stem) { return loudness_lufs(source) - loudness_lufs(stem.audio); };
  EXPECT_NEAR(below_lu(added.stems[0]), 10, 0.1);
  EXPECT_NEAR(below_lu(added.stems[1]), 12, 0.1);

  const EditResult replaced = editor.edit(source, "replace the bass with a violin", quick);
  ASSERT_EQ(replaced.stems.size(), 2u);
  EXPECT_EQ(replaced.stems[1].instrument, "violin");
  EXPECT_LT(
      largest_difference(total(total(source, replaced.stems[0].audio, -1), replaced.stems[1].audio), replaced.audio),
      1e-6);

  const EditResult alone = editor.edit(source, "accompany it with a violin", quick);
  EXPECT_LT(largest_difference(alone.audio, alone.stems[0].audio), 1e-6);
}

TEST(Compose, AddedPartsStandWhereTheyAreWanted) {
  Editor editor(tiny_pipeline());
  const AudioBuffer source = noise(44100, 2, 0.8);
  const auto part = [&](double pan) {
    const EditResult result = editor.edit(source, "add a violin", {.seed = 2, .steps = 1, .pan = pan});
    return std::array{rms_db(extract_channel(result.stems[0].audio, 0)),
                      rms_db(extract_channel(result.stems[0].audio, 1))};
  };
  const auto middle = part(0), left = part(-1), half = part(0.5);
  EXPECT_NEAR(middle[0], middle[1], 1e-6);
  EXPECT_NEAR(left[0], middle[0] + 3.01, 0.01);  // all of the power
  EXPECT_LT(left[1], -100);
  EXPECT_GT(half[1], half[0]);
  const auto power = [](const std::array<double, 2>& db) {
    return std::pow(10, db[0] / 10) + std::pow(10, db[1] / 10);
  };
  EXPECT_NEAR(power(half) / power(middle), 1, 1e-3);
  EXPECT_THAT(editor.edit(source, "remove the bass", {.steps = 1, .pan = 0.5}).notes,
              testing::Contains("the pan changed nothing: there is no new part to be panned."));
  expect_error(ErrorKind::kUsage, "from -1 (left) to 1 (right)", [&] { part(1.5); });
  expect_error(ErrorKind::kUsage, "only in music of two channels can a part be panned; this has 1",
               [&] { editor.edit(noise(24000, 1, 0.5), "add a violin", {.pan = 0.5}); });
}

TEST(Compose, WhatItCannotDoIsDoneDirectlyOrRefused) {
  Editor editor(tiny_pipeline());
  const AudioBuffer source = noise(24000, 1, 0.6);
  const EditResult anew = editor.edit(source, "remove the vibraphone");  // the tiny mask head knows no mallets
  EXPECT_EQ(anew.mode(), EditMode::kDirect);
  ASSERT_EQ(anew.notes.size(), 1u);
  EXPECT_THAT(anew.notes[0], testing::HasSubstr("to remove vibraphone the whole mix was made anew by the model"));
  EXPECT_TRUE(editor.edit(source, "remove the vibraphone", {.mode = EditMode::kDirect}).notes.empty());
  EXPECT_EQ(editor.edit(source, "remix it to funk", {.steps = 1}).mode(), EditMode::kDirect);
  expect_error(ErrorKind::kUsage, "cannot remove vibraphone in compose mode",
               [&] { editor.edit(source, "remove the vibraphone", {.mode = EditMode::kCompose}); });
  EXPECT_EQ(parse_edit_mode("compose"), EditMode::kCompose);
  expect_error(ErrorKind::kUsage, "no mode of editing", [] { parse_edit_mode("composed"); });
}

}  // namespace
}  // namespace instructme
