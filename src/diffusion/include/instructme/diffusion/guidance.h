#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

#include "instructme/diffusion/sampler.h"

namespace instructme {

/// Which conditions a network pass is to use.
enum class ConditionBatch {
  kConditional,    ///< z is (N, ...): the text for every example
  kUnconditional,  ///< z is (N, ...): the empty text for every example
  kBoth,           ///< z is (2N, ...): the text for the first N, the empty text for the last N
};

/// The network: z (N or 2N, ...), t, which conditions -> prediction shaped as z.
using ConditionedDenoiser = std::function<at::Tensor(const at::Tensor& z, double t, ConditionBatch batch)>;

struct GuidanceOptions {
  /// w of Eq. 4: 0 ignores the text, 1 is the plain conditional model, more follows the text harder.
  double scale = 1.0;
  /// phi of Lin et al. 2023, section 3.4, 0 (off) to 1: how far the standard deviation of the guided
  /// prediction of each example is brought back to that of the conditional one, against the
  /// over-saturation of a large w. Has no effect for w = 0 and w = 1.
  double rescale = 0.0;

  /// Throws kUsage when a value is out of range.
  void validate() const;
};

/// Classifier-free guidance (Ho and Salimans 2022; Eq. 4): a denoiser that answers
///   (1 - w) f(z, no text) + w f(z, text)
/// from one pass over twice the batch. With w = 1 and w = 0 only the half that counts is computed. Holds for
/// both predictions, as they are linear in each other. Throws kUsage for options out of range.
Denoiser classifier_free_guidance(ConditionedDenoiser denoiser, const GuidanceOptions& options);

}  // namespace instructme
