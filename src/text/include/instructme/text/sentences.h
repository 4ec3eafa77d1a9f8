#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "instructme/text/instruction.h"

namespace instructme {

/// A valid instruction: any operation, one to three instruments drawn by their frequency (rare ones
/// included), genre and mood drawn evenly.
Instruction random_instruction(const Lexicon& lexicon, Rng& rng);

/// Text to train the tokenizer on: `count` sentences, plain and phrased, of random instructions (a tenth of two at
/// once), after every name of the lexicon once. The same for the same lexicon and seed.
std::vector<std::string> lexicon_sentences(const Lexicon& lexicon, uint64_t seed, size_t count);

}  // namespace instructme
