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

/// Factors of the bins 0 … S / 2 of a transform over S samples.
Tensor random_response(int64_t samples, double sample_rate, double deviation_db, Rng& rng) {
  std::vector<double> points_db;
  const auto octaves = static_cast<size_t>(std::ceil(std::log2(sample_rate / 2 / kLowest_hz))) + 1;
  for (size_t i = 0; i < octaves; ++i) points_db.push_back(deviation_db * rng.normal());
  const int64_t bins = samples / 2 + 1;
  Tensor response = torch::empty({bins});
  float* const out = response.data_ptr<float>();
  for (int64_t bin = 0; bin < bins; ++bin) {
    const double hz = static_cast<double>(bin) * sample_rate / static_cast<double>(samples);
    const double place =
        std::clamp(std::log2(std::max(hz, 1.0) / kLowest_hz), 0.0, static_cast<double>(points_db.size() - 1));
    const auto low = std::min(static_cast<size_t>(place), points_db.size() - 2);
    const double share = place - static_cast<double>(low);
    out[bin] = static_cast<float>(std::pow(10.0, ((1 - share) * points_db[low] + share * points_db[low + 1]) / 20));
  }
  return response;
}

/// wave (N, S) of another length -> (N, samples): cut off, or begun again.
Tensor fit(const Tensor& wave, int64_t samples) {
  if (wave.size(1) >= samples) return wave.narrow(1, 0, samples);
  return torch::cat({wave, wave.narrow(1, 0, samples - wave.size(1))}, 1);
}

double rms(const Tensor& wave) { return std::sqrt(wave.pow(2).mean().item<double>()); }

}  // namespace

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
  const int64_t count = batch.source.size(0), samples = batch.source.size(1);
  const Tensor before = batch.stem.clone();  // what other mixes borrow from
  const auto instruments = batch.instrument.accessor<int64_t, 1>();
  const auto mixes = batch.mix.accessor<int64_t, 1>();
  for (int64_t first = 0; first < count;) {
    int64_t end = first + 1;
    while (end < count && mixes[end] == mixes[first]) ++end;
    Rng own = rng.fork(static_cast<uint64_t>(first));
    const Tensor stems = batch.stem.narrow(0, first, end - first);
    Tensor rest = batch.source[first] - stems.sum(0);
    const double level = rms(batch.source[first]);
    if (own.chance(options.borrowed)) {
      const int64_t lender = own.integer(0, count - 1);
      const bool known = std::any_of(instruments.data() + first, instruments.data() + end,
                                     [&](int64_t instrument) { return instrument == instruments[lender]; });
      const double loudness = rms(before[lender]);
      // An instrument that is asked for must not sound where it is not meant.
      if (!known && mixes[lender] != mixes[first] && loudness > 0)
        rest = rest +
               before[lender] * (level * std::pow(10.0, (own.uniform(-1, 1) - 1) * kBorrowedSpread_db / 20) / loudness);
    }
    Tensor waves = torch::cat({stems, rest.unsqueeze(0)});  // (K + 1, S)
    Tensor spectra = torch::fft::rfft(waves);
    if (options.equaliser_db > 0) {
      std::vector<Tensor> responses;
      for (int64_t i = 0; i < waves.size(0); ++i)
        responses.push_back(random_response(samples, sample_rate, options.equaliser_db, own));
      spectra = spectra * torch::stack(responses);
    }
    int64_t length = samples;
    if (options.speed > 0) {
      const double factor = 1 + own.uniform(-1, 1) * options.speed;
      length = std::max<int64_t>(1, std::llround(static_cast<double>(samples) * factor / kLengthStep)) * kLengthStep;
      // Half of the samples at least, so that beginning again once fills the rest.
      length = std::max(length, (samples + 1) / 2);
    }
    // A transform back to another length plays the same waves faster or slower.
    waves = fit(torch::fft::irfft(spectra, length), samples);
    const Tensor source = waves.sum(0);
    const double now = rms(source);
    const double gain = now > 0 ? level / now : 1.0;
    for (int64_t i = first; i < end; ++i) {
      batch.stem[i] = waves[i - first] * gain;
      batch.source[i] = source * gain;
    }
    first = end;
  }
}

}  // namespace instructme
