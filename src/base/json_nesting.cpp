#include "instructme/base/json_nesting.h"

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace instructme {

bool is_nested_too_deeply(const nlohmann::json& root) {
  constexpr int kDeepest = 200;
  std::vector<std::pair<const nlohmann::json*, int>> rest{{&root, 0}};
  while (!rest.empty()) {
    const auto [value, depth] = rest.back();
    rest.pop_back();
    if (depth > kDeepest) return true;
    if (!value->is_structured()) continue;
    for (const nlohmann::json& inner : *value) rest.emplace_back(&inner, depth + 1);
  }
  return false;
}

}  // namespace instructme
