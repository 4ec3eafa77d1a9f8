#include "instructme/models/chord_extractor.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>

#include "expect_error.h"
#include "instructme/base/rng.h"

namespace instructme {
namespace {

constexpr double kRate = kChordSampleRate;

/// Notes (MIDI numbers) as decaying sums of ten harmonics with random phases.
at::Tensor play(const std::vector<int>& notes, double seconds, Rng& rng, double tuning = 0.0) {
  const auto samples = static_cast<int64_t>(seconds * kRate);
  const at::Tensor time = at::arange(samples, at::kDouble) / kRate;
  at::Tensor sum = at::zeros({samples}, at::kDouble);
  for (const int note : notes) {
    const double hz = 440.0 * std::exp2((note + tuning - 69.0) / 12.0);
    for (int h = 1; h <= 10 && hz * h < 10000.0; ++h)
      sum += 0.08 / h * at::sin(2.0 * std::numbers::pi * hz * h * time + rng.uniform(0.0, 6.28));
  }
  return (sum * at::exp(-time)).to(at::kFloat);
}

/// Root position around C4 with the root doubled in the bass.
std::vector<int> voicing(const Chord& chord) {
  std::vector<int> notes{36 + chord.root};
  for (const int tone : chord_pitch_classes(chord)) notes.push_back(55 + (tone - 55 % 12 + 12) % 12);
  return notes;
}

/// The class with the greatest probability over the middle of the clip.
Chord recognise(ChordExtractor& extractor, const at::Tensor& waveform) {
  const int64_t frames = chord_frames(waveform.size(0));
  const at::Tensor p = extractor.extract(waveform, frames)[0];
  return chord_of_class(static_cast<int>(p.slice(0, frames / 4, frames - frames / 4).mean(0).argmax().item<int64_t>()));
}

void expect_probabilities(const at::Tensor& p) {
  EXPECT_GE(p.min().item<double>(), 0.0);
  EXPECT_LT((p.sum(-1) - 1.0).abs().max().item<double>(), 1e-4);
}

struct Recognition {
  double accuracy = 0.0;
  std::string wrong;  // "played heard, " for every mistake
};

/// Every root of these qualities, one chord at a time.
Recognition recognise_all(const std::vector<ChordQuality>& qualities, double tuning = 0.0, double noise = 0.0) {
  ChromaTemplateChordExtractor extractor;
  Rng rng(1);
  at::manual_seed(1);
  Recognition result;
  int right = 0, all = 0;
  for (const ChordQuality quality : qualities)
    for (int root = 0; root < 12; ++root, ++all) {
      const Chord chord = Chord::of(root, quality);
      at::Tensor sound = play(voicing(chord), 1.5, rng, tuning);
      sound = sound + noise * at::randn_like(sound);
      const Chord heard = recognise(extractor, sound);
      if (heard == chord)
        ++right;
      else
        result.wrong.append(chord_label(chord)).append(" ").append(chord_label(heard)).append(", ");
    }
  result.accuracy = static_cast<double>(right) / all;
  return result;
}

void expect_recognised(double least, const std::vector<ChordQuality>& qualities, double tuning = 0.0,
                       double noise = 0.0) {
  const Recognition result = recognise_all(qualities, tuning, noise);
  EXPECT_GE(result.accuracy, least) << result.wrong << "tuning " << tuning;
}

TEST(ChromaTemplateChordExtractor, MajorAndMinor) { expect_recognised(0.95, {ChordQuality::kMaj, ChordQuality::kMin}); }

TEST(ChromaTemplateChordExtractor, OtherQualities) {
  expect_recognised(0.8, {ChordQuality::k7, ChordQuality::kMaj7, ChordQuality::kMin7});
  expect_recognised(0.8, {ChordQuality::kDim, ChordQuality::kAug, ChordQuality::kSus});
}

TEST(ChromaTemplateChordExtractor, Detuned) {
  for (const double tuning : {-0.35, 0.2, 0.4})
    expect_recognised(0.9, {ChordQuality::kMaj, ChordQuality::kMin}, tuning);
}

TEST(ChromaTemplateChordExtractor, WithNoise) {
  expect_recognised(0.9, {ChordQuality::kMaj, ChordQuality::kMin}, 0.0, 0.03);
}

TEST(ChromaTemplateChordExtractor, EstimatesTuning) {
  ChromaTemplateChordExtractor extractor;
  Rng rng(2);
  for (const double tuning : {-0.4, -0.2, 0.0, 0.1, 0.3, 0.45})
    EXPECT_NEAR(extractor.tuning(play({48, 60, 64, 67, 72}, 2.0, rng, tuning)), tuning, 0.08) << tuning;
}

TEST(ChromaTemplateChordExtractor, LevelDoesNotMatter) {
  ChromaTemplateChordExtractor extractor;
  Rng rng(3);
  const at::Tensor sound = play(voicing(Chord::of(9, ChordQuality::kMin)), 1.5, rng);
  for (const double gain : {0.02, 1.0, 3.0})
    EXPECT_EQ(recognise(extractor, gain * sound), Chord::of(9, ChordQuality::kMin));
}

TEST(ChromaTemplateChordExtractor, SurvivesDrums) {
  ChromaTemplateChordExtractor extractor;
  Rng rng(4);
  at::manual_seed(4);
  int right = 0;
  for (int root = 0; root < 12; ++root) {
    const Chord chord = Chord::of(root, root % 2 == 0 ? ChordQuality::kMaj : ChordQuality::kMin);
    at::Tensor sound = play(voicing(chord), 2.0, rng);
    for (int64_t hit = 3000; hit + 4800 < sound.size(0); hit += 12000)  // two bursts of noise per second
      sound.slice(0, hit, hit + 4800).add_(at::randn({4800}) * at::exp(-at::arange(4800) / 600.0), 0.3);
    right += recognise(extractor, sound) == chord;
  }
  EXPECT_GE(right, 10);
}

TEST(ChromaTemplateChordExtractor, FollowsAProgression) {
  ChromaTemplateChordExtractor extractor;
  Rng rng(5);
  const std::vector<Chord> chords = {Chord::of(0, ChordQuality::kMaj), Chord::of(9, ChordQuality::kMin),
                                     Chord::of(5, ChordQuality::kMaj), Chord::of(7, ChordQuality::k7)};
  std::vector<at::Tensor> parts;
  for (const Chord& chord : chords) parts.push_back(play(voicing(chord), 1.6, rng));
  parts.push_back(at::zeros({static_cast<int64_t>(1.6 * kRate)}));
  const at::Tensor song = at::cat(parts);
  const at::Tensor p = extractor.extract(song, chord_frames(song.size(0)))[0];
  ASSERT_EQ(p.size(0), 100);
  int right = 0;
  for (int64_t t = 0; t < 100; ++t) {
    const Chord heard = chord_of_class(static_cast<int>(p[t].argmax().item<int64_t>()));
    right += heard == (t < 80 ? chords[static_cast<size_t>(t / 20)] : Chord::no_chord());
  }
  EXPECT_GE(right, 88);  // two or three frames may be uncertain at each of the four changes
}

TEST(ChromaTemplateChordExtractor, SilenceAndNoiseAreNoChord) {
  ChromaTemplateChordExtractor extractor;
  at::manual_seed(6);
  const at::Tensor silence = extractor.extract(at::zeros({48000}), 25);
  EXPECT_GT(silence.select(2, 0).min().item<double>(), 0.99);
  expect_probabilities(silence);
  const at::Tensor noise = extractor.extract(0.1 * at::randn({96000}), 50);
  EXPECT_GT(noise.select(2, 0).mean().item<double>(), 0.6);
}

TEST(ChromaTemplateChordExtractor, AnyLength) {
  ChromaTemplateChordExtractor extractor;
  Rng rng(7);
  const Chord chord = Chord::of(4, ChordQuality::kMaj);
  const at::Tensor shortest = extractor.extract(play(voicing(chord), 0.1, rng), 2);
  EXPECT_EQ(shortest.sizes(), (std::vector<int64_t>{1, 2, kChordClasses}));
  expect_probabilities(shortest);
  expect_probabilities(extractor.extract(at::ones({1}), 1));

  // Blocks join without a seam: a long clip says of its start what the start alone says.
  const at::Tensor bar = play(voicing(chord), 2.4, rng);
  const at::Tensor song = bar.repeat({50});
  const at::Tensor p = extractor.extract(song, chord_frames(song.size(0)));
  EXPECT_EQ(p.size(1), 1500);
  expect_probabilities(p);
  EXPECT_GT(p.select(2, chord_class(chord)).mean().item<double>(), 0.8);
  const at::Tensor tail = p[0].slice(0, 300, 1200).view({-1, 30, kChordClasses});  // 30 frames per bar
  EXPECT_LT((tail - tail[0]).abs().max().item<double>(), 0.02);
}

TEST(ChromaTemplateChordExtractor, BatchesAndPadding) {
  ChromaTemplateChordExtractor extractor;
  Rng rng(8);
  const at::Tensor a = play(voicing(Chord::of(0, ChordQuality::kMaj)), 1.6, rng);
  const at::Tensor b = play(voicing(Chord::of(6, ChordQuality::kMin)), 1.6, rng);
  const at::Tensor both = extractor.extract(at::stack({a, b}), 20);
  EXPECT_EQ(both.sizes(), (std::vector<int64_t>{2, 20, kChordClasses}));
  EXPECT_TRUE(at::allclose(both[0], extractor.extract(a, 20)[0], 1e-4, 1e-5));
  EXPECT_TRUE(at::allclose(both[1], extractor.extract(b, 20)[0], 1e-4, 1e-5));
  const at::Tensor padded = extractor.extract(a, 30)[0];
  EXPECT_EQ(padded.slice(0, 23).argmax(1).max().item<int64_t>(), 0);  // silence after the end
  EXPECT_EQ(extractor.extract(a, 5).size(1), 5);
}

TEST(ChromaTemplateChordExtractor, BadInputsAreErrors) {
  ChromaTemplateChordExtractor extractor;
  expect_error(ErrorKind::kInternal, "(N, S)", [&] { extractor.extract(at::zeros({1, 1, 5000}), 2); });
  expect_error(ErrorKind::kInternal, "frames", [&] { extractor.extract(at::zeros({5000}), 0); });
  expect_error(ErrorKind::kInput, "finite", [&] { extractor.extract(at::full({5000}, NAN), 2); });
  const auto read = [](const char* text) { ChromaTemplateOptions::read({nlohmann::json::parse(text), "test"}); };
  expect_error(ErrorKind::kModel, "temperature", [&] { read(R"({"temperature": 0})"); });
  expect_error(ErrorKind::kModel, "self_transition", [&] { read(R"({"self_transition": 1.0})"); });
  expect_error(ErrorKind::kModel, "unknown key", [&] { read(R"({"temprature": 1})"); });
  const ChromaTemplateOptions options{false, 0.3, 0.1, 0.2, 0.5, -40.0};
  EXPECT_EQ(ChromaTemplateOptions::read({options.to_json(), "test"}).to_json(), options.to_json());
}

TEST(SmoothForwardBackward, EqualsEnumeration) {
  // All 3^4 paths of a small chain.
  Rng rng(9);
  const double self = 0.7, move = 0.15;
  at::Tensor likelihood = at::empty({4, 3}, at::kDouble);
  for (int64_t t = 0; t < 4; ++t)
    for (int64_t c = 0; c < 3; ++c) likelihood[t][c] = rng.uniform(0.05, 1.0);
  at::Tensor expected = at::zeros({4, 3}, at::kDouble);
  for (int path = 0; path < 81; ++path) {
    const int states[] = {path % 3, path / 3 % 3, path / 9 % 3, path / 27};
    double weight = 1.0;
    for (int t = 0; t < 4; ++t) {
      weight *= likelihood[t][states[t]].item<double>();
      if (t > 0) weight *= states[t] == states[t - 1] ? self : move;
    }
    for (int t = 0; t < 4; ++t) expected[t][states[t]] += weight;
  }
  expected = expected / expected.sum(1, true);
  EXPECT_LT((smooth_forward_backward(likelihood, self) - expected).abs().max().item<double>(), 1e-12);
}

}  // namespace
}  // namespace instructme
