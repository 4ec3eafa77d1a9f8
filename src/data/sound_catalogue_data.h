#pragma once

#include <string_view>

namespace instructme {

/// The bytes of data/sounds.json as they were when the library was built.
std::string_view sound_catalogue_data();

}  // namespace instructme
