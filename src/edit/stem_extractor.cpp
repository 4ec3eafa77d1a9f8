#include "instructme/edit/stem_extractor.h"

#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "family.h"
#include "instructme/audio/resample.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "instructme/ears/mono_to_hear.h"
#include "instructme/edit/editor.h"
#include "spatial_filter.h"

namespace instructme {

using at::Tensor;

namespace {

// Spectra of so much are in memory at a time, 19.2 s.
constexpr int64_t kSegmentFrames = 960;
// The mask head hears so much at a time, 96 s, and beside it its context on either side, which is 10 s.
constexpr int64_t kStretchFrames = 5 * kSegmentFrames;
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

/// body(start, end) for all frames, `most` at a time.
template <class Body>
void in_parts(int64_t first, int64_t last, int64_t most, const CancelToken& cancel, const Body& body) {
  for (int64_t start = first; start < last; start += most) {
    cancel.check();
    body(start, std::min(last, start + most));
  }
}

/// Stems of a piece of music that come segment by segment. Frames are those of the source's own spectrum.
class GrowingStems {
 public:
  GrowingStems(const AudioBuffer& source, size_t count, int64_t n_fft, int64_t hop)
      : source_(source),
        waves_(torch::from_blob(const_cast<float*>(source.samples.data()), {source.frames(), source.channels}).t()),
        stft_(n_fft, hop),
        hop_(hop),
        planes_(count,
                std::vector<std::vector<float>>(static_cast<size_t>(source.channels),
                                                std::vector<float>(static_cast<size_t>(source.frames()), 0.0f))) {}

  int64_t bins() const { return stft_.bins(); }
  int64_t frames() const { return (source_.frames() + hop_ - 1) / hop_; }

  // What overlaps with a segment's samples, and once more so that these frames themselves are whole.
  static int64_t before(int64_t start) { return std::max<int64_t>(0, start - 2 * kCutFrames); }
  int64_t behind(int64_t end) const { return std::min(frames(), end + 2 * kCutFrames); }

  /// Of the frames from..to, the spectra of all channels: (C, T, F).
  Tensor spectra(int64_t from, int64_t to) const {
    const int64_t first = from * hop_, length = std::min(source_.frames(), to * hop_) - first;
    return stft_.forward(waves_.narrow(1, first, length));
  }

  /// parts (I, C, T, F), of the frames from `from` on, of which those of the segment are kept.
  void keep(const Tensor& parts, int64_t from, int64_t start, int64_t end) {
    const int64_t keep_from = start * hop_, count = std::min(source_.frames(), end * hop_) - keep_from;
    const int64_t length = std::min(source_.frames(), (from + parts.size(2)) * hop_) - from * hop_;
    for (size_t i = 0; i < planes_.size(); ++i) {
      const Tensor wave = stft_.inverse(parts[static_cast<int64_t>(i)], length);  // (C, S)
      for (size_t channel = 0; channel < planes_[i].size(); ++channel) {
        const Tensor part = wave[static_cast<int64_t>(channel)].narrow(0, keep_from - from * hop_, count).contiguous();
        std::copy_n(part.data_ptr<float>(), count, planes_[i][channel].begin() + keep_from);
      }
    }
  }

  std::vector<AudioBuffer> buffers() const {
    std::vector<AudioBuffer> stems;
    for (const auto& plane : planes_) stems.push_back(from_planar(plane, source_.sample_rate));
    return stems;
  }

