#include "likely_reading.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "readings_data.h"

namespace instructme {
namespace {

using Kind = Token::Kind;

constexpr size_t kNear = 6;      // words around a name that bear on what is asked …
constexpr size_t kVeryNear = 4;  // … and on what the name has to do with it
constexpr size_t kWide = 8;      // words between two names that bear on both
constexpr size_t kPrefix = 4;    // letters by which words of one stem are alike

/// What stands for the token in traits. Names have signs that no word can be.
std::string sign_of(const Token& token) {
  switch (token.kind) {
    case Kind::kInstrument:
    case Kind::kAmbiguous:
    case Kind::kInstruments: return "{x}";
    case Kind::kGenre:
    case Kind::kMood:
    case Kind::kTag: return "{m}";
    case Kind::kModifier: return token.modifier->range ? "{when}" : "{how much}";
    case Kind::kThen: return "{then}";
    case Kind::kComma: return ",";
    default: return token.text;
  }
}

bool is_name(const std::string& sign) { return sign == "{x}" || sign == "{m}"; }

/// The signs of a sentence; a list of names has one.
std::vector<std::string> signs_of(const std::vector<Token>& tokens) {
  static const WordSet kJoining = {",", "and", "the", "a", "an"};
  std::vector<std::string> signs = {"{begin}"};
  size_t last = 0;  // the last name, as long as nothing but joining words came after it
  for (const Token& token : tokens) {
    const std::string sign = sign_of(token);
    if (is_name(sign)) {
      if (last > 0 && signs[last] == sign) signs.resize(last);
      last = signs.size();
    } else if (!kJoining.count(sign)) {
      last = 0;
    }
    signs.push_back(sign);
  }
  signs.emplace_back("{end}");
  return signs;
}

std::vector<std::string> unique(std::vector<std::string> traits) {
  std::sort(traits.begin(), traits.end());
  traits.erase(std::unique(traits.begin(), traits.end()), traits.end());
  return traits;
}

bool same_names(const Token& a, const Token& b) {
  return a.genre == b.genre && a.mood == b.mood &&
         std::equal(a.items.begin(), a.items.end(), b.items.begin(), b.items.end(),
                    [](const Token& x, const Token& y) { return x.name == y.name; });
}

/// The places of the different tokens of a kind, in order.
std::vector<size_t> different(const std::vector<Token>& tokens, Kind kind) {
  std::vector<size_t> places;
  for (size_t i = 0; i < tokens.size(); ++i) {
    const bool known =
        std::any_of(places.begin(), places.end(), [&](size_t place) { return same_names(tokens[place], tokens[i]); });
    if (tokens[i].kind == kind && !known) places.push_back(i);
  }
  return places;
}

/// "70s", "1985": a time, but none of the music.
bool is_date(const std::string& word) {
  const size_t digits = std::min(word.find_first_not_of("0123456789"), word.size());
  const bool years = digits > 0 && word.substr(digits) == "s" && word[digits - 1] == '0';
  if (digits == 2) return years;
  const int year = digits == 4 ? std::atoi(word.c_str()) : 0;
  return year >= 1500 && year < 2100 && (years || digits == word.size());
}

bool has_digit(const std::string& word) { return word.find_first_of("0123456789") != std::string::npos; }

/// "8am", "90th": numbers of other things.
bool is_other_number(const std::string& word) {
  static const WordSet kEndings = {"am", "pm", "st", "nd", "rd", "th"};
  const size_t digits = std::min(word.find_first_not_of("0123456789"), word.size());
  return digits > 0 && kEndings.count(word.substr(digits));
}

/// The words among tokens.
class Words {
 public:
  explicit Words(const std::vector<Token>& said) : said_(said) {}
  size_t size() const { return said_.size(); }
  /// Nothing where no word is; what is before the first one is beyond the last one.
  std::string at(size_t i) const { return i < size() && said_[i].kind == Kind::kWord ? said_[i].text : ""; }
  bool sets_time(size_t i) const {
    return i < size() && said_[i].kind == Kind::kModifier && said_[i].modifier->range && !said_[i].modifier->pointed_at;
  }

