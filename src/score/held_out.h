#pragma once

#include <string_view>

#include "instructme/base/hash.h"

namespace instructme {

/// The fixed tenth that a split holds out.
bool is_held_out(std::string_view name);

}  // namespace instructme
