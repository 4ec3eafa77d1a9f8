#pragma once

#include <nlohmann/json_fwd.hpp>

namespace instructme {

/// Whether JSON that was parsed is nested so deeply (more than 200 levels) that it is not to be used: copying and
/// printing it recurse, so what a damaged or hostile file nests without end would exhaust the stack.
bool is_nested_too_deeply(const nlohmann::json& root);

}  // namespace instructme