 private:
  const std::vector<Token>& said_;
};

/// Words behind which a time may stand.
const WordSet kPlacing = {"at", "from", "until", "till", "in", "after", "before"};

/// Whether the word at a place may be part of a time or an amount that was not understood as one.
bool is_left_over(const std::vector<Token>& said, size_t at) {
  static const WordSet kUnits = {"minute", "minutes", "second", "seconds", "sec",
                                 "secs",   "bar",     "bars",   "beat",    "beats"};
  static const WordSet kAmounts = {"half", "halfway", "quarter", "percent", "db", "halved", "briefly"};
  static const WordSet kSections = {"half",   "minute", "second", "bar",     "bars",
                                    "chorus", "verse",  "part",   "section", "time"};
  static const WordSet kCounting = {"by", "to", "between", "and"};
  const Words words(said);
  const std::string text = words.at(at), before = words.at(at - 1), behind = words.at(at + 1);
  if (kAmounts.count(text)) return true;
  const bool by_number = has_digit(before) || has_digit(behind);
  if (text == "bar" || text == "beat" || text == "beats") return by_number;             // "for our karaoke bar"
  if (text == "second") return by_number || before.empty() || kSections.count(behind);  // "the second viola"
  if (kUnits.count(text)) return true;
  if (!has_digit(text) || is_date(text)) return false;
  if (at > 1 && said[at - 1].kind == Kind::kComma && words.sets_time(at - 2)) return true;  // "in bars 1, 4"
  if (is_other_number(text)) return kUnits.count(behind) > 0 || kSections.count(behind) > 0;
  // "Change piano 2 harpsichord".
  return !((text == "2" || text == "4") && !by_number && !kUnits.count(before) && !kUnits.count(behind) &&
           !kPlacing.count(before) && !kCounting.count(before));
}

/// Whether it tells of a time that cannot be known, or of one when nothing is to be done.
bool has_lost_time(const Words& words) {
  static const WordSet kSections = {"chorus", "choruses", "verse", "verses", "bridge",  "intro",
                                    "outro",  "drop",     "hook",  "coda",   "refrain", "breakdown"};
  static const WordSet kUnits = {"bar", "bars", "beat", "beats", "second", "seconds", "other"};
  bool section = false, known = false;
  for (size_t i = 0; i < words.size(); ++i) {
    // "Every other bar"
    if (words.at(i) == "every" && kUnits.count(words.at(i + 1))) return true;
    // "After the drop": a part of the song that only people know of.
    const std::string before = words.at(i - 2);
    const bool placed = kPlacing.count(before) || before == "during" || before == "for";
    section = section || (kSections.count(words.at(i)) && words.at(i - 1) == "the" && placed);
    if (!words.sets_time(i)) continue;
    known = true;
    // "Except for the last bar", "outside 0:10-0:20", "but spare bar 2"
    static const WordSet kExcepting = {"except",  "outside", "apart",  "aside",
                                       "besides", "spare",   "unless", "excluding"};
    if (kExcepting.count(words.at(i - 1)) || kExcepting.count(words.at(i - 2))) return true;
  }
  return section && !known;
}

double probability(const std::vector<double>& roles, Role role) { return roles[static_cast<size_t>(role)]; }

/// How much likelier than being only mentioned it is that something is meant.
double odds_of(const std::vector<double>& roles, Role role) {
  constexpr double kLeast = 1e-9;
  return probability(roles, role) / std::max(probability(roles, Role::kMentioned), kLeast);
}

/// The places of what is meant, given the probabilities of the roles of each; at least one unless none will do.
/// Multiplies `certainty` by how sure that is.
std::vector<size_t> meant_in(const std::vector<std::vector<double>>& roles, bool none_will_do, double& certainty) {
  if (roles.size() == 1 && !none_will_do) return {0};
  std::vector<size_t> meant;
  size_t best = 0;
  for (size_t i = 0; i < roles.size(); ++i) {
    const double odds = odds_of(roles[i], Role::kMeant);
    if (odds > odds_of(roles[best], Role::kMeant)) best = i;
    if (odds > 1) meant.push_back(i);
    certainty *= std::max(odds, 1.0) / (1 + odds);
  }
  if (meant.empty() && !roles.empty() && !none_will_do) return {best};
  return meant;
}

/// The place of the only one that is meant.
size_t only_one(const std::vector<std::vector<double>>& roles, double& certainty) {
  size_t best = 0;
  double sum = 0;
  for (size_t i = 0; i < roles.size(); ++i) {
    const double odds = odds_of(roles[i], Role::kMeant);
    sum += odds;
    if (odds > odds_of(roles[best], Role::kMeant)) best = i;
  }
  certainty *= odds_of(roles[best], Role::kMeant) / sum;
  return best;
}

/// The places of what is replaced and of what takes its place; twice the same where there are no two.
std::pair<size_t, size_t> exchanged(const std::vector<std::vector<double>>& roles, double& certainty) {
  std::pair<size_t, size_t> best{0, 0};
  double most = 0, sum = 0;
  for (size_t meant = 0; meant < roles.size(); ++meant) {
    for (size_t replacing = 0; replacing < roles.size(); ++replacing) {
      if (meant == replacing) continue;
      const double odds = odds_of(roles[meant], Role::kMeant) * odds_of(roles[replacing], Role::kReplacement);
      sum += odds;
      if (odds <= most) continue;
      most = odds;
      best = {meant, replacing};
    }
  }
  if (sum > 0) certainty *= most / sum;
  // A third that may well be part of an exchange makes two of them likely: "trade x for y and z for w".
  for (size_t i = 0; i < roles.size(); ++i)
    if (i != best.first && i != best.second)
      certainty /= 1 + std::min(odds_of(roles[i], Role::kMeant), odds_of(roles[i], Role::kReplacement));
  return best;
}

/// Makes what is named in a request, as far as it is ambiguous, what the whole sentence settles it to be.
void settle(Request& request, const std::vector<Token>& said, const Grammar& grammar) {
  std::vector<Token> clear = said;
  grammar.settle_ambiguous(clear);
  for (auto* items : {&request.instruments, &request.replacements})
    for (Token& item : *items)
      for (size_t i = 0; i < said.size() && item.kind == Kind::kAmbiguous; ++i)
        if (said[i].kind == Kind::kAmbiguous && said[i].name == item.name) item = clear[i];
}

constexpr std::array<Operation, 6> kOperationsRead = {Operation::kExtract, Operation::kRemove, Operation::kAdd,
                                                      Operation::kReplace, Operation::kRemix,  Operation::kAccompany};

}  // namespace

std::optional<Operation> operation_of(Reading reading) {
  if (reading == Reading::kNothing) return std::nullopt;
  return kOperationsRead[static_cast<size_t>(reading) - 1];
}

Reading reading_of(Operation operation) {
  const auto at = std::find(kOperationsRead.begin(), kOperationsRead.end(), operation);
  return static_cast<Reading>(1 + (at - kOperationsRead.begin()));
}

std::optional<SaidSentence> SaidSentence::read(const std::string& sentence, const Grammar& grammar) {
  try {
    std::vector<Token> tokens = grammar.words_and_names(sentence);
    return SaidSentence{tokens, grammar.condense(tokens, true)};
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kInput) throw;
    return std::nullopt;
  }
}

