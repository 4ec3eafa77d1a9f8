#include "instructme/train/chord_task.h"

#include <torch/torch.h>

#include "ear_clips.h"
#include "expect_error.h"
#include "instructme/base/files.h"
#include "instructme/train/trainer.h"

namespace instructme {
namespace {

using at::Tensor;

TEST(ChordTask, FramesHaveTheirChordAndNoneWhereNothingIsKnown) {
  LabelledClip clip = made_up_clip(4.0, 0.5, 0.0);
  clip.labelled_s = 3.0;
  const auto classes = frame_chords(clip, 50);
  EXPECT_EQ(classes[0], chord_class(Chord::of(0, ChordQuality::kMaj)));
  EXPECT_EQ(classes[24], chord_class(Chord::of(0, ChordQuality::kMaj)));
  EXPECT_EQ(classes[25], chord_class(Chord::of(9, ChordQuality::kMin)));
  EXPECT_EQ(classes[36], chord_class(Chord::of(9, ChordQuality::kMin)));
  EXPECT_EQ(classes[38], -1);
  EXPECT_EQ(frame_chords(clip, 50, -1)[0], chord_class(Chord::of(11, ChordQuality::kMaj)));
}

TEST(ChordTask, AgreementIsWithinTheVocabularyOfTheTruth) {
  const auto c = [](const char* label) { return static_cast<int64_t>(chord_class(parse_chord_label(label))); };
  ChordAgreement agreement;
  agreement.add(c("C:maj"), c("C:7"));      // right as a triad
  agreement.add(c("C:min7"), c("C:min7"));  // right in both
  agreement.add(c("C:maj"), c("C:sus4"));   // wrong in both
  agreement.add(c("C:dim"), c("C:dim"));    // not in the vocabularies
  agreement.add(c("N"), c("N"));            // right in both
  agreement.add(-1, c("N"));                // not known
  agreement.add(c("A:min"), c("C:maj"));    // wrong in both
  EXPECT_EQ(agreement.majmin, 5);
  EXPECT_EQ(agreement.majmin_right, 3);
  EXPECT_EQ(agreement.sevenths, 5);
  EXPECT_EQ(agreement.sevenths_right, 2);
}

TEST(ChordTask, LearnsChordsThatItThenHearsInOtherKeys) {
  ChordNetOptions o;
  o.channels = 12;
  o.blocks = 1;
  o.kernel = 3;
  torch::manual_seed(1);
  ChordTaskOptions options;
  options.batch = 4;
  options.equaliser_db = 2;
  ChordTask task(ChordNet(o), options, [](Rng&) { return made_up_clip(4.0, 0.5, 0.1); },
                 {{"same", {made_up_clip(4.0, 0.5, 0.1)}}});
  TrainerOptions how;
  how.steps = 60;
  how.bfloat16 = false;
  how.adamw.learning_rate = 1e-2;
  how.adamw.ema_decay = 0.9;
  how.warmup_steps = 5;
  how.validate_every = 0;
  how.log_every = 50;
  const TempDir folder;
  Trainer(task, how, folder.path()).run({}, {});
  EXPECT_GT(task.validate().at("same_majmin"), 0.9);
  // D major and B minor were never heard: every clip was C major and A minor, moved by at most three semitones.
  LabelledClip other = made_up_clip(4.0, 0.5, 0.1);
  std::fill(other.wave.begin(), other.wave.end(), 0.0f);
  for (size_t i = 0; i < other.wave.size(); ++i)
    for (const int note : {66, 70, 73})  // F# major
      other.wave[i] += static_cast<float>(
          0.05 * std::sin(2 * std::numbers::pi * 440 * std::exp2((note - 69) / 12.0) * static_cast<double>(i) / 24000));
  task.export_model((folder.path() / "out").string(), 60);
  NeuralChordExtractor extractor = NeuralChordExtractor::load(folder.path() / "out");
  const Tensor answer = extractor.extract(wave_of(other), 50)[0].argmax(1);
  EXPECT_GT(answer.eq(chord_class(Chord::of(6, ChordQuality::kMaj))).to(at::kFloat).mean().item<double>(), 0.8);
}

TEST(ChordTask, RecordingsWithoutAChartTeachAndJudgeNothing) {
  ChordNetOptions o;
  o.channels = 8;
  o.blocks = 1;
  o.kernel = 3;
  ChordTaskOptions options;
  options.batch = 2;
  const LabelledClip known = made_up_clip(2.0, 0.5, 0.1);
  LabelledClip recording = known;
  recording.chords.clear();
  recording.labelled_s = 0;
  ChordTask task(ChordNet(o), options, [&](Rng&) { return recording; },
                 {{"known", {known}}, {"recordings", {recording}}});
  const LossValue loss = task.loss(0, task.make_batch(0, Rng(1)), 0, {});
  EXPECT_EQ(loss.total.item<double>(), 0.0);
  EXPECT_EQ(loss.parts.at(0).second.item<double>(), 0.0);
  const auto figures = task.validate();
  EXPECT_EQ(figures.count("known_majmin"), 1u);
  EXPECT_EQ(figures.count("recordings_majmin"), 0u);
}

TEST(ChordTask, ReadsItsOptionsStrictly) {
  const auto read = [](nlohmann::json keys) {
    return ChordTaskOptions::read(ConfigReader(std::move(keys), "training"));
  };
  EXPECT_EQ(read({{"batch", 7}}).batch, 7);
  expect_error(ErrorKind::kModel, "shift 0 to 3", [&] { read({{"shift", 4}}); });
  expect_error(ErrorKind::kModel, "shfit", [&] { read({{"shfit", 1}}); });
}

}  // namespace
}  // namespace instructme
