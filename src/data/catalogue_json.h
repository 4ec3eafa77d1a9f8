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

}  // namespace instructme
