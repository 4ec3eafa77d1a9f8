#pragma once

#include <string>
#include <vector>

#include "instructme/text/lexicon.h"

namespace instructme {

/// The lexicon instrument that a stem's name means, or "" when it names none, several ("piano and strings") or
/// something the lexicon cannot decide ("guitar", "keys"). Understands what people call files: case, numbers,
/// sides and takes ("01_Drums_L", "ElecGtr2"), any order ("gtr elec"), usual short forms ("gtr", "pno", "vln"),
/// the pieces of a drum kit ("kick in", "OH") and hand percussion. What stands in brackets is left out of account.
/// Voices have no instrument, choirs do. Thread-safe.
std::string instrument_of_stem_name(const std::string& name, const Lexicon& lexicon);

/// For a stem on which several play: their instrument when it is the same, "string sections" or "brass section"
/// or "mallets" when all are of that family, "drum kit" when all are drums or percussion, else "".
std::string instrument_of_stem_names(const std::vector<std::string>& names, const Lexicon& lexicon);

/// Lower-case words of a name without punctuation, with one blank between them: "ElecGtr_02-L" is "elec gtr 02 l".
std::string plain_words(const std::string& name);

}  // namespace instructme
