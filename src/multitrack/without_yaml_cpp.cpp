// Stands in for the YAML reader in a program that was built without yaml-cpp.
#include "instructme/base/error.h"
#include "yaml_file.h"

namespace instructme {

nlohmann::json read_yaml_file(const std::filesystem::path&) {
  throw Error(
      ErrorKind::kMissing,
      "this instructme was built without yaml-cpp, so it cannot read the metadata of Slakh and MedleyDB; install "
      "libyaml-cpp-dev and build again");
}

}  // namespace instructme
