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

/// Whether the instruments of the operation are stems of the source and its target is nothing but stems of the
/// source (extract, remove): what a mask over the source can do.
bool names_source_stems(Operation operation);

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

/// Several requests as plain sentences joined by ", then ".
std::string plain_sentence(const std::vector<Instruction>& instructions);

/// Words several requests as one sentence, in order: "lose the drums and then bring in a piano". The parser reads
/// it as these instructions, save that neighbours that both remove (or both add) are read as one.
/// Throws as phrase_instruction does; kInternal for no instruction.
std::string phrase_instructions(const std::vector<Instruction>& instructions, const Lexicon& lexicon, Rng& rng);

/// Understands a sentence. Throws kInput when an operation, instrument, genre or mood is not known
/// (naming the nearest known ones), something needed was not said, or more than one thing is asked. What no pattern of
/// the lexicon fits is read by what many sentences of people make likely, or refused where that is not sure enough.
Instruction parse_instruction(const std::string& sentence, const Lexicon& lexicon);

/// Like parse_instruction, for one or more requests in order: "remove the drums and add a piano". What is to be
/// removed (or added) by neighbouring requests is gathered in one: "no drums, no bass".
std::vector<Instruction> parse_instructions(const std::string& sentence, const Lexicon& lexicon);

}  // namespace instructme
