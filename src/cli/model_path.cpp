#include <cstdlib>
#include <filesystem>

#include "command.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"

namespace fs = std::filesystem;

namespace instructme::cli {

namespace {

std::vector<fs::path> places_of(const fs::path& file) {
  std::error_code code;
  const fs::path program = fs::read_symlink("/proc/self/exe", code).parent_path();
  return {
      program / "../share/instructme" / file,  // installed
      program / "../.." / file,                // build/bin in the source tree
      program / "../../.." / file,             // build/<preset>/bin
      file,
  };
}

/// The first of the places of `what` that holds the file `inside`, or is a file itself when that is "".
struct Search {
  fs::path found;                   // "" when none does
  std::vector<std::string> places;  // that were looked at
};

Search look_for(const fs::path& what, const fs::path& inside = {}) {
  Search search;
  std::error_code code;
  for (const auto& place : places_of(what)) {
    search.places.push_back(place.lexically_normal().string());
    if (!fs::is_regular_file(inside.empty() ? place : place / inside, code)) continue;
    search.found = place;
    break;
  }
  return search;
}

const char* variable(const char* name) {
  const char* value = std::getenv(name);
  return value && *value ? value : nullptr;
}

}  // namespace

std::string find_model(const std::string& wanted) {
  if (!wanted.empty()) return wanted;
  if (const char* named = variable("INSTRUCTME_MODEL")) return named;
  std::error_code code;
  const Search search = look_for("models/default", "config.json");
  if (!search.found.empty()) return fs::weakly_canonical(search.found, code).string();
  throw Error(ErrorKind::kMissing, "no model was found in " + join(search.places, ", ") +
                                       "; name one with --model FOLDER or the variable INSTRUCTME_MODEL");
}

std::string find_recipe(const std::string& wanted) {
  std::error_code code;
  if (fs::is_regular_file(wanted, code)) return wanted;
  const Search search = look_for("configs/train/" + wanted + ".json");
  if (!search.found.empty()) return fs::weakly_canonical(search.found, code).string();
  throw Error(ErrorKind::kMissing,
              "there is no recipe '" + wanted + "': neither such a file nor " + join(search.places, ", "));
}

std::string find_transcriber(const std::string& wanted) {
  if (!wanted.empty()) return wanted;
  if (const char* named = variable("INSTRUCTME_TRANSCRIBER")) return named;
  const Search search = look_for("models/note-transcriber", "model.json");
  return search.found.empty() ? "" : (search.found / "model.json").lexically_normal().string();
}

}  // namespace instructme::cli