std::vector<size_t> lists_in(const SaidSentence& said) { return different(said.gathered, Kind::kInstruments); }
std::vector<size_t> tags_in(const SaidSentence& said) { return different(said.gathered, Kind::kTag); }

std::vector<std::string> reading_traits(const SaidSentence& said) {
  const std::vector<std::string> signs = signs_of(said.tokens);
  std::vector<std::string> traits;
  size_t names = 0;
  for (size_t i = 0; i < signs.size(); ++i) {
    const std::string& sign = signs[i];
    traits.push_back(sign);
    if (i + 1 < signs.size()) traits.push_back(sign + " " + signs[i + 1]);
    if (i + 2 < signs.size()) traits.push_back(sign + " " + signs[i + 1] + " " + signs[i + 2]);
    for (const size_t distance : {2, 3})
      if (i + distance < signs.size()) traits.push_back(sign + " .. " + signs[i + distance]);
    if (sign.size() > kPrefix && sign.front() != '{') traits.push_back(sign.substr(0, kPrefix) + "*");
    if (!is_name(sign)) continue;
    ++names;
    for (size_t k = i - std::min(i, kNear); k < i; ++k) traits.push_back(signs[k] + " < " + sign);
    for (size_t k = i + 1; k < std::min(signs.size(), i + 1 + kNear); ++k) traits.push_back(sign + " > " + signs[k]);
  }
  traits.push_back(format("{%zu}", std::min<size_t>(names, 3)));
  return unique(std::move(traits));
}

