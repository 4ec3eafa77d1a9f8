#include <torch/torch.h>
// The precompiled torch header comes first.
#include <atomic>

#include "expect_error.h"
#include "instructme/edit/editor.h"
#include "tiny_pipeline.h"

namespace instructme {
namespace {

using at::Tensor;

constexpr int64_t kSamples = 50 * 24000 + 123;

Vae vae_with_long_reach() {
  PipelineConfig config = tiny_config();
  config.vae.encoder_blocks = 3;
  config.vae.decoder_blocks = 4;
  config.vae.kernel = 7;
  torch::manual_seed(2);
  Vae vae(config.vae);
  torch::NoGradGuard no_grad;
  // New blocks hardly mix their neighbours; these do.
  for (auto& weight : vae->parameters()) weight.add_(torch::randn_like(weight) * 0.1);
  vae->eval();
  return vae;
}

TEST(LongAudio, EncodingInSegmentsEqualsOnePass) {
  torch::NoGradGuard no_grad;
  Vae vae = vae_with_long_reach();
  const Tensor wave = torch::randn({kSamples}) * 0.1;
  const Tensor whole = vae->encode(wave.unsqueeze(0)), parts = encode_long(vae, wave);
  ASSERT_EQ(whole.size(1), 2501);
  ASSERT_EQ(parts.sizes(), whole.sizes());
  EXPECT_LT((parts - whole).abs().max().item<double>(), 1e-4);
}

TEST(LongAudio, DecodingInSegmentsEqualsOnePass) {
  torch::NoGradGuard no_grad;
  Vae vae = vae_with_long_reach();
  const Tensor latent = torch::randn({1, 2501, 8});
  const Tensor whole = vae->decode(latent, kSamples)[0], parts = decode_long(vae, latent, kSamples);
  ASSERT_EQ(parts.sizes(), whole.sizes());
  EXPECT_LT((parts - whole).abs().max().item<double>(), 1e-4 * whole.abs().max().item<double>());
}

TEST(LongAudio, ShortAndExactLengths) {
  torch::NoGradGuard no_grad;
  Vae vae = vae_with_long_reach();
  const int64_t segment = 1000 * 480;
  for (int64_t samples : {int64_t{1}, int64_t{480}, segment, segment + 1}) {
    const Tensor latent = encode_long(vae, torch::randn({samples}));
    EXPECT_EQ(latent.size(1), (samples + 479) / 480);
    EXPECT_EQ(decode_long(vae, latent, samples).size(0), samples);
  }
}

TEST(LongAudio, CanBeCancelled) {
  Vae vae = vae_with_long_reach();
  const std::atomic<bool> stop = true;
  expect_error(ErrorKind::kCancelled, "stopped", [&] { encode_long(vae, torch::zeros({480}), CancelToken(&stop)); });
  expect_error(ErrorKind::kCancelled, "stopped", [&] {
    decode_long(vae, torch::zeros({1, 2, 8}), 960, CancelToken(&stop));
  });
}

}  // namespace
}  // namespace instructme