 private:
  const AudioBuffer& source_;
  Tensor waves_;  // (C, S), a view of the source
  Stft stft_;
  int64_t hop_;
  std::vector<std::vector<std::vector<float>>> planes_;  // of every stem, by channel
};

/// Where each of these instruments is among those of a mask head.
std::vector<std::vector<int64_t>> places_of(const MaskHeadImpl& mask, const std::vector<std::string>& instruments) {
  std::vector<std::vector<int64_t>> places;
  for (const std::string& name : instruments) {
    places.push_back(mask_places(mask, name));
    if (places.back().empty())
      throw Error(ErrorKind::kInput, "this model cannot tell '" + name + "' from other instruments" +
                                         did_you_mean(name, mask.options.instruments) + "; it knows " +
                                         join(mask.options.instruments, ", "));
  }
  return places;
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
                               int64_t first, int64_t last, const MaskHeadImpl::Step& step) {
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
      mask_->listen(mask_->spectrum(slice.unsqueeze(0).to(mask_->band_mean.device())).abs(), step);
  // Places that several instruments stand for are heard once, and each of these has an equal part of them.
  std::map<int64_t, int64_t> claims;
  for (const auto& own : places)
    for (const int64_t place : own) ++claims[place];
  std::vector<int64_t> all;
  std::map<int64_t, int64_t> row;
  for (const auto& [place, count] : claims) {
    row[place] = static_cast<int64_t>(all.size());
    all.push_back(place);
  }
  Tensor every;
  if (speed == kOwnSpeed)
    every = mask_->masks(heard, all, first - from, last - first, step).cpu();
  else
    every = mask_at_own_speed(mask_->masks(heard, all, 0, -1, step).cpu(),
                              static_cast<double>(speed) / static_cast<double>(kOwnSpeed), first - from, last - first);
  std::vector<Tensor> sums;
  for (const auto& own : places) {
    Tensor sum = torch::zeros_like(every[0]);
    for (const int64_t place : own) sum += every[row.at(place)] / static_cast<double>(claims.at(place));
    sums.push_back(sum);
  }
  return torch::stack(sums);
}

/// wave (S) at the model's rate and level -> (I, last - first, F); what has several places is their sum.
Tensor StemExtractor::masks(const Tensor& wave, const std::vector<std::vector<int64_t>>& places, int64_t first,
                            int64_t last, const MaskHeadImpl::Step& step) {
  if (!thorough_) return masks_at(kOwnSpeed, wave, places, first, last, step);
  Tensor logs;
  for (const int64_t speed : kSpeeds) {
    const Tensor heard = log_shares(masks_at(speed, wave, places, first, last, step));
    logs = logs.defined() ? logs + heard : heard;
  }
  return (logs / static_cast<double>(kThoroughSpeeds)).softmax(0).narrow(0, 0, static_cast<int64_t>(places.size()));
}

std::vector<AudioBuffer> StemExtractor::extract(const AudioBuffer& source, const std::vector<std::string>& instruments,
                                                const ProgressCallback& progress, const CancelToken& cancel) {
  torch::NoGradGuard no_grad;
  const auto places = places_of(*mask_, instruments);
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
  GrowingStems stems(source, instruments.size(), o.n_fft * rate / model_rate_, o.hop * rate / model_rate_);
  const int64_t frames = stems.frames();
  const auto hear = [&](const std::vector<float>& mono) {
    Tensor wave = as_tensor(resample(mono, rate, model_rate_));
    wave.mul_(level_gain(wave, level_dbfs_));
    // The last frame of the source may begin where the resampled mix has rounded down.
    return at::constant_pad_nd(wave, {0, frames * o.hop - wave.size(0)});
  };
  std::vector<Tensor> heard;  // both channels, or their mix
  if (source.channels == 2)
    if (const auto left = extract_channel(source, 0), right = extract_channel(source, 1); left != right)
      heard = {hear(left), hear(right)};
  if (heard.empty()) heard.push_back(hear(mono_to_hear(source)));

  int64_t done = 0;
  const int64_t stretches = (frames + kStretchFrames - 1) / kStretchFrames;
  const int64_t steps = stretches * static_cast<int64_t>(heard.size()) * mask_->steps() *
                        (thorough_ ? static_cast<int64_t>(kThoroughSpeeds) : 1);
  const auto step = [&] {
    cancel.check();
    if (progress) progress({"listening", ++done * frames / steps, frames, ""});
  };
  if (progress) progress({"listening", 0, frames, ""});
  if (heard.size() == 1) {
    in_parts(0, frames, kStretchFrames, cancel, [&](int64_t first, int64_t last) {
      const int64_t known_from = stems.before(first);
      const Tensor shares = masks(heard[0], places, known_from, stems.behind(last), step);  // (I, T, F)
      in_parts(first, last, kSegmentFrames, cancel, [&](int64_t start, int64_t end) {
        const int64_t from = stems.before(start), to = stems.behind(end);
        const Tensor mask = fit_mask(shares.narrow(1, from - known_from, to - from), stems.bins());
        stems.keep(stems.spectra(from, to) * mask.unsqueeze(1), from, start, end);
      });
    });
    return stems.buffers();
  }
  // Where everything stands is known when all has been heard, so shares are kept until then.
  const auto count = static_cast<int64_t>(instruments.size());
  const Tensor kept = torch::empty({count, 2, frames, o.n_fft / 2 + 1}, at::kBFloat16);
  in_parts(0, frames, kStretchFrames, cancel, [&](int64_t first, int64_t last) {
    for (int64_t channel = 0; channel < 2; ++channel)
      kept.select(1, channel)
          .narrow(1, first, last - first)
          .copy_(masks(heard[static_cast<size_t>(channel)], places, first, last, step));
  });
  SpatialFilter filter(count, stems.bins());
  in_parts(0, frames, kSegmentFrames, cancel, [&](int64_t start, int64_t end) {
    const int64_t from = stems.before(start);
    filter.learn(stems.spectra(from, stems.behind(end)).narrow(1, start - from, end - start),
                 shares_at(kept, start, end, stems.bins()));
  });
  in_parts(0, frames, kSegmentFrames, cancel, [&](int64_t start, int64_t end) {
    const int64_t from = stems.before(start), to = stems.behind(end);
    stems.keep(filter.apply(stems.spectra(from, to), shares_at(kept, from, to, stems.bins())), from, start, end);
  });
  return stems.buffers();
}

}  // namespace instructme