std::vector<std::string> role_traits(const SaidSentence& said, const std::vector<size_t>& places, size_t index,
                                     Reading reading) {
  const size_t at = places[index], count = places.size();
  const auto sign = [&](ptrdiff_t offset) -> std::string {
    const ptrdiff_t place = static_cast<ptrdiff_t>(at) + offset;
    if (place < 0) return "{begin}";
    if (place >= static_cast<ptrdiff_t>(said.gathered.size())) return "{end}";
    return sign_of(said.gathered[static_cast<size_t>(place)]);
  };
  std::vector<std::string> traits = {
      "",
      "before " + sign(-1),
      "after " + sign(1),
      "before " + sign(-2) + " " + sign(-1),
      "after " + sign(1) + " " + sign(2),
      "between " + sign(-1) + " " + sign(1),
      index == 0           ? "first"
      : index + 1 == count ? "last"
                           : "middle",
  };
  for (ptrdiff_t k = 1; k <= static_cast<ptrdiff_t>(kVeryNear); ++k) {
    traits.push_back(sign(-k) + " <");
    traits.push_back("> " + sign(k));
    if (sign(k) == ",") break;
  }
  // What stands between it and the others tells who takes whose place.
  const auto gap = [&](const char* side, size_t from, size_t to) {
    if (to - from > kWide) return;
    for (size_t i = from; i < to; ++i) {
      traits.push_back(side + sign_of(said.gathered[i]));
      if (i + 1 < to) traits.push_back(side + sign_of(said.gathered[i]) + " " + sign_of(said.gathered[i + 1]));
    }
  };
  if (index > 0) gap("gap< ", places[index - 1] + 1, at);
  if (index + 1 < count) gap("gap> ", at + 1, places[index + 1]);
  // All of them for this operation, and once more for any.
  const std::string operation = format("%d ", static_cast<int>(reading));
  for (size_t i = 0, own = traits.size(); i < own; ++i) traits.push_back(operation + traits[i]);
  return unique(std::move(traits));
}

void softmax(std::vector<double>& scores) {
  const double most = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (double& s : scores) sum += s = std::exp(s - most);
  for (double& s : scores) s /= sum;
}

std::vector<double> TraitWeights::probabilities(const std::vector<std::string>& traits) const {
  std::vector<double> score(classes_, 0.0);
  for (const std::string& trait : traits) {
    const auto found = weights_.find(trait);
    if (found == weights_.end()) continue;
    for (size_t i = 0; i < classes_; ++i) score[i] += found->second[i];
  }
  softmax(score);
  return score;
}

LikelyReadings::LikelyReadings(std::string_view text) {
  size_t number = 0;
  TraitWeights* part = &readings_;
  for (const std::string& line : split(std::string(text), '\n')) {
    ++number;
    if (line.empty()) {
      part = &roles_;
      continue;
    }
    const std::vector<std::string> cells = split(line, '\t');
    std::vector<double> weights;
    for (size_t i = 1; i < cells.size(); ++i) {
      int value = 0;
      const char* const end = cells[i].data() + cells[i].size();
      if (std::from_chars(cells[i].data(), end, value).ptr != end) break;
      weights.push_back(0.01 * value);
    }
    ensure(weights.size() == part->classes(), format("line %zu of the readings' weights is damaged", number));
    part->set(cells.front(), std::move(weights));
  }
}

const LikelyReadings& LikelyReadings::builtin() {
  static const LikelyReadings readings(readings_data());
  return readings;
}

std::vector<std::vector<double>> LikelyReadings::roles_of(const SaidSentence& said, const std::vector<size_t>& places,
                                                          Reading reading) const {
  std::vector<std::vector<double>> roles;
  for (size_t i = 0; i < places.size(); ++i)
    roles.push_back(roles_.probabilities(role_traits(said, places, i, reading)));
  return roles;
}

