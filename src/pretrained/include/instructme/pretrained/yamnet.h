#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace instructme {

/// YAMNet, the published tagger of everyday sounds and music: 521 classes of AudioSet (Gemmeke et al., ICASSP 2017) by
/// a MobileNet (Howard et al., 2017); code and weights of the TensorFlow authors, Apache-2.0. Read from the TensorFlow
/// Lite file and computed with torch in float: its 8-bit weights are de-quantised, its own runtime's rounding of
/// activations to 8 bits is not imitated. Thread-safe. Letters: N patches.
class Yamnet {
 public:
  static constexpr int kSampleRate = 16000;
  static constexpr int64_t kPatch = 15600;     ///< samples of a patch, 0.975 s
  static constexpr int64_t kPatchStep = 7680;  ///< samples from patch to patch, 0.48 s
  static constexpr int64_t kFrames = 96, kBands = 64, kEmbedding = 1024, kClasses = 521;

  /// `path` is yamnet.tflite. Throws kIo when it cannot be read, kModel when it is damaged or holds another network.
  explicit Yamnet(const std::filesystem::path& path);
  ~Yamnet();
  Yamnet(Yamnet&&) noexcept;

  struct Output {
    at::Tensor log_mel;    ///< (N, 96, 64)
    at::Tensor embedding;  ///< (N, 1024)
    at::Tensor scores;     ///< (N, 521) probabilities
  };
  /// patches (N, 15600) float, 16 kHz mono in [-1, 1].
  Output forward(const at::Tensor& patches) const;
  /// A whole piece at any rate, one patch every 0.48 s, the last filled up with silence; `log_mel` is left out. Throws
  /// kInternal for no samples.
  Output listen(std::span<const float> mono, int sample_rate) const;

 private:
  struct Weights;
  std::unique_ptr<Weights> weights_;
};

/// The names of the 521 classes from yamnet_class_map.csv. Throws kIo, or kModel when it has another form.
std::vector<std::string> read_yamnet_classes(const std::filesystem::path& path);

}  // namespace instructme
