#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "instructme/base/config_reader.h"
#include "instructme/base/rng.h"

namespace instructme {

/// How mixes are varied while a mask head is trained, so that it does not learn the sounds of a few instruments by
/// heart. In JSON the fields have the same names; 0 switches each off.
struct StemAugmentation {
  double equaliser_db = 0;  ///< deviation of a smooth random frequency response, of its own for every stem
  double speed = 0;         ///< a mix is played up to this share faster or slower, which moves pitches too
  double borrowed = 0;      ///< probability that a stem of another mix sounds in a mix

  static StemAugmentation read(ConfigReader config);  ///< throws kModel
  bool none() const { return equaliser_db == 0 && speed == 0 && borrowed == 0; }
};

/// Stems of mixes, on any device. Letters: G mixes, N stems, S samples.
struct StemBatch {
  at::Tensor source;      ///< (G, S): the mixes
  at::Tensor stem;        ///< (N, S)
  at::Tensor instrument;  ///< (N) int64
  at::Tensor piece;       ///< (N) int64, ascending: the mix that a stem sounds in
};

/// The stems of mix g are those from bounds[g] to before bounds[g + 1]: (G + 1) of `piece` as above.
std::vector<int64_t> stem_bounds(const at::Tensor& piece, int64_t mixes);

/// Varies sources and stems: a source stays the sum of its stems and a rest. Its RMS level stays as it was.
/// Deterministic in `rng`. `sample_rate` in Hz. `batch` gets new tensors.
void augment(StemBatch& batch, const StemAugmentation& options, double sample_rate, Rng rng);

}  // namespace instructme
