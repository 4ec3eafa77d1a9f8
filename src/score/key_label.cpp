#include "instructme/score/key_label.h"

#include <string_view>

#include "instructme/base/error.h"

namespace instructme {

Key parse_key_label(const std::string& label, const std::string& context) {
  constexpr std::string_view kLetters = "C D EF G A B";
  const size_t colon = label.find(':');
  const size_t letter = label.empty() ? std::string_view::npos : kLetters.find(label[0]);
  if (colon != std::string::npos && colon > 0 && label[0] != ' ' && letter != std::string_view::npos) {
    int tonic = static_cast<int>(letter);
    bool spelled = true;
    for (size_t i = 1; i < colon; ++i) {
      spelled = spelled && (label[i] == '#' || label[i] == 'b');
      tonic += label[i] == '#' ? 1 : 11;
    }
    tonic %= 12;
    std::string mode = label.substr(colon + 1);
    if (mode == "maj") mode = "major";
    if (mode == "min") mode = "minor";
    if (spelled)
      for (Mode known :
           {Mode::kMajor, Mode::kMinor, Mode::kDorian, Mode::kPhrygian, Mode::kLydian, Mode::kMixolydian}) {
        const std::string name = key_label({tonic, known});
        if (name.substr(name.find(':') + 1) == mode) return {tonic, known};
      }
  }
  throw Error(ErrorKind::kInput, context + ": '" + label + "' is not a key such as 'Eb:minor'.");
}

}  // namespace instructme
