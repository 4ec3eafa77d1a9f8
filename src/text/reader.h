#pragma once

#include <string>
#include <vector>

#include "grammar.h"

namespace instructme {

/// A request with its names checked.
struct ReadRequest {
  Request::Kind kind = Request::Kind::kDo;
  Instruction instruction;
  std::vector<Modifier> modifiers;
  bool afterwards = false;
};

/// Reads a sentence whole, or throws kInput saying why it cannot be read. With `once`, what a request only says again
/// is left out.
std::vector<ReadRequest> read_requests(const std::string& sentence, const Lexicon& lexicon, bool once);

}  // namespace instructme
