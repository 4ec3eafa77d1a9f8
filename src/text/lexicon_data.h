#pragma once

#include <string_view>

namespace instructme {

/// The bytes of data/lexicon.json as they were when the library was built.
std::string_view lexicon_data();

}  // namespace instructme
