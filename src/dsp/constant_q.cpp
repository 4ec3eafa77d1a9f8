#include "instructme/dsp/constant_q.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"

namespace instructme {

ConstantQ::ConstantQ(const ConstantQKernels& kernels, int64_t hop, int64_t octaves) : hop_(hop), octaves_(octaves) {
  const auto& [real, imaginary, low_pass, scale] = kernels;
  ensure(real.dim() == 2 && imaginary.sizes() == real.sizes() && low_pass.dim() == 1 &&
             low_pass.size(0) == real.size(1) && scale.dim() == 1,
         "the kernels of a constant-Q transform do not fit each other");
  ensure(octaves > 0 && octaves < 32 && hop > 0 && hop % (int64_t{1} << (octaves - 1)) == 0 &&
             scale.size(0) <= real.size(0) * octaves,
         "a constant-Q transform needs a hop that can be halved for every octave, and bins for every factor");
  kernels_ = at::cat({real, imaginary}).unsqueeze(1).contiguous();
  low_pass_ = low_pass.view({1, 1, -1}).contiguous();
  scale_ = scale.contiguous();
}

at::Tensor ConstantQ::magnitude(const at::Tensor& wave) const {
  ensure(wave.dim() == 2, "a constant-Q transform takes waves of shape (N, S)");
  const int64_t taps = kernels_.size(2), bins = kernels_.size(0) / 2, frames = wave.size(1) / hop_ + 1;
  at::Tensor signal = wave.unsqueeze(1);
  std::vector<at::Tensor> octaves;  // highest first
  for (int64_t octave = 0; octave < octaves_; ++octave) {
    if (octave > 0) signal = at::conv1d(signal, low_pass_, {}, {2}, {(taps - 1) / 2});
    ensure(signal.size(2) > taps / 2, format("%lld samples are too few for a constant-Q transform of %lld octaves",
                                             static_cast<long long>(wave.size(1)), static_cast<long long>(octaves_)));
    const at::Tensor padded = at::reflection_pad1d(signal, {taps / 2, taps / 2});
    const at::Tensor parts = at::conv1d(padded, kernels_, {}, {hop_ >> octave}).slice(2, 0, frames);  // (N, 2 B, T)
    octaves.push_back((parts.slice(1, 0, bins).square() + parts.slice(1, bins).square()).sqrt());
  }
  std::reverse(octaves.begin(), octaves.end());
  const at::Tensor all = at::cat(octaves, 1);
  return all.slice(1, all.size(1) - scale_.size(0)).transpose(1, 2) * scale_;
}

}  // namespace instructme
