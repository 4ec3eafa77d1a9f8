#include "instructme/nn/fused_ops.h"

#include <torch/torch.h>

#include "fused_kernels.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"

namespace instructme {
namespace {

using at::Tensor;
using kernels::Bf16;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

// Reductions over rows go through partial sums of this many rows, so that their order, and with it
// every bit of the result, does not depend on the number of threads.
constexpr int64_t kRowsPerPart = 128;
constexpr int64_t kElementsPerTask = 1 << 15;

bool has_kernel(const Tensor& x) {
  return x.is_cpu() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
}

// Calls `body` with the typed pointers of tensors that share x's type.
template <class Body>
void dispatch(const Tensor& x, Body&& body) {
  if (x.scalar_type() == at::kBFloat16)
    body(static_cast<Bf16*>(nullptr));
  else
    body(static_cast<float*>(nullptr));
}
template <class T>
T* data(const Tensor& x) {
  return static_cast<T*>(x.data_ptr());
}

Tensor as_float(const Tensor& x) { return x.to(at::kFloat).contiguous(); }

void check(bool fits, const char* operation, const Tensor& x, const Tensor& other) {
  ensure(fits, format("%s: shapes do not fit: x has %lld dimensions and last size %lld, the other %lld and %lld",
                      operation, static_cast<long long>(x.dim()), static_cast<long long>(x.size(-1)),
                      static_cast<long long>(other.dim()), static_cast<long long>(other.size(-1))));
}

template <class Body>
void parallel_rows(int64_t rows, int64_t c, Body&& body) {
  at::parallel_for(0, rows, std::max<int64_t>(1, kElementsPerTask / c),
                   [&](int64_t first, int64_t last) { body(first, last); });
}

// Splits every group of rows into parts and sums the parts' vectors: out (groups, width).
template <class Body>
Tensor reduce_parts(int64_t groups, int64_t rows_per_group, int64_t width, Body&& body) {
  const int64_t parts = (rows_per_group + kRowsPerPart - 1) / kRowsPerPart;
  Tensor sums = torch::zeros({groups, parts, width}, at::kFloat);
  float* out = sums.data_ptr<float>();
  at::parallel_for(0, groups * parts, 1, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      const int64_t start = i / parts * rows_per_group + i % parts * kRowsPerPart;
      const int64_t end = std::min(start + kRowsPerPart, (i / parts + 1) * rows_per_group);
      body(start, end, out + i * width);
    }
  });
  return sums.sum(1);
}

// x (rows, C) seen as `groups` runs of rows that share scale and shift (groups, C).
struct NormFunction : torch::autograd::Function<NormFunction> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x_in, const Tensor& scale_in, const Tensor& shift_in,
                        double eps) {
    const Tensor x = x_in.contiguous(), scale = as_float(scale_in);
    const bool shifted = shift_in.numel() > 0;
    const Tensor shift = shifted ? as_float(shift_in) : Tensor();
    const int64_t c = x.size(-1), rows = x.numel() / c, groups = scale.numel() / c;
    const int64_t rows_per_group = groups > 0 ? rows / groups : 0;
    Tensor y = torch::empty_like(x), inverse_rms = torch::empty({rows}, at::kFloat);
    dispatch(x, [&](auto* type) {
      using T = std::remove_pointer_t<decltype(type)>;
      parallel_rows(rows, c, [&](int64_t first, int64_t last) {
        kernels::norm_forward<T>(data<T>(x), scale.data_ptr<float>(), shifted ? shift.data_ptr<float>() : nullptr,
                                 data<T>(y), inverse_rms.data_ptr<float>(), first, last, rows_per_group, c,
                                 static_cast<float>(eps));
      });
    });
    ctx->save_for_backward({x, scale, inverse_rms});
    ctx->saved_data["scale_type"] = static_cast<int64_t>(scale_in.scalar_type());
    ctx->saved_data["shifted"] = shifted;
    return y;
  }

  static tensor_list backward(AutogradContext* ctx, tensor_list grads) {
    const auto saved = ctx->get_saved_variables();
    const Tensor &x = saved[0], &scale = saved[1], &inverse_rms = saved[2];
    const Tensor dy = grads[0].to(x.scalar_type()).contiguous();
    const int64_t c = x.size(-1), rows = x.numel() / c, groups = scale.numel() / c;
    const int64_t rows_per_group = groups > 0 ? rows / groups : 0;
    Tensor dx = torch::empty_like(x);
    Tensor sums;
    dispatch(x, [&](auto* type) {
      using T = std::remove_pointer_t<decltype(type)>;
      sums = reduce_parts(groups, rows_per_group, 2 * c, [&](int64_t first, int64_t last, float* out) {
        kernels::norm_backward<T>(data<T>(x), scale.data_ptr<float>(), inverse_rms.data_ptr<float>(), data<T>(dy),
                                  data<T>(dx), out, out + c, first, last, rows_per_group, c);
      });
    });
    const auto type = static_cast<at::ScalarType>(ctx->saved_data["scale_type"].toInt());
    const Tensor d_scale = sums.narrow(1, 0, c).reshape(scale.sizes()).to(type);
    const Tensor d_shift =
        ctx->saved_data["shifted"].toBool() ? sums.narrow(1, c, c).reshape(scale.sizes()).to(type) : Tensor();
    return {dx, d_scale, d_shift, Tensor()};
  }
};

