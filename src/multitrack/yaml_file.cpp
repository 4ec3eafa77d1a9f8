#include "yaml_file.h"

#include <yaml-cpp/yaml.h>

#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"

namespace instructme {
namespace {

using nlohmann::json;

// Aliases can make a short file endless; the longest metadata of a song has a few hundred values.
constexpr int kMostValues = 100000;
// And an alias may stand for what it is in: every level takes a piece of the stack.
constexpr int kMostLevels = 100;

json to_json(const YAML::Node& node, int level, int& values) {
  if (++values > kMostValues) throw YAML::Exception(node.Mark(), "too many values");
  if (level > kMostLevels) throw YAML::Exception(node.Mark(), "too many values inside of each other");
  switch (node.Type()) {
    case YAML::NodeType::Scalar: return node.Scalar();
    case YAML::NodeType::Sequence: {
      json list = json::array();
      for (const auto& item : node) list.push_back(to_json(item, level + 1, values));
      return list;
    }
    case YAML::NodeType::Map: {
      json map = json::object();
      for (const auto& item : node) map[item.first.as<std::string>()] = to_json(item.second, level + 1, values);
      return map;
    }
    default: return nullptr;
  }
}

}  // namespace

json read_yaml_file(const std::filesystem::path& path) {
  if (!std::filesystem::is_regular_file(path))
    throw Error(ErrorKind::kInput, "The metadata '" + path.string() + "' is missing.");
  const std::string text = read_text_file(path);
  json value;
  try {
    int values = 0;
    value = to_json(YAML::Load(text), 0, values);
  } catch (const YAML::Exception& error) {
    throw Error(ErrorKind::kInput,
                format("'%s' is no valid YAML: line %d: %s.", path.c_str(), error.mark.line + 1, error.msg.c_str()));
  }
  if (!value.is_object())
    throw Error(ErrorKind::kInput, "'" + path.string() + "' holds no metadata: a map of names and values is wanted.");
  return value;
}

}  // namespace instructme
