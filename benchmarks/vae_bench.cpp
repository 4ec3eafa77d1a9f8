#include <torch/torch.h>
// The precompiled torch header comes first.
#include "models.h"
#include "work_counter.h"

namespace instructme {
namespace {

constexpr int64_t kSeconds = 10;

void vae_encode(benchmark::State& state, at::ScalarType type) {
  torch::NoGradGuard no_grad;
  Pipeline pipeline = make_model(ModelKind::kDefault, type);
  const at::Tensor wave = 0.1 * torch::randn({1, kSeconds * pipeline.config.vae.sample_rate});
  pipeline.vae->encode(wave);
  measure(state, kSeconds, [&] { benchmark::DoNotOptimize(pipeline.vae->encode(wave)); });
}

void vae_decode(benchmark::State& state, at::ScalarType type) {
  torch::NoGradGuard no_grad;
  Pipeline pipeline = make_model(ModelKind::kDefault, type);
  const int64_t samples = kSeconds * pipeline.config.vae.sample_rate;
  const int64_t frames = samples / pipeline.config.vae.samples_per_latent();
  const at::Tensor latent = torch::randn({1, frames, pipeline.config.vae.latent_channels});
  pipeline.vae->decode(latent, samples);
  measure(state, kSeconds, [&] { benchmark::DoNotOptimize(pipeline.vae->decode(latent, samples)); });
}

}  // namespace

void register_vae_benchmarks() {
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    const std::string end = std::string("/") + type_name(type) + "/10s";
    benchmark::RegisterBenchmark(("vae_encode" + end).c_str(),
                                 [type](benchmark::State& state) { vae_encode(state, type); })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark(("vae_decode" + end).c_str(),
                                 [type](benchmark::State& state) { vae_decode(state, type); })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
  }
}

}  // namespace instructme