/// The same of torch's own operations, for where there is no kernel: x (…, C), or (N, T, C) with scale and shift (N,
/// C). Autograd would keep single-precision copies of x and go over memory three times as often.
struct ComposedNormFunction : torch::autograd::Function<ComposedNormFunction> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const Tensor& scale_in, const Tensor& shift_in,
                        double eps) {
    const auto exact = x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
    const Tensor scale = per_group(scale_in, x);
    const Tensor mean_square =
        at::linalg_vector_norm(x, 2, at::IntArrayRef{-1}, true, exact).square_().div_(x.size(-1));
    const Tensor inverse_rms = mean_square.add_(eps).rsqrt_();  // (…, 1)
    Tensor normed = torch::empty_like(x);
    at::mul_out(normed, x, inverse_rms);
    ctx->save_for_backward({normed, scale, inverse_rms});
    ctx->saved_data["scale_sizes"] = scale_in.sizes().vec();
    ctx->saved_data["scale_type"] = static_cast<int64_t>(scale_in.scalar_type());
    ctx->saved_data["shifted"] = shift_in.numel() > 0;
    return shift_in.numel() > 0 ? at::addcmul(per_group(shift_in, x), normed, scale) : normed * scale;
  }

  static tensor_list backward(AutogradContext* ctx, tensor_list grads) {
    const auto saved = ctx->get_saved_variables();
    const Tensor &normed = saved[0], &scale = saved[1], &inverse_rms = saved[2];
    const Tensor dy = grads[0].to(normed.scalar_type());
    const auto sizes = ctx->saved_data["scale_sizes"].toIntVector();
    const auto type = static_cast<at::ScalarType>(ctx->saved_data["scale_type"].toInt());
    const auto exact = inverse_rms.scalar_type();
    const auto of_scale = [&](const Tensor& each) {
      return (sizes.size() == 1 ? each.flatten(0, -2).sum(0, false, exact) : each.sum(1, false, exact)).to(type);
    };
    const Tensor d_scale = of_scale(dy * normed);
    const Tensor d_shift = ctx->saved_data["shifted"].toBool() ? of_scale(dy) : Tensor();
    Tensor dx = dy * scale;
    const Tensor along = (dx * normed).mean({-1}, true, exact);  // (…, 1)
    Tensor parallel = torch::empty_like(normed);
    at::mul_out(parallel, normed, along);
    dx.sub_(parallel).mul_(inverse_rms);
    return {dx, d_scale, d_shift, Tensor()};
  }

  /// (C) stays, (N, C) -> (N, 1, C), of x's type.
  static Tensor per_group(const Tensor& vector, const Tensor& x) {
    return (vector.dim() == 2 ? vector.unsqueeze(1) : vector).to(x.scalar_type());
  }
};

struct SiluFunction : torch::autograd::Function<SiluFunction> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x_in) {
    const Tensor x = x_in.contiguous();
    Tensor y = torch::empty_like(x);
    dispatch(x, [&](auto* type) {
      using T = std::remove_pointer_t<decltype(type)>;
      parallel_rows(x.numel(), 1, [&](int64_t first, int64_t last) {
        kernels::silu_forward<T>(data<T>(x) + first, data<T>(y) + first, last - first);
      });
    });
    ctx->save_for_backward({x});
    return y;
  }
  static tensor_list backward(AutogradContext* ctx, tensor_list grads) {
    const Tensor x = ctx->get_saved_variables()[0];
    const Tensor dy = grads[0].to(x.scalar_type()).contiguous();
    Tensor dx = torch::empty_like(x);
    dispatch(x, [&](auto* type) {
      using T = std::remove_pointer_t<decltype(type)>;
      parallel_rows(x.numel(), 1, [&](int64_t first, int64_t last) {
        kernels::silu_backward<T>(data<T>(x) + first, data<T>(dy) + first, data<T>(dx) + first, last - first);
      });
    });
    return {dx};
  }
};

