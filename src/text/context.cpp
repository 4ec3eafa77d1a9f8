// What a sentence says around its requests, and words that stand for an instrument named elsewhere: "the piano is too
// loud, take it out", "the guitar, the acoustic one", "remove the bass because I play it myself".
#include <algorithm>

#include "grammar.h"

namespace instructme {
namespace {

using Kind = Token::Kind;
using Tokens = std::vector<Token>;

bool is_one_of(const Token& token, std::initializer_list<const char*> words) {
  return std::any_of(words.begin(), words.end(), [&](const char* word) { return token.is_word(word); });
}

Tokens part(const Tokens& tokens, size_t begin, size_t end) {
  return {tokens.begin() + static_cast<std::ptrdiff_t>(begin), tokens.begin() + static_cast<std::ptrdiff_t>(end)};
}

Tokens instruments_in(const Tokens& tokens) {
  Tokens out;
  for (const auto& token : tokens)
    if (token.is_instrument()) out.push_back(token);
  return out;
}

bool names_all(const Tokens& tokens, const Tokens& instruments) {
  return std::all_of(instruments.begin(), instruments.end(), [&](const Token& instrument) {
    return std::any_of(tokens.begin(), tokens.end(),
                       [&](const Token& token) { return token.is_instrument() && token.name == instrument.name; });
  });
}

/// `tokens` with what stands at `at` replaced by the instruments, as a list.
Tokens with_instruments(Tokens tokens, size_t at, const Tokens& instruments) {
  Tokens list;
  for (const auto& instrument : instruments) {
    if (!list.empty()) list.push_back(word_token(","));
    list.push_back(instrument);
  }
  const auto place = tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(at));
  tokens.insert(place, list.begin(), list.end());
  return tokens;
}

/// `tokens` with the first word that stands for instruments replaced by them; none when there is no such word.
std::optional<Tokens> resolved(const Tokens& tokens, const Tokens& instruments) {
  for (size_t i = 0; i < tokens.size(); ++i) {
    const bool last = i + 1 == tokens.size();
    const bool counts = is_one_of(tokens[i], {"one", "some"}) &&
                        (last || tokens[i + 1].kind != Kind::kWord || is_one_of(tokens[i + 1], {"in", "on", "to"})) &&
                        (last || !tokens[i + 1].is_instrument());
    if (counts || is_one_of(tokens[i], {"it", "them", "they", "him", "her", "that"}))
      return with_instruments(tokens, i, instruments);
    if (tokens[i].is_word("instead") && (last || !tokens[i + 1].is_word("of"))) {
      Tokens out = tokens;
      out.insert(out.begin() + static_cast<std::ptrdiff_t>(i) + 1, {word_token("of"), word_token("?")});
      return with_instruments(out, i + 2, instruments);
    }
  }
  return std::nullopt;
}

/// The places but `at`: those before it, the nearest first, then those after it.
std::vector<size_t> nearest_first(size_t count, size_t at) {
  std::vector<size_t> places;
  for (size_t i = at; i-- > 0;) places.push_back(i);
  for (size_t i = at + 1; i < count; ++i) places.push_back(i);
  return places;
}

}  // namespace

std::optional<Token> Grammar::instrument_called(const std::string& adjective, const Token& noun) const {
  const size_t head = noun.text.rfind(' ');
  std::string said = adjective + " " + (head == std::string::npos ? noun.text : noun.text.substr(head + 1));
  auto at = names_.find(said);
  // "An upright instead of the bass guitar."
  if (at == names_.end()) at = names_.find(said = adjective + " " + noun.name);
  if (at == names_.end() || at->second.kind != Kind::kInstrument) return std::nullopt;
  Token token;
  token.kind = Kind::kInstrument;
  token.text = said;
  token.name = at->second.canonical;
  return token;
}

