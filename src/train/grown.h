#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace instructme {

/// Names that a network knows, in their order, and after them those of `more` that it does not.
inline std::vector<std::string> with_more(std::vector<std::string> names, const std::vector<std::string>& more) {
  for (const std::string& name : more)
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  return names;
}

}  // namespace instructme
