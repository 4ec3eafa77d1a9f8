#pragma once

#include <string>
#include <vector>

#include "grammar.h"
#include "instructme/text/plan.h"

namespace instructme {

/// A request with its names checked.
struct ReadRequest {
  Request::Kind kind = Request::Kind::kDo;
  Instruction instruction;
  std::vector<Modifier> modifiers;
  bool afterwards = false;
  std::vector<InstrumentKind> kinds;
};

struct ReadingOptions {
  bool once = true;    ///< what a request only says again is left out
  bool kinds = false;  ///< a word for a kind of instrument may stand for what the music has
};

/// Reads a sentence whole, or throws kInput saying why it cannot be read.
std::vector<ReadRequest> read_requests(const std::string& sentence, const Lexicon& lexicon,
                                       const ReadingOptions& options);

}  // namespace instructme
