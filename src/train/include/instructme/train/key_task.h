#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "instructme/ears/key_net.h"
#include "instructme/train/chord_task.h"

namespace instructme {

struct KeyTaskOptions {
  int64_t batch = 32;
  double penalty = 1e-4;  ///< times the sum of the squared weights, in the loss

  static KeyTaskOptions read(ConfigReader config);  ///< throws kModel
};

/// Trains a key network on what a chord extractor hears in clips of songs whose key is known; clips without chords
/// (LabelledClip::labelled_s) are passed over.
class KeyTask : public TrainingTask {
 public:
  KeyTask(KeyNet net, KeyTaskOptions options, ClipSource training, std::vector<ClipCollection> validation,
          std::unique_ptr<ChordExtractor> chords);

  std::vector<Player> players() override;
  Batch make_batch(int64_t step, Rng rng) const override;
  LossValue loss(size_t player, const Batch& batch, int64_t step, at::Generator generator) override;
  /// Per set: the mean MIREX score of clips whose key is known, "<set>_key"; none where there is none.
  std::map<std::string, double> validate() override;
  /// keys.json and keys.safetensors.
  void export_model(const std::string& folder, int64_t step) override;

 private:
  KeyNet net_;
  KeyTaskOptions options_;
  ClipSource training_;
  std::vector<ClipCollection> validation_;
  std::unique_ptr<ChordExtractor> chords_;
};

/// Class of a key in 0..kKeys-1: modes with a major third count as major, the others as minor.
int64_t key_class(const Key& key);

}  // namespace instructme
