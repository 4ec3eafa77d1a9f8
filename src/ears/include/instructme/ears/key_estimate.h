#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "instructme/ears/key_net.h"
#include "instructme/ears/listener.h"

namespace instructme {

struct KeyEstimateOptions {
  double change_seconds = 120;  ///< a key lasts so long on average
  double shortest_seconds = 6;  ///< shorter keys are part of the one before
};

/// Major and minor keys over time from chord probabilities (T, kChordClasses) at 12.5 frames per second: posterior of a
/// hidden Markov chain whose 24 states are as likely, given a frame, as `net` says. Without gaps from 0 to
/// `duration_s`; empty when no chord is heard.
std::vector<KeySpan> estimate_keys(KeyNet& net, const at::Tensor& chords, double duration_s,
                                   const KeyEstimateOptions& options = {});

/// The key of all spans together that lasts longest. `spans` is not empty.
Key longest_key(const std::vector<KeySpan>& spans);

}  // namespace instructme
