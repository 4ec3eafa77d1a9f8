#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace instructme {

/// A YAML file whose top is a map, as JSON: every scalar is a string, as YAML does not say what it is; an empty one
/// is null. Throws kInput naming the file and the line, kIo when it cannot be read, kMissing when the program was
/// built without yaml-cpp.
nlohmann::json read_yaml_file(const std::filesystem::path& path);

/// The scalars of map[key]; `path` is named in errors. They throw kInput when the key is missing or its value is
/// something else; those with `otherwise` return it for a missing key.
std::string yaml_text(const nlohmann::json& map, const std::string& key, const std::filesystem::path& path);
std::string yaml_text(const nlohmann::json& map, const std::string& key, const std::filesystem::path& path,
                      const std::string& otherwise);
int yaml_integer(const nlohmann::json& map, const std::string& key, const std::filesystem::path& path);
bool yaml_flag(const nlohmann::json& map, const std::string& key, const std::filesystem::path& path, bool otherwise);
/// A map under `key`.
const nlohmann::json& yaml_map(const nlohmann::json& map, const std::string& key, const std::filesystem::path& path);

}  // namespace instructme
