#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace instructme {

/// What the manifest of a folder says, so that a run which goes on there does not mix two kinds; an empty object when
/// there is none. Throws kUsage, naming the first key of `wanted` that has another value there: "The folder holds
/// <made> another '<key>'; give <give> or another folder."
nlohmann::json earlier_manifest(const std::filesystem::path& path, const nlohmann::json& wanted,
                                const std::string& made, const std::string& give = "the same options");

}  // namespace instructme