// "the guitar, I mean the acoustic one"; "the acoustic guitar with an electric one".
void Grammar::choose_meant(std::vector<Token>& tokens) const {
  const auto erase = [&tokens](size_t begin, size_t end) {
    tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(begin),
                 tokens.begin() + static_cast<std::ptrdiff_t>(end));
  };
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (!tokens[i].is_instrument()) continue;
    size_t next = i + 1;
    const auto skip = [&](const auto& skipped) {
      while (next < tokens.size() && skipped(tokens[next])) ++next;
    };
    skip([this](const Token& token) {
      return token.kind == Kind::kWord && (parts_.count(token.text) || fillers_.count(token.text));
    });
    const size_t from = next;
    skip([](const Token& token) { return token.kind == Kind::kComma; });
    if (matches_at(tokens, next, {"i", "mean"})) next += 2;
    skip([this](const Token& token) { return token.kind == Kind::kWord && articles_.count(token.text); });
    if (next >= tokens.size()) break;
    if (tokens[i].kind != Kind::kAmbiguous) continue;
    const auto& meant = meanings(tokens[i].name);
    const auto chosen = instrument_called(tokens[next].text, tokens[i]);
    if (!chosen || std::find(meant.begin(), meant.end(), chosen->name) == meant.end()) continue;
    const bool one = next + 1 < tokens.size() && is_one_of(tokens[next + 1], {"one", "ones"});
    tokens[i] = *chosen;
    erase(from, next + (one ? 2 : 1));
  }
  const Token* noun = nullptr;
  for (size_t i = 0; i + 1 < tokens.size(); ++i) {
    if (noun != nullptr && is_one_of(tokens[i + 1], {"one", "ones"}))
      if (const auto meant = instrument_called(tokens[i].text, *noun)) {
        tokens[i] = *meant;
        erase(i + 1, i + 2);
      }
    if (tokens[i].is_instrument()) noun = &tokens[i];
  }
}

void Grammar::settle_ambiguous(std::vector<Token>& tokens) const {
  // "Remove the guitar, the acoustic guitar stays" speaks of two.
  static const WordSet kSettingApart = {"keep", "leave", "stay", "stays", "remain", "remains", "other", "both"};
  const bool apart = std::any_of(tokens.begin(), tokens.end(), [](const Token& t) { return is_in(t, kSettingApart); });
  // A word before an instrument says something of that one, but for an ambiguous name, which may be no noun:
  // "acoustic".
  const auto adjectives = [&](size_t at) {
    std::vector<std::string> words;
    for (size_t i = 0; i < tokens.size(); ++i) {
      if (i == at || (tokens[i].kind != Kind::kWord && tokens[i].kind != Kind::kAmbiguous)) continue;
      const bool owned = i + 1 < tokens.size() && i + 1 != at && tokens[i + 1].is_instrument();
      if (!owned) words.push_back(tokens[i].text);
    }
    return words;
  };
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i].kind != Kind::kAmbiguous) continue;
    std::vector<Token> found;
    const auto note = [&](const Token& token) {
      const auto& meant = meanings(tokens[i].name);
      if (std::find(meant.begin(), meant.end(), token.name) == meant.end()) return;
      if (std::none_of(found.begin(), found.end(), [&](const Token& t) { return t.name == token.name; }))
        found.push_back(token);
    };
    // "I'm a guitarist, strip the electric guitar."
    for (const Token& token : tokens)
      if (!apart && token.kind == Kind::kInstrument && token.text.ends_with(" " + tokens[i].name)) note(token);
    // "Shut the guitar up, the distorted one."
    if (found.empty())
      for (const std::string& adjective : adjectives(i))
        if (const auto called = instrument_called(adjective, tokens[i])) note(*called);
    // "The electric guitar out, an acoustic in", "an upright instead of the electric bass": the nearest before, or else
    // the first after.
    const bool adjective = tokens[i].name == "acoustic" || tokens[i].name == "upright";
    for (const size_t k : nearest_first(tokens.size(), i)) {
      if (!found.empty() || !adjective || tokens[k].kind != Kind::kInstrument) continue;
      if (tokens[i].name == "upright" && tokens[k].name != "bass") continue;  // a synth bass may give way to a piano
      if (const auto called = instrument_called(tokens[i].name, tokens[k])) found.push_back(*called);
    }
    if (found.size() != 1) continue;
    found.front().determined = tokens[i].determined;
    found.front().indefinite = tokens[i].indefinite;
    tokens[i] = found.front();
  }
}

// Whether tokens[begin, end) can be nothing but a reason. Of an instrument it may only say that it is to be played or
// heard: "so that I can hear the bass".
bool Grammar::is_reason(const std::vector<Token>& tokens, size_t begin, size_t end) const {
  static const WordSet kAsking = {"without", "no", "only", "alone", "instead", "want", "need", "gone"};
  bool names = false, played = false, asks = false;
  for (size_t i = begin + 1; i < end; ++i) {
    const Token& token = tokens[i];
    names = names || token.is_instrument();
    played = played || is_in(token, activities_) || is_one_of(token, {"plays", "player"});
    asks = asks || is_in(token, kAsking) || is_in(token, effects_);
    if (token.is_instrument()) continue;
    if (token.kind != Kind::kWord || conjunctions_.count(token.text) || is_negation(token)) return false;
  }
  return !names || (played && !asks);
}

