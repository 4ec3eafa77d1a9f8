#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/process.h"
#include "instructme/base/strings.h"
#include "instructme/score/groove_library.h"
#include "mma_program.h"

namespace instructme {
namespace {

enum class Use { kMain, kFill, kNone };

Use use_of(const std::string& file, const std::string& name) {
  const std::string text = lower(name);
  const auto has = [&](const char* part) { return text.find(part) != std::string::npos; };
  if (has("intro") || has("end") || has("metronome") || text == "count") return Use::kNone;
  if (has("fill") || has("break")) return Use::kFill;
  if (file.rfind("pflib/", 0) == 0) {  // there FA and FB are fills, E is an ending
    if (text.ends_with("fa") || text.ends_with("fb")) return Use::kFill;
    if (text.ends_with("e")) return Use::kNone;
  }
  return Use::kMain;
}

// Counts on-sets near the half and near the two-thirds of a beat in a dumped sequence ("1 96t 90; 2.66 …").
void count_offbeats(const std::string& sequence, int& straight, int& swung) {
  for (const std::string& item : split(sequence, ';')) {
    const double at = std::strtod(trim(item).c_str(), nullptr);
    const double inside = at - std::floor(at);
    if (std::abs(inside - 0.5) < 0.03) ++straight;
    if (std::abs(inside - 2.0 / 3.0) < 0.05) ++swung;
  }
}

struct Metre {
  int beats = 0;
  std::string signature;
};

// Plays every groove once without music and lets MMA print its metre.
std::map<std::string, Metre> metres_of(const std::string& file, const std::vector<std::string>& names) {
  const TempDir folder;
  const auto path = folder.path() / "probe.mma";
  std::string text;
  for (const std::string& name : names)
    text += "Groove " + file + ":" + name + "\nPrint @@ " + name + " $_Time $_TimeSig\n";
  write_file_atomically(path, text);
  const ProcessResult result = run_process({kMmaProgram, "-xNOCREDIT", "-n", path.string()});
  std::map<std::string, Metre> metres;
  for (const std::string& line : split(result.output, '\n')) {
    if (line.rfind("@@ ", 0) != 0) continue;
    const auto words = split(line, ' ');
    if (words.size() < 4) continue;
    metres[words[1]] = {static_cast<int>(std::lround(std::strtod(words[2].c_str(), nullptr))), words[3]};
  }
  return metres;
}

std::vector<GrooveInfo> scan_style(const std::filesystem::path& path, const std::string& file) {
  const ProcessResult dump = run_process({kMmaProgram, "-Djs", path.string()});
  const size_t start = dump.output.find("JSON\n");
  if (dump.exit_code != 0 || start == std::string::npos) return {};
  const auto root = nlohmann::json::parse(dump.output.substr(start + 5), nullptr, false);
  if (!root.is_array()) return {};
  std::vector<GrooveInfo> grooves;
  std::set<std::string> seen;
  std::vector<std::string> names;
  for (const auto& item : root) {
    GrooveInfo groove;
    groove.name = item.at("groove").get<std::string>();
    groove.file = file;
    groove.genre = genre_of_style(file);
    groove.bars = item.at("size").get<int>();
    const Use use = use_of(file, groove.name);
    groove.fill = use == Use::kFill;
    // Longer fills are whole patterns with one bar of fill; the borders of sections need single bars.
    if (use == Use::kNone || (groove.fill && groove.bars != 1) || !seen.insert(lower(groove.name)).second) continue;
    int straight = 0, swung = 0;
    for (const auto& track : item.at("tracks")) {
      const std::string name = track.at("track").get<std::string>();
      if (name.rfind("DRUM", 0) == 0)
        groove.drums = true;
      else
        ++groove.melodic_tracks;
      for (const auto& sequence : track.at("sequence")) count_offbeats(sequence.get<std::string>(), straight, swung);
    }
    if (straight + swung > 0) groove.swing = std::round(100.0 * swung / (straight + swung)) / 100.0;
    if (!groove.drums && groove.melodic_tracks == 0) continue;
    names.push_back(groove.name);
    grooves.push_back(std::move(groove));
  }
  const auto metres = metres_of(file, names);
  std::erase_if(grooves, [&](GrooveInfo& groove) {
    const auto found = metres.find(groove.name);
    if (found == metres.end()) return true;
    groove.beats_per_bar = found->second.beats;
    groove.time_signature = found->second.signature;
    return groove.beats_per_bar < 2 || groove.beats_per_bar > 7;
  });
  return grooves;
}

}  // namespace

GrooveLibrary scan_grooves(const std::filesystem::path& library_root) {
  require_mma();
  std::error_code failed;
  std::vector<std::filesystem::path> paths;
  for (std::filesystem::recursive_directory_iterator it(library_root, failed), end; !failed && it != end;
       it.increment(failed))
    if (it->path().extension() == ".mma") paths.push_back(it->path());
  std::sort(paths.begin(), paths.end());
  std::vector<GrooveInfo> all;
  for (const auto& path : paths) {
    const auto relative = std::filesystem::relative(path, library_root, failed).replace_extension("").generic_string();
    if (genre_of_style(relative).empty()) continue;
    auto grooves = scan_style(path, relative);
    all.insert(all.end(), grooves.begin(), grooves.end());
  }
  if (all.empty())
    throw Error(ErrorKind::kInput,
                format("No grooves were found below '%s'; give the folder that holds MMA's 'stdlib'.",
                       library_root.string().c_str()));
  return GrooveLibrary(std::move(all));
}

}  // namespace instructme
