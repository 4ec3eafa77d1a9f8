#pragma once

#include <string_view>

namespace instructme {

/// The bytes of data/effects.json as they were when the library was built.
std::string_view effect_catalogue_data();

}  // namespace instructme
