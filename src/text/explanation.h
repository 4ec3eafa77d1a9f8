#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "grammar.h"

namespace instructme {

/// Says of a sentence that cannot be carried out why not, and what would be understood: the sentence is read again with
/// the words that nobody knows taken for an instrument, a genre or mood, to find out what they stand for. All that it
/// throws is kInput. It keeps references to the sentence and the lexicon.
class Explanation {
 public:
  Explanation(const std::string& sentence, const Lexicon& lexicon)
      : sentence_(sentence), lexicon_(lexicon), grammar_(lexicon.grammar()) {}

  /// "More piano" asks for a louder one, "add more cowbell" and "more cowbell, put one in" for a new one.
  static bool asks_for_more(const std::vector<Token>& tokens);
  /// Says so where an instrument is to be made louder or to stand in front, for which there is no operation.
  void explain_louder(const std::vector<Token>& tokens) const;
  [[noreturn]] void explain_idle(const std::string& phrase) const;
  /// Of a word at `at` that no name and no pattern has.
  [[noreturn]] void explain_unknown(const std::vector<Token>& tokens, size_t at) const;
  /// Every word is known, but not what they say together.
  [[noreturn]] void explain_shape(const std::vector<Token>& tokens) const;
  std::string quoted() const;  ///< the sentence, to be named in a message

 private:
  bool says_word(std::initializer_list<const char*> any) const;
  bool turns_up(const std::vector<Token>& tokens) const;
  bool understood(std::vector<Token> tokens) const;
  [[noreturn]] void explain_instrument(const std::string& phrase) const;
  [[noreturn]] void explain_tag(const std::string& phrase) const;
  [[noreturn]] void explain_name(const std::string& phrase) const;

  const std::string& sentence_;
  const Lexicon& lexicon_;
  const Grammar& grammar_;
};

/// A request that would be understood, in quotes: "'remove piano'".
std::string example_of(Operation operation);

}  // namespace instructme
