#include "instructme/models/spectral_bands.h"

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "band_kernels.h"
#include "instructme/base/error.h"

namespace instructme {

using at::Tensor;

namespace {

constexpr int64_t kRowsPerThread = 64;

/// Complex numbers as pairs of floats that follow each other.
const float* pairs(const Tensor& complex) {
  return reinterpret_cast<const float*>(complex.data_ptr<c10::complex<float>>());
}

}  // namespace

std::vector<double> band_centres(int64_t bins, int64_t bands) {
  if (bands < 2 || bands > bins)
    throw Error(ErrorKind::kModel, "a spectrum of " + std::to_string(bins) + " bins cannot be gathered in " +
                                       std::to_string(bands) + " bands");
  const double last = static_cast<double>(bins - 1);
  // The spacing at bin c is max(1, c / turn); c bins need `turn` bands below and turn * ln(c / turn) above the turn.
  const auto count = [&](double turn) { return turn + turn * std::log(last / turn); };
  double low = 1e-3, high = last;
  for (int i = 0; i < 100; ++i) {
    const double turn = (low + high) / 2;
    (count(turn) < static_cast<double>(bands - 1) ? low : high) = turn;
  }
  const double turn = high;
  std::vector<double> centres;
  for (int64_t i = 0; i < bands; ++i) {
    const auto x = static_cast<double>(i);
    centres.push_back(x <= turn ? x : turn * std::exp((x - turn) / turn));
  }
  centres.back() = last;
  return centres;
}

SpectralBands::SpectralBands(int64_t bins, int64_t bands) : scatter_(at::zeros({bands, bins})) {
  const std::vector<double> centres = band_centres(bins, bands);
  auto share = scatter_.accessor<float, 2>();
  first_.push_back(0);
  for (int64_t bin = 0, band = 0; bin < bins; ++bin) {
    const auto x = static_cast<double>(bin);
    for (; band + 2 < bands && centres[static_cast<size_t>(band + 1)] <= x; ++band)
      first_.push_back(static_cast<int32_t>(bin));
    const double from = centres[static_cast<size_t>(band)], to = centres[static_cast<size_t>(band + 1)];
    upper_.push_back(static_cast<float>(std::clamp((x - from) / (to - from), 0.0, 1.0)));
    share[band][bin] = 1 - upper_.back();
    share[band + 1][bin] = upper_.back();
  }
  first_.resize(static_cast<size_t>(bands + 1), static_cast<int32_t>(bins));
}

const Tensor& SpectralBands::scatter_for(const Tensor& x) const {
  if (x.is_cpu()) return scatter_;
  if (!copy_.defined() || copy_.device() != x.device()) copy_ = scatter_.to(x.device());
  return copy_;
}

Tensor SpectralBands::gather(const Tensor& x) const {
  if (!x.is_cpu() || x.scalar_type() != at::kFloat || x.requires_grad())
    return at::matmul(x, scatter_for(x).to(x.scalar_type()).t());
  // All but two bands of a bin are zeros.
  const Tensor from = x.contiguous();
  std::vector<int64_t> sizes = from.sizes().vec();
  const int64_t bins = from.size(-1), bands = scatter_.size(0);
  sizes.back() = bands;
  Tensor to = at::empty(sizes, from.options());
  const float* const in = from.data_ptr<float>();
  float* const out = to.data_ptr<float>();
  const BandMap map{first_.data(), upper_.data(), bands};
  at::parallel_for(0, from.numel() / bins, kRowsPerThread, [&](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; ++row) gather_row(map, in + row * bins, out + row * bands);
  });
  return to;
}

BandedStems SpectralBands::gather_stems(const Tensor& mixture, const Tensor& piece, const Tensor& stem,
                                        double floor) const {
  const torch::NoGradGuard no_grad;
  BandedStems out;
  if (!stem.is_cpu() || stem.scalar_type() != at::kComplexFloat) {
    const Tensor magnitude = mixture.abs(), weight = 1.0 / (magnitude + floor);  // (N, T, F)
    const Tensor own = weight.index_select(0, piece), x = mixture.index_select(0, piece), s = stem.abs();
    const Tensor power = weight * magnitude.square();
    out.mixture_power = gather(power);
    out.mixture_energy = power.sum({1, 2});
    out.product = gather(own * at::real(x * stem.conj()));
    out.stem_energy = (own * s.square()).sum({1, 2});
    out.mixture = gather(magnitude);
    out.stem = gather(s);
    out.rest = gather((x - stem).abs());
    return out;
  }
  const Tensor mixtures = mixture.contiguous(), stems = stem.contiguous();
  const int64_t n = mixtures.size(0), m = stems.size(0), t = stems.size(1), bins = stems.size(2), b = scatter_.size(0);
  for (Tensor* banded : {&out.mixture_power, &out.mixture}) *banded = at::empty({n, t, b});
  for (Tensor* banded : {&out.product, &out.stem, &out.rest}) *banded = at::empty({m, t, b});
  const Tensor mixture_sums = at::empty({n, t}, at::kDouble), stem_sums = at::empty({m, t}, at::kDouble);
  const BandMap map{first_.data(), upper_.data(), b};
  const auto small = static_cast<float>(floor);
  const float* const x = pairs(mixtures);
  const float* const s = pairs(stems);
  at::parallel_for(0, n * t, kRowsPerThread, [&](int64_t first, int64_t last) {
    std::vector<float> power(static_cast<size_t>(bins)), magnitude(power.size());
    for (int64_t row = first; row < last; ++row) {
      mixture_sums.data_ptr<double>()[row] =
          mixture_row(x + 2 * row * bins, bins, small, power.data(), magnitude.data());
      gather_row(map, power.data(), out.mixture_power.data_ptr<float>() + row * b);
      gather_row(map, magnitude.data(), out.mixture.data_ptr<float>() + row * b);
    }
  });
  const Tensor pieces = piece.contiguous();
  at::parallel_for(0, m * t, kRowsPerThread, [&](int64_t first, int64_t last) {
    std::vector<float> product(static_cast<size_t>(bins)), own(product.size()), rest(product.size());
    for (int64_t row = first; row < last; ++row) {
      const int64_t of_mixture = pieces.data_ptr<int64_t>()[row / t] * t + row % t;
      stem_sums.data_ptr<double>()[row] = compare_row(x + 2 * of_mixture * bins, s + 2 * row * bins, bins, small,
                                                      product.data(), own.data(), rest.data());
      gather_row(map, product.data(), out.product.data_ptr<float>() + row * b);
      gather_row(map, own.data(), out.stem.data_ptr<float>() + row * b);
      gather_row(map, rest.data(), out.rest.data_ptr<float>() + row * b);
    }
  });
  out.mixture_energy = mixture_sums.sum(1).to(at::kFloat);
  out.stem_energy = stem_sums.sum(1).to(at::kFloat);
  return out;
}

}  // namespace instructme
