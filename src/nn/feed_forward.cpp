#include "instructme/nn/feed_forward.h"

#include <torch/torch.h>

#include "instructme/base/error.h"
#include "instructme/nn/fused_ops.h"
#include "instructme/nn/linear.h"

namespace instructme {

FeedForwardImpl::FeedForwardImpl(const FeedForwardOptions& o) : options(o) { reset(); }

void FeedForwardImpl::reset() {
  ensure(options.channels > 0 && options.hidden > 0, "a feed-forward layer wants channels and hidden above 0");
  input = register_module("input", make_linear(options.channels, 2 * options.hidden, false));
  output = register_module("output", make_linear(options.hidden, options.channels));
}

at::Tensor FeedForwardImpl::forward(const at::Tensor& x) { return output(silu_gate(input(x))); }

}  // namespace instructme
