#include <cstdlib>
#include <filesystem>

#include "command.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"

namespace fs = std::filesystem;

namespace instructme::cli {

std::string find_model(const std::string& wanted) {
  if (!wanted.empty()) return wanted;
  if (const char* named = std::getenv("INSTRUCTME_MODEL"); named && *named) return named;
  std::error_code code;
  const fs::path program = fs::read_symlink("/proc/self/exe", code).parent_path();
  const std::vector<fs::path> places = {
      program / "../share/instructme/models/default",  // installed
      program / "../../models/default",                // build/bin in the source tree
      program / "../../../models/default",             // build/<preset>/bin
      fs::path("models/default"),
  };
  std::vector<std::string> names;
  for (const auto& place : places) {
    if (fs::is_regular_file(place / "config.json", code)) return fs::weakly_canonical(place, code).string();
    names.push_back(place.lexically_normal().string());
  }
  throw Error(ErrorKind::kMissing, "no model was found in " + join(names, ", ") +
                                       "; name one with --model FOLDER or the variable INSTRUCTME_MODEL");
}

}  // namespace instructme::cli
