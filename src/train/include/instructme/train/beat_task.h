#pragma once

#include "instructme/ears/beat_net.h"
#include "instructme/train/chord_task.h"

namespace instructme {

struct BeatTaskOptions {
  int64_t batch = 16;
  double seconds = 12;         ///< of music in an example; clips must be longer by the speed
  double speed = 0.25;         ///< clips are played up to this share faster or slower, which moves pitches too
  double equaliser_db = 5;     ///< deviation of a smooth random frequency response
  double level_db = 4;         ///< of a clip, more or less than the usual
  double positive_weight = 3;  ///< of frames with a beat, as others are many more

  static BeatTaskOptions read(ConfigReader config);  ///< throws kModel
};

/// Trains a beat network on clips with their beats.
class BeatTask : public TrainingTask {
 public:
  BeatTask(BeatNet net, BeatTaskOptions options, ClipSource training, std::vector<ClipCollection> validation);

  std::vector<Player> players() override;
  Batch make_batch(int64_t step, Rng rng) const override;
  LossValue loss(size_t player, const Batch& batch, int64_t step, at::Generator generator) override;
  /// Per set, mean over its clips whose beats are known: F-measures of the tracked beats and downbeats, "<set>_beats"
  /// and "<set>_downbeats"; none where there is no such clip.
  std::map<std::string, double> validate() override;
  /// beats.json and beats.safetensors.
  void export_model(const std::string& folder, int64_t step) override;

 private:
  BeatNet net_;
  BeatTaskOptions options_;
  ClipSource training_;
  std::vector<ClipCollection> validation_;
  BeatSpectrum spectrum_;
};

/// F-measure of times that match one to one within `window_s` (Davies, Degara and Plumbley 2009); both sorted, in
/// seconds. 1 when both are empty.
double event_f_measure(const std::vector<double>& truth, const std::vector<double>& answer, double window_s = 0.07);

/// What a beat network should say of a clip played `speed` times faster: (frames, 2) targets for beat and downbeat, 1
/// in the frame of the beat and less in its neighbours, and -1 where nothing is known.
at::Tensor beat_targets(const LabelledClip& clip, double speed, int64_t frames);

}  // namespace instructme
