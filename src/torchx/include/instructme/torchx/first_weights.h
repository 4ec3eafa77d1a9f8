#pragma once

#include <ATen/core/Tensor.h>

namespace instructme {

/// While an object of this class lives, modules that are made on its thread get memory for their weights but no random
/// first values, which take longer to draw than weights to read: for modules whose weights all come from a file.
class NoFirstWeights {
 public:
  NoFirstWeights();
  ~NoFirstWeights();
  NoFirstWeights(const NoFirstWeights&) = delete;
  NoFirstWeights& operator=(const NoFirstWeights&) = delete;

  /// Whether there is one on this thread.
  static bool wanted();

 private:
  bool before_;
};

/// Random weights from a normal distribution around 0; of no value in particular where there is a NoFirstWeights.
at::Tensor normal_weights(at::IntArrayRef sizes, double deviation = 1.0);

}  // namespace instructme