// A reason asks for nothing, as long as it is certain that it is nothing but a reason.
void Grammar::leave_out_reasons(std::vector<Token>& tokens) const {
  const auto is_opening = [&](size_t at) {
    if (std::any_of(reasons_.begin(), reasons_.end(), [&](const auto& begin) { return matches_at(tokens, at, begin); }))
      return true;
    // "so that my daughter can play it"
    constexpr size_t kFurthest = 4;
    if (!tokens[at].is_word("so")) return false;
    for (size_t i = at + 1; i < tokens.size() && i <= at + kFurthest && tokens[i].kind == Kind::kWord; ++i)
      if (tokens[i].is_word("can")) return true;
    return false;
  };
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (!is_opening(i)) continue;
    size_t end = i;
    while (end < tokens.size() && !separates(tokens[end])) ++end;
    const bool alone =
        i == 0 && (end == tokens.size() || (!tokens[0].is_word("so") && !instruments_in(part(tokens, 0, end)).empty()));
    if (alone || !is_reason(tokens, i, end)) return;
    tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(i), tokens.begin() + static_cast<std::ptrdiff_t>(end));
  }
}

// "My producer wants it without the drums" asks for what "it without the drums" does. What somebody wants to do is no
// request.
std::optional<std::vector<Token>> Grammar::without_reporter(const std::vector<Token>& tokens) const {
  static const WordSet kWhose = {"my", "our", "the", "his", "her", "your", "their", "a", "whole"};
  size_t at = 0;
  while (at < tokens.size() && is_in(tokens[at], kWhose)) ++at;
  if (at + 2 >= tokens.size()) return std::nullopt;
  const bool player = tokens[at].is_instrument() && tokens[at + 1].is_word("player");
  if (!player && !is_in(tokens[at], people_)) return std::nullopt;
  at += player ? 2 : 1;
  const auto said = std::find_if(reporting_.begin(), reporting_.end(),
                                 [&](const auto& words) { return matches_at(tokens, at, words); });
  if (said == reporting_.end()) return std::nullopt;
  at += said->size();
  if (at >= tokens.size() || tokens[at].is_word("to")) return std::nullopt;
  Tokens out = {word_token("i"), word_token("want")};
  out.insert(out.end(), tokens.begin() + static_cast<std::ptrdiff_t>(at), tokens.end());
  if (understands(out)) return out;
  out.erase(out.begin(), out.begin() + 2);
  strip_courtesies(out);
  return understands(out) ? std::optional(out) : std::nullopt;
}