struct SiluGateFunction : torch::autograd::Function<SiluGateFunction> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x_in) {
    const Tensor x = x_in.contiguous();
    const int64_t h = x.size(-1) / 2, rows = x.numel() / (2 * h);
    auto sizes = x.sizes().vec();
    sizes.back() = h;
    Tensor y = torch::empty(sizes, x.options());
    dispatch(x, [&](auto* type) {
      using T = std::remove_pointer_t<decltype(type)>;
      parallel_rows(rows, h, [&](int64_t first, int64_t last) {
        kernels::silu_gate_forward<T>(data<T>(x) + first * 2 * h, data<T>(y) + first * h, last - first, h);
      });
    });
    ctx->save_for_backward({x});
    return y;
  }
  static tensor_list backward(AutogradContext* ctx, tensor_list grads) {
    const Tensor x = ctx->get_saved_variables()[0];
    const Tensor dy = grads[0].to(x.scalar_type()).contiguous();
    const int64_t h = x.size(-1) / 2, rows = x.numel() / (2 * h);
    Tensor dx = torch::empty_like(x);
    dispatch(x, [&](auto* type) {
      using T = std::remove_pointer_t<decltype(type)>;
      parallel_rows(rows, h, [&](int64_t first, int64_t last) {
        kernels::silu_gate_backward<T>(data<T>(x) + first * 2 * h, data<T>(dy) + first * h, data<T>(dx) + first * 2 * h,
                                       last - first, h);
      });
    });
    return {dx};
  }
};

struct GatedAddFunction : torch::autograd::Function<GatedAddFunction> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x_in, const Tensor& y_in, const Tensor& gate_in) {
    const Tensor x = x_in.contiguous(), y = y_in.contiguous(), gate = as_float(gate_in);
    const int64_t c = x.size(-1), rows = x.numel() / c, frames = x.size(1);
    Tensor out = torch::empty_like(x);
    dispatch(x, [&](auto* type) {
      using T = std::remove_pointer_t<decltype(type)>;
      parallel_rows(rows, c, [&](int64_t first, int64_t last) {
        kernels::gated_add_forward<T>(data<T>(x), data<T>(y), gate.data_ptr<float>(), data<T>(out), first, last, frames,
                                      c);
      });
    });
    ctx->save_for_backward({y, gate});
    ctx->saved_data["gate_type"] = static_cast<int64_t>(gate_in.scalar_type());
    return out;
  }
  static tensor_list backward(AutogradContext* ctx, tensor_list grads) {
    const auto saved = ctx->get_saved_variables();
    const Tensor &y = saved[0], &gate = saved[1];
    const Tensor dout = grads[0].to(y.scalar_type()).contiguous();
    const int64_t c = y.size(-1), frames = y.size(1);
    Tensor dy = torch::empty_like(y);
    Tensor d_gate;
    dispatch(y, [&](auto* type) {
      using T = std::remove_pointer_t<decltype(type)>;
      d_gate = reduce_parts(y.size(0), frames, c, [&](int64_t first, int64_t last, float* sum) {
        kernels::gated_add_backward<T>(data<T>(y), gate.data_ptr<float>(), data<T>(dout), data<T>(dy), sum, first, last,
                                       frames, c);
      });
    });
    return {dout, dy, d_gate.to(static_cast<at::ScalarType>(ctx->saved_data["gate_type"].toInt()))};
  }
};

