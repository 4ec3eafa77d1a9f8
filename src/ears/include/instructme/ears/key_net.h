#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <filesystem>
#include <nlohmann/json_fwd.hpp>

#include "instructme/base/config_reader.h"

namespace instructme {

constexpr int64_t kKeys = 24;  ///< classes of keys: 12 major ones from C on, then 12 minor ones

/// In JSON the field has the same name.
struct KeyNetOptions {
  double seconds = 20;  ///< of music that its weights weigh as one whole: the length of its training clips

  static KeyNetOptions read(ConfigReader config);  ///< throws kModel
  nlohmann::json to_json() const;
};

/// What chords say about the key: a weight for each quality of chord on each degree above the tonic, of major and of
/// minor keys, the same for all twelve tonics. Logistic regression, which unlike the counts of chords in each key (as
/// in Noland and Sandler 2006) learns what tells keys apart.
/// Letters: T frames, C = kChordClasses.
class KeyNetImpl : public torch::nn::Module {
 public:
  explicit KeyNetImpl(const KeyNetOptions& options);
  /// Mean probabilities of chords over some music (..., C) -> logits (..., kKeys).
  at::Tensor forward(const at::Tensor& chords);

  KeyNetOptions options;
  at::Tensor weight;  ///< (2, kChordQualities, 12): mode, quality, degree in semitones
  at::Tensor bias;    ///< (2)

 private:
  at::Tensor places_;  // (C - 1, kKeys): of a chord's weight for a key in the flat weights
};
TORCH_MODULE(KeyNet);

/// keys.json and keys.safetensors. Throw kModel, kIo.
KeyNet load_key_net(const std::filesystem::path& folder);
void save_key_net(const KeyNet& net, const std::filesystem::path& folder, int64_t steps);

}  // namespace instructme
