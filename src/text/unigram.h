#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sentencepiece_model.h"

namespace instructme {

/// The unigram language model of Kudo (2018, "Subword regularization"): the pieces whose scores have
/// the greatest sum, found by the Viterbi algorithm; text and ids equal to those of the SentencePiece
/// library. Immutable.
class UnigramModel {
 public:
  /// Throws kModel when byte fallback is asked for and a byte has no piece.
  explicit UnigramModel(SentencePieceModel model);

  /// Ids of a normalised sentence. A run of unknown characters is one unknown id, or with byte
  /// fallback one id for each of its bytes.
  std::vector<int> encode(std::string_view normalized) const;
  /// The text of ids of this vocabulary; control pieces are invisible.
  std::string decode(const std::vector<int>& ids) const;

  const SentencePieceModel& model() const { return model_; }

 private:
  SentencePieceModel model_;
  std::vector<std::pair<std::string, int>> sorted_;  ///< pieces that may match text, with their ids
  std::array<int, 256> byte_ids_{};
  float unknown_score_ = 0.0f;
  float best_score_ = 0.0f;
};

}  // namespace instructme
