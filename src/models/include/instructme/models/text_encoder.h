#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <string>
#include <vector>

#include "instructme/models/t5_encoder.h"
#include "instructme/text/tokenizer.h"

namespace instructme {

/// N sentences as token numbers, padded at the end to the longest, L tokens.
struct TokenBatch {
  at::Tensor ids;   ///< (N, L) int64
  at::Tensor mask;  ///< (N, L) bool, true = a token
};

/// N sentences as the U-Net's cross-attention takes them.
struct TextEncoding {
  at::Tensor embeddings;  ///< (N, L, D)
  at::Tensor mask;        ///< (N, L) bool, true = a token; the rest of `embeddings` has no meaning
};

/// Sentences to embeddings: the tokenizer and the T5 encoder of one folder (`config.json`,
/// `model.safetensors`, `spiece.model`). Published T5 folders with these three files can be used as
/// they are. Encoding in evaluation mode may run in several threads at once.
class TextEncoder {
 public:
  /// Sentences with more tokens are refused; published T5 were trained with at most as many.
  static constexpr int64_t kMaxTokens = 512;

  /// In evaluation mode, on the CPU. Throws kModel when a file is missing or damaged, or the three do
  /// not belong together.
  static TextEncoder load(const std::filesystem::path& folder);
  /// A fresh T5 with weights drawn from torch's generator, in training mode, for the tokenizer in the
  /// given `spiece.model`. Throws kModel when the options do not fit the tokenizer or each other.
  static TextEncoder create(const T5EncoderOptions& options, const std::filesystem::path& tokenizer_file);
  /// Writes the three files, weights as in `save_t5_encoder`; makes the folder when needed. Throws kIo.
  void save(const std::filesystem::path& folder, std::optional<WeightFormat> format = std::nullopt) const;

  /// Each sentence with its end-of-sentence token. On the CPU. Throws kInput for a sentence with more
  /// than kMaxTokens tokens, kInternal for an empty list.
  TokenBatch tokenize(const std::vector<std::string>& sentences) const;
  /// On the device of the weights; differentiable in them unless the caller turned gradients off.
  TextEncoding encode(const std::vector<std::string>& sentences) const;

  /// The module, for training, moving to a device and the like; the result shares this one's weights.
  T5Encoder module() const { return encoder_; }
  const T5EncoderOptions& options() const { return encoder_->options; }
  const Tokenizer& tokenizer() const { return tokenizer_; }

 private:
  TextEncoder(T5Encoder encoder, const std::filesystem::path& tokenizer_file);

  T5Encoder encoder_;
  Tokenizer tokenizer_;
  std::string tokenizer_bytes_;  ///< kept so that `save` does not need the file it came from
};

}  // namespace instructme
