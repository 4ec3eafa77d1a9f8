#include "instructme/edit/judge.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tiny_pipeline.h"

namespace instructme {
namespace {

/// Ears for which the first sample says what is heard: the source has 0.1.
Ears fake_ears(const Hearing& of_source, const Hearing& of_result) {
  return [=](const AudioBuffer& audio, const ProgressCallback&, const CancelToken&) {
    return audio.samples[0] == 0.1f ? of_source : of_result;
  };
}

const AudioBuffer kSource{8000, 1, {0.1f, 0, 0, 0}};

EditResult edited(const std::string& sentence) {
  EditResult result;
  result.audio = {8000, 1, {0.2f, 0, 0, 0}};
  result.plan = parse_plan(sentence, Lexicon::builtin());
  for (const PlanStep& step : result.plan.steps) result.regions.push_back(resolve_range(step.range, 4, 1, {}));
  return result;
}

Hearing tags(std::vector<HeardTag> instruments) {
  Hearing hearing;
  hearing.instruments = std::move(instruments);
  return hearing;
}

TEST(Judges, ChordsAgreeForTheShareOfTheTime) {
  Hearing source, result;
  source.chord_spans = {{0, 3, Chord::of(0, ChordQuality::kMaj)}, {3, 4, Chord::of(7, ChordQuality::k7)}};
  result.chord_spans = {{0, 2, Chord::of(0, ChordQuality::kMaj7)}, {2, 4, Chord::of(7, ChordQuality::kMaj)}};
  EXPECT_NEAR(*chord_judge(fake_ears(source, result)).score(kSource, edited("remove the bass")), 0.75, 1e-9);
  EXPECT_FALSE(chord_judge(fake_ears({}, result)).score(kSource, edited("remove the bass")).has_value());
}

TEST(Judges, BeatsAgreeByTheirFMeasure) {
  Hearing source, result;
  for (int i = 0; i < 4; ++i) source.beats.push_back({0.5 * i, 0, i});
  result.beats = {source.beats[0], source.beats[1], {1.2, 0, 2}, source.beats[3]};
  result.beats[1].time_s += 0.06;
  const Judge judge = beat_judge(fake_ears(source, result));
  EXPECT_NEAR(*judge.score(kSource, edited("remove the bass")), 0.75, 1e-9);
  EXPECT_EQ(beat_judge(fake_ears(source, {})).score(kSource, edited("remove the bass")), 0.0);
  EXPECT_FALSE(beat_judge(fake_ears({}, result)).score(kSource, edited("remove the bass")).has_value());
  EXPECT_FALSE(beat_judge({}).score(kSource, edited("remove the bass")).has_value());
}

TEST(Judges, WhatWasAskedForIsHeardAndWhatWasRemovedIsNot) {
  const Judge judge =
      instrument_judge(fake_ears({}, tags({{"violin", 0.75, 0.5, {}}, {"bass", 0.1, 0.5, {}}, {"piano", 1, 0.5, {}}})));
  const auto score = [&](const char* sentence) { return judge.score(kSource, edited(sentence)); };
  EXPECT_NEAR(*score("add a violin"), 0.75, 1e-9);
  EXPECT_NEAR(*score("remove the bass"), 0.9, 1e-9);
  EXPECT_NEAR(*score("replace the bass with a violin"), (0.9 + 0.75) / 2, 1e-9);
  EXPECT_NEAR(*score("remove the bass and add a piano"), (0.9 + 1) / 2, 1e-9);
  EXPECT_NEAR(*score("extract the piano"), 1, 1e-9);
  // A remix leaves nothing of what was there before it.
  EXPECT_NEAR(*score("add a violin, then remix this with a piano"), 1, 1e-9);
  // What the tagger does not know, and where something is left, nothing can be said.
  EXPECT_FALSE(score("add a flute").has_value());
  EXPECT_FALSE(score("add a flute and a piano").has_value());
  EXPECT_FALSE(score("remove the bass by half").has_value());
  EXPECT_FALSE(score("remove the bass from 1 s to 2 s").has_value());
  EXPECT_FALSE(score("remix it to funk").has_value());
  EXPECT_FALSE(instrument_judge({}).score(kSource, edited("add a violin")).has_value());
}

TEST(Judges, ACertaintyOfAHalfIsTheThreshold) {
  const Hearing hearing = tags({{"violin", 0.2, 0.2, {}}, {"cello", 0.1, 0.4, {}}, {"piano", 0.6, 0.2, {}}});
  EXPECT_NEAR(*tag_certainty(hearing, "violin"), 0.5, 1e-9);
  EXPECT_NEAR(*tag_certainty(hearing, "cello"), 0.125, 1e-9);
  EXPECT_NEAR(*tag_certainty(hearing, "piano"), 0.75, 1e-9);
  EXPECT_FALSE(tag_certainty(hearing, "viola").has_value());
  EXPECT_NEAR(*family_certainty(hearing, "viola"), 0.5, 1e-9);
  EXPECT_NEAR(*family_certainty(hearing, "cello"), 0.5, 1e-9);
  EXPECT_FALSE(family_certainty(hearing, "tuba").has_value());
}

TEST(Judges, ThoseWithoutNetworksCannotTell) {
  Editor editor(tiny_pipeline());
  AudioBuffer music{24000, 1, {}};
  for (int i = 0; i < 12000; ++i) music.samples.push_back(static_cast<float>(0.2 * std::sin(0.1 * i)));
  EditResult same = edited("remove the bass");
  same.audio = music;
  const Scores scores = judged(standard_judges(editor), music, same);
  ASSERT_EQ(scores.size(), 3u);
  EXPECT_EQ(scores.at("chords agree"), 1.0);
  EXPECT_FALSE(scores.at("beats agree").has_value());
  EXPECT_FALSE(scores.at("instrument heard").has_value());
  EXPECT_EQ(mean_score(scores), 1.0);
  EXPECT_EQ(mean_score({}), 0.0);
  EXPECT_EQ(scores_json(scores),
            nlohmann::json::parse(R"({"beats agree": null, "chords agree": 1.0, "instrument heard": null})"));
}

}  // namespace
}  // namespace instructme
