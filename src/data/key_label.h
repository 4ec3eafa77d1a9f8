#pragma once

#include <string>

#include "instructme/score/chord.h"

namespace instructme {

/// The key that key_label writes so. Throws kInput, naming `context`.
Key parse_key_label(const std::string& label, const std::string& context);

}  // namespace instructme
