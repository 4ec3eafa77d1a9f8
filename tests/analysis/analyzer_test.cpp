#include <torch/torch.h>
// The precompiled torch header comes first.
#include <gmock/gmock.h>

#include <atomic>
#include <cmath>

#include "expect_error.h"
#include "instructme/analysis/analysis.h"
#include "instructme/audio/resample.h"
#include "instructme/base/files.h"
#include "music.h"

namespace instructme {
namespace {

const ChordSpan& chord_at(const Analysis& analysis, double time_s) {
  for (const ChordSpan& span : analysis.hearing.chord_spans)
    if (time_s < span.end_s) return span;
  throw std::out_of_range("no chord there");
}

class ReadForAnalysis : public testing::TestWithParam<std::pair<int, int>> {};

TEST_P(ReadForAnalysis, AnyRateAndChannelsSoundAlike) {
  const auto [rate, channels] = GetParam();
  const TempDir folder;
  write_audio(folder.path() / "a.wav", struck_chord({57, 69}, 1.5, rate, channels));
  const AudioBuffer music = read_for_analysis(folder.path() / "a.wav");
  EXPECT_EQ(music.sample_rate, kAnalysisRate);
  EXPECT_EQ(music.channels, 1);
  EXPECT_EQ(music.frames(), 36000);
  const AudioBuffer wanted = struck_chord({57, 69}, 1.5);
  double error = 0, power = 0;
  for (size_t i = 0; i < wanted.samples.size(); ++i) {
    error += std::pow(wanted.samples[i] - music.samples[i], 2);
    power += std::pow(wanted.samples[i], 2);
  }
  EXPECT_LT(10 * std::log10(error / power), -30) << "dB";
}

INSTANTIATE_TEST_SUITE_P(Formats, ReadForAnalysis,
                         testing::Values(std::pair{8000, 1}, std::pair{24000, 1}, std::pair{44100, 2},
                                         std::pair{48000, 6}, std::pair{192000, 2}));

TEST(ReadForAnalysis, LongFilesInPiecesAreTheSameAsAtOnce) {
  const TempDir folder;
  AudioBuffer tone = struck_chord({60}, 130.3, 11025);
  write_audio(folder.path() / "long.wav", tone, {.encoding = AudioEncoding::kFloat32});
  const AudioBuffer music = read_for_analysis(folder.path() / "long.wav");
  const std::vector<float> wanted = resample(mix_to_mono(tone), tone.sample_rate, kAnalysisRate);
  ASSERT_NEAR(static_cast<double>(music.samples.size()), static_cast<double>(wanted.size()), 1);
  double worst = 0;
  for (size_t i = 0; i + 1 < wanted.size(); ++i)
    worst = std::max<double>(worst, std::abs(wanted[i] - music.samples[i]));
  EXPECT_LT(worst, 1e-4) << "no seam at 60 and 120 s";
}

TEST(ReadForAnalysis, ChannelsThatCancelEachOtherAreHeardByOneOfThem) {
  const TempDir folder;
  for (const double seconds : {1.5, 70.0}) {  // at once and in pieces
    const AudioBuffer tone = struck_chord({60}, seconds, 11025);
    std::vector<float> opposite;
    for (const float sample : tone.samples) opposite.push_back(-sample);
    write_audio(folder.path() / "a.wav", from_planar({tone.samples, opposite}, 11025),
                {.encoding = AudioEncoding::kFloat32});
    const AudioBuffer music = read_for_analysis(folder.path() / "a.wav");
    EXPECT_NEAR(rms_db(music.samples), rms_db(tone.samples), 0.1);
  }
}

TEST(ReadForAnalysis, RefusesWhatCannotBeHeard) {
  expect_error(ErrorKind::kInput, "absent.wav", [] { read_for_analysis("absent.wav"); });
}

TEST(Analyzer, WithoutWeightsChordsAndKeyComeFromTemplates) {
  AudioBuffer music = struck_chord({41, 60, 65, 69}, 4);
  for (const auto& next :
       {struck_chord({46, 62, 65, 70}, 4), struck_chord({48, 64, 67, 72}, 4), struck_chord({41, 60, 65, 69}, 4)})
    music.samples.insert(music.samples.end(), next.samples.begin(), next.samples.end());
  const Analysis analysis = Analyzer().analyze(music);
  EXPECT_EQ(chord_label(chord_at(analysis, 2).chord), "F:maj");
  EXPECT_EQ(chord_label(chord_at(analysis, 6).chord), "Bb:maj");
  EXPECT_EQ(chord_label(chord_at(analysis, 10).chord), "C:maj");
  EXPECT_EQ(key_label(analysis.hearing.key), "F:major");
  EXPECT_FALSE(analysis.trained_ears);
  EXPECT_FALSE(analysis.has_notes);
  EXPECT_TRUE(analysis.hearing.beats.empty());
  EXPECT_THAT(analysis.missing, testing::ElementsAre(testing::HasSubstr("notes"), testing::HasSubstr("beats")));
  EXPECT_DOUBLE_EQ(analysis.hearing.chord_spans.front().start_s, 0);
  EXPECT_DOUBLE_EQ(analysis.hearing.chord_spans.back().end_s, 16);
}

TEST(Analyzer, SilenceHasNoChordAndNoKey) {
  const Analysis analysis = Analyzer().analyze(from_mono(std::vector<float>(48000, 0.0f), kAnalysisRate));
  EXPECT_TRUE(analysis.silent);
  EXPECT_TRUE(std::isinf(analysis.level_db));
  ASSERT_EQ(analysis.hearing.chord_spans.size(), 1u);
  EXPECT_TRUE(analysis.hearing.chord_spans[0].chord.none);
  EXPECT_TRUE(analysis.hearing.keys.empty());
}

TEST(Analyzer, SilenceIsToldByTheLevelOfTheWhole) {
  AudioBuffer music = struck_chord({60, 64, 67}, 2);
  const double gain_to_80 = -80 - rms_db(music.samples);
  for (const double above_db : {-0.4, 0.4}) {
    AudioBuffer quiet = music;
    for (float& sample : quiet.samples) sample *= static_cast<float>(std::pow(10.0, (gain_to_80 + above_db) / 20));
    EXPECT_EQ(Analyzer().analyze(quiet).silent, above_db < 0);
  }
}

TEST(Analyzer, ASilentPieceHasNoChordEvenWhereItIsLoudest) {
  // A chord that would be heard alone, but two minutes and a half of nothing after it.
  AudioBuffer music = struck_chord({60, 64, 67}, 0.4);
  const auto gain = static_cast<float>(std::pow(10.0, (-56 - rms_db(music.samples)) / 20));
  for (float& sample : music.samples) sample *= gain;
  ASSERT_FALSE(Analyzer().analyze(music).hearing.keys.empty());
  music.samples.resize(150 * kAnalysisRate, 0.0f);
  const Analysis analysis = Analyzer().analyze(music);
  EXPECT_TRUE(analysis.silent);
  ASSERT_EQ(analysis.hearing.chord_spans.size(), 1u);
  EXPECT_TRUE(analysis.hearing.chord_spans[0].chord.none);
  EXPECT_EQ(analysis.hearing.chord_spans[0].end_s, 150);
  EXPECT_TRUE(analysis.hearing.keys.empty());
}

TEST(Analyzer, HearsVeryShortMusic) {
  for (const size_t samples : {size_t{1}, size_t{500}, size_t{12000}}) {
    const Analysis analysis = Analyzer().analyze(from_mono(std::vector<float>(samples, 0.1f), kAnalysisRate));
    EXPECT_DOUBLE_EQ(analysis.hearing.duration_s, static_cast<double>(samples) / kAnalysisRate);
    ASSERT_FALSE(analysis.hearing.chord_spans.empty());
    EXPECT_DOUBLE_EQ(analysis.hearing.chord_spans.back().end_s, analysis.hearing.duration_s);
  }
  expect_error(ErrorKind::kInput, "no sound", [] { Analyzer().analyze(from_mono({}, kAnalysisRate)); });
}

TEST(Analyzer, PercussionAloneHasMostlyNoChord) {
  const Analysis analysis = Analyzer().analyze(noise_bursts(8));
  double without = 0;
  for (const ChordSpan& span : analysis.hearing.chord_spans)
    if (span.chord.none) without += span.end_s - span.start_s;
  EXPECT_GT(without, 6.0);
}

TEST(Analyzer, TakesWhatTrainedEarsHear) {
  Analyzer analyzer([](const AudioBuffer& music, const ProgressCallback&, const CancelToken&) {
    Hearing hearing = heard_by_hand().hearing;
    hearing.duration_s = music.seconds();
    return hearing;
  });
  const Analysis analysis = analyzer.analyze(struck_chord({60}, 2));
  EXPECT_TRUE(analysis.trained_ears);
  EXPECT_EQ(analysis.hearing.beats.size(), 9u);
  EXPECT_THAT(analysis.missing, testing::ElementsAre(testing::HasSubstr("notes")));
}

TEST(Analyzer, EarsWithoutATaggerMissInstrumentsAndSilenceDoesNot) {
  for (const bool tagger : {true, false}) {
    Analyzer analyzer([&](const AudioBuffer& music, const ProgressCallback&, const CancelToken&) {
      Hearing hearing;
      hearing.duration_s = music.seconds();
      hearing.has_tagger = tagger;
      return hearing;
    });
    const auto missing = analyzer.analyze(from_mono(std::vector<float>(4800, 0.0f), kAnalysisRate)).missing;
    EXPECT_EQ(missing.size(), tagger ? 1u : 2u);
    EXPECT_THAT(missing.back(), testing::HasSubstr(tagger ? "notes" : "the model has no tagger"));
  }
}

TEST(Analyzer, EarsWithoutAKeyNetworkMissTheKey) {
  for (const bool chords : {true, false}) {
    Analyzer analyzer([&](const AudioBuffer&, const ProgressCallback&, const CancelToken&) {
      Hearing hearing = heard_by_hand().hearing;
      hearing.keys.clear();
      if (!chords) hearing.chord_spans = {{0, 9.6, Chord::no_chord()}};
      return hearing;
    });
    const auto missing = analyzer.analyze(struck_chord({60}, 1)).missing;
    EXPECT_EQ(missing.size(), chords ? 2u : 1u);
    EXPECT_THAT(missing.back(), testing::HasSubstr(chords ? "the model has no key network" : "notes"));
  }
}

TEST(Analyzer, CanBeStopped) {
  const std::atomic<bool> stop = true;
  expect_error(ErrorKind::kCancelled, "", [&] { Analyzer().analyze(struck_chord({60}, 1), {}, CancelToken(&stop)); });
}

TEST(BeatChords, TheMeanOfABeatDecides) {
  const auto beats = chords_of_beats(heard_by_hand().hearing);
  ASSERT_EQ(beats.size(), 9u);
  for (size_t i = 0; i < beats.size(); ++i) EXPECT_EQ(chord_label(beats[i].chord), i < 5 ? "C:maj" : "G:maj") << i;
  EXPECT_DOUBLE_EQ(beats[0].end_s, 1.6);
  EXPECT_DOUBLE_EQ(beats[8].end_s, 9.6);
}

TEST(LikeliestChords, ShortOnesBelongToTheOneBefore) {
  at::Tensor frames = torch::zeros({50, kChordClasses});
  for (int64_t i = 0; i < 50; ++i) frames[i][i == 5 ? 3 : i < 25 ? 1 : 2] = 1;
  const auto spans = likeliest_chords(frames, 3.95);
  ASSERT_EQ(spans.size(), 2u);
  EXPECT_DOUBLE_EQ(spans[0].end_s, 2.0);
  EXPECT_DOUBLE_EQ(spans[1].end_s, 3.95);
  EXPECT_TRUE(likeliest_chords(torch::zeros({0, kChordClasses}), 1).empty());
}

}  // namespace
}  // namespace instructme