struct DepthwiseConvFunction : torch::autograd::Function<DepthwiseConvFunction> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x_in, const Tensor& weight_in, const Tensor& bias_in) {
    const Tensor x = x_in.contiguous(), weight = as_float(weight_in.t()), bias = as_float(bias_in);
    ctx->save_for_backward({x, weight});
    ctx->saved_data["weight_type"] = static_cast<int64_t>(weight_in.scalar_type());
    return filter(x, weight, bias, /*flip=*/false);
  }
  static tensor_list backward(AutogradContext* ctx, tensor_list grads) {
    const auto saved = ctx->get_saved_variables();
    const Tensor &x = saved[0], &weight = saved[1];
    const Tensor dy = grads[0].to(x.scalar_type()).contiguous();
    const int64_t frames = x.size(1), c = x.size(2), k = weight.size(0);
    const Tensor dx = filter(dy, weight, Tensor(), /*flip=*/true);
    Tensor sums = torch::zeros({x.size(0), k + 1, c}, at::kFloat);
    dispatch(x, [&](auto* type) {
      using T = std::remove_pointer_t<decltype(type)>;
      at::parallel_for(0, x.size(0), 1, [&](int64_t first, int64_t last) {
        for (int64_t n = first; n < last; ++n) {
          float* out = sums.data_ptr<float>() + n * (k + 1) * c;
          kernels::depthwise_backward_weight<T>(data<T>(x) + n * frames * c, data<T>(dy) + n * frames * c, out,
                                                out + k * c, frames, c, k);
        }
      });
    });
    sums = sums.sum(0);
    const auto type = static_cast<at::ScalarType>(ctx->saved_data["weight_type"].toInt());
    return {dx, sums.narrow(0, 0, k).t().contiguous().to(type), sums[k].to(type)};
  }
  static Tensor filter(const Tensor& x, const Tensor& weight, const Tensor& bias, bool flip) {
    const int64_t frames = x.size(1), c = x.size(2), k = weight.size(0);
    Tensor y = torch::empty_like(x);
    dispatch(x, [&](auto* type) {
      using T = std::remove_pointer_t<decltype(type)>;
      at::parallel_for(0, x.size(0), 1, [&](int64_t first, int64_t last) {
        for (int64_t n = first; n < last; ++n)
          kernels::depthwise_forward<T>(data<T>(x) + n * frames * c, weight.data_ptr<float>(),
                                        bias.defined() ? bias.data_ptr<float>() : nullptr, data<T>(y) + n * frames * c,
                                        frames, c, k, flip);
      });
    });
    return y;
  }
};

}  // namespace

Tensor rms_norm(const Tensor& x, const Tensor& weight, double eps) {
  check(weight.dim() == 1 && weight.size(0) == x.size(-1), "rms_norm", x, weight);
  if (has_kernel(x)) return NormFunction::apply(x, weight, torch::empty({0}), eps);
  return ComposedNormFunction::apply(x, weight, torch::empty({0}), eps);
}

Tensor adaptive_rms_norm(const Tensor& x, const Tensor& scale, const Tensor& shift, double eps) {
  check(x.dim() == 3 && scale.dim() == 2 && scale.size(0) == x.size(0) && scale.size(1) == x.size(2) &&
            shift.sizes() == scale.sizes(),
        "adaptive_rms_norm", x, scale);
  if (has_kernel(x)) return NormFunction::apply(x, scale + 1.0, shift, eps);
  return ComposedNormFunction::apply(x, scale + 1.0, shift, eps);
}

Tensor fused_silu(const Tensor& x) { return has_kernel(x) ? SiluFunction::apply(x) : at::silu(x); }

Tensor silu_gate(const Tensor& x) {
  check(x.size(-1) % 2 == 0, "silu_gate", x, x);
  if (has_kernel(x)) return SiluGateFunction::apply(x);
  const auto halves = x.chunk(2, -1);
  return at::silu(halves[0]) * halves[1];
}

Tensor gated_add(const Tensor& x, const Tensor& y, const Tensor& gate) {
  check(x.dim() == 3 && x.sizes() == y.sizes() && gate.dim() == 2 && gate.size(0) == x.size(0) &&
            gate.size(1) == x.size(2),
        "gated_add", x, gate);
  if (has_kernel(x) && x.scalar_type() == y.scalar_type()) return GatedAddFunction::apply(x, y, gate);
  return x + gate.unsqueeze(1) * y;
}

Tensor depthwise_conv(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  check(x.dim() == 3 && weight.dim() == 2 && weight.size(0) == x.size(2) && weight.size(1) % 2 == 1, "depthwise_conv",
        x, weight);
  if (has_kernel(x)) return DepthwiseConvFunction::apply(x, weight, bias);
  return at::conv1d(x.transpose(1, 2), weight.unsqueeze(1), bias, 1, weight.size(1) / 2, 1, x.size(2)).transpose(1, 2);
}

}  // namespace instructme