bool LikelyReadings::has_strange_neighbour(const SaidSentence& said, size_t at, const Grammar& grammar) const {
  const std::vector<Token>& tokens = said.gathered;
  // Words of sentences that ask for nothing may be those of what nobody can do: "kazoo".
  const auto is_strange = [&](size_t i) {
    if (i >= tokens.size() || tokens[i].kind != Kind::kWord || grammar.knows_word(tokens[i].text)) return false;
    const std::vector<double> by_itself = readings_.probabilities({tokens[i].text});
    return !readings_.knows(tokens[i].text) || *std::max_element(by_itself.begin(), by_itself.end()) == by_itself[0];
  };
  const auto joins = [&](size_t i) {
    const auto& joiners = grammar.speech().joiners;
    return i < tokens.size() && tokens[i].kind == Kind::kWord &&
           std::find(joiners.begin(), joiners.end(), tokens[i].text) != joiners.end();
  };
  // "The toy piano" is no piano, "I adore the piano" is about one. What is before the first token is beyond the last
  // one here.
  return (is_strange(at - 1) && !tokens[at].items.front().determined) || (joins(at - 1) && is_strange(at - 2)) ||
         (joins(at + 1) && is_strange(at + 2));
}

std::optional<LikelyRequest> LikelyReadings::likely_request(const std::string& sentence, const Grammar& grammar) const {
  const auto read = SaidSentence::read(sentence, grammar);
  if (!read) return std::nullopt;
  const SaidSentence& said = *read;
  const std::vector<double> probable = readings_.probabilities(reading_traits(said));
  const auto best = std::max_element(probable.begin(), probable.end());
  const auto reading = static_cast<Reading>(best - probable.begin());
  const auto operation = operation_of(reading);
  if (!operation) return std::nullopt;

  LikelyRequest likely;
  likely.certainty = *best;
  Request& request = likely.request;
  request.operation = *operation;
  const auto& negations = grammar.speech().negations;
  size_t ranges = 0, amounts = 0;
  for (size_t i = 0; i < said.gathered.size(); ++i) {
    const Token& token = said.gathered[i];
    if (token.kind == Kind::kThen || is_left_over(said.gathered, i)) return std::nullopt;
    if (token.kind == Kind::kWord)
      likely.denies = likely.denies || std::find(negations.begin(), negations.end(), token.text) != negations.end();
    if (token.kind != Kind::kModifier || token.modifier->pointed_at) continue;
    request.modifiers.push_back(*token.modifier);
    ++(token.modifier->range ? ranges : amounts);
  }
  if (ranges > 1 || amounts > 1 || has_lost_time(Words(said.tokens))) return std::nullopt;
  // "Extract all but the bass": the likeliest reading is the opposite.
  if (*operation == Operation::kExtract && sets_apart(said.tokens)) {
    const std::vector<Operation> verbs = grammar.operations_in(said.tokens);
    if (!verbs.empty() && verbs.front() == Operation::kExtract) return std::nullopt;
  }
  // "Shave 30 % off the organ."
  if (amounts == 1 && *operation == Operation::kRemove) request.kind = Request::Kind::kLower;

  const bool remix = *operation == Operation::kRemix, replace = *operation == Operation::kReplace;
  const std::vector<size_t> lists = lists_in(said), tags = tags_in(said);
  std::vector<size_t> involved;
  if (replace) {
    const auto [meant, replacing] = exchanged(roles_of(said, lists, reading), likely.certainty);
    if (meant == replacing) return std::nullopt;
    request.instruments = said.gathered[lists[meant]].items;
    request.replacements = said.gathered[lists[replacing]].items;
    involved = {lists[meant], lists[replacing]};
  } else {
    for (const size_t i : meant_in(roles_of(said, lists, reading), remix, likely.certainty)) {
      const auto& items = said.gathered[lists[i]].items;
      request.instruments.insert(request.instruments.end(), items.begin(), items.end());
      involved.push_back(lists[i]);
    }
    if (involved.empty() && !remix) return std::nullopt;
  }
  settle(request, said.tokens, grammar);
  for (const size_t at : involved) {
    // "A jazz piano" is no piano like others.
    const bool described = !remix && at > 0 && said.gathered[at - 1].kind == Kind::kTag;
    if (described || has_strange_neighbour(said, at, grammar)) return std::nullopt;
  }
  if (!remix) return likely;
  if (tags.empty()) return std::nullopt;
  const size_t chosen = tags[only_one(roles_of(said, tags, reading), likely.certainty)];
  const Token& tag = said.gathered[chosen];
  if (tag.contradicted) return std::nullopt;
  if (tag.compared && tag.mood == "soft") return std::nullopt;  // "softer please" may be about loudness
  request.genre = tag.genre;
  request.mood = tag.mood;
  return likely;
}

}  // namespace instructme
