#include "instructme/data/song_identity.h"

#include <algorithm>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"

namespace instructme {
namespace {

/// Of an origin, what names the music, without the place in it; "" where only a seed tells one song from another.
std::string music_of(const std::string& origin) {
  if (origin.starts_with("MIDI file ")) return origin;
  if (origin.starts_with("POP909 song ")) return origin.substr(0, origin.find(','));
  if (origin.starts_with("recording: ")) return origin.substr(0, origin.rfind(" from "));
  return "";
}

// Without tabs and line ends, so that it may stand in a table.
std::string identity(const std::string& origin, uint64_t seed) {
  std::string text = music_of(origin);
  if (text.empty())
    text = format("%s #%llu", origin.empty() ? "unknown" : origin.c_str(), static_cast<unsigned long long>(seed));
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < ' '; }, ' ');
  return text;
}

}  // namespace

std::string song_identity(const SongInfo& info) { return identity(info.source, info.seed); }
std::string song_identity(const ClipInfo& info) { return identity(info.origin, info.seed); }

std::map<std::string, std::string> songs_of(const SongSet& songs) {
  std::map<std::string, std::string> names;
  for (size_t i = 0; i < songs.size(); ++i)
    names.emplace(song_identity(songs.info(i)), songs.folder(i).empty() ? songs.name(i) : songs.folder(i).string());
  return names;
}

void require_different_songs(const std::map<std::string, std::string>& training,
                             const std::map<std::string, std::string>& validation) {
  size_t count = 0;
  std::string first;
  for (const auto& [identity, name] : training) {
    const auto found = validation.find(identity);
    if (found == validation.end()) continue;
    if (count++ == 0) first = "'" + name + "' and '" + found->second + "' are the same music (" + identity + ")";
  }
  if (count > 0)
    throw Error(ErrorKind::kInput,
                format("%zu of the songs to train on are also there for validation: %s; render one set with another "
                       "--first-seed, of other music, or take them out.",
                       count, first.c_str()));
}

}  // namespace instructme
