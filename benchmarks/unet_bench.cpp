#include <torch/torch.h>
// The precompiled torch header comes first.
#include "instructme/base/strings.h"
#include "instructme/train/adamw.h"
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

/// What `train editor` does with a batch of 8 examples of 5.12 s that is ready: the source's features, one pass,
/// backward, one step of the optimizer with its averages.
void unet_training(benchmark::State& state, at::ScalarType type) {
  constexpr int64_t kBatch = 8, kFrames = 256, kWords = 12;
  Pipeline pipeline = make_model(ModelKind::kDefault, at::kFloat);
  UNet& unet = pipeline.unet;
  unet->train();
  AdamW optimizer(*unet, {}, type);
  const UNetOptions& o = pipeline.config.unet;
  const auto noise = [](at::IntArrayRef sizes) { return torch::randn(sizes); };
  const at::Tensor source = noise({kBatch, kFrames, o.latent_channels + o.source_mel}),
                   text = noise({kBatch, kWords, o.text_dim}), mask = torch::ones({kBatch, kWords}, at::kBool),
                   z_t = noise({kBatch, kFrames, o.latent_channels}), wanted = noise(z_t.sizes()),
                   t = torch::full({kBatch}, 500.0);
  const at::Tensor chords =
      torch::softmax(noise({kBatch, kFrames / pipeline.config.latent_frames_per_chord, o.chord_classes}), -1);
  const double rate = static_cast<double>(pipeline.config.vae.sample_rate) /
                      static_cast<double>(pipeline.config.vae.samples_per_latent());
  const auto step = [&] {
    optimizer.zero_gradients();
    const UNetCondition condition = unet->encode_condition(source, text, mask, chords);
    (unet->forward(z_t, t, condition).to(at::kFloat) - wanted).pow(2).mean().backward();
    optimizer.clip_gradients(1.0);
    optimizer.step(1e-4);
  };
  step();
  measure(state, kBatch * kFrames / rate, step);
  state.counters["examples/s"] =
      benchmark::Counter(static_cast<double>(state.iterations() * kBatch), benchmark::Counter::kIsRate);
}

}  // namespace

void register_unet_benchmarks() {
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16})
    benchmark::RegisterBenchmark(format("unet_training/%s", type_name(type)).c_str(),
                                 [=](benchmark::State& state) { unet_training(state, type); })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
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
