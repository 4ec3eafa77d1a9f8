#include "grammar.h"

#include <algorithm>
#include <bit>
#include <cstdint>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "words.h"

namespace instructme {
namespace {

using Kind = Token::Kind;

/// "A violin in this" is to be added; one "for this" might be an accompaniment.
const WordSet kPlaces = {"in", "into", "on", "onto", "over", "under"};

const char* kDemonstratives[] = {"this", "that", "these", "those"};

bool is_demonstrative(const Token& token) {
  return std::any_of(std::begin(kDemonstratives), std::end(kDemonstratives),
                     [&](const char* demonstrative) { return token.is_word(demonstrative); });
}

}  // namespace

bool matches_at(const std::vector<Token>& tokens, size_t at, const std::vector<std::string>& phrase) {
  if (at + phrase.size() > tokens.size()) return false;
  for (size_t i = 0; i < phrase.size(); ++i)
    if (!tokens[at + i].is_word(phrase[i])) return false;
  return true;
}

bool separates(const Token& token) { return token.kind == Kind::kComma || token.kind == Kind::kThen; }

bool is_in(const Token& token, const WordSet& words) {
  return token.kind == Kind::kWord && words.count(token.text) > 0;
}

bool sets_apart(const std::vector<Token>& tokens) {
  static const WordSet kAll = {"everything", "all", "anything", "everyone", "everybody", "instruments"};
  static const WordSet kBut = {"but", "except", "besides", "save", "excluding"};
  static const WordSet kBetween = {"for", "the", "my", "his", "her", "their", "our", "this", "that", "a", "an"};
  for (size_t i = 0; i + 2 < tokens.size(); ++i) {
    if (!is_in(tokens[i], kAll) || !is_in(tokens[i + 1], kBut)) continue;
    size_t next = i + 2;
    while (next < tokens.size() && is_in(tokens[next], kBetween)) ++next;
    if (next < tokens.size() && tokens[next].is_instrument()) return true;
  }
  return false;
}

Token word_token(const std::string& word) {
  Token token;
  token.kind = word == "," ? Kind::kComma : Kind::kWord;
  token.text = word;
  return token;
}

std::vector<Token> word_tokens(const std::vector<std::string>& words) {
  std::vector<Token> tokens;
  tokens.reserve(words.size());
  for (const auto& word : words) tokens.push_back(word_token(word));
  return tokens;
}

void Grammar::mark_separators(std::vector<Token>& tokens) const {
  for (size_t i = 0; i < tokens.size(); ++i)
    for (const auto& phrase : separators_)
      if (matches_at(tokens, i, phrase)) {
        const auto begin = tokens.begin() + static_cast<std::ptrdiff_t>(i);
        tokens.erase(begin + 1, begin + static_cast<std::ptrdiff_t>(phrase.size()));
        tokens[i].kind = Kind::kThen;
        tokens[i].text = join(phrase, " ");
        break;
      }
}

bool Grammar::is_separator(const Token& token) const {
  return separates(token) || (token.kind == Kind::kWord && conjunctions_.count(token.text));
}

size_t Grammar::joiner_length(const std::vector<Token>& tokens, size_t at) const {
  size_t length = 0;
  while (at + length < tokens.size() && tokens[at + length].kind == Kind::kComma) ++length;
  for (const auto& joiner : joiners_)
    if (matches_at(tokens, at + length, joiner)) return length + joiner.size();
  return length;
}

// "I want it to sound jazzy": when the wish is left out as a courtesy, the pronoun still tells a request from a name.
bool Grammar::says_how_it_is(const std::vector<Token>& nouns) const {
  for (size_t i = 1; i < nouns.size(); ++i) {
    if (nouns[i].kind == Kind::kGenre || nouns[i].kind == Kind::kMood) return true;
    if (nouns[i].kind != Kind::kWord) return false;
    const std::string& word = nouns[i].text;
    if (word == "sounds") return false;  // "it sounds sad" asks for nothing
    if (!fillers_.count(word) && !prepositions_.count(word) && !music_.count(word)) return false;
  }
  return false;
}

/// "that awful flute": a demonstrative before an instrument is an article.
bool Grammar::points_at_instrument(const std::vector<Token>& tokens, size_t at) const {
  if (!is_demonstrative(tokens[at])) return false;
  for (++at; at < tokens.size() && tokens[at].kind == Kind::kWord && articles_.count(tokens[at].text);) ++at;
  return at < tokens.size() && tokens[at].is_instrument();
}

/// "backing" in "backing strings".
bool Grammar::is_quality(const std::vector<Token>& tokens, size_t at) const {
  const auto one_of = [&](const WordSet& words) {
    return tokens[at].kind == Kind::kWord && words.count(tokens[at].text) > 0;
  };
  if (!one_of(qualities_)) return false;
  // "Single the oboe out" is no "single oboe".
  static const WordSet kVerbs = {"single", "clear", "clean"};
  if (kVerbs.count(tokens[at].text) &&
      (at == 0 || tokens[at - 1].kind != Kind::kWord ||
       (!articles_.count(tokens[at - 1].text) && !qualities_.count(tokens[at - 1].text))))
    return false;
  while (at < tokens.size() && (one_of(qualities_) || one_of(articles_))) ++at;
  return at < tokens.size() && tokens[at].is_instrument();
}

/// "happy" in "make this happy song sad": what the music is now, before what it is to be.
bool Grammar::describes_music(const std::vector<Token>& tokens, size_t at) const {
  static const WordSet kThis = {"this", "that", "my", "our", "your", "the"};
  static const WordSet kBecoming = {"to", "into", "in", "as", "a", "an", "more", "sound"};
  const auto is_tag = [&](size_t i) { return tokens[i].kind == Kind::kGenre || tokens[i].kind == Kind::kMood; };
  const auto is_article = [&](size_t i) {
    return tokens[i].kind == Kind::kWord && articles_.count(tokens[i].text) > 0;
  };
  if (!is_tag(at) || at + 2 >= tokens.size()) return false;
  size_t end = at + 1;
  while (end + 1 < tokens.size() && is_tag(end)) ++end;  // "my sad ballad"
  if (is_in(tokens[end], music_))
    ++end;
  else if (!tokens[end].is_word("into"))
    return false;
  if (end >= tokens.size() || (!is_tag(end) && !is_in(tokens[end], kBecoming))) return false;
  size_t begin = at;
  while (begin > 0 && (is_article(begin - 1) || is_tag(begin - 1)) && !is_in(tokens[begin - 1], kThis)) --begin;
  if (begin == 0 || !is_in(tokens[begin - 1], kThis)) return false;
  size_t next = end;
  while (next < tokens.size() && (is_in(tokens[next], kBecoming) || is_article(next))) ++next;
  return next < tokens.size() && is_tag(next);
}

std::vector<Token> Grammar::condense(std::vector<Token> tokens, bool apart) const {
  std::vector<Token> nouns;
  nouns.reserve(tokens.size());
  bool determined = false, indefinite = false, more = false;
  const auto keep = [&](Token& token) {
    token.determined = determined;
    token.indefinite = token.indefinite || indefinite || !determined;
    token.compared = more || token.text.ends_with("er");
    indefinite = more = false;
    determined = is_demonstrative(token);
    nouns.push_back(std::move(token));
  };
  std::vector<bool> described(tokens.size());  // before the loop, which moves the tokens away
  for (size_t i = 0; i < tokens.size(); ++i) described[i] = describes_music(tokens, i);
  for (size_t i = 0; i < tokens.size(); ++i) {
    Token& token = tokens[i];
    const bool word = token.kind == Kind::kWord;
    if (word && special_.count(token.text) == 0) {
      keep(token);
      continue;
    }
    // "Come out more": of what, is not said.
    const bool last_more = token.is_word("more") && i > 0 && i + 1 == tokens.size();
    if (word && !last_more && (articles_.count(token.text) || points_at_instrument(tokens, i))) {
      determined = true;
      more = more || token.text == "more";
      indefinite = indefinite || token.text == "a" || token.text == "an" || token.text == "some";
      continue;
    }
    if (is_quality(tokens, i)) continue;
    if (i + 1 < tokens.size()) {
      const Token& next = tokens[i + 1];
      const bool tag = next.kind == Kind::kGenre || next.kind == Kind::kMood;
      if (tag && (token.is_word("way") || token.is_word("far") || token.is_word("even"))) continue;  // "way darker"
      if (token.is_word("solo") && indefinite && next.is_instrument()) continue;                     // "a solo oboe"
    }
    // "An oboe playing along with the flute" is no oboe and flute.
    const bool along = token.is_word("playing") && i + 1 < tokens.size() && tokens[i + 1].is_word("along");
    if (word && !along && parts_.count(token.text) && !nouns.empty() && nouns.back().is_instrument()) continue;
    if (described[i]) continue;
    // "a tuba bass line"
    const bool bass_line = token.is_instrument() && token.name == "bass" && !nouns.empty() &&
                           nouns.back().is_instrument() && nouns.back().indefinite && nouns.back().determined &&
                           i + 1 < tokens.size() && (tokens[i + 1].is_word("line") || tokens[i + 1].is_word("part"));
    if (bass_line) continue;
    static const WordSet kOwned = {"part", "parts", "line", "track", "channel", "melody"};
    const bool owned = i + 1 < tokens.size() &&
                       (tokens[i + 1].is_word("of") ||
                        (kOwned.count(token.text) && (tokens[i + 1].is_word("for") || tokens[i + 1].is_word("on"))));
    if (word && parts_.count(token.text) && owned) {
      // "the melody of the flute", "the part for the flute"
      size_t owner = i + 2;
      while (owner < tokens.size() && tokens[owner].kind == Kind::kWord && articles_.count(tokens[owner].text)) ++owner;
      if (owner < tokens.size() && tokens[owner].is_instrument()) {
        ++i;
        continue;
      }
    }
    if (word && !nouns.empty() && (nouns.back().kind == Kind::kGenre || nouns.back().kind == Kind::kMood) &&
        music_.count(token.text))
      token.text = "style";
    if (word && styles_.count(token.text)) token.text = "style";
    keep(token);
  }

  std::vector<Token> out;
  out.reserve(nouns.size() + 2);
  for (size_t i = 0; i < nouns.size(); ++i) {
    Token& token = nouns[i];
    if (token.is_instrument()) {
      Token list;
      list.kind = Kind::kInstruments;
      list.items.push_back(token);
      for (size_t length; (length = joiner_length(nouns, i + 1)) > 0; i += length + 1) {
        if (i + 1 + length >= nouns.size() || !nouns[i + 1 + length].is_instrument()) break;
        list.items.push_back(nouns[i + 1 + length]);
      }
      out.push_back(std::move(list));
    } else if (token.kind == Kind::kGenre || token.kind == Kind::kMood) {
      Token tag;
      tag.kind = Kind::kTag;
      for (;; ++i) {
        auto& kept = nouns[i].kind == Kind::kGenre ? tag.genre : tag.mood;
        if (kept && *kept != nouns[i].name)
          throw Error(ErrorKind::kInput, "one remix cannot be both '" + *kept + "' and '" + nouns[i].name +
                                             "': name one genre and one mood at most");
        kept = nouns[i].name;
        tag.contradicted = tag.contradicted || nouns[i].contradicted;
        tag.compared = tag.compared || nouns[i].compared;
        const size_t length = joiner_length(nouns, i + 1);
        const size_t next = i + 1 + length;
        if (next >= nouns.size() || (nouns[next].kind != Kind::kGenre && nouns[next].kind != Kind::kMood)) break;
        const auto& other = nouns[next].kind == Kind::kGenre ? tag.genre : tag.mood;
        if (apart && other && *other != nouns[next].name) {
          tag.contradicted = nouns[next].contradicted = true;
          break;
        }
        i += length;
      }
      out.push_back(std::move(tag));
    } else if (token.kind == Kind::kWord && special_.count(token.text) > 0) {
      const bool after_preposition =
          !out.empty() && out.back().kind == Kind::kWord && prepositions_.count(out.back().text);
      const bool pronoun = pronouns_.count(token.text) > 0;
      if (pronoun && i == 0 && says_how_it_is(nouns)) {
        token.text = "it";
        out.push_back(std::move(token));
      } else if (pronoun || (music_.count(token.text) && (token.determined || after_preposition))) {
        const std::string said = token.text;
        std::string preposition;
        for (; !out.empty() && out.back().kind == Kind::kWord && prepositions_.count(out.back().text); out.pop_back())
          preposition = out.back().text;
        // "I want a violin in this song" is no "the violin of this song".
        const bool wish = !out.empty() && out.back().kind == Kind::kInstruments && out.back().items[0].indefinite &&
                          (out.size() == 1 || placing_.count(out[out.size() - 2].text));
        const bool instead = i + 1 < nouns.size() && nouns[i + 1].is_word("instead");  // of what a request before names
        const bool place =
            !instead && (kPlaces.count(preposition) || (preposition.empty() && (said == "here" || said == "there")));
        if (wish && place) out.push_back(word_token("here"));
      } else {
        out.push_back(std::move(token));
      }
    } else {
      out.push_back(std::move(token));
    }
  }
  return out;
}

bool Grammar::is_filler(const Token& token) const { return token.kind == Kind::kWord && fillers_.count(token.text); }

std::string Grammar::key(const std::vector<Token>& tokens) const {
  std::string out;
  for (const auto& token : tokens) {
    if (token.kind == Kind::kComma || token.kind == Kind::kModifier) continue;
    if (!out.empty()) out += ' ';
    out += token.kind == Kind::kInstruments ? "X"
           : token.kind == Kind::kTag       ? "D"
           : token.kind == Kind::kThen      ? ";"
                                            : token.text;
  }
  return out;
}

const Grammar::Form* Grammar::form_of(const std::vector<Token>& tokens) const {
  // As few fillers as possible are left out: some belong to a form, as "only" to "only the piano".
  std::vector<size_t> fillers;
  for (size_t i = 0; i < tokens.size(); ++i)
    if (is_filler(tokens[i])) fillers.push_back(i);
  constexpr size_t kMostChosen = 5;
  fillers.resize(std::min<size_t>(fillers.size(), 32));
  const uint64_t all = (uint64_t{1} << fillers.size()) - 1;
  std::vector<uint64_t> choices = {0, all};  // bit i: filler i is left out
  if (fillers.size() <= kMostChosen)
    for (uint64_t choice = 1; choice < all; ++choice) choices.push_back(choice);
  std::stable_sort(choices.begin(), choices.end(),
                   [](uint64_t a, uint64_t b) { return std::popcount(a) < std::popcount(b); });
  for (const uint64_t choice : choices) {
    std::vector<Token> rest = tokens;
    for (size_t i = fillers.size(); i-- > 0;)
      if ((choice >> i & 1) != 0) rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(fillers[i]));
    if (const auto at = forms_.find(key(rest)); at != forms_.end()) return &at->second;
  }
  if (tokens.empty() || tokens.front().kind != Kind::kWord) return nullptr;
  const auto verb = gerunds_.find(tokens.front().text);
  if (verb == gerunds_.end()) return nullptr;
  std::vector<Token> ordered = tokens;
  ordered.front().text = verb->second;
  return form_of(ordered);
}

