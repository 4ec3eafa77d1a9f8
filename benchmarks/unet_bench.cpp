#include <torch/torch.h>
// The precompiled torch header comes first.
#include "instructme/base/strings.h"
#include "models.h"
#include "work_counter.h"

namespace instructme {
namespace {

void unet_step(benchmark::State& state, ModelKind kind, int64_t frames, at::ScalarType type) {
  torch::NoGradGuard no_grad;
  Pipeline pipeline = make_model(kind, type);
  const UNetCondition condition = make_condition(pipeline, frames);
  const at::Tensor z_t = torch::randn({1, frames, pipeline.config.unet.latent_channels});
  const at::Tensor t = torch::full({1}, 500.0);
  pipeline.unet->forward(z_t, t, condition);
  const double rate = static_cast<double>(pipeline.config.vae.sample_rate) /
                      static_cast<double>(pipeline.config.vae.samples_per_latent());
  measure(state, static_cast<double>(frames) / rate,
          [&] { benchmark::DoNotOptimize(pipeline.unet->forward(z_t, t, condition)); });
}

}  // namespace

void register_unet_benchmarks() {
  for (const ModelKind kind : {ModelKind::kDefault, ModelKind::kAudit})
    for (const at::ScalarType type : {at::kFloat, at::kBFloat16})
      for (const int64_t frames : {500, 3000})
        benchmark::RegisterBenchmark(
            format("unet_step/%s/%s/T=%lld", model_name(kind), type_name(type), static_cast<long long>(frames)).c_str(),
            [=](benchmark::State& state) { unet_step(state, kind, frames, type); })
            ->UseRealTime()
            ->Unit(benchmark::kMillisecond);
}

}  // namespace instructme
