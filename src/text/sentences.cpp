#include "instructme/text/sentences.h"

#include <algorithm>

namespace instructme {
namespace {

/// Up to `most` different instruments that are not in `taken`.
std::vector<std::string> draw_instruments(const Lexicon& lexicon, Rng& rng, size_t most,
                                          const std::vector<std::string>& taken) {
  std::vector<double> weights;
  for (const auto& entry : lexicon.instruments()) {
    const bool used = std::find(taken.begin(), taken.end(), entry.name) != taken.end();
    // Even an instrument that no training music has must be a word that the text encoder has read.
    weights.push_back(used ? 0 : std::max(entry.frequency, 0.5));
  }
  std::vector<std::string> out;
  while (out.size() < most && std::any_of(weights.begin(), weights.end(), [](double w) { return w > 0; })) {
    const size_t i = rng.weighted(weights);
    weights[i] = 0;
    out.push_back(lexicon.instruments()[i].name);
  }
  return out;
}

}  // namespace

Instruction random_instruction(const Lexicon& lexicon, Rng& rng) {
  Instruction out;
  out.operation = static_cast<Operation>(rng.integer(0, kOperations - 1));
  const size_t count = rng.chance(0.6) ? 1 : rng.chance(0.6) ? 2 : 3;
  bool instruments = true;
  if (out.operation == Operation::kRemix) {
    const int64_t parts = rng.integer(1, 7);  // any but none of instruments, genre, mood
    instruments = (parts & 1) != 0;
    if ((parts & 2) != 0) out.genre = rng.pick(lexicon.genres()).name;
    if ((parts & 4) != 0) out.mood = rng.pick(lexicon.moods()).name;
  }
  if (instruments) out.instruments = draw_instruments(lexicon, rng, count, {});
  if (out.operation == Operation::kReplace)
    out.replacements = draw_instruments(lexicon, rng, rng.chance(0.8) ? 1 : 2, out.instruments);
  return out;
}

std::vector<std::string> lexicon_sentences(const Lexicon& lexicon, uint64_t seed, size_t count) {
  std::vector<std::string> out;
  const auto add = [&out](const auto& entries) {
    for (const auto& entry : entries) {
      out.push_back(entry.name);
      out.insert(out.end(), entry.synonyms.begin(), entry.synonyms.end());
    }
  };
  add(lexicon.instruments());
  add(lexicon.genres());
  add(lexicon.moods());
  out.resize(std::min(out.size(), count));
  Rng rng(seed);
  while (out.size() < count) {
    const Instruction instruction = random_instruction(lexicon, rng);
    if (rng.chance(0.1)) {
      out.push_back(phrase_instructions({instruction, random_instruction(lexicon, rng)}, lexicon, rng));
      continue;
    }
    out.push_back(rng.chance(0.3) ? plain_sentence(instruction) : phrase_instruction(instruction, lexicon, rng));
  }
  return out;
}

}  // namespace instructme
