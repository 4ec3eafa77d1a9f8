#pragma once

#include <optional>
#include <string>
#include <vector>

#include "instructme/text/plan.h"

namespace instructme {

/// How much of a change is asked for.
struct Amount {
  enum class Kind {
    kShare,     ///< "by half", "with strength 0.6": this share of the change
    kRest,      ///< "to 30 %": so much stays
    kDecibels,  ///< "by 6 dB": so much quieter
  };
  Kind kind = Kind::kShare;
  double value = 0;
  bool bare = false;     ///< said without a word like "by": only with what is made quieter
  bool quieter = false;  ///< said with "quieter", which is a mood where no amount is said with it
  bool level = false;    ///< "at 30 %", of what is there or of what is added
  bool operator==(const Amount&) const = default;
};

/// A time or an amount as found in a sentence.
struct Modifier {
  std::string text;  ///< as said
  std::optional<PlanRange> range;
  std::optional<Amount> amount;
  bool entry = false;       ///< the range is "at bar 9", where something new may come in
  bool pointing = false;    ///< the range is said as "from then on"
  bool pointed_at = false;  ///< … which speaks of this one
};

/// Takes times and amounts out of a sentence, which the grammar of requests knows nothing of, and leaves a placeholder
/// word in the place of each. Throws kInput for one that can be read but not be, as "from 0:20 to 0:10".
std::vector<Modifier> take_modifiers(std::string& sentence);

/// Which modifier a word of the sentence stands for, if any.
std::optional<size_t> modifier_index(const std::string& word);

/// A range or an amount alone, as in an option; nullopt when it is none.
std::optional<PlanRange> read_range(const std::string& text);
std::optional<double> read_share(const std::string& text);

}  // namespace instructme
