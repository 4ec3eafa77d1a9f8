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

const char* variable(const char* name) {
  const char* value = std::getenv(name);
  return value && *value ? value : nullptr;
}

}  // namespace

std::string find_model(const std::string& wanted) {
  if (!wanted.empty()) return wanted;
  if (const char* named = variable("INSTRUCTME_MODEL")) return named;
  std::error_code code;
  std::vector<std::string> names;
  for (const auto& place : places_of("models/default")) {
    if (fs::is_regular_file(place / "config.json", code)) return fs::weakly_canonical(place, code).string();
    names.push_back(place.lexically_normal().string());
  }
  throw Error(ErrorKind::kMissing, "no model was found in " + join(names, ", ") +
                                       "; name one with --model FOLDER or the variable INSTRUCTME_MODEL");
}

std::string find_recipe(const std::string& wanted) {
  std::error_code code;
  if (fs::is_regular_file(wanted, code)) return wanted;
  std::vector<std::string> names;
  for (const auto& place : places_of("configs/train/" + wanted + ".json")) {
    if (fs::is_regular_file(place, code)) return fs::weakly_canonical(place, code).string();
    names.push_back(place.lexically_normal().string());
  }
  throw Error(ErrorKind::kMissing, "there is no recipe '" + wanted + "': neither such a file nor " + join(names, ", "));
}

std::string find_transcriber(const std::string& wanted) {
  if (!wanted.empty()) return wanted;
  if (const char* named = variable("INSTRUCTME_TRANSCRIBER")) return named;
  std::error_code code;
  for (const auto& place : places_of("models/note-transcriber"))
    if (fs::is_regular_file(place / "model.json", code)) return (place / "model.json").lexically_normal().string();
  return "";
}

}  // namespace instructme::cli
