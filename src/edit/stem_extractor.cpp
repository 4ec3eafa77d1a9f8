#include "instructme/edit/stem_extractor.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "family.h"
#include "instructme/audio/resample.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "instructme/edit/editor.h"

namespace instructme {

using at::Tensor;

namespace {

constexpr int64_t kSegmentFrames = 1000;  // frames: 20 s
// Frames whose window is cut off by the end of a slice; with n_fft = 4 hops it is two.
constexpr int64_t kCutFrames = 4;
// The resampler passes this share of the band; above, the model hears nothing.
constexpr double kPassBand = 0.9;

/// The lowest rate, not below `rate`, at which the hop of a mask head is a whole, even number of samples.
int rate_with_whole_hops(int rate, const MaskHeadOptions& o, int model_rate) {
  for (int candidate = rate;; ++candidate)
    if (static_cast<int64_t>(candidate) * o.hop % (2 * static_cast<int64_t>(model_rate)) == 0) return candidate;
}

}  // namespace

Tensor fit_mask(const Tensor& mask, int64_t bins) {
  const auto heard = static_cast<int64_t>(kPassBand * static_cast<double>(mask.size(2)));
  if (bins <= heard) return mask.narrow(2, 0, bins);
  const Tensor top = mask.narrow(2, heard / 2, heard - heard / 2).mean(2, /*keepdim=*/true);  // (N, T, 1)
  return torch::cat({mask.narrow(2, 0, heard), top.expand({-1, -1, bins - heard})}, 2);
}

StemExtractor::StemExtractor(MaskHead mask, int model_rate, double level_dbfs)
    : mask_(std::move(mask)), model_rate_(model_rate), level_dbfs_(level_dbfs) {}

std::vector<int64_t> mask_places(const MaskHeadImpl& mask, const std::string& instrument) {
  if (const auto own = mask.find(instrument)) return {*own};
  std::vector<int64_t> places;
  for (size_t i = 0; i < mask.options.instruments.size(); ++i)
    if (are_related(mask.options.instruments[i], instrument)) places.push_back(static_cast<int64_t>(i));
  return places;
}

/// wave (S) at the model's rate and level -> (I, last - first, F); what has several places is their sum.
Tensor StemExtractor::masks(const Tensor& wave, const std::vector<std::vector<int64_t>>& places, int64_t first,
                            int64_t last) {
  const MaskHeadOptions& o = mask_->options;
  const int64_t frames = (wave.size(0) + o.hop - 1) / o.hop;
  const int64_t context = mask_->context() + kCutFrames, grain = mask_->granularity();
  const int64_t from = std::max<int64_t>(0, first - context) / grain * grain;
  // Whole grains at the end too: what is added to fill the last one must not be heard before the music's end.
  const int64_t to = std::min(frames, (last + context + grain - 1) / grain * grain);
  const int64_t samples = std::min(wave.size(0), to * o.hop) - from * o.hop;
  const Tensor slice = wave.narrow(0, from * o.hop, samples).unsqueeze(0).to(mask_->band_mean.device());
  const MaskHeadImpl::Heard heard = mask_->listen(mask_->spectrum(slice).abs());
  std::vector<int64_t> all;
  for (const auto& own : places) all.insert(all.end(), own.begin(), own.end());
  const Tensor every = mask_->masks(heard, all).narrow(1, first - from, last - first);
  std::vector<Tensor> sums;
  int64_t next = 0;
  for (const auto& own : places) {
    const auto count = static_cast<int64_t>(own.size());
    sums.push_back(every.narrow(0, next, count).sum(0));
    next += count;
  }
  return torch::stack(sums).cpu();
}

std::vector<AudioBuffer> StemExtractor::extract(const AudioBuffer& source, const std::vector<std::string>& instruments,
                                                const ProgressCallback& progress, const CancelToken& cancel) {
  torch::NoGradGuard no_grad;
  std::vector<std::vector<int64_t>> places;
  for (const std::string& name : instruments) {
    places.push_back(mask_places(*mask_, name));
    if (places.back().empty())
      throw Error(ErrorKind::kInput, "this model cannot tell '" + name + "' from other instruments" +
                                         did_you_mean(name, mask_->options.instruments) + "; it knows " +
                                         join(mask_->options.instruments, ", "));
  }
  const MaskHeadOptions& o = mask_->options;
  const int rate = rate_with_whole_hops(source.sample_rate, o, model_rate_);
  if (rate != source.sample_rate) {
    std::vector<AudioBuffer> stems = extract(resample(source, rate), instruments, progress, cancel);
    for (AudioBuffer& stem : stems) {
      stem = resample(stem, source.sample_rate);
      stem.samples.resize(source.samples.size(), 0.0f);
    }
    return stems;
  }
  Tensor heard = as_tensor(resample(mix_to_mono(source), rate, model_rate_));
  heard.mul_(level_gain(heard, level_dbfs_));
  const int64_t hop = o.hop * rate / model_rate_, n_fft = o.n_fft * rate / model_rate_;
  const Stft stft(n_fft, hop);
  const int64_t samples = source.frames(), frames = (samples + hop - 1) / hop;
  // The last frame of the source may begin where the resampled mix has rounded down.
  heard = at::constant_pad_nd(heard, {0, frames * o.hop - heard.size(0)});

  std::vector<Tensor> waves;  // (S) of every channel
  for (int channel = 0; channel < source.channels; ++channel)
    waves.push_back(as_tensor(extract_channel(source, channel)));
  std::vector<std::vector<std::vector<float>>> planes(
      instruments.size(),
      std::vector<std::vector<float>>(waves.size(), std::vector<float>(static_cast<size_t>(samples), 0.0f)));
  for (int64_t start = 0; start < frames; start += kSegmentFrames) {
    cancel.check();
    if (progress) progress({"listening", start, frames, ""});
    const int64_t end = std::min(frames, start + kSegmentFrames);
    // What overlaps with the segment's samples, and once more so that these frames themselves are whole.
    const int64_t from = std::max<int64_t>(0, start - 2 * kCutFrames), to = std::min(frames, end + 2 * kCutFrames);
    const Tensor shares = fit_mask(masks(heard, places, from, to), stft.bins());  // (I, to - from, F)
    const int64_t first = from * hop, length = std::min(samples, to * hop) - first;
    const int64_t keep_from = start * hop, keep = std::min(samples, end * hop) - keep_from;
    if (keep <= 0) break;
    for (size_t channel = 0; channel < waves.size(); ++channel) {
      const Tensor spectrum = stft.forward(waves[channel].narrow(0, first, length).unsqueeze(0));  // (1, t, F)
      for (size_t i = 0; i < instruments.size(); ++i) {
        const Tensor share = shares[static_cast<int64_t>(i)].narrow(0, 0, spectrum.size(1)).unsqueeze(0);
        const Tensor part = stft.inverse(spectrum * share, length)[0].narrow(0, keep_from - first, keep).contiguous();
        std::copy_n(part.data_ptr<float>(), keep, planes[i][channel].begin() + keep_from);
      }
    }
  }
  if (progress) progress({"listening", frames, frames, ""});
  std::vector<AudioBuffer> stems;
  for (const auto& plane : planes) stems.push_back(from_planar(plane, source.sample_rate));
  return stems;
}

}  // namespace instructme
