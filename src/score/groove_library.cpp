#include "instructme/score/groove_library.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "held_out.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"

namespace instructme {

extern const char* const kBuiltinGrooves;

namespace {

constexpr const char* kColumns = "name, beats per bar, time signature, drums, melodic tracks, bars, swing, fill";

}  // namespace

std::string genre_of_style(const std::string& file) {
  const std::string stem = lower(file.substr(file.find_last_of('/') + 1));
  // The first key that the name contains decides; an empty genre says that it is no music.
  static const std::vector<std::pair<const char*, const char*>> kKeys = {{"metronome", ""},
                                                                         {"none", ""},

                                                                         {"jazzrock", "fusion"},
                                                                         {"jazzrhumba", "latin"},
                                                                         {"jazzbossa", "latin"},
                                                                         {"jazz", "jazz"},
                                                                         {"latinhouse", "electronic"},
                                                                         {"fus", "fusion"},
                                                                         {"countryblues", "blues"},
                                                                         {"bluegrass", "country"},
                                                                         {"bluefolk", "folk"},
                                                                         {"countryswing", "country"},
                                                                         {"western", "country"},
                                                                         {"kwest", "ballad"},
                                                                         {"country", "country"},
                                                                         {"cntry", "country"},
                                                                         {"latin", "latin"},
                                                                         {"rockwaltz", "rock"},
                                                                         {"rock34", "rock"},
                                                                         {"broadway", "broadway"},
                                                                         {"popwaltz", "pop"},
                                                                         {"waltz", "waltz"},
                                                                         {"rb-ballad", "r&b"},
                                                                         {"ballad", "ballad"},
                                                                         {"bald", "ballad"},
                                                                         {"dixiemarch", "march"},
                                                                         {"march", "march"},
                                                                         {"metal", "metal"},
                                                                         {"mtl", "metal"},
                                                                         {"thr", "metal"},
                                                                         {"punk", "metal"},
                                                                         {"hip", "hip-hop"},
                                                                         {"trip", "hip-hop"},
                                                                         {"discosoul", "disco"},
                                                                         {"boneym", "disco"},
                                                                         {"techno", "electronic"},
                                                                         {"trance", "electronic"},
                                                                         {"house", "electronic"},
                                                                         {"dance", "electronic"},
                                                                         {"rave", "electronic"},
                                                                         {"ambient", "electronic"},
                                                                         {"dnb", "electronic"},
                                                                         {"reggae", "reggae"},
                                                                         {"ska", "reggae"},
                                                                         {"soul", "soul"},
                                                                         {"motown", "soul"},
                                                                         {"funk", "funk"},
                                                                         {"strut", "funk"},
                                                                         {"rb", "r&b"},
                                                                         {"r+b", "r&b"},
                                                                         {"rnb", "r&b"},
                                                                         {"bigband", "jazz"},
                                                                         {"blues", "blues"},
                                                                         {"boggie", "blues"},
                                                                         {"boogie", "blues"},
                                                                         {"swing", "jazz"},
                                                                         {"bebop", "jazz"},
                                                                         {"evansish", "jazz"},
                                                                         {"ragtime", "jazz"},
                                                                         {"dixie", "jazz"},
                                                                         {"charleston", "jazz"},
                                                                         {"foxtrot", "jazz"},
                                                                         {"quickstep", "jazz"},
                                                                         {"jive", "rock"},
                                                                         {"showtune", "broadway"},
                                                                         {"softshoe", "broadway"},
                                                                         {"bossa", "latin"},
                                                                         {"samba", "latin"},
                                                                         {"salsa", "latin"},
                                                                         {"mambo", "latin"},
                                                                         {"chacha", "latin"},
                                                                         {"rhumba", "latin"},
                                                                         {"beguine", "latin"},
                                                                         {"bolero", "latin"},
                                                                         {"tango", "latin"},
                                                                         {"merengue", "latin"},
                                                                         {"cuban", "latin"},
                                                                         {"calypso", "latin"},
                                                                         {"quando", "latin"},
                                                                         {"afro-cuban", "latin"},
                                                                         {"afro", "world"},
                                                                         {"mide", "world"},
                                                                         {"desert", "world"},
                                                                         {"worldpop", "world"},
                                                                         {"spiritual", "gospel"},
                                                                         {"hymn", "gospel"},
                                                                         {"arpeggio", "classical"},
                                                                         {"serenade", "classical"},
                                                                         {"lullaby", "ballad"},
                                                                         {"poppolka", "folk"},
                                                                         {"polka", "folk"},
                                                                         {"zydeco", "folk"},
                                                                         {"folk", "folk"},
                                                                         {"2beat", "folk"},
                                                                         {"rock", "rock"},
                                                                         {"twist", "rock"},
                                                                         {"twi", "rock"},
                                                                         {"hrk", "rock"},
                                                                         {"shuffle", "pop"},
                                                                         {"beat", "pop"},
                                                                         {"pop", "pop"},
                                                                         {"highfive", "pop"}};
  static const std::set<std::string> kNoMusic = {"count", "intro", "ending", "none"};
  if (kNoMusic.count(stem)) return "";
  if (stem == "son") return "latin";
  for (const auto& [key, genre] : kKeys)
    if (stem.find(key) != std::string::npos) return genre;
  return "pop";
}

GrooveLibrary::GrooveLibrary(std::vector<GrooveInfo> all) {
  std::stable_sort(all.begin(), all.end(), [](const GrooveInfo& a, const GrooveInfo& b) {
    return a.file != b.file ? a.file < b.file : a.name < b.name;
  });
  for (GrooveInfo& groove : all) (groove.fill ? fills_ : grooves_).push_back(std::move(groove));
}

const GrooveLibrary& GrooveLibrary::builtin() {
  static const GrooveLibrary kLibrary = parse(kBuiltinGrooves, "the built-in groove index");
  return kLibrary;
}

GrooveLibrary GrooveLibrary::load(const std::filesystem::path& path) {
  return parse(read_text_file(path), "'" + path.string() + "'");
}

GrooveLibrary GrooveLibrary::parse(const std::string& json, const std::string& context) {
  std::vector<GrooveInfo> all;
  try {
    const auto root = nlohmann::json::parse(json);
    if (root.at("columns").get<std::string>() != kColumns) throw std::runtime_error("the columns are not as expected");
    for (const auto& style : root.at("styles")) {
      GrooveInfo groove;
      groove.file = style.at("file").get<std::string>();
      groove.genre = style.at("genre").get<std::string>();
      for (const auto& row : style.at("grooves")) {
        groove.name = row.at(0).get<std::string>();
        groove.beats_per_bar = row.at(1).get<int>();
        groove.time_signature = row.at(2).get<std::string>();
        groove.drums = row.at(3).get<bool>();
        groove.melodic_tracks = row.at(4).get<int>();
        groove.bars = row.at(5).get<int>();
        groove.swing = row.at(6).get<double>();
        groove.fill = row.at(7).get<bool>();
        if (groove.beats_per_bar < 1 || groove.beats_per_bar > 16 || groove.bars < 1)
          throw std::runtime_error("the metre of '" + groove.mma_name() + "' is out of range");
        all.push_back(groove);
      }
    }
  } catch (const std::exception& error) {
    throw Error(ErrorKind::kModel, format("%s is not an index of grooves: %s; make it again with scan_grooves.",
                                          context.c_str(), error.what()));
  }
  return GrooveLibrary(std::move(all));
}

std::string GrooveLibrary::json() const {
  std::vector<GrooveInfo> all = grooves_;
  all.insert(all.end(), fills_.begin(), fills_.end());
  std::stable_sort(all.begin(), all.end(), [](const GrooveInfo& a, const GrooveInfo& b) { return a.file < b.file; });
  std::string out = "{\n \"columns\": " + nlohmann::json(kColumns).dump() + ",\n \"styles\": [";
  for (size_t i = 0; i < all.size(); ++i) {
    const GrooveInfo& g = all[i];
    if (i == 0 || all[i - 1].file != g.file) {
      if (i > 0) out += "]},";
      out += "\n  {\"file\": " + nlohmann::json(g.file).dump() + ", \"genre\": " + nlohmann::json(g.genre).dump() +
             ", \"grooves\": [";
    } else {
      out += ", ";
    }
    const nlohmann::json row = {g.name,           g.beats_per_bar, g.time_signature, g.drums,
                                g.melodic_tracks, g.bars,          g.swing,          g.fill};
    out += row.dump();
  }
  return out + (all.empty() ? "" : "]}") + "\n ]\n}\n";
}

std::vector<std::string> GrooveLibrary::genres() const {
  std::set<std::string> names;
  for (const GrooveInfo& groove : grooves_) names.insert(groove.genre);
  return {names.begin(), names.end()};
}

std::vector<std::string> GrooveLibrary::files() const {
  std::set<std::string> names;
  for (const GrooveInfo& groove : grooves_) names.insert(groove.file);
  return {names.begin(), names.end()};
}

const GrooveInfo& GrooveLibrary::find(const std::string& mma_name) const {
  std::vector<std::string> names;
  for (const GrooveInfo& groove : grooves_) {
    if (groove.mma_name() == mma_name) return groove;
    names.push_back(groove.mma_name());
  }
  throw Error(ErrorKind::kInput, format("There is no groove '%s'%s; grooves are named like 'stdlib/swing:Swing'.",
                                        mma_name.c_str(), did_you_mean(mma_name, names).c_str()));
}

GrooveLibrary GrooveLibrary::split(GrooveSplit part) const {
  std::vector<GrooveInfo> chosen;
  const auto take = [&](const GrooveInfo& groove) {
    const bool held_out = is_held_out(groove.file);
    if (held_out == (part == GrooveSplit::kHeldOut)) chosen.push_back(groove);
  };
  for (const GrooveInfo& groove : grooves_) take(groove);
  for (const GrooveInfo& groove : fills_) take(groove);
  return GrooveLibrary(std::move(chosen));
}

}  // namespace instructme
