#pragma once

#include <optional>

#include "modifiers.h"
#include "piece_reader.h"

namespace instructme {

/// Reads amounts off the pieces of a sentence: "by half", "to 30 %", "3 dB quieter".
class AmountReader : public PieceReader {
 public:
  using PieceReader::PieceReader;

  std::optional<Amount> amount();
  /// "Half", "a third", "three tenths", "30 %"; "the third of May" is no share.
  std::optional<double> share();

 private:
  /// "Quieter by 3 dB".
  std::optional<Amount> quieter_by();
  /// "By 3 dB", "by about half".
  std::optional<Amount> by_so_much();
  /// "To 30 %", "to half its volume".
  std::optional<Amount> to_so_much();
  /// "Halve the bass", "half as much bass", "the drums should be half as loud as they are", "the volume in half".
  std::optional<Amount> halved();
  /// "Keep 20 % of the drums."
  std::optional<Amount> kept();
  /// "Minus 80 %", "a 25 % reduction", "40 % off the drums", "10 % of its level".
  std::optional<Amount> taken_off();
  /// "Half of the drums".
  std::optional<Amount> share_of();
  /// "Drums down 20 %", "less drums, about half": only what is made quieter is spoken of in that way.
  std::optional<Amount> bare_share();
  /// "Drums -6 dB", "take 3 dB off the drums."
  std::optional<Amount> bare_decibels();
  /// "Strength 0.6", "at a strength of 60 %".
  std::optional<Amount> strength();
  /// "At 30 %", "with 60 %".
  std::optional<Amount> at_or_with();

  double denominator();
  /// "Its volume", "the level".
  bool loudness();
  bool about() { return word({"about", "around", "roughly", "approximately"}); }
  bool softer() { return word({"quieter", "softer"}); }
  bool minus() { return word({"-", "minus"}); }
  /// -1 behind a plus, as in "+3 dB": so much louder.
  double sign() const;
  bool decibels() { return word({"db", "decibel", "decibels"}); }
  bool loudness_word() { return word({"volume", "level", "loudness"}); }
  /// Of "the first half of the song", a time.
  bool is_half_of_a_time() const;
  bool says_before(std::initializer_list<const char*> words) const;
  bool says_lower() const { return says_before({"down", "lower", "reduce", "decrease", "quieter", "cut", "back"}); }
};

}  // namespace instructme
