#pragma once

#include <optional>
#include <string>
#include <vector>

#include "instructme/base/rng.h"
#include "instructme/text/lexicon.h"

namespace instructme {

/// The five operations of the paper and `accompany`: the new part alone, fitting the source.
enum class Operation { kExtract, kRemove, kAdd, kReplace, kRemix, kAccompany };
inline constexpr int kOperations = 6;
const char* operation_name(Operation operation);

/// What one instruction asks for, in canonical lexicon names.
struct Instruction {
  Operation operation = Operation::kExtract;
  std::vector<std::string> instruments;   ///< X; empty only for a remix to a genre or mood
  std::vector<std::string> replacements;  ///< Y of "replace X with Y"; else empty
  std::optional<std::string> genre;       ///< remix
  std::optional<std::string> mood;        ///< remix
  bool operator==(const Instruction&) const = default;
};

/// The plain form, e.g. "replace piano with violin"; parse_instruction(plain_sentence(i)) == i.
/// Throws kInternal when the instruction lacks what its operation needs.
std::string plain_sentence(const Instruction& instruction);

/// One of the lexicon's phrasings, with synonyms, drawn with `rng`; the parser understands it.
/// Throws kInternal as plain_sentence does, kInput for a name that is not in the lexicon.
std::string phrase_instruction(const Instruction& instruction, const Lexicon& lexicon, Rng& rng);

/// Understands a sentence. Throws kInput when an operation, instrument, genre or mood is not known
/// (naming the nearest known ones), something needed was not said, or more than one thing is asked;
/// never guesses.
Instruction parse_instruction(const std::string& sentence, const Lexicon& lexicon);

/// Like parse_instruction, for one or more requests in order: "remove the drums and add a piano".
std::vector<Instruction> parse_instructions(const std::string& sentence, const Lexicon& lexicon);

}  // namespace instructme
