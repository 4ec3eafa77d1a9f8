#include "file_tags.h"

namespace instructme {

void copy_tags(const std::filesystem::path&, const std::filesystem::path&) {}

}  // namespace instructme
