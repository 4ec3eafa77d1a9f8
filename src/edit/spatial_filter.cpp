#include "spatial_filter.h"

#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <vector>

namespace instructme {

using at::Tensor;

namespace {

// How much of a source is taken to come from everywhere: less trusts places that were measured among other sources.
constexpr double kDiffuse = 0.02;
constexpr double kSilence = 1e-12;  // power, 120 dB below a full-scale sine

using Bin = c10::complex<float>;
using Wide = c10::complex<double>;

/// One frame of what goes in: the bins of both channels, and the shares of the sources.
struct Frame {
  Frame(const Tensor& spectrum, const Tensor& shares, int64_t t)
      : sources(shares.size(0)),
        plane(shares.size(2) * shares.size(3)),
        first(spectrum.data_ptr<Bin>() + t * spectrum.size(2)),
        second(first + plane),
        share(shares.data_ptr<float>() + t * shares.size(3)) {}

  /// Shares of source j, the last of which is the rest, in a bin of both channels.
  void shares_of_bin(int64_t f, std::vector<std::array<double, 2>>& out) const {
    std::array<double, 2> rest{1, 1};
    for (int64_t j = 0; j < sources; ++j)
      for (size_t channel = 0; channel < 2; ++channel) {
        const double own = share[(2 * j + static_cast<int64_t>(channel)) * plane + f];
        out[static_cast<size_t>(j)][channel] = own;
        rest[channel] -= own;
      }
    for (size_t channel = 0; channel < 2; ++channel)
      out[static_cast<size_t>(sources)][channel] = std::max(0.0, rest[channel]);
  }

  int64_t sources, plane;
  const Bin *first, *second;
  const float* share;
};

double power(const Bin& x) { return std::norm(static_cast<Wide>(x)); }

}  // namespace

SpatialFilter::SpatialFilter(int64_t sources, int64_t bins)
    : power_(torch::zeros({sources + 1, 2, bins}, at::kDouble)),
      across_(torch::zeros({sources + 1, bins}, at::kComplexDouble)) {}

void SpatialFilter::learn(const Tensor& spectrum, const Tensor& shares) {
  const Tensor x = spectrum.contiguous(), share = shares.contiguous();
  const int64_t bins = x.size(2);
  auto* const power_of = power_.data_ptr<double>();
  auto* const across_of = across_.data_ptr<Wide>();
  std::vector<std::array<double, 2>> each(static_cast<size_t>(share.size(0)) + 1);
  for (int64_t t = 0; t < x.size(1); ++t) {
    const Frame frame(x, share, t);
    for (int64_t f = 0; f < bins; ++f) {
      frame.shares_of_bin(f, each);
      const double first = power(frame.first[f]), second = power(frame.second[f]);
      const Wide product = static_cast<Wide>(frame.first[f]) * std::conj(static_cast<Wide>(frame.second[f]));
      for (size_t j = 0; j < each.size(); ++j) {
        const auto at = static_cast<int64_t>(j) * bins + f;
        power_of[at + static_cast<int64_t>(j) * bins] += each[j][0] * first;
        power_of[at + static_cast<int64_t>(j + 1) * bins] += each[j][1] * second;
        across_of[at] += std::sqrt(each[j][0] * each[j][1]) * product;
      }
    }
  }
}

Tensor SpatialFilter::apply(const Tensor& spectrum, const Tensor& shares) const {
  const Tensor x = spectrum.contiguous(), share = shares.contiguous();
  const int64_t sources = share.size(0), frames = x.size(1), bins = x.size(2);
  // Covariances of trace 2, so that a source's power stays that of its bin; a bin after the other, all sources of each.
  const Tensor trace = power_.sum(1) / 2 + kSilence;  // (J + 1, F)
  const Tensor own = ((power_ / trace.unsqueeze(1) + kDiffuse) / (1 + kDiffuse)).permute({2, 0, 1}).contiguous();
  const Tensor across = (across_ / trace / (1 + kDiffuse)).t().contiguous();  // (F, J + 1)
  const auto* const own_of = own.data_ptr<double>();
  const auto* const across_of = across.data_ptr<Wide>();
  Tensor out = torch::empty({sources, 2, frames, bins}, at::kComplexFloat);
  auto* const out_of = out.data_ptr<Bin>();
  at::parallel_for(0, frames, 1, [&](int64_t from, int64_t to) {
    const auto count = static_cast<size_t>(sources) + 1;
    std::vector<std::array<double, 2>> each(count);
    std::vector<double> level(count);
    for (int64_t t = from; t < to; ++t) {
      const Frame frame(x, share, t);
      for (int64_t f = 0; f < bins; ++f) {
        frame.shares_of_bin(f, each);
        const Wide first = static_cast<Wide>(frame.first[f]), second = static_cast<Wide>(frame.second[f]);
        const double of_first = std::norm(first), of_second = std::norm(second);
        const double* const here = own_of + f * static_cast<int64_t>(count) * 2;
        const Wide* const cross = across_of + f * static_cast<int64_t>(count);
        double a = kSilence, d = kSilence;
        Wide b = 0;
        for (size_t j = 0; j < count; ++j) {
          level[j] = (each[j][0] * of_first + each[j][1] * of_second) / 2;
          a += level[j] * here[2 * j];
          d += level[j] * here[2 * j + 1];
          b += level[j] * cross[j];
        }
        // The inverse of [a b; b* d] times the spectrum.
        const double factor = 1 / std::max(a * d - std::norm(b), kSilence * kSilence);
        const Wide left = (d * first - b * second) * factor, right = (a * second - std::conj(b) * first) * factor;
        for (size_t j = 0; j + 1 < count; ++j) {
          Bin* const to_first = out_of + (static_cast<int64_t>(2 * j) * frames + t) * bins + f;
          *to_first = static_cast<Bin>(level[j] * (here[2 * j] * left + cross[j] * right));
          to_first[frames * bins] = static_cast<Bin>(level[j] * (std::conj(cross[j]) * left + here[2 * j + 1] * right));
        }
      }
    }
  });
  return out;
}

}  // namespace instructme
