#include "instructme/score/key_label.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <string_view>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"

namespace instructme {
namespace {

/// `tonic`: a capital letter and its accidentals; `mode`: as key_label writes it, or "maj", "min".
std::optional<Key> key_of(std::string_view tonic, std::string mode) {
  constexpr std::string_view kLetters = "C D EF G A B";  // at its pitch class
  const size_t letter = tonic.empty() || tonic[0] == ' ' ? std::string_view::npos : kLetters.find(tonic[0]);
  if (letter == std::string_view::npos) return std::nullopt;
  int pitch_class = static_cast<int>(letter);
  for (const char accidental : tonic.substr(1)) {
    if (accidental != '#' && accidental != 'b') return std::nullopt;
    pitch_class += accidental == '#' ? 1 : 11;
  }
  if (mode == "maj") mode = "major";
  if (mode == "min") mode = "minor";
  for (Mode known : {Mode::kMajor, Mode::kMinor, Mode::kDorian, Mode::kPhrygian, Mode::kLydian, Mode::kMixolydian}) {
    const Key key{pitch_class % 12, known};
    const std::string name = key_label(key);
    if (name.substr(name.find(':') + 1) == mode) return key;
  }
  return std::nullopt;
}

}  // namespace

Key parse_key_label(const std::string& label, const std::string& context) {
  const size_t colon = label.find(':');
  const auto key = colon == std::string::npos ? std::nullopt : key_of(label.substr(0, colon), label.substr(colon + 1));
  if (!key) throw Error(ErrorKind::kInput, context + ": '" + label + "' is not a key such as 'Eb:minor'.");
  return *key;
}

Key parse_key(const std::string& text) {
  const std::string written = trim(text);
  std::string said = lower(written);
  const size_t tonic_end = std::min(said.size(), said.find_first_not_of("#b", 1));
  if (!said.empty()) said[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(said[0])));
  const size_t mode_begin = std::min(said.size(), said.find_first_not_of(" :", tonic_end));
  std::string mode = said.substr(mode_begin);
  if (mode.empty() || written.substr(mode_begin) == "M") mode = "major";
  if (mode == "m") mode = "minor";
  if (const auto key = key_of(said.substr(0, tonic_end), mode)) return *key;
  throw Error(ErrorKind::kUsage, "'" + text + "' is no key: write it like C, F# minor, Bbm or D dorian");
}

}  // namespace instructme
