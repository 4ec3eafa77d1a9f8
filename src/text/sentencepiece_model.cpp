#include "sentencepiece_model.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <unordered_set>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"

namespace instructme {
namespace {

[[noreturn]] void refuse(const std::string& reason) { throw Error(ErrorKind::kModel, reason); }

/// Walks over the fields of one message (protobuf.dev/programming-guides/encoding).
class FieldReader {
 public:
  explicit FieldReader(std::string_view message) : message_(message) {}

  /// Moves to the next field; false at the end.
  bool next() {
    if (at_ == message_.size()) return false;
    const size_t start = at_;
    const uint64_t tag = varint();
    number_ = tag >> 3;
    wire_type_ = static_cast<int>(tag & 7);
    if (number_ == 0 || number_ >= (1u << 29)) refuse("it is damaged (a field has an impossible number)");
    switch (wire_type_) {
      case kVarint: value_ = varint(); break;
      case kFixed64: content_ = take(8); break;
      case kBytes: content_ = take(varint()); break;
      case kFixed32: content_ = take(4); break;
      default: refuse(format("it is damaged (a field has the wire type %d)", wire_type_));
    }
    raw_ = message_.substr(start, at_ - start);
    return true;
  }

  uint64_t number() const { return number_; }
  std::string_view raw() const { return raw_; }  ///< the field with its tag

  int32_t integer() const { return expect(kVarint), static_cast<int32_t>(static_cast<uint32_t>(value_)); }
  bool boolean() const { return expect(kVarint), value_ != 0; }
  std::string_view bytes() const { return expect(kBytes), content_; }
  float real() const {
    expect(kFixed32);
    uint32_t bits = 0;
    for (size_t i = 4; i-- > 0;) bits = bits << 8 | static_cast<unsigned char>(content_[i]);
    float value = 0.0f;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }

 private:
  enum WireType { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

  void expect(int type) const {
    if (wire_type_ != type)
      refuse(format("it is damaged (field %d has the wire type %d instead of %d)", static_cast<int>(number_),
                    wire_type_, type));
  }

  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
      if (at_ == message_.size()) refuse("it is damaged (it ends in the middle of a number)");
      const auto byte = static_cast<unsigned char>(message_[at_++]);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    refuse("it is damaged (a number is longer than ten bytes)");
  }

  std::string_view take(uint64_t size) {
    if (size > message_.size() - at_) refuse("it is damaged (it ends in the middle of a field)");
    const std::string_view content = message_.substr(at_, size);
    at_ += size;
    return content;
  }