// "For my dance class" at the end says what the music is for. What else stands there must be words that mean nothing
// here.
void Grammar::leave_out_occasion(std::vector<Token>& tokens) const {
  const auto& occasions = speech_.occasions;
  constexpr size_t kLongest = 5;
  // "For our wedding we need …"
  for (size_t i = 1; i < std::min(kLongest, tokens.size()) && tokens.front().is_word("for"); ++i) {
    if (tokens[i].kind != Kind::kWord) break;
    if (std::none_of(occasions.begin(), occasions.end(), [&](const auto& o) { return tokens[i].is_word(o); })) continue;
    tokens.erase(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    break;
  }
  if (tokens.empty() || std::none_of(occasions.begin(), occasions.end(),
                                     [&](const auto& occasion) { return tokens.back().is_word(occasion); }))
    return;
  for (size_t i = tokens.size() - 1; i-- > 1 && tokens.size() - i <= kLongest;) {
    if (tokens[i].kind != Kind::kWord && tokens[i].kind != Kind::kGenre && tokens[i].kind != Kind::kMood) return;
    if (!tokens[i].is_word("for")) continue;
    tokens.resize(i);
    return;
  }
}

// "The drums, can you take them out": what is named first is what a word stands for later. Only where the sentence is
// not understood as it is, and is so understood as a whole.
void Grammar::resolve_topic(Tokens& tokens) const {
  size_t begin = 0;
  while (begin < tokens.size() && (separates(tokens[begin]) || tokens[begin].kind == Kind::kModifier ||
                                   (tokens[begin].kind == Kind::kWord && articles_.count(tokens[begin].text)) ||
                                   points_at_instrument(tokens, begin))) {
    if (tokens[begin].is_word("more")) return;  // "more bass on it" is not about what is on the bass
    ++begin;
  }
  if (begin == tokens.size() || !tokens[begin].is_instrument()) return;
  size_t end = begin + 1;
  for (size_t length; (length = joiner_length(tokens, end)) > 0; end += length + 1) {
    size_t next = end + length;
    while (next < tokens.size() && tokens[next].kind == Kind::kWord && articles_.count(tokens[next].text)) ++next;
    if (next >= tokens.size() || !tokens[next].is_instrument()) break;
    end = next - length;
  }
  while (end < tokens.size() && tokens[end].kind == Kind::kWord && parts_.count(tokens[end].text)) ++end;
  Tokens rest = part(tokens, end, tokens.size());
  strip_courtesies(rest);
  const auto found = resolved(rest, instruments_in(part(tokens, 0, end)));
  if (!found || requests(condense(tokens)) || !requests(condense(*found))) return;
  Tokens whole;
  for (const auto& token : part(tokens, 0, begin))
    if (token.kind == Kind::kModifier) whole.push_back(token);
  whole.insert(whole.end(), found->begin(), found->end());
  tokens = std::move(whole);
}

// The instruments of a remark, or none when the tokens are no remark.
std::optional<std::vector<Token>> Grammar::remark(std::vector<Token> tokens, bool with_statements) const {
  for (const bool with_courtesies : {true, false}) {
    if (!with_courtesies) strip_courtesies(tokens);
    if (tokens.empty()) break;
    const Tokens condensed = condense(tokens);
    // "The organ drowns the singer": "it" is one of the two.
    const auto lists = std::count_if(condensed.begin(), condensed.end(),
                                     [](const Token& token) { return token.kind == Kind::kInstruments; });
    // Of "it's a nice song" nothing is left: it asks for nothing.
    if ((condensed.empty() && tokens.front().is_word("its")) || remarks_.count(key(condensed)) ||
        (with_statements && lists < 2 && is_statement(tokens)))
      return instruments_in(tokens);
  }
  return std::nullopt;
}

/// "I don't like the piano", "the piano sounds cheap".
bool Grammar::complains(const std::vector<Token>& tokens) const {
  static const WordSet kDisliking = {"hate", "dislike", "tired", "sick", "bored", "awful", "terrible", "horrible"};
  return std::any_of(tokens.begin(), tokens.end(), [&](const Token& token) {
    return is_negation(token) || is_in(token, complaints_) || is_in(token, kDisliking);
  });
}

// "There should be no banjo, take it out", "it needs drums, add them": one request in two ways is the second.
std::optional<std::vector<Token>> Grammar::said_again(std::vector<Token> first, std::vector<Token> second) const {
  while (!second.empty() && is_separator(second.front())) second.erase(second.begin());
  strip_courtesies(first);
  const Tokens named = instruments_in(first);
  if (named.empty() || !instruments_in(second).empty()) return std::nullopt;
  const auto found = resolved(second, named);
  const auto one = found ? request(condense(first)) : std::nullopt;
  const auto other = one ? request(condense(*found)) : std::nullopt;
  const bool same = other && one->kind == Request::Kind::kDo && other->kind == Request::Kind::kDo &&
                    one->operation == other->operation &&
                    (one->operation == Operation::kRemove || one->operation == Operation::kAdd) &&
                    one->modifiers.empty();
  return same ? found : std::nullopt;
}

// "The piano is too loud, take it out": a remark goes with a request for the same instrument, named or not.
std::optional<std::vector<Token>> Grammar::without_first_remark(const std::vector<Token>& tokens,
                                                                bool with_statements) const {
  const auto ends_remark = [this](const Token& token) { return is_separator(token) || token.is_word("so"); };
  const auto rest_from = [&](size_t i) -> std::optional<Tokens> {
    const auto about = remark(part(tokens, 0, i), with_statements);
    if (!about) return said_again(part(tokens, 0, i), part(tokens, i, tokens.size()));
    Tokens rest = part(tokens, i, tokens.size());
    while (!rest.empty() && ends_remark(rest.front())) rest.erase(rest.begin());
    if (about->empty()) return rest;
    // "It needs drums, doesn't it? Add them."
    if (const auto after = std::find_if(rest.begin(), rest.end(), ends_remark); after != rest.end()) {
      Tokens question(rest.begin(), after);
      strip_courtesies(question);
      if (question.empty()) rest.erase(rest.begin(), after + 1);
    }
    if (names_all(rest, *about) && requests(condense(rest))) return rest;
    if (auto found = resolved(rest, *about)) return found;
    // "I play the violin, accompany me on the piano."
    Tokens plain = rest;
    strip_courtesies(plain);
    if (const auto one = request(condense(plain)); one && one->operation == Operation::kAccompany) return plain;
    // "The shaker is driving me mad, please remove": what, has been said.
    for (const bool of : {false, true}) {
      Tokens whole = plain;
      if (whole.empty() || !instruments_in(whole).empty() || !begins_order(whole.front())) break;
      if (of) whole.push_back(word_token("of"));
      whole.insert(whole.end(), about->begin(), about->end());
      if (const auto one = request(condense(whole)); one && one->operation == Operation::kRemove) return whole;
    }
    // "I don't like the recorder, use a flute."
    if (complains(part(tokens, 0, i)) && instruments_in(rest).size() == 1 && !plain.empty() &&
        plain.front().kind == Kind::kWord && !articles_.count(plain.front().text) && !requests(condense(rest))) {
      Tokens whole = rest;
      for (const char* word : {"instead", "of"}) whole.push_back(word_token(word));
      whole.insert(whole.end(), about->begin(), about->end());
      if (const auto one = request(condense(whole)); one && one->operation == Operation::kReplace) return whole;
    }
    return names_all(rest, *about) ? std::optional(rest) : std::nullopt;
  };
  for (size_t i = 1; i + 1 < tokens.size(); ++i)
    if (ends_remark(tokens[i]))
      if (auto rest = rest_from(i)) return rest;
  // "The piano is too loud take it out": the longest remark before an order.
  if (tokens.empty()) return std::nullopt;
  // "I'm not saying remove the drums" denies what follows.
  if (std::any_of(tokens.begin(), tokens.end(), [this](const Token& token) { return is_negation(token); }))
    return std::nullopt;
  for (size_t i = tokens.size() - 1; i-- > 1;)
    if (begins_order(tokens[i]) && !condense(part(tokens, 0, i)).empty())
      if (auto rest = rest_from(i)) return rest;
  return std::nullopt;
}

// "Lose the flute, it is too loud."
std::optional<std::vector<Token>> Grammar::without_last_remark(const std::vector<Token>& tokens,
                                                               bool with_statements) const {
  for (size_t i = tokens.size(); i-- > 1;) {
    if (!is_separator(tokens[i])) continue;
    const Tokens begin = part(tokens, 0, i);
    Tokens end = part(tokens, i + 1, tokens.size());
    const Tokens named = instruments_in(begin);
    if (const auto about = remark(end, with_statements); about && names_all(begin, *about)) return begin;
    if (named.empty() || end.empty()) continue;
    // Of "they sound horrible" nothing is left but the name.
    if (is_one_of(end.front(), {"it", "they"}) && end.size() > 2 && is_one_of(end[1], {"sound", "sounds"})) {
      const Tokens how = condense(part(end, 1, end.size()));
      if (std::all_of(how.begin(), how.end(), [this](const Token& token) { return is_filler(token); })) return begin;
    }
    if (is_one_of(end.front(), {"its", "theyre"})) {
      end.insert(end.begin() + 1, word_token("is"));
      end.front() = word_token("it");
    }
    const auto found = resolved(end, {named.back()});
    if (found && remark(*found, with_statements)) return begin;
  }
  return std::nullopt;
}

void Grammar::leave_out_remarks(std::vector<Token>& tokens, bool with_statements) const {
  // "The last 4 bars are weak, put a choir there": the time of a remark is that of the request, if that has none.
  const auto times = [](const Tokens& of) {
    Tokens out;
    for (const Token& token : of)
      if (token.kind == Kind::kModifier && token.modifier->range) out.push_back(token);
    return out;
  };
  const auto shorten = [&](Tokens rest, bool at_front) {
    const Tokens said = times(tokens);
    const bool kept = !times(rest).empty();
    tokens = std::move(rest);
    if (at_front) strip_courtesies(tokens);
    if (!kept) tokens.insert(at_front ? tokens.begin() : tokens.end(), said.begin(), said.end());
  };
  while (auto rest = without_first_remark(tokens, with_statements)) shorten(std::move(*rest), true);
  while (auto rest = without_last_remark(tokens, with_statements)) shorten(std::move(*rest), false);
}

}  // namespace instructme
