#pragma once

#include "instructme/base/config_reader.h"
#include "instructme/pipeline/pipeline.h"
#include "instructme/train/diffusion_task.h"
#include "instructme/train/stem_augmentation.h"
#include "instructme/train/task.h"

namespace instructme {

struct MaskTaskOptions {
  int64_t batch = 24;         ///< questions per step
  double log_mel_weight = 0;  ///< of the mean absolute difference of log mel bands, of the stem and of what is left
  StemAugmentation augmentation;

  static MaskTaskOptions read(ConfigReader& config);  ///< throws kModel
};

/// Trains the mask head of a pipeline on triplets that extract or remove one instrument; others are passed over.
/// Questions about the same mix (TripletSampler::sample_group) are answered together: what one instrument gets another
/// loses, so the more of a mix is asked for, the more is learnt from it.
class MaskTask : public TrainingTask {
 public:
  /// `pipeline` outlives the task. Throws kModel when it has no mask head.
  MaskTask(Pipeline& pipeline, MaskTaskOptions options, TripletSource training, std::vector<Triplet> validation);

  /// MaskHead::standardise by training music, the same in every run. For a mask head of random weights.
  void standardise_input();

  std::vector<Player> players() override;
  /// source (G, S), stem (M, S), instrument and piece (M), asked (G, I).
  Batch make_batch(int64_t step, Rng rng) const override;
  /// Augments it.
  void finish_batch(Batch& batch, Rng rng) const override;
  LossValue loss(size_t player, const Batch& batch, int64_t step, at::Generator generator) override;
  /// On the validation triplets: loss, and how much nearer the extracted stem is to the true one than the mix, dB.
  std::map<std::string, double> validate() override;
  /// A complete model folder.
  void export_model(const std::string& folder, int64_t step) override;

 private:
  Batch collate(const std::vector<Triplet>& triplets) const;
  bool fits(const Triplet& triplet) const;
  struct Answer {
    at::Tensor shares;   ///< (M, T, B)
    at::Tensor mixture;  ///< (G, T, F) complex
    at::Tensor piece;    ///< (M): which mixture
    BandedStems stems;   ///< that are wanted
  };
  Answer answer(const Batch& batch);
  /// instrument, piece (M) -> (G, I): which of a mix's instruments the mask head is told of.
  at::Tensor draw_asked(const at::Tensor& instrument, const at::Tensor& piece, int64_t pieces, Rng rng) const;

  at::Tensor log_mel_loss(const Answer& given);

  Pipeline& pipeline_;
  MaskTaskOptions options_;
  at::Tensor mel_bank_;  ///< (B, mels): sums over bands to means over mel bands
  TripletSource training_;
  std::vector<Triplet> validation_;
};

}  // namespace instructme