  std::string_view message_;
  size_t at_ = 0;
  uint64_t number_ = 0;
  int wire_type_ = 0;
  uint64_t value_ = 0;
  std::string_view content_, raw_;
};

// Field numbers of sentencepiece_model.proto.
namespace model_field {
constexpr uint64_t kPieces = 1, kTrainerSpec = 2, kNormalizerSpec = 3, kDenormalizerSpec = 5;
}
namespace piece_field {
constexpr uint64_t kPiece = 1, kScore = 2, kType = 3;
}
namespace trainer_field {
constexpr uint64_t kInput = 1, kModelPrefix = 2, kModelType = 3, kTreatWhitespaceAsSuffix = 24, kByteFallback = 35,
                   kUnkSurface = 44, kEosPiece = 47, kPadPiece = 48;
}
namespace normalizer_field {
constexpr uint64_t kPrecompiledCharsmap = 2, kAddDummyPrefix = 3, kRemoveExtraWhitespaces = 4, kEscapeWhitespaces = 5,
                   kNormalizationRuleTsv = 6;
}
constexpr int kUnigram = 1;

SentencePieceModel::Piece parse_piece(std::string_view message) {
  SentencePieceModel::Piece piece;
  for (FieldReader field(message); field.next();) switch (field.number()) {
      case piece_field::kPiece: piece.text = field.bytes(); break;
      case piece_field::kScore: piece.score = field.real(); break;
      case piece_field::kType:
        if (field.integer() < 1 || field.integer() > 6)
          refuse(format("it is damaged (a piece has the type %d)", field.integer()));
        piece.type = static_cast<SentencePieceModel::Type>(field.integer());
        break;
      default: break;
    }
  if (piece.text.empty()) refuse("it is damaged (a piece is empty)");
  if (!std::isfinite(piece.score)) refuse("it is damaged (a score is not a finite number)");
  return piece;
}

void parse_trainer_spec(std::string_view message, SentencePieceModel& model, int& model_type) {
  for (FieldReader field(message); field.next();) switch (field.number()) {
      case trainer_field::kModelType: model_type = field.integer(); break;
      case trainer_field::kTreatWhitespaceAsSuffix: model.treat_whitespace_as_suffix = field.boolean(); break;
      case trainer_field::kByteFallback: model.byte_fallback = field.boolean(); break;
      case trainer_field::kUnkSurface: model.unk_surface = field.bytes(); break;
      case trainer_field::kEosPiece: model.eos_piece = field.bytes(); break;
      case trainer_field::kPadPiece: model.pad_piece = field.bytes(); break;
      default: break;
    }
}

void parse_normalizer_spec(std::string_view message, SentencePieceModel& model) {
  for (FieldReader field(message); field.next();) switch (field.number()) {
      case normalizer_field::kPrecompiledCharsmap: model.precompiled_charsmap = field.bytes(); break;
      case normalizer_field::kAddDummyPrefix: model.add_dummy_prefix = field.boolean(); break;
      case normalizer_field::kRemoveExtraWhitespaces: model.remove_extra_whitespaces = field.boolean(); break;
      case normalizer_field::kEscapeWhitespaces: model.escape_whitespaces = field.boolean(); break;
      default: break;
    }
}

void refuse_denormalization(std::string_view message) {
  for (FieldReader field(message); field.next();)
    if (field.number() == normalizer_field::kPrecompiledCharsmap && !field.bytes().empty())
      refuse("it has denormalisation rules, which are not supported");
}

void check_pieces(SentencePieceModel& model) {
  using Type = SentencePieceModel::Type;
  std::unordered_set<std::string_view> seen;
  size_t bytes = 0;
  for (size_t id = 0; id < model.pieces.size(); ++id) {
    const auto& piece = model.pieces[id];
    if (!seen.insert(piece.text).second) refuse("it is damaged (the piece '" + piece.text + "' appears twice)");
    if (piece.type == Type::kByte) ++bytes;
    if (piece.type != Type::kUnknown) continue;
    if (model.unk_id >= 0) refuse("it has two pieces for unknown text");
    model.unk_id = static_cast<int>(id);
  }
  if (model.unk_id < 0) refuse("it is not a SentencePiece model (no piece stands for unknown text)");
  if (bytes != (model.byte_fallback ? 256u : 0u))
    refuse(format("it is damaged (%zu pieces for bytes, byte_fallback %s)", bytes, model.byte_fallback ? "on" : "off"));
}

/// `message` without the fields for which `drop` returns true.
template <class Drop>
std::string without_fields(std::string_view message, Drop drop) {
  std::string kept;
  for (FieldReader field(message); field.next();)
    if (!drop(field.number())) kept += field.raw();
  return kept;
}

std::string length_delimited(uint64_t field, const std::string& content) {
  std::string out(1, static_cast<char>(field << 3 | 2));
  for (uint64_t size = content.size();; size >>= 7) {
    if (size < 0x80) return out + static_cast<char>(size) + content;
    out += static_cast<char>(size | 0x80);
  }
}

}  // namespace

int SentencePieceModel::control_id(std::string_view piece) const {
  for (size_t id = 0; id < pieces.size(); ++id)
    if (pieces[id].text == piece) return pieces[id].type == Type::kControl ? static_cast<int>(id) : -1;
  return -1;
}

SentencePieceModel parse_sentencepiece_model(std::string_view bytes) {
  SentencePieceModel model;
  int model_type = kUnigram;
  for (FieldReader field(bytes); field.next();) switch (field.number()) {
      case model_field::kPieces: model.pieces.push_back(parse_piece(field.bytes())); break;
      case model_field::kTrainerSpec: parse_trainer_spec(field.bytes(), model, model_type); break;
      case model_field::kNormalizerSpec: parse_normalizer_spec(field.bytes(), model); break;
      case model_field::kDenormalizerSpec: refuse_denormalization(field.bytes()); break;
      default: break;
    }
  if (model_type != kUnigram) {
    static constexpr std::array<const char*, 5> kNames = {"", "unigram", "bpe", "word", "char"};
    refuse(std::string("a unigram model is needed; this one is of type ") +
           (model_type >= 1 && model_type <= 4 ? kNames[static_cast<size_t>(model_type)] : std::to_string(model_type)));
  }
  check_pieces(model);
  return model;
}

std::string without_training_paths(std::string_view bytes) {
  std::string out;
  for (FieldReader field(bytes); field.next();) switch (field.number()) {
      case model_field::kTrainerSpec:
        out += length_delimited(field.number(), without_fields(field.bytes(), [](uint64_t inner) {
                                  return inner == trainer_field::kInput || inner == trainer_field::kModelPrefix;
                                }));
        break;
      case model_field::kNormalizerSpec:
        out += length_delimited(field.number(), without_fields(field.bytes(), [](uint64_t inner) {
                                  return inner == normalizer_field::kNormalizationRuleTsv;
                                }));
        break;
      default: out += field.raw();
    }
  return out;
}

}  // namespace instructme