std::optional<Request> Grammar::request(const std::vector<Token>& tokens) const {
  const Form* form = form_of(tokens);
  if (form == nullptr) form = form_of_gist(tokens);
  if (form == nullptr) return std::nullopt;
  Request out;
  out.kind = form->kind;
  out.operation = form->operation;
  out.ordered = !tokens.empty() && begins_order(tokens.front());
  out.instead = std::any_of(tokens.begin(), tokens.end(), [](const Token& token) { return token.is_word("instead"); });
  std::vector<std::vector<Token>> lists;
  for (const auto& token : tokens) {
    if (token.kind == Kind::kInstruments) lists.push_back(token.items);
    if (token.kind == Kind::kModifier) out.modifiers.push_back(*token.modifier);
    if (token.kind == Kind::kTag) {
      out.genre = token.genre;
      out.mood = token.mood;
    }
  }
  // "Get the bass" may ask to hear what is there.
  static const WordSet kHanding = {"have", "get", "lend", "grant"};
  if (out.operation == Operation::kAdd && tokens[0].kind == Kind::kWord && kHanding.count(tokens[0].text) > 0 &&
      lists[0][0].determined && !lists[0][0].indefinite)
    return std::nullopt;
  // "Drop a tambourine on it" adds one, "drop the tambourine" is against it.
  if (out.operation == Operation::kRemove && tokens[0].is_word("drop") && !lists.empty() && lists[0][0].determined &&
      lists[0][0].indefinite)
    return std::nullopt;
  // "Shift the piano to the chorus": a chorus is also a part of a song.
  if (out.operation == Operation::kReplace && lists.size() > 1 && !form->reversed && lists[1][0].text == "chorus" &&
      !lists[1][0].indefinite)
    return std::nullopt;
  // "Put the piano in the background": one that is there is to be quieter; "put a piano in the background": a new one.
  static const WordSet kMoving = {"put", "have", "keep", "set", "bring", "place", "drop", "move", "push"};
  const bool behind = std::any_of(tokens.begin(), tokens.end(), [](const Token& token) {
    return token.is_word("background") || token.is_word("back") || token.is_word("behind");
  });
  if (behind && out.operation == Operation::kAdd && !lists.empty() &&
      (tokens[0].kind != Kind::kWord || kMoving.count(tokens[0].text) > 0) && lists[0][0].determined &&
      !lists[0][0].indefinite) {
    out.kind = Request::Kind::kLower;
    out.operation = Operation::kRemove;
  }
  if (form->reversed) std::reverse(lists.begin(), lists.end());
  if (!lists.empty()) out.instruments = lists[0];
  if (lists.size() > 1) out.replacements = lists[1];
  return out;
}

/// Whether a request begins here, even where nothing sets it apart: "lose the drums add a piano".
bool Grammar::begins_order(const Token& token) const {
  if (token.kind != Kind::kWord) return false;
  for (int i = 0; i < kOperations; ++i)
    if (is_imperative(token.text, static_cast<Operation>(i))) return true;
  return false;
}

}  // namespace instructme
