#include <charconv>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "yaml_file.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

bool has(const json& map, const std::string& key) {
  return map.is_object() && map.contains(key) && !map[key].is_null();
}

[[noreturn]] void refuse(const fs::path& path, const std::string& key, const std::string& wanted) {
  throw Error(ErrorKind::kInput, "'" + path.string() + "': wanted " + wanted + " as '" + key + "'.");
}

}  // namespace

std::string yaml_text(const json& map, const std::string& key, const fs::path& path) {
  if (!has(map, key) || !map[key].is_string()) refuse(path, key, "a word");
  return map[key].get<std::string>();
}

std::string yaml_text(const json& map, const std::string& key, const fs::path& path, const std::string& otherwise) {
  return has(map, key) ? yaml_text(map, key, path) : otherwise;
}

int yaml_integer(const json& map, const std::string& key, const fs::path& path) {
  if (!has(map, key) || !map[key].is_string()) refuse(path, key, "a whole number");
  const auto text = map[key].get<std::string>();
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) refuse(path, key, "a whole number");
  return value;
}

bool yaml_flag(const json& map, const std::string& key, const fs::path& path, bool otherwise) {
  if (!has(map, key)) return otherwise;
  const std::string text = lower(yaml_text(map, key, path));
  if (text == "true" || text == "yes" || text == "on") return true;
  if (text == "false" || text == "no" || text == "off") return false;
  refuse(path, key, "'yes' or 'no'");
}

const json& yaml_map(const json& map, const std::string& key, const fs::path& path) {
  if (!has(map, key) || !map[key].is_object()) refuse(path, key, "a map");
  return map[key];
}

}  // namespace instructme
