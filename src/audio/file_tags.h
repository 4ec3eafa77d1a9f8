#pragma once

#include <filesystem>

namespace instructme {

/// Gives an audio file the tags and the pictures of another one, as far as its format has room for them, in place of
/// its own; a file that has none changes nothing. Nothing happens where this was built without TagLib either: then
/// those remain that libsndfile knows. Throws kIo when the file cannot be changed.
void copy_tags(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace instructme
