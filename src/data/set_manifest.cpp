#include "instructme/data/set_manifest.h"

#include "instructme/base/config_reader.h"
#include "instructme/base/error.h"

namespace instructme {

using nlohmann::json;

json earlier_manifest(const std::filesystem::path& path, const json& wanted, const std::string& made,
                      const std::string& give) {
  if (!std::filesystem::exists(path)) return json::object();
  json before = read_json_file(path);
  if (!before.is_object()) before = json::object();
  // As it was written: bytes that are no UTF-8, as names of files may hold, are others there.
  const json written = json::parse(json_text(wanted));
  for (const auto& [key, value] : written.items())
    if (before.value(key, json()) != value)
      throw Error(ErrorKind::kUsage, "The folder '" + path.parent_path().string() + "' holds " + made + " another '" +
                                         key + "'; give " + give + " or another folder.");
  return before;
}

}  // namespace instructme
