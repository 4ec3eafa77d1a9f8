#include "instructme/text/lexicon.h"

#include <algorithm>

#include "grammar.h"
#include "instructme/base/config_reader.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"
#include "lexicon_data.h"
#include "words.h"

namespace instructme {
namespace {

[[noreturn]] void fail(const std::string& context, const std::string& what) {
  throw Error(ErrorKind::kModel, context + ": " + what);
}

/// Calls `read` with a reader of each object of the list under `key`.
template <class Read>
void for_each_entry(ConfigReader& config, const std::string& key, Read read) {
  if (!config.has(key)) fail(config.context(), "key '" + key + "' is missing");
  const nlohmann::json list = config.raw(key);
  if (!list.is_array() || list.empty()) fail(config.context(), "'" + key + "' must be a list that is not empty");
  for (size_t i = 0; i < list.size(); ++i) {
    ConfigReader entry(list[i], config.context() + format(": %s[%zu]", key.c_str(), i));
    read(entry);
    entry.finish();
  }
}

InstrumentEntry read_instrument(ConfigReader& config) {
  static const std::vector<std::string> kRoles = {"drums", "bass", "chords", "arpeggio", "melody", "counter-melody"};
  InstrumentEntry entry;
  config.require("name", entry.name);
  config.require("family", entry.family);
  config.read("synonyms", entry.synonyms);
  config.read("misspellings", entry.misspellings);
  config.require("programs", entry.programs);
  config.require("roles", entry.roles);
  config.require("frequency", entry.frequency);
  for (const int program : entry.programs)
    if (program < 0 || program > 127)
      fail(config.context(), format("program %d is not a General MIDI program (0 to 127)", program));
  for (const auto& role : entry.roles)
    if (std::find(kRoles.begin(), kRoles.end(), role) == kRoles.end())
      fail(config.context(), "unknown role '" + role + "'" + did_you_mean(role, kRoles));
  if (!(entry.frequency >= 0)) fail(config.context(), "'frequency' must not be negative");
  return entry;
}

TagEntry read_tag(ConfigReader& config) {
  TagEntry entry;
  config.require("name", entry.name);
  config.read("synonyms", entry.synonyms);
  config.read("misspellings", entry.misspellings);
  return entry;
}

Speech read_speech(ConfigReader config) {
  Speech speech;
  config.require("before_verbs", speech.before_verbs);
  config.require("before_nouns", speech.before_nouns);
  config.require("after", speech.after);
  config.require("asides", speech.asides);
  config.require("articles", speech.articles);
  config.read("qualities", speech.qualities);
  config.require("fillers", speech.fillers);
  config.require("pronouns", speech.pronouns);
  config.require("music", speech.music);
  config.require("styles", speech.styles);
  config.require("parts", speech.parts);
  config.require("prepositions", speech.prepositions);
  config.require("joiners", speech.joiners);
  config.require("separators", speech.separators);
  config.require("conjunctions", speech.conjunctions);
  config.require("mass_nouns", speech.mass_nouns);
  config.require("negations", speech.negations);
  config.read("keeping", speech.keeping);
  config.read("lowering", speech.lowering);
  config.read("halving", speech.halving);
  config.read("others_out", speech.others_out);
  config.read("others_stay", speech.others_stay);
  config.read("remarks", speech.remarks);
  config.read("complaints", speech.complaints);
  config.read("participles", speech.participles);
  config.read("reasons", speech.reasons);
  config.read("idle", speech.idle);
  config.read("occasions", speech.occasions);
  config.read("understood", speech.understood);
  config.read("passives", speech.passives);
  config.read("taking", speech.taking);
  config.read("playing", speech.playing);
  config.read("wishing", speech.wishing);
  config.read("carrying", speech.carrying);
  config.read("states", speech.states);
  config.read("activities", speech.activities);
  config.read("effects", speech.effects);
  config.read("people", speech.people);
  config.read("reporting", speech.reporting);
  config.read("alike", speech.alike);
  config.require("read_as", speech.read_as);
  config.finish();
  return speech;
}

/// All six, in the order of the enum.
std::vector<OperationEntry> read_operations(ConfigReader& config) {
  std::vector<std::string> names;
  for (int i = 0; i < kOperations; ++i) names.emplace_back(operation_name(static_cast<Operation>(i)));
  std::vector<OperationEntry> out(names.size());
  for_each_entry(config, "operations", [&](ConfigReader& entry) {
    OperationEntry operation;
    entry.require("name", operation.name);
    entry.require("verbs", operation.verbs);
    entry.require("patterns", operation.patterns);
    const auto at = std::find(names.begin(), names.end(), operation.name);
    if (at == names.end())
      fail(entry.context(), "unknown operation '" + operation.name + "'" + did_you_mean(operation.name, names));
    auto& slot = out[static_cast<size_t>(at - names.begin())];
    if (!slot.name.empty()) fail(entry.context(), "operation '" + operation.name + "' occurs twice");
    slot = std::move(operation);
  });
  for (size_t i = 0; i < out.size(); ++i)
    if (out[i].name.empty()) fail(config.context(), "operation '" + names[i] + "' is missing");
  return out;
}

void check_programs(const std::vector<InstrumentEntry>& instruments, const std::string& context) {
  for (const bool drums : {false, true}) {
    std::vector<const InstrumentEntry*> owner(128, nullptr);
    for (const auto& entry : instruments) {
      if ((entry.family == "drums") != drums) continue;
      for (const int program : entry.programs) {
        auto& slot = owner[static_cast<size_t>(program)];
        if (slot != nullptr)
          fail(context, format("%s %d belongs to both '%s' and '%s'", drums ? "kit" : "program", program,
                               slot->name.c_str(), entry.name.c_str()));
        slot = &entry;
      }
    }
  }
}

}  // namespace

const Lexicon& Lexicon::builtin() {
  static const Lexicon lexicon = parse(std::string(lexicon_data()), "built-in lexicon");
  return lexicon;
}

Lexicon Lexicon::load(const std::filesystem::path& path) { return parse(read_text_file(path), path.string()); }

Lexicon Lexicon::parse(const std::string& json, const std::string& context) {
  nlohmann::json root;
  try {
    root = nlohmann::json::parse(json, nullptr, true, /*ignore_comments=*/true);
  } catch (const nlohmann::json::exception& error) {
    fail(context, std::string("not valid JSON: ") + error.what());
  }
  ConfigReader config(std::move(root), context);
  Lexicon lexicon;
  for_each_entry(config, "instruments",
                 [&](ConfigReader& entry) { lexicon.instruments_.push_back(read_instrument(entry)); });
  for_each_entry(config, "genres", [&](ConfigReader& entry) { lexicon.genres_.push_back(read_tag(entry)); });
  for_each_entry(config, "moods", [&](ConfigReader& entry) { lexicon.moods_.push_back(read_tag(entry)); });
  lexicon.operations_ = read_operations(config);
  std::map<std::string, std::vector<std::string>> ambiguous;
  std::vector<std::string> kinds;
  config.read("ambiguous", ambiguous);
  config.read("kinds", kinds);
  if (!config.has("speech")) fail(context, "key 'speech' is missing");
  Speech speech = read_speech(config.object("speech"));
  config.finish();
  check_programs(lexicon.instruments_, context);
  lexicon.grammar_ =
      std::make_shared<const Grammar>(lexicon, std::move(speech), std::move(ambiguous), std::move(kinds), context);
  return lexicon;
}

const InstrumentEntry* Lexicon::find_instrument(const std::string& name) const {
  const Grammar::Name* found = grammar_->find(normal_name(name));
  return found && found->kind == Token::Kind::kInstrument ? &instruments_[found->index] : nullptr;
}

const TagEntry* Lexicon::find_genre(const std::string& name) const {
  const Grammar::Name* found = grammar_->find(normal_name(name));
  return found && found->kind == Token::Kind::kGenre ? &genres_[found->index] : nullptr;
}

const TagEntry* Lexicon::find_mood(const std::string& name) const {
  const Grammar::Name* found = grammar_->find(normal_name(name));
  return found && found->kind == Token::Kind::kMood ? &moods_[found->index] : nullptr;
}

const InstrumentEntry* Lexicon::instrument_of_program(int program, bool drums) const {
  for (const auto& entry : instruments_)
    if ((entry.family == "drums") == drums &&
        std::find(entry.programs.begin(), entry.programs.end(), program) != entry.programs.end())
      return &entry;
  return nullptr;
}

}  // namespace instructme
