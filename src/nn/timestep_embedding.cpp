#include "instructme/nn/timestep_embedding.h"

#include <torch/torch.h>

#include <cmath>

#include "instructme/base/error.h"
#include "instructme/nn/linear.h"

namespace instructme {

at::Tensor sinusoidal_embedding(const at::Tensor& t, int64_t dim) {
  ensure(dim >= 2 && dim % 2 == 0, "a sinusoidal embedding wants an even number of channels");
  const at::Tensor time = t.scalar_type() == at::kDouble ? t : t.to(at::kFloat);
  const at::Tensor index = at::arange(dim / 2, time.options());
  const at::Tensor frequency = at::exp(index * (-std::log(10000.0) / static_cast<double>(dim / 2)));
  const at::Tensor angle = time.unsqueeze(1) * frequency;
  return at::cat({angle.cos(), angle.sin()}, 1);
}

TimestepEmbeddingImpl::TimestepEmbeddingImpl(const TimestepEmbeddingOptions& o) : options(o) { reset(); }

void TimestepEmbeddingImpl::reset() {
  input = register_module("input", make_linear(options.frequencies, options.channels));
  output = register_module("output", make_linear(options.channels, options.channels));
}

at::Tensor TimestepEmbeddingImpl::forward(const at::Tensor& t) {
  const at::Tensor waves = sinusoidal_embedding(t, options.frequencies).to(input->weight.options());
  return at::silu(output(at::silu(input(waves))));
}

}  // namespace instructme
