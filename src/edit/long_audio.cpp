#include <torch/torch.h>

#include "instructme/edit/editor.h"

namespace instructme {

using at::Tensor;

namespace {

constexpr int64_t kSegment = 1000;  // latent frames, 20 s

/// Latent frames on each side that can reach a frame: the convolutions, and the window of the STFT.
int64_t context_frames(const VaeOptions& o) {
  const int64_t blocks = std::max(o.encoder_blocks, o.decoder_blocks);
  return blocks * (o.kernel / 2) + (o.n_fft + o.samples_per_latent() - 1) / o.samples_per_latent() + 1;
}

}  // namespace

Tensor encode_long(Vae& vae, const Tensor& wave, const CancelToken& cancel) {
  torch::NoGradGuard no_grad;
  const int64_t r = vae->options().samples_per_latent(), context = context_frames(vae->options());
  const int64_t frames = (wave.size(0) + r - 1) / r;
  std::vector<Tensor> parts;
  for (int64_t start = 0; start < frames; start += kSegment) {
    cancel.check();
    const int64_t end = std::min(frames, start + kSegment);
    const int64_t first = std::max<int64_t>(0, start - context), last = std::min(frames, end + context);
    const int64_t samples = std::min(wave.size(0), last * r) - first * r;
    const Tensor latent = vae->encode(wave.narrow(0, first * r, samples).unsqueeze(0));  // (1, last - first, C)
    parts.push_back(latent.narrow(1, start - first, end - start));
  }
  return torch::cat(parts, 1);
}

Tensor decode_long(Vae& vae, const Tensor& latent, int64_t samples, const CancelToken& cancel) {
  torch::NoGradGuard no_grad;
  const int64_t r = vae->options().samples_per_latent(), context = context_frames(vae->options());
  const int64_t frames = latent.size(1);
  std::vector<Tensor> parts;
  for (int64_t start = 0; start < frames; start += kSegment) {
    cancel.check();
    const int64_t end = std::min(frames, start + kSegment);
    const int64_t first = std::max<int64_t>(0, start - context), last = std::min(frames, end + context);
    const Tensor wave = vae->decode(latent.narrow(1, first, last - first), (last - first) * r);
    parts.push_back(wave[0].narrow(0, (start - first) * r, (end - start) * r));
  }
  return torch::cat(parts).narrow(0, 0, samples);
}

}  // namespace instructme
