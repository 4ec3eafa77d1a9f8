#pragma once

#include <string>

#include "instructme/score/chord.h"

namespace instructme {

/// Reads what key_label writes, "Eb:minor", with any spelling of the tonic ("D#:minor") and the short forms "maj" and
/// "min". Throws kInput, naming `context`.
Key parse_key_label(const std::string& label, const std::string& context);

/// Reads keys as people write them: "C", "CM", "F# minor", "Bbm", "D dorian", and labels. Throws kUsage.
Key parse_key(const std::string& text);

}  // namespace instructme
