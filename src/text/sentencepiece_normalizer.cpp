#include "sentencepiece_normalizer.h"

#include <algorithm>

#include "instructme/base/error.h"
#include "utf8.h"

namespace instructme {
namespace {

uint32_t little_endian(std::string_view bytes) {
  uint32_t value = 0;
  for (size_t i = 4; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

// A unit of the double array: a leaf has bit 31 set and holds a value in the other bits; any other unit
// holds its label in bits 0-7, "a leaf follows" in bit 8, and the offset to its children in bits 10-30,
// which counts in steps of 256 when bit 9 is set.
bool has_leaf(uint32_t unit) { return (unit >> 8 & 1) != 0; }
uint32_t label(uint32_t unit) { return unit & 0x800000FFu; }
uint32_t leaf_value(uint32_t unit) { return unit & 0x7FFFFFFFu; }
uint32_t child_offset(uint32_t unit) { return unit >> 10 << ((unit >> 9 & 1) * 8); }

}  // namespace

CharacterMap::CharacterMap(std::string_view blob) {
  if (blob.empty()) return;
  const auto refuse = [](const char* reason) {
    throw Error(ErrorKind::kModel, std::string("its normalisation rules are damaged (") + reason + ")");
  };
  if (blob.size() <= 4) refuse("too short");
  const uint32_t size = little_endian(blob);
  blob.remove_prefix(4);
  if (size == 0 || size % 4 != 0 || size >= blob.size()) refuse("the size of the table");
  if (blob.back() != '\0') refuse("the last replacement has no end");
  units_.reserve(size / 4);
  for (size_t at = 0; at < size; at += 4) units_.push_back(little_endian(blob.substr(at, 4)));
  replacements_ = blob.substr(size);
}

CharacterMap::Match CharacterMap::longest_prefix(std::string_view text) const {
  Match match;
  if (units_.empty()) return match;
  uint32_t at = child_offset(units_[0]);
  for (size_t i = 0; i < text.size(); ++i) {
    const uint32_t byte = static_cast<unsigned char>(text[i]);
    at ^= byte;
    if (at >= units_.size() || label(units_[at]) != byte) break;
    const uint32_t unit = units_[at];
    at ^= child_offset(unit);
    if (!has_leaf(unit)) continue;
    if (at >= units_.size()) break;
    const uint32_t start = leaf_value(units_[at]);
    if (start >= replacements_.size()) break;
    match = {i + 1, std::string_view(replacements_.c_str() + start)};
  }
  return match;
}

SentencePieceNormalizer::SentencePieceNormalizer(const SentencePieceModel& model)
    : map_(model.precompiled_charsmap),
      add_dummy_prefix_(model.add_dummy_prefix),
      remove_extra_whitespaces_(model.remove_extra_whitespaces),
      escape_whitespaces_(model.escape_whitespaces),
      treat_whitespace_as_suffix_(model.treat_whitespace_as_suffix) {
  for (const auto& piece : model.pieces)
    if (piece.type == SentencePieceModel::Type::kUserDefined) user_defined_.push_back(piece.text);
  std::sort(user_defined_.begin(), user_defined_.end(),
            [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
}

CharacterMap::Match SentencePieceNormalizer::prefix(std::string_view text) const {
  for (const auto& symbol : user_defined_)
    if (text.starts_with(symbol)) return {symbol.size(), text.substr(0, symbol.size())};
  const CharacterMap::Match match = map_.longest_prefix(text);
  if (match.length > 0) return match;
  const size_t length = utf8_length(text);
  return length > 0 ? CharacterMap::Match{length, text.substr(0, length)}
                    : CharacterMap::Match{1, kReplacementCharacter};
}

std::string SentencePieceNormalizer::operator()(std::string_view sentence) const {
  const std::string_view space = escape_whitespaces_ ? kSpaceMark : std::string_view(" ");
  if (remove_extra_whitespaces_)
    while (!sentence.empty()) {
      const CharacterMap::Match first = prefix(sentence);
      if (first.replacement != " ") break;
      sentence.remove_prefix(first.length);
    }
  std::string out;
  if (sentence.empty()) return out;

  if (add_dummy_prefix_ && !treat_whitespace_as_suffix_) out += space;
  bool after_space = remove_extra_whitespaces_;
  while (!sentence.empty()) {
    const CharacterMap::Match next = prefix(sentence);
    std::string_view text = next.replacement;
    if (after_space) text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    for (const char c : text)
      if (c == ' ')
        out += space;
      else
        out += c;
    if (!text.empty()) after_space = remove_extra_whitespaces_ && text.back() == ' ';
    sentence.remove_prefix(next.length);
  }
  if (remove_extra_whitespaces_)
    while (std::string_view(out).ends_with(space)) out.resize(out.size() - space.size());
  if (add_dummy_prefix_ && treat_whitespace_as_suffix_) out += space;
  return out;
}

}  // namespace instructme
