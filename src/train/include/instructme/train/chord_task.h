#pragma once

#include <functional>
#include <string>
#include <vector>

#include "instructme/data/labelled_clip.h"
#include "instructme/ears/chord_net.h"
#include "instructme/train/task.h"

namespace instructme {

/// Draws clips of one length; thread-safe.
using ClipSource = std::function<LabelledClip(Rng& rng)>;

/// Clips that are not trained on, and the name of their set, which is part of the names of figures.
struct ClipCollection {
  std::string name;
  std::vector<LabelledClip> clips;
};

struct ChordTaskOptions {
  int64_t batch = 16;
  int64_t shift = 3;        ///< semitones by which the spectrum is moved up or down at most
  double detune = 0.3;      ///< semitones by which it is out of tune at most
  double equaliser_db = 5;  ///< deviation of a smooth random frequency response
  double label_smoothing = 0.02;
  double level_db = 4;  ///< of a clip, more or less than the usual

  static ChordTaskOptions read(ConfigReader config);  ///< throws kModel
};

/// Trains a chord network on clips with their charts.
class ChordTask : public TrainingTask {
 public:
  ChordTask(ChordNet net, ChordTaskOptions options, ClipSource training, std::vector<ClipCollection> validation);

  std::vector<Player> players() override;
  Batch make_batch(int64_t step, Rng rng) const override;
  LossValue loss(size_t player, const Batch& batch, int64_t step, at::Generator generator) override;
  /// Per set: share of the time in which the smoothed answer is right, "<set>_majmin" and "<set>_sevenths". Sets of
  /// which no chord is known have no figures.
  std::map<std::string, double> validate() override;
  /// chords.json and chords.safetensors.
  void export_model(const std::string& folder, int64_t step) override;

 private:
  ChordNet net_;
  ChordTaskOptions options_;
  ClipSource training_;
  std::vector<ClipCollection> validation_;
  std::vector<LogFrequency> spectra_;  // of other tunings, wider by `shift` on both sides
};

/// Class of each chord frame (score/chord.h), taken at its middle; -1 beyond `labelled_s`. Roots are moved by
/// `transposition` semitones.
std::vector<int64_t> frame_chords(const LabelledClip& clip, int64_t frames, int transposition = 0);

/// Frames in which the truth belongs to a vocabulary, and those of them in which the answer is the same in it.
/// Vocabularies as in the MIREX task: major, minor and no chord (sevenths count as their triads), and the same with
/// 7, maj7 and min7 told apart.
struct ChordAgreement {
  int64_t majmin = 0, majmin_right = 0, sevenths = 0, sevenths_right = 0;
  void add(int64_t truth, int64_t answer);
};

/// A smooth random gain in dB over a frequency axis of `bins` points: normal deviations `spread_db` at points
/// `bins_per_point` apart, straight lines between them. (bins)
at::Tensor random_curve(int64_t bins, double spread_db, double bins_per_point, Rng& rng);

/// Clip as a wave (1, S).
at::Tensor wave_of(const LabelledClip& clip);

}  // namespace instructme
