#include "words.h"

#include <algorithm>

#include "instructme/base/strings.h"

namespace instructme {
namespace {

bool is_word_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80;
}

std::string replace_all(std::string text, std::string_view from, std::string_view to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

/// The text with blanks in the place of emoji and other symbols (U+2190 to U+2BFF, from U+10000 on, and what joins and
/// varies them), which say nothing.
std::string without_symbols(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const auto byte = [&](size_t k) { return i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0; };
    const size_t length = byte(0) >= 0xF0 ? 4 : byte(0) >= 0xE0 ? 3 : byte(0) >= 0xC0 ? 2 : 1;
    const bool symbol = length == 4 || (byte(0) == 0xE2 && byte(1) >= 0x86 && byte(1) <= 0xAF) ||
                        text.compare(i, 3, "\uFE0F") == 0 || text.compare(i, 3, "\u200D") == 0 ||
                        text.compare(i, 3, "\u20E3") == 0;
    out += symbol ? " " : text.substr(i, length);
    i += length;
  }
  return out;
}

/// What keyboards and word processors put in place of the plain marks, and arrows and "w/", as plain text has them.
std::string plain_marks(std::string text) {
  for (const char* apostrophe : {"\u2018", "\u2019"}) text = replace_all(std::move(text), apostrophe, "'");
  for (const char* blank : {"\u2013", "\u2014", "\u2010", "\u2011", "\u201c", "\u201d", "\u00a0", "\u2026"})
    text = replace_all(std::move(text), blank, " ");

  for (const char* arrow : {"->", "=>", "\u2192", "\u21d2", "\u27a1", "\u279c", "\u2794", "\u27f6"})
    text = replace_all(std::move(text), arrow, " to ");
  for (const auto& [mark, word] :
       {std::pair("w/o ", "without "), std::pair("w/out ", "without "), std::pair("w/", "with ")})
    text = replace_all(std::move(text), mark, word);
  return without_symbols(text);
}

bool ends_with(const std::string& text, std::string_view end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

}  // namespace

std::vector<std::string> sentence_words(std::string_view sentence) {
  std::string text = lower(sentence);
  const bool plain = std::none_of(text.begin(), text.end(),
                                  [](char c) { return static_cast<unsigned char>(c) >= 0x80 || c == '>' || c == '/'; });
  if (!plain) text = plain_marks(std::move(text));

  std::vector<std::string> words;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) words.push_back(std::move(word));
    word.clear();
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool inside = !word.empty() && i + 1 < text.size() && is_word_char(text[i + 1]);
    if (is_word_char(c) || (c == '&' && inside)) {
      word += c;
    } else if (c == '\'' && !word.empty()) {
      continue;  // "don't", "r'n'b"
    } else {
      end_word();
      if (c == '&' || c == '+') words.emplace_back("and");
      if (std::string_view(",;:/.!?\n").find(c) != std::string_view::npos) words.emplace_back(",");
    }
  }
  end_word();
  while (!words.empty() && words.back() == ",") words.pop_back();
  return words;
}

std::string normal_name(std::string_view name) { return join(sentence_words(name), " "); }

std::vector<std::string> alternatives(const std::string& pattern) {
  const size_t open = pattern.find_first_of("()");
  if (open == std::string::npos) return {pattern};
  const size_t close = pattern.find_first_of("()", open + 1);
  if (pattern[open] != '(' || close == std::string::npos || pattern[close] != ')') return {};
  std::vector<std::string> out;
  const std::vector<std::string> endings = alternatives(pattern.substr(close + 1));
  for (const auto& choice : split(pattern.substr(open + 1, close - open - 1), '|'))
    for (const auto& ending : endings) out.push_back(pattern.substr(0, open) + choice + ending);
  return out;
}

bool looks_plural(const std::string& name) { return ends_with(name, "s") && !ends_with(name, "ss"); }

std::string plural_of(const std::string& name) {
  if (name.empty() || looks_plural(name)) return "";
  for (const char* hiss : {"s", "x", "ch", "sh"})
    if (ends_with(name, hiss)) return name + "es";
  if (ends_with(name, "y") && name.size() > 1 &&
      std::string_view("aeiou").find(name[name.size() - 2]) == std::string_view::npos)
    return name.substr(0, name.size() - 1) + "ies";
  return name + "s";
}

std::string quoted_list(const std::vector<std::string>& items, const char* last_joiner) {
  std::string out;
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out += i + 1 < items.size() ? ", " : std::string(" ") + last_joiner + " ";
    out += "'" + items[i] + "'";
  }
  return out;
}

}  // namespace instructme
