#include "instructme/synth/stem_renderer.h"

#include <fluidsynth.h>

#include "expect_error.h"
#include "instructme/synth/sound_font.h"
#include "synth_test_support.h"

namespace instructme {
namespace {

std::vector<Sound> sounds_of(const Score& score) {
  std::vector<Sound> sounds;
  for (const Part& part : score.parts) sounds.push_back({small_font(), part.drums ? kDrumBank : 0, part.program});
  return sounds;
}

// Period of the loudest autocorrelation peak between 40 and 1000 Hz, refined by a parabola.
double pitch_hz(const std::vector<float>& x, int rate) {
  const int low = rate / 1000, high = rate / 40;
  const auto n = static_cast<int>(x.size()) - high - 2;
  std::vector<double> r(static_cast<size_t>(high) + 2);
  for (int lag = low - 1; lag <= high + 1; ++lag)
    for (int i = 0; i < n; ++i) r[static_cast<size_t>(lag)] += static_cast<double>(x[i]) * x[i + lag];
  int best = low;
  for (int lag = low; lag <= high; ++lag)
    // A shorter period wins over its multiples unless they are clearly stronger.
    if (r[lag] > r[lag - 1] && r[lag] >= r[lag + 1] && r[lag] > 1.02 * r[best]) best = lag;
  const double a = r[best - 1], b = r[best], c = r[best + 1];
  return rate / (best + 0.5 * (a - c) / (a - 2 * b + c));
}

TEST(StemRenderer, StemsSumToAJointRendering) {
  SKIP_WITHOUT_SMALL_FONT();
  const Score score = small_score();
  StemRenderer renderer;
  const auto stems = renderer.render(score, sounds_of(score));
  ASSERT_EQ(stems.size(), 3u);
  // The reference is FluidSynth's ordinary stereo output, all channels in one pair of buffers.
  fluid_settings_t* settings = new_fluid_settings();
  fluid_settings_setnum(settings, "synth.sample-rate", 24000);
  fluid_settings_setnum(settings, "synth.gain", renderer.options().gain);
  fluid_settings_setint(settings, "synth.reverb.active", 0);
  fluid_settings_setint(settings, "synth.chorus.active", 0);
  fluid_synth_t* synth = new_fluid_synth(settings);
  const int font = fluid_synth_sfload(synth, small_font().c_str(), 0);
  for (int p = 0; p < 3; ++p)
    fluid_synth_program_select(synth, p, font, score.parts[p].drums ? kDrumBank : 0, score.parts[p].program);
  std::vector<float> left(64), right(64), mix, together;
  for (int block = 0; block < 24000 * 2 / 64; ++block) {
    for (bool on : {false, true})
      for (int p = 0; p < 3; ++p)
        for (const Note& note : score.parts[p].notes) {
          const auto at = [](double s) { return static_cast<int>(std::llround(s * 24000 / 64)); };
          if (on && at(note.onset_s) == block) fluid_synth_noteon(synth, p, note.pitch, note.velocity);
          if (!on && at(note.onset_s + note.duration_s) == block) fluid_synth_noteoff(synth, p, note.pitch);
        }
    fluid_synth_write_float(synth, 64, left.data(), 0, 1, right.data(), 0, 1);
    for (int i = 0; i < 64; ++i) mix.push_back(0.5f * (left[i] + right[i]));
  }
  delete_fluid_synth(synth);
  delete_fluid_settings(settings);
  double difference = 0, power = 0;
  for (size_t i = 0; i < mix.size(); ++i) {
    const double sum = static_cast<double>(stems[0][i]) + stems[1][i] + stems[2][i];
    difference += (sum - mix[i]) * (sum - mix[i]);
    power += static_cast<double>(mix[i]) * mix[i];
  }
  EXPECT_GT(power, 0.0);
  EXPECT_LT(difference, 1e-8 * power);  // 80 dB
}

TEST(StemRenderer, EveryPartStaysInItsOwnStem) {
  SKIP_WITHOUT_SMALL_FONT();
  Score score = small_score();
  StemRenderer renderer;
  const auto all = renderer.render(score, sounds_of(score));
  for (size_t p = 0; p < score.parts.size(); ++p) {
    Score alone = score;
    for (size_t q = 0; q < score.parts.size(); ++q)
      if (q != p) alone.parts[q].notes.clear();
    const auto stems = renderer.render(alone, sounds_of(alone));
    for (size_t q = 0; q < stems.size(); ++q) {
      // The first 64 samples of a note are faded in a little otherwise in a voice that has played before.
      std::vector<float> difference = stems[q];
      for (size_t i = 0; q == p && i < difference.size(); ++i) difference[i] -= all[q][i];
      EXPECT_LE(rms(difference), q == p ? 0.1 * rms(all[q]) : 0.0);
    }
  }
}

TEST(StemRenderer, IsDeterministicWhateverWasRenderedBefore) {
  SKIP_WITHOUT_SMALL_FONT();
  const Score score = small_score();
  StemRenderer renderer;
  const auto first = renderer.render(score, sounds_of(score));
  Score other = score;
  other.parts[0].controls.push_back({0.0, 64, 127});
  other.parts[0].controls.push_back({0.0, 7, 10});
  for (auto& note : other.parts[0].notes) note.duration_s = 60;
  renderer.render(other, {{small_font(), 0, 48}, {small_font(), 0, 80}, {small_font(), kDrumBank, 0}});
  EXPECT_EQ(renderer.render(score, sounds_of(score)), first);
  StemRenderer fresh;
  EXPECT_EQ(fresh.render(score, sounds_of(score)), first);
}

TEST(StemRenderer, SamplesReadOnDemandSoundAlike) {
  SKIP_WITHOUT_SMALL_FONT();
  const Score score = small_score();
  StemRendererOptions options;
  StemRenderer whole(options);
  options.on_demand = true;
  StemRenderer frugal(options);
  const auto stems = whole.render(score, sounds_of(score));
  const auto first = frugal.render(score, sounds_of(score));
  EXPECT_EQ(frugal.render(score, sounds_of(score)), first);
  // FluidSynth plays some keys of a kit a little differently then, but as loud.
  for (size_t p = 0; p < stems.size(); ++p) EXPECT_NEAR(rms(first[p]) / rms(stems[p]), 1, 0.05) << p;
}

TEST(StemRenderer, PlaysTheWrittenPitchAtTheWrittenTime) {
  SKIP_WITHOUT_SMALL_FONT();
  for (const auto& [pitch, hz] : {std::pair{69, 440.0}, {57, 220.0}, {45, 110.0}}) {
    Score score;
    score.duration_s = 1.5;
    score.parts.push_back(make_part(73, false, {{0.5, 0.8, pitch, 100}}));
    StemRenderer renderer;
    const auto stem = renderer.render(score, sounds_of(score)).front();
    EXPECT_EQ(rms({stem.begin(), stem.begin() + 24000 * 49 / 100}), 0.0);
    EXPECT_GT(rms({stem.begin() + 12000, stem.begin() + 24000}), 1e-4);
    const std::vector<float> steady(stem.begin() + 17000, stem.begin() + 26000);
    EXPECT_NEAR(1200 * std::log2(pitch_hz(steady, 24000) / hz), 0.0, 20.0) << pitch;
  }
}

TEST(StemRenderer, ARestruckKeyIsNotCutByTheEarlierNote) {
  SKIP_WITHOUT_SMALL_FONT();
  Score clean, overlapping;
  clean.duration_s = overlapping.duration_s = 2.0;
  clean.parts.push_back(make_part(48, false, {{0.0, 0.5, 60, 90}, {0.5, 1.4, 60, 90}}));
  overlapping.parts.push_back(make_part(48, false, {{0.0, 1.0, 60, 90}, {0.5, 1.4, 60, 90}}));
  StemRenderer renderer;
  EXPECT_EQ(renderer.render(clean, sounds_of(clean)), renderer.render(overlapping, sounds_of(overlapping)));
}

TEST(StemRenderer, IsSilentWithoutNotesAndFadesToNothing) {
  SKIP_WITHOUT_SMALL_FONT();
  Score score = small_score();
  StemRenderer renderer;
  auto stems = renderer.render(score, sounds_of(score));
  for (const auto& stem : stems) {
    EXPECT_EQ(static_cast<int64_t>(stem.size()), renderer.frames_of(score));
    EXPECT_EQ(stem.size(), 84000u);  // 2 s + 1.5 s of tail
    EXPECT_LT(std::abs(stem.back()), 1e-6f);
  }
  for (auto& part : score.parts) part.notes.clear();
  stems = renderer.render(score, sounds_of(score));
  for (const auto& stem : stems) EXPECT_EQ(rms(stem), 0.0);
}

TEST(StemRenderer, RendersMorePartsThanOnePassHolds) {
  SKIP_WITHOUT_SMALL_FONT();
  Score score = small_score();
  const Part piano = score.parts.front();
  score.parts.assign(19, piano);
  StemRenderer renderer;
  const auto stems = renderer.render(score, sounds_of(score));
  ASSERT_EQ(stems.size(), 19u);
  EXPECT_GT(rms(stems[0]), 0.0);
  EXPECT_EQ(stems[18], stems[0]);
}

TEST(StemRenderer, SaysWhatIsWrong) {
  SKIP_WITHOUT_SMALL_FONT();
  const Score score = small_score();
  StemRenderer renderer;
  auto sounds = sounds_of(score);
  sounds[1] = {small_font(), 77, 5};
  expect_error(ErrorKind::kInput, "bank 77 and program 5", [&] { renderer.render(score, sounds); });
  sounds[1] = {"/nowhere.sf2", 0, 5};
  expect_error(ErrorKind::kMissing, "/nowhere.sf2", [&] { renderer.render(score, sounds); });
  sounds.pop_back();
  expect_error(ErrorKind::kUsage, "3 parts", [&] { renderer.render(score, sounds); });
  StemRendererOptions options;
  options.sample_rate = 100;
  expect_error(ErrorKind::kUsage, "100", [&] { StemRenderer bad(options); });
}

}  // namespace
}  // namespace instructme
