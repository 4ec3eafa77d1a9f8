#pragma once

#include "instructme/ears/tagger.h"
#include "instructme/train/chord_task.h"

namespace instructme {

struct TaggerTaskOptions {
  int64_t batch = 16;
  double audible_db = 20;    ///< an instrument is there from so much below the mix on, in a block or a clip
  double inaudible_db = 40;  ///< and not there below so much; between, nothing is learned
  double speed = 0.06;       ///< clips are played up to this share faster or slower, which moves pitches too
  double equaliser_db = 6;   ///< deviation of a smooth random frequency response
  double level_db = 4;       ///< of a clip, more or less than the usual
  double genre_weight = 0.3;
  int64_t calibration_clips = 400;  ///< of the training songs, from which thresholds are found

  static TaggerTaskOptions read(ConfigReader config);  ///< throws kModel
};

/// What is known of the instruments in a clip, and its genre. Where stems without an instrument sound too, none is
/// known to be absent.
struct ClipTags {
  at::Tensor blocks;   ///< (B, I) for each half second: 1 there, 0 not, -1 not known
  at::Tensor whole;    ///< (I) the same for the clip
  int64_t genre = -1;  ///< place among the genres; -1 when it is none of them, or not known
};
ClipTags clip_tags(const LabelledClip& clip, const TaggerOptions& names, double audible_db = 20,
                   double inaudible_db = 40);

/// How well a tagger knows the instruments of clips.
struct TagScores {
  struct Class {
    std::string name;
    double threshold = 0, auc = 0, f1 = 0;  ///< area under the ROC curve; F1 at the threshold
    int64_t clips = 0;                      ///< that have it
  };
  std::vector<Class> classes;    ///< those that some clips have and some have not
  double auc = 0, class_f1 = 0;  ///< means over these classes
  double f1 = 0;                 ///< at the thresholds, over all decisions about all instruments
  double genre = 0;              ///< share of right genres, of clips whose genre is known; 0 without any
};
TagScores score_tags(Tagger& net, const std::vector<double>& thresholds, const std::vector<LabelledClip>& clips,
                     double audible_db = 20, double inaudible_db = 40);

/// Trains a tagger on clips with the levels of their instruments.
class TaggerTask : public TrainingTask {
 public:
  TaggerTask(Tagger net, TaggerTaskOptions options, ClipSource training, std::vector<ClipCollection> validation);

  std::vector<Player> players() override;
  /// wave (N, S), the equaliser's curve (N, bands) in dB, blocks (N, B, I), whole (N, I), genre (N).
  Batch make_batch(int64_t step, Rng rng) const override;
  /// Makes wave and curve into spectrum (N, T, bands).
  void finish_batch(Batch& batch, Rng rng) const override;
  LossValue loss(size_t player, const Batch& batch, int64_t step, at::Generator generator) override;
  /// Per set: mean area under the ROC curve over instruments that some clips have and some have not, "<set>_auc"; F1
  /// at the calibrated thresholds over all decisions, "<set>_f1", and its mean over instruments, "<set>_class_f1";
  /// share of right genres, "<set>_genre".
  std::map<std::string, double> validate() override;
  /// tagger.json and tagger.safetensors, with thresholds by shrunk_thresholds on clips of the training songs.
  void export_model(const std::string& folder, int64_t step) override;

 private:
  std::vector<double> calibrate();

  Tagger net_;
  TaggerTaskOptions options_;
  ClipSource training_;
  std::vector<ClipCollection> validation_;
  std::vector<double> thresholds_;
  bool calibrated_ = false;  // with the present weights, by validate()
};

/// Area under the ROC curve: the share of pairs of a positive (truth 1) and a negative (0) of which the positive has
/// the higher score; ties count half. Other truths are left out. NaN without pairs. Both (n) float.
double roc_auc(const at::Tensor& truth, const at::Tensor& score);

/// The score from which answers as "present" have the best F1, between the two scores next to it. `fallback` without
/// positives.
double best_f1_threshold(const at::Tensor& truth, const at::Tensor& score, double fallback);
/// A threshold for each instrument, from truth (clips, I) as above and score (clips, I): between its own with the best
/// F1, which few clips tell badly, and the one with the best F1 over all decisions, and nearer to its own the more
/// clips have it.
std::vector<double> shrunk_thresholds(const at::Tensor& truth, const at::Tensor& score);

}  // namespace instructme
