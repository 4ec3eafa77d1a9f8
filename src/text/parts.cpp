#include "parts.h"

#include <algorithm>
#include <utility>

#include "instructme/base/strings.h"

namespace instructme {
namespace {

struct Word {
  std::string text;  ///< lower case, without apostrophes
  size_t begin = 0, end = 0;
  bool after_mark = false;  ///< a mark such as a comma stands before it
};

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80;
}

std::vector<Word> words_at(const std::string& sentence) {
  static const std::string kApostrophe = "\u2019";
  const std::string text = lower(sentence);
  std::vector<Word> words;
  bool mark = false;
  for (size_t i = 0; i < text.size();) {
    if (!is_letter(text[i])) {
      mark = mark || std::string_view(",;:.!?").find(text[i]) != std::string_view::npos;
      ++i;
      continue;
    }
    Word word;
    word.begin = i;
    word.after_mark = std::exchange(mark, false);
    while (i < text.size() && (is_letter(text[i]) || text[i] == '\'')) {
      const bool apostrophe = text.compare(i, kApostrophe.size(), kApostrophe) == 0;
      if (!apostrophe && text[i] != '\'') word.text += text[i];
      i += apostrophe ? kApostrophe.size() : 1;
    }
    word.end = i;
    words.push_back(std::move(word));
  }
  return words;
}

/// The number of words of the longest of the phrases that stands at words[at]; 0 when none does.
size_t length_at(const std::vector<Word>& words, size_t at, const std::vector<std::vector<std::string>>& phrases) {
  size_t longest = 0;
  for (const auto& phrase : phrases) {
    if (phrase.size() <= longest || at + phrase.size() > words.size()) continue;
    bool same = true;
    for (size_t k = 0; same && k < phrase.size(); ++k)
      same = words[at + k].text == phrase[k] && (k == 0 || !words[at + k].after_mark);
    if (same) longest = phrase.size();
  }
  return longest;
}

void add_part(std::vector<std::string>& parts, const std::string& text) {
  static const std::string kEdges = " \t\n,;:.!?-";
  const size_t begin = text.find_first_not_of(kEdges);
  if (begin == std::string::npos) return;
  std::string part = text.substr(begin, text.find_last_not_of(kEdges) + 1 - begin);
  if (part.ends_with(" and")) part.resize(part.size() - 4);
  if (!part.empty() && part != "and") parts.push_back(std::move(part));
}

}  // namespace

std::vector<std::string> parts_one_after_the_other(const std::string& sentence,
                                                   const std::vector<std::vector<std::string>>& separators) {
  // "Until then" is a time.
  static const std::vector<std::string> kBefore = {"from", "until", "till", "til", "by", "since", "before", "up"};
  const std::vector<Word> words = words_at(sentence);
  std::vector<std::string> parts;
  size_t begin = 0;
  for (size_t i = 0; i < words.size();) {
    const size_t length = length_at(words, i, separators);
    const bool time = i > 0 && std::find(kBefore.begin(), kBefore.end(), words[i - 1].text) != kBefore.end();
    if (length == 0 || time) {
      ++i;
      continue;
    }
    add_part(parts, sentence.substr(begin, words[i].begin - begin));
    begin = words[i + length - 1].end;
    i += length;
  }
  add_part(parts, sentence.substr(begin));
  return parts;
}

std::vector<std::string> sentences_in(const std::string& text) {
  std::vector<std::string> parts;
  size_t begin = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    // "1.5" holds no end of a sentence.
    const bool inside = text[i] == '.' && i + 1 < text.size() && text[i + 1] >= '0' && text[i + 1] <= '9';
    if (std::string_view(".;!?").find(text[i]) == std::string_view::npos || inside) continue;
    add_part(parts, text.substr(begin, i - begin));
    begin = i + 1;
  }
  add_part(parts, text.substr(begin));
  return parts;
}

}  // namespace instructme
