#include "unigram.h"

#include <algorithm>
#include <cfloat>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "sentencepiece_normalizer.h"
#include "utf8.h"

namespace instructme {
namespace {

using Type = SentencePieceModel::Type;

// Both are part of the reference: other values give other ids.
constexpr float kUnknownPenalty = 10.0f;
constexpr double kUserDefinedPenalty = 0.1;

std::string replace_space_marks(std::string_view piece) {
  std::string out;
  while (!piece.empty()) {
    const size_t at = std::min(piece.find(kSpaceMark), piece.size());
    out += piece.substr(0, at);
    piece.remove_prefix(at);
    if (piece.empty()) break;
    out += ' ';
    piece.remove_prefix(kSpaceMark.size());
  }
  return out;
}

std::string well_formed(std::string_view bytes) {
  std::string out;
  while (!bytes.empty()) {
    const size_t length = utf8_length(bytes);
    out += length > 0 ? bytes.substr(0, length) : kReplacementCharacter;
    bytes.remove_prefix(std::max<size_t>(length, 1));
  }
  return out;
}

}  // namespace

UnigramModel::UnigramModel(SentencePieceModel model) : model_(std::move(model)) {
  byte_ids_.fill(-1);
  float worst = FLT_MAX;
  best_score_ = FLT_MIN;  // scores are negative, so this is what the reference computes with
  for (size_t i = 0; i < model_.pieces.size(); ++i) {
    const auto& piece = model_.pieces[i];
    const int id = static_cast<int>(i);
    if (piece.type == Type::kNormal) {
      worst = std::min(worst, piece.score);
      best_score_ = std::max(best_score_, piece.score);
    }
    if (piece.type == Type::kNormal || piece.type == Type::kUserDefined) sorted_.emplace_back(piece.text, id);
    if (piece.type != Type::kByte) continue;
    unsigned byte = 256;
    for (unsigned candidate = 0; candidate < 256; ++candidate)
      if (piece.text == format("<0x%02X>", candidate)) byte = candidate;
    if (byte == 256) throw Error(ErrorKind::kModel, "it is damaged ('" + piece.text + "' is no piece for a byte)");
    byte_ids_[byte] = id;
  }
  if (model_.byte_fallback && std::count(byte_ids_.begin(), byte_ids_.end(), -1) > 0)
    throw Error(ErrorKind::kModel, "it is damaged (byte_fallback is on and a byte has no piece)");
  unknown_score_ = worst - kUnknownPenalty;
  std::sort(sorted_.begin(), sorted_.end());
}

std::vector<int> UnigramModel::encode(std::string_view normalized) const {
  struct Best {
    float score = 0.0f;
    int id = -1;
    size_t start = 0;
    bool reached = false;
  };
  std::vector<Best> best(normalized.size() + 1);  // of the paths that end before each byte
  const auto offer = [&](size_t start, size_t end, int id, double score) {
    if (best[end].reached && !(score > static_cast<double>(best[end].score))) return;
    best[end] = {static_cast<float>(score), id, start, true};
  };
  for (size_t start = 0; start < normalized.size();) {
    // Damaged rules may produce bytes that are no character; those stand alone.
    const size_t character = std::max<size_t>(utf8_length(normalized.substr(start)), 1);
    const float so_far = best[start].score;
    bool character_is_piece = false;
    auto low = sorted_.begin(), high = sorted_.end();
    for (size_t length = 1; start + length <= normalized.size(); ++length) {
      // Of the pieces that agree in the first length - 1 bytes, keep those that agree in one more.
      const auto wanted = static_cast<unsigned char>(normalized[start + length - 1]);
      const auto byte = [&](const std::pair<std::string, int>& piece) {
        return piece.first.size() < length ? -1 : static_cast<int>(static_cast<unsigned char>(piece.first[length - 1]));
      };
      low = std::partition_point(low, high, [&](const auto& piece) { return byte(piece) < wanted; });
      high = std::partition_point(low, high, [&](const auto& piece) { return byte(piece) == wanted; });
      if (low == high) break;
      if (low->first.size() != length) continue;
      const auto& piece = model_.pieces[static_cast<size_t>(low->second)];
      const double score = piece.type == Type::kUserDefined
                               ? static_cast<double>(static_cast<float>(length) * best_score_) - kUserDefinedPenalty
                               : static_cast<double>(piece.score);
      offer(start, start + length, low->second, score + static_cast<double>(so_far));
      character_is_piece |= length == character;
    }
    if (!character_is_piece)
      offer(start, start + character, model_.unk_id, static_cast<double>(unknown_score_ + so_far));
    start += character;
  }

  std::vector<int> ids;  // backwards
  for (size_t end = normalized.size(); end > 0; end = best[end].start) {
    const Best& last = best[end];
    if (last.id != model_.unk_id)
      ids.push_back(last.id);
    else if (model_.byte_fallback)
      for (size_t i = end; i-- > last.start;) ids.push_back(byte_ids_[static_cast<unsigned char>(normalized[i])]);
    else if (ids.empty() || ids.back() != model_.unk_id)
      ids.push_back(model_.unk_id);
  }
  std::reverse(ids.begin(), ids.end());
  return ids;
}

std::string UnigramModel::decode(const std::vector<int>& ids) const {
  std::string text, bytes;
  bool at_start = model_.add_dummy_prefix || model_.remove_extra_whitespaces;
  const auto flush_bytes = [&] {
    text += well_formed(bytes);
    bytes.clear();
  };
  for (const int id : ids) {
    const auto& piece = model_.pieces[static_cast<size_t>(id)];
    if (piece.type == Type::kByte) {
      bytes += static_cast<char>(std::find(byte_ids_.begin(), byte_ids_.end(), id) - byte_ids_.begin());
      continue;
    }
    flush_bytes();
    if (piece.type == Type::kControl) continue;
    if (piece.type == Type::kUnknown) {
      text += model_.unk_surface;
      continue;
    }
    std::string_view content = piece.text;
    if (at_start && text.empty() && content.starts_with(kSpaceMark)) {
      content.remove_prefix(kSpaceMark.size());
      // Without the removal of extra spaces only the dummy prefix is not part of the text.
      if (!model_.remove_extra_whitespaces) at_start = false;
    }
    text += replace_space_marks(content);
  }
  flush_bytes();
  return text;
}

}  // namespace instructme
