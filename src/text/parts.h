#pragma once

#include <string>
#include <vector>

namespace instructme {

/// The parts of a sentence between phrases such as "after that" or "once it's gone" (words without apostrophes); the
/// whole sentence where there are none.
std::vector<std::string> parts_one_after_the_other(const std::string& sentence,
                                                   const std::vector<std::vector<std::string>>& separators);

/// What stands between full stops, semicolons, and marks of exclamation and question.
std::vector<std::string> sentences_in(const std::string& text);

}  // namespace instructme
