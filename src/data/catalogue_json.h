#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "instructme/base/error.h"

namespace instructme {

/// The JSON of a catalogue. Throws kModel, naming `context`, when it is none.
inline nlohmann::json parse_catalogue_json(const std::string& text, const std::string& context) {
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::kModel, context + " is not JSON: " + error.what());
  }
}

/// `file`, and the name of an entry of it where it has one, for messages.
inline std::string entry_context(const nlohmann::json& entry, const std::string& file) {
  if (!entry.is_object() || !entry.contains("name") || !entry["name"].is_string()) return file;
  return file + ": " + entry["name"].get<std::string>();
}

}  // namespace instructme
