#include "instructme/train/stem_augmentation.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "instructme/base/error.h"

namespace instructme {

using at::Tensor;

namespace {

constexpr double kLowest_hz = 60;  // of the equaliser's points; an octave apart from here upwards
constexpr double kBorrowedSpread_db = 6;
// Lengths that the FFT is quick at; a hundred of them are a clip of five seconds.
constexpr int64_t kLengthStep = 1280;

/// Smooth random responses of N waves: the bins 0 … S / 2 of a transform over S samples, (N, bins).
Tensor random_responses(int64_t waves, int64_t samples, double sample_rate, double deviation_db, at::Device device,
                        Rng& rng) {
  const auto octaves = static_cast<int64_t>(std::ceil(std::log2(sample_rate / 2 / kLowest_hz))) + 1;
  Tensor points = torch::empty({waves, octaves});
  float* const point = points.data_ptr<float>();
  for (int64_t i = 0; i < points.numel(); ++i) point[i] = static_cast<float>(deviation_db * rng.normal());
  points = (points * (std::log(10.0) / 20)).to(device);
  const Tensor hz = torch::arange(samples / 2 + 1, torch::TensorOptions(at::kFloat).device(device)) *
                    (sample_rate / static_cast<double>(samples));
  const Tensor place = (hz.clamp_min(1.0) / kLowest_hz).log2().clamp(0.0, static_cast<double>(octaves - 1));
  const Tensor low = place.floor().clamp_max(static_cast<double>(octaves - 2));
  const Tensor share = place - low, index = low.to(at::kLong);
  return at::lerp(points.index_select(1, index), points.index_select(1, index + 1), share).exp();
}

/// wave (N, S) of another length -> (N, samples): cut off, or begun again.
Tensor fit(const Tensor& wave, int64_t samples) {
  if (wave.size(1) >= samples) return wave.narrow(1, 0, samples);
  return torch::cat({wave, wave.narrow(1, 0, samples - wave.size(1))}, 1);
}

/// (N, S) -> (N, 1)
Tensor rms(const Tensor& waves) { return waves.square().mean({1}, true).sqrt(); }

/// numbers / by, and 0 where there is nothing to divide by.
Tensor ratio(const Tensor& numbers, const Tensor& by) {
  return torch::where(by > 0, numbers / by.clamp_min(1e-20), torch::zeros_like(by));
}

std::vector<int64_t> values_of(const Tensor& indices) {
  const Tensor here = indices.to(at::kCPU).contiguous();
  return {here.data_ptr<int64_t>(), here.data_ptr<int64_t>() + here.numel()};
}

}  // namespace

std::vector<int64_t> stem_bounds(const Tensor& piece, int64_t mixes) {
  const std::vector<int64_t> pieces = values_of(piece);
  std::vector<int64_t> bounds;
  for (int64_t mix = 0; mix <= mixes; ++mix)
    bounds.push_back(std::lower_bound(pieces.begin(), pieces.end(), mix) - pieces.begin());
  return bounds;
}

StemAugmentation StemAugmentation::read(ConfigReader config) {
  StemAugmentation o;
  config.read("equaliser_db", o.equaliser_db);
  config.read("speed", o.speed);
  config.read("borrowed", o.borrowed);
  config.finish();
  if (o.equaliser_db < 0 || o.equaliser_db > 40 || o.speed < 0 || o.speed > 0.5 || o.borrowed < 0 || o.borrowed > 1)
    throw Error(ErrorKind::kModel, config.context() + ": equaliser_db is 0 to 40, speed 0 to 0.5 and borrowed 0 to 1");
  return o;
}

void augment(StemBatch& batch, const StemAugmentation& options, double sample_rate, Rng rng) {
  if (options.none()) return;
  torch::NoGradGuard no_grad;
  const int64_t count = batch.stem.size(0), mixes = batch.source.size(0), samples = batch.source.size(1);
  const auto device = batch.source.device();
  const std::vector<int64_t> instruments = values_of(batch.instrument), bounds = stem_bounds(batch.piece, mixes);
  const Tensor level = rms(batch.source);  // (G, 1)

  // What is drawn for every mix: who lends a stem, how loud, and how long the mix becomes.
  std::vector<int64_t> lenders, lengths;
  Tensor loudness = torch::zeros({mixes, 1});
  for (int64_t mix = 0; mix < mixes; ++mix) {
    const int64_t first = bounds[static_cast<size_t>(mix)], end = bounds[static_cast<size_t>(mix) + 1];
    Rng own = rng.fork(static_cast<uint64_t>(mix));
    const int64_t lender = own.integer(0, count - 1);
    const double gain_db = (own.uniform(-1, 1) - 1) * kBorrowedSpread_db;
    // An instrument that is asked for must not sound where it is not meant.
    const bool known = std::any_of(instruments.begin() + first, instruments.begin() + end,
                                   [&](int64_t name) { return name == instruments[static_cast<size_t>(lender)]; });
    const bool foreign = lender < first || lender >= end;
    if (own.chance(options.borrowed) && !known && foreign) loudness[mix] = std::pow(10.0, gain_db / 20);
    lenders.push_back(lender);
    const double factor = 1 + own.uniform(-1, 1) * options.speed;
    const int64_t length =
        std::max<int64_t>(1, std::llround(static_cast<double>(samples) * factor / kLengthStep)) * kLengthStep;
    // Half of the samples at least, so that beginning again once fills the rest.
    lengths.push_back(options.speed > 0 ? std::max(length, (samples + 1) / 2) : samples);
  }

  const Tensor loan = batch.stem.index_select(0, torch::tensor(lenders).to(device));
  Tensor rest = batch.source - torch::zeros_like(batch.source).index_add_(0, batch.piece, batch.stem);
  rest = rest + loan * ratio(level * loudness.to(device), rms(loan));
  Tensor spectra = torch::fft::rfft(torch::cat({batch.stem, rest}));  // (N + G, F)
  if (options.equaliser_db > 0)
    spectra = spectra * random_responses(count + mixes, samples, sample_rate, options.equaliser_db, device, rng);
  // A transform back to another length plays the same waves faster or slower.
  Tensor stem = torch::empty_like(batch.stem);
  std::vector<Tensor> sources;
  for (int64_t mix = 0; mix < mixes; ++mix) {
    const int64_t first = bounds[static_cast<size_t>(mix)], end = bounds[static_cast<size_t>(mix) + 1];
    const Tensor of_mix = torch::cat({spectra.narrow(0, first, end - first), spectra.narrow(0, count + mix, 1)});
    const Tensor waves = fit(torch::fft::irfft(of_mix, lengths[static_cast<size_t>(mix)]), samples);
    stem.narrow(0, first, end - first).copy_(waves.narrow(0, 0, end - first));
    sources.push_back(waves.sum(0));
  }
  const Tensor source = torch::stack(sources);
  const Tensor gain = ratio(level, rms(source));  // (G, 1)
  batch.source = source * gain;
  batch.stem = stem * gain.index_select(0, batch.piece);
}

}  // namespace instructme
