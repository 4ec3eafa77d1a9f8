#pragma once

#include <string>

#include "instructme/text/lexicon.h"

namespace instructme {

/// Whether an instrument plays tones, not drums or percussion; what the lexicon does not know is taken to.
inline bool is_pitched(const Lexicon& lexicon, const std::string& instrument) {
  const InstrumentEntry* entry = lexicon.find_instrument(instrument);
  return entry == nullptr || (entry->family != "drums" && entry->family != "percussion");
}

}  // namespace instructme
