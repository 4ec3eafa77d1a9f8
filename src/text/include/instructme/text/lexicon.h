#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace instructme {

class Grammar;

/// An instrument people can name.
struct InstrumentEntry {
  std::string name;                       ///< canonical, e.g. "acoustic guitar"
  std::string family;                     ///< "guitar", "keys", "strings", "drums", "bass", …
  std::vector<std::string> synonyms;      ///< without the canonical name; plurals are derived
  std::vector<std::string> misspellings;  ///< understood, and hardly ever written
  std::vector<int> programs;              ///< General MIDI programs 0..127; kits (bank 128) for family "drums"
  std::vector<std::string> roles;         ///< of "drums bass chords arpeggio melody counter-melody"
  double frequency = 1.0;                 ///< how often training music should use it, relative
};

struct TagEntry {
  std::string name;
  std::vector<std::string> synonyms, misspellings;
};

/// Sentence patterns of one operation; "{x}" is the instrument (list), "{y}" the replacement,
/// "{g}" a genre, "{m}" a mood, "{a x}" and "{a y}" the instruments with their articles.
struct OperationEntry {
  std::string name;                   ///< "extract", "remove", "add", "replace", "remix", "accompany"
  std::vector<std::string> verbs;     ///< words by which the parser knows the operation
  std::vector<std::string> patterns;  ///< for the generator; the parser must understand every one
};

/// The one source for everything said in words (data/lexicon.json, compiled into the library).
/// Immutable after loading; safe to share between threads.
class Lexicon {
 public:
  /// The lexicon compiled into the library.
  static const Lexicon& builtin();
  /// Throws kIo or kModel (file, key, what is wrong). Besides unknown keys and values, these are errors:
  /// a name that two entries share, an operation that is missing or has no pattern for something it
  /// may be asked, and a sentence pattern that reads the same as one of another operation.
  static Lexicon load(const std::filesystem::path& path);
  static Lexicon parse(const std::string& json, const std::string& context);

  const std::vector<InstrumentEntry>& instruments() const { return instruments_; }
  const std::vector<TagEntry>& genres() const { return genres_; }
  const std::vector<TagEntry>& moods() const { return moods_; }
  /// In the order of the enum Operation.
  const std::vector<OperationEntry>& operations() const { return operations_; }

  /// nullptr when no canonical name, synonym or listed misspelling matches (case, plural and articles do not
  /// matter).
  const InstrumentEntry* find_instrument(const std::string& name) const;
  const TagEntry* find_genre(const std::string& name) const;
  const TagEntry* find_mood(const std::string& name) const;
  /// The instrument that a General MIDI program (or a drum kit) sounds like; nullptr when none.
  const InstrumentEntry* instrument_of_program(int program, bool drums) const;

  /// What the parser derives from the entries; internal to the component.
  const Grammar& grammar() const { return *grammar_; }

 private:
  std::vector<InstrumentEntry> instruments_;
  std::vector<TagEntry> genres_, moods_;
  std::vector<OperationEntry> operations_;
  std::shared_ptr<const Grammar> grammar_;
};

}  // namespace instructme
