#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace instructme {

/// The words of a sentence: lower case, without apostrophes, hyphens read as blanks, "&" and "+" that
/// stand alone as "and"; "," is a word of its own and stands for every mark that separates.
std::vector<std::string> sentence_words(std::string_view sentence);

/// The phrases that a pattern with alternatives stands for: "(hear|play) it( please|)" for "hear it please", "hear it",
/// "play it please" and "play it". None where the brackets do not pair.
std::vector<std::string> alternatives(const std::string& pattern);

/// The form under which names are compared: the words joined by single blanks.
std::string normal_name(std::string_view name);

/// Plural of the last word by the regular rules; "" when the name already looks like one.
std::string plural_of(const std::string& name);

bool looks_plural(const std::string& name);

/// "'a', 'b' or 'c'".
std::string quoted_list(const std::vector<std::string>& items, const char* last_joiner);

}  // namespace instructme
