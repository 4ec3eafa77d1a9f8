#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace instructme {

std::string lower(std::string_view text);  ///< ASCII only
std::string trim(std::string_view text);
/// The text without the byte order mark of UTF-8, which editors on Windows put before it and nobody sees.
std::string_view without_mark(std::string_view text);
std::vector<std::string> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& items, std::string_view separator);

/// Damerau-Levenshtein distance (optimal string alignment): insert, delete, replace, swap of two
/// neighbours each cost 1.
int edit_distance(std::string_view a, std::string_view b);

/// The candidates nearest to `word`, nearest first, at most `most`, none further away than about a
/// third of the word's length (at least 2). Empty when nothing is near.
std::vector<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates, size_t most = 3);

/// " (did you mean 'x' or 'y'?)", or "" when nothing is near.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

/// printf into a string; for numbers in messages.
[[gnu::format(printf, 1, 2)]] std::string format(const char* pattern, ...);

}  // namespace instructme
