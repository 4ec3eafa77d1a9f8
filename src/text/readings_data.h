#pragma once

#include <string_view>

namespace instructme {

/// The bytes of data/readings.tsv as they were when the library was built.
std::string_view readings_data();

}  // namespace instructme
