#pragma once

#include <string>

#include "instructme/text/lexicon.h"

namespace instructme {

/// Whether two instruments are the same, or of one family of the lexicon.
inline bool are_related(const std::string& a, const std::string& b) {
  const InstrumentEntry* const one = Lexicon::builtin().find_instrument(a);
  const InstrumentEntry* const other = Lexicon::builtin().find_instrument(b);
  return a == b || (one != nullptr && other != nullptr && one->family == other->family);
}

}  // namespace instructme
