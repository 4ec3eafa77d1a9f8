#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace instructme {

/// The parts of a SentencePiece model file that encoding and decoding need. The file is a protocol
/// buffer, `ModelProto` of sentencepiece_model.proto; the defaults here are the defaults there.
struct SentencePieceModel {
  enum class Type { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5, kByte = 6 };
  struct Piece {
    std::string text;
    float score = 0.0f;  ///< logarithm of its probability
    Type type = Type::kNormal;
  };
  std::vector<Piece> pieces;  ///< the index is the token id

  // TrainerSpec
  bool byte_fallback = false;               ///< unknown characters become pieces for their bytes
  bool treat_whitespace_as_suffix = false;  ///< a word ends, instead of begins, with the mark of a space
  std::string unk_surface = " \xE2\x81\x87 ";
  std::string eos_piece = "</s>";
  std::string pad_piece = "<pad>";

  // NormalizerSpec
  std::string precompiled_charsmap;
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = true;
  bool escape_whitespaces = true;

  int unk_id = -1;
  /// Id of a control piece, or -1.
  int control_id(std::string_view piece) const;
};

/// Reads the bytes of a model file. Throws kModel with what is wrong (the caller knows the file's name):
/// damaged, not a unigram model, or with pieces that contradict each other.
SentencePieceModel parse_sentencepiece_model(std::string_view bytes);

/// A model's bytes without the paths the training program leaves in them (input, output prefix,
/// normalisation rules): temporary names, which would make every file different.
std::string without_training_paths(std::string_view bytes);

}  // namespace instructme
