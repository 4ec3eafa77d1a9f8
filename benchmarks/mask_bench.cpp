#include <torch/torch.h>
// The precompiled torch header comes first.
#include "instructme/base/strings.h"
#include "instructme/nn/conv3x3.h"
#include "models.h"
#include "work_counter.h"

namespace instructme {
namespace {

using at::Tensor;

Tensor by_torch(const Tensor& x, const Tensor& weight) {
  return at::conv2d(x.permute({0, 3, 1, 2}), weight, {}, 1, 1).permute({0, 2, 3, 1}).contiguous();
}

/// A convolution of a level of the mask head: without gradients on a strip of one piece, or forward and backward on a
/// batch. Products are counted as if by definition, also where fewer do.
void convolve(benchmark::State& state, bool training, bool winograd, int64_t level) {
  const int64_t c = std::vector<int64_t>{32, 64, 128, 192}.at(static_cast<size_t>(level)), bands = 128 >> level;
  const int64_t count = training ? 8 : 1, frames = training ? 128 >> level : 68;
  Tensor x = torch::randn({count, frames, bands, c}),
         weight = torch::randn({c, c, 3, 3}) / std::sqrt(9.0 * static_cast<double>(c));
  x.set_requires_grad(training);
  weight.set_requires_grad(training);
  const torch::AutoGradMode gradients(training);
  const Conv3x3 filter(weight);
  const Tensor grad = torch::randn_like(x);
  const auto once = [&] {
    const Tensor y = winograd ? filter(x) : by_torch(x, weight);
    if (training) y.backward(grad);
  };
  once();
  const auto start = std::chrono::steady_clock::now();
  for (auto _ : state) once();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const double gflop = 1e-9 * 2 * 9 * static_cast<double>(x.numel() * c) * (training ? 3 : 1);
  set_columns(state, gflop, seconds / static_cast<double>(state.iterations()), 0);
}

}  // namespace

void register_mask_benchmarks() {
  for (const bool training : {false, true})
    for (const int64_t level : {0, 1, 2, 3})
      for (const bool winograd : {false, true})
        benchmark::RegisterBenchmark(format("conv3x3/%s/level%d/%s", training ? "training" : "inference",
                                            static_cast<int>(level), winograd ? "winograd" : "torch")
                                         .c_str(),
                                     [=](benchmark::State& state) { convolve(state, training, winograd, level); })
            ->UseRealTime()
            ->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark("load",
                               [](benchmark::State& state) {
                                 measure(state, 0,
                                         [] { benchmark::DoNotOptimize(make_model(ModelKind::kDefault, at::kFloat)); });
                               })
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}

}  // namespace instructme
