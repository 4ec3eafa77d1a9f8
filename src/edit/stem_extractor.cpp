#include "instructme/edit/stem_extractor.h"

#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "family.h"
#include "instructme/audio/resample.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "instructme/edit/editor.h"
#include "spatial_filter.h"

namespace instructme {

using at::Tensor;

namespace {

constexpr int64_t kSegmentFrames = 960;  // 19.2 s
// Frames whose window is cut off by the end of a slice; with n_fft = 4 hops it is two.
constexpr int64_t kCutFrames = 4;
// The resampler passes this share of the band; above, the model hears nothing.
constexpr double kPassBand = 0.9;
// Speeds in sixteenths, so that at each the music can be cut where whole grains of the mask head end.
constexpr int64_t kOwnSpeed = 16;
constexpr std::array<int64_t, kThoroughSpeeds> kSpeeds{kOwnSpeed, 15, 17};
constexpr double kLeastShare = 1e-5;

/// The lowest rate, not below `rate`, at which the hop of a mask head is a whole, even number of samples.
int rate_with_whole_hops(int rate, const MaskHeadOptions& o, int model_rate) {
  for (int candidate = rate;; ++candidate)
    if (static_cast<int64_t>(candidate) * o.hop % (2 * static_cast<int64_t>(model_rate)) == 0) return candidate;
}

/// kept (I, 2, T, F) of a whole piece -> (I, 2, to - from, bins) float.
Tensor shares_at(const Tensor& kept, int64_t from, int64_t to, int64_t bins) {
  const Tensor some = kept.narrow(2, from, to - from).to(at::kFloat);
  return fit_mask(some.flatten(0, 1), bins).unflatten(0, {kept.size(0), 2});
}

/// x between its entries along a dimension, at these places (n) counted in entries; before the first it is the first,
/// behind the last the last.
Tensor interpolate(const Tensor& x, int64_t dim, const Tensor& places) {
  const Tensor inside = places.clamp(0, static_cast<double>(x.size(dim) - 1));
  const Tensor low = inside.floor(), high = inside.ceil();
  std::vector<int64_t> along(static_cast<size_t>(x.dim()), 1);
  along[static_cast<size_t>(dim)] = places.size(0);
  return at::lerp(x.index_select(dim, low.to(at::kLong)), x.index_select(dim, high.to(at::kLong)),
                  (inside - low).view(along));
}

/// masks (I, T, F), adding up to at most 1 -> logarithms of them and of the rest (I + 1, T, F).
Tensor log_shares(const Tensor& masks) {
  return torch::cat({masks, 1.0 - masks.sum(0, /*keepdim=*/true)}).clamp_min(kLeastShare).log();
}

}  // namespace

Tensor fit_mask(const Tensor& mask, int64_t bins) {
  const auto heard = static_cast<int64_t>(kPassBand * static_cast<double>(mask.size(2)));
  if (bins <= heard) return mask.narrow(2, 0, bins);
  const Tensor top = mask.narrow(2, heard / 2, heard - heard / 2).mean(2, /*keepdim=*/true);  // (N, T, 1)
  return torch::cat({mask.narrow(2, 0, heard), top.expand({-1, -1, bins - heard})}, 2);
}

Tensor mask_at_own_speed(const Tensor& mask, double ratio, int64_t first, int64_t count) {
  // Where the middles of the music's frames, and its frequencies, have come to.
  const Tensor times = (at::arange(first, first + count, at::kFloat) + 0.5) / ratio - 0.5;
  return interpolate(interpolate(mask, 1, times), 2, at::arange(mask.size(2), at::kFloat) * ratio);
}

StemExtractor::StemExtractor(MaskHead mask, int model_rate, double level_dbfs, bool thorough)
    : mask_(std::move(mask)), model_rate_(model_rate), level_dbfs_(level_dbfs), thorough_(thorough) {}

std::vector<int64_t> mask_places(const MaskHeadImpl& mask, const std::string& instrument) {
  if (const auto own = mask.find(instrument)) return {*own};
  std::vector<int64_t> places;
  for (size_t i = 0; i < mask.options.instruments.size(); ++i)
    if (are_related(mask.options.instruments[i], instrument)) places.push_back(static_cast<int64_t>(i));
  return places;
}

/// As masks(), of the music played at `speed` sixteenths of its own speed, and so transposed.
Tensor StemExtractor::masks_at(int64_t speed, const Tensor& wave, const std::vector<std::vector<int64_t>>& places,
                               int64_t first, int64_t last) {
  const MaskHeadOptions& o = mask_->options;
  const int64_t frames = (wave.size(0) + o.hop - 1) / o.hop;
  // Frames of the music that are whole grains of the mask head when it is played at this speed.
  const int64_t grain = speed * std::max<int64_t>(1, mask_->granularity() / kOwnSpeed);
  const int64_t context = (mask_->context() + kCutFrames) * speed / kOwnSpeed + 1;
  const int64_t from = std::max<int64_t>(0, first - context) / grain * grain;
  // Whole grains at the end too: what is added to fill the last one must not be heard before the music's end.
  const int64_t to = std::min(frames, (last + context + grain - 1) / grain * grain);
  const int64_t samples = std::min(wave.size(0), to * o.hop) - from * o.hop;
  Tensor slice = wave.narrow(0, from * o.hop, samples);
  if (speed != kOwnSpeed) {
    const std::span<const float> own(slice.data_ptr<float>(), static_cast<size_t>(samples));
    slice = as_tensor(resample(own, static_cast<double>(speed), static_cast<double>(kOwnSpeed)));
  }
  const MaskHeadImpl::Heard heard =
      mask_->listen(mask_->spectrum(slice.unsqueeze(0).to(mask_->band_mean.device())).abs());
  std::vector<int64_t> all;
  for (const auto& own : places) all.insert(all.end(), own.begin(), own.end());
  Tensor every;
  if (speed == kOwnSpeed)
    every = mask_->masks(heard, all, first - from, last - first).cpu();
  else
    every = mask_at_own_speed(mask_->masks(heard, all).cpu(),
                              static_cast<double>(speed) / static_cast<double>(kOwnSpeed), first - from, last - first);
  std::vector<Tensor> sums;
  int64_t next = 0;
  for (const auto& own : places) {
    const auto count = static_cast<int64_t>(own.size());
    sums.push_back(every.narrow(0, next, count).sum(0));
    next += count;
  }
  return torch::stack(sums);
}

/// wave (S) at the model's rate and level -> (I, last - first, F); what has several places is their sum.
Tensor StemExtractor::masks(const Tensor& wave, const std::vector<std::vector<int64_t>>& places, int64_t first,
                            int64_t last) {
  if (!thorough_) return masks_at(kOwnSpeed, wave, places, first, last);
  Tensor logs;
  for (const int64_t speed : kSpeeds) {
    const Tensor heard = log_shares(masks_at(speed, wave, places, first, last));
    logs = logs.defined() ? logs + heard : heard;
  }
  return (logs / static_cast<double>(kThoroughSpeeds)).softmax(0).narrow(0, 0, static_cast<int64_t>(places.size()));
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
  const int64_t hop = o.hop * rate / model_rate_, n_fft = o.n_fft * rate / model_rate_;
  const Stft stft(n_fft, hop);
  const int64_t samples = source.frames(), frames = (samples + hop - 1) / hop;
  const auto hear = [&](const std::vector<float>& mono) {
    Tensor wave = as_tensor(resample(mono, rate, model_rate_));
    wave.mul_(level_gain(wave, level_dbfs_));
    // The last frame of the source may begin where the resampled mix has rounded down.
    return at::constant_pad_nd(wave, {0, frames * o.hop - wave.size(0)});
  };
  const int64_t channels = source.channels;
  // A view of the source: (C, S).
  const Tensor waves = torch::from_blob(const_cast<float*>(source.samples.data()), {samples, channels}).t();
  const bool spatial = channels == 2 && !waves[0].equal(waves[1]);
  std::vector<Tensor> heard;  // of both channels, or of their mix
  if (spatial)
    for (int channel = 0; channel < 2; ++channel) heard.push_back(hear(extract_channel(source, channel)));
  else
    heard.push_back(hear(mix_to_mono(source)));

  std::vector<std::vector<std::vector<float>>> planes(
      instruments.size(), std::vector<std::vector<float>>(static_cast<size_t>(channels),
                                                          std::vector<float>(static_cast<size_t>(samples), 0.0f)));
  const auto segments = [&](const auto& body) {
    for (int64_t start = 0; start < frames; start += kSegmentFrames) {
      cancel.check();
      body(start, std::min(frames, start + kSegmentFrames));
    }
  };
  const auto show = [&](int64_t done) {
    if (progress) progress({"listening", done, frames, ""});
  };
  // Of the frames from..to, the spectra of all channels: (C, T, F).
  const auto spectra = [&](int64_t from, int64_t to) {
    const int64_t first = from * hop, length = std::min(samples, to * hop) - first;
    return stft.forward(waves.narrow(1, first, length));
  };
  const auto shares = [&](const Tensor& wave, int64_t from, int64_t to) {
    return fit_mask(masks(wave, places, from, to), stft.bins());  // (I, T, F)
  };
  // What overlaps with a segment's samples, and once more so that these frames themselves are whole.
  const auto before = [](int64_t start) { return std::max<int64_t>(0, start - 2 * kCutFrames); };
  const auto behind = [&](int64_t end) { return std::min(frames, end + 2 * kCutFrames); };
  // parts (I, C, T, F), of the frames from `from` on, of which those of the segment are kept.
  const auto keep = [&](const Tensor& parts, int64_t from, int64_t start, int64_t end) {
    const int64_t keep_from = start * hop, count = std::min(samples, end * hop) - keep_from;
    const int64_t length = std::min(samples, (from + parts.size(2)) * hop) - from * hop;
    for (size_t i = 0; i < instruments.size(); ++i) {
      const Tensor wave = stft.inverse(parts[static_cast<int64_t>(i)], length);  // (C, S)
      for (int64_t channel = 0; channel < channels; ++channel) {
        const Tensor part = wave[channel].narrow(0, keep_from - from * hop, count).contiguous();
        std::copy_n(part.data_ptr<float>(), count, planes[i][static_cast<size_t>(channel)].begin() + keep_from);
      }
    }
  };
  if (!spatial) {
    segments([&](int64_t start, int64_t end) {
      show(start);
      const int64_t from = before(start), to = behind(end);
      keep(spectra(from, to) * shares(heard[0], from, to).unsqueeze(1), from, start, end);
    });
  } else {
    // Where everything stands is known when all has been heard, so shares are kept until then.
    const auto count = static_cast<int64_t>(instruments.size());
    SpatialFilter filter(count, stft.bins());
    const Tensor kept = torch::empty({count, 2, frames, o.n_fft / 2 + 1}, at::kBFloat16);
    segments([&](int64_t start, int64_t end) {
      show(start);
      for (int64_t channel = 0; channel < 2; ++channel)
        kept.select(1, channel)
            .narrow(1, start, end - start)
            .copy_(masks(heard[static_cast<size_t>(channel)], places, start, end));
      const int64_t from = before(start);
      filter.learn(spectra(from, behind(end)).narrow(1, start - from, end - start),
                   shares_at(kept, start, end, stft.bins()));
    });
    segments([&](int64_t start, int64_t end) {
      const int64_t from = before(start), to = behind(end);
      keep(filter.apply(spectra(from, to), shares_at(kept, from, to, stft.bins())), from, start, end);
    });
  }
  show(frames);
  std::vector<AudioBuffer> stems;
  for (const auto& plane : planes) stems.push_back(from_planar(plane, source.sample_rate));
  return stems;
}

}  // namespace instructme
