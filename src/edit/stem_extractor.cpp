#include "instructme/edit/stem_extractor.h"

#include <torch/torch.h>

#include <algorithm>
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

constexpr int64_t kSegmentFrames = 880;  // 17.6 s
// Frames whose window is cut off by the end of a slice; with n_fft = 4 hops it is two.
constexpr int64_t kCutFrames = 4;
// The resampler passes this share of the band; above, the model hears nothing.
constexpr double kPassBand = 0.9;

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
