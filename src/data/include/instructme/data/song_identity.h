#pragma once

#include <map>
#include <string>

#include "instructme/data/triplet_sequence.h"

namespace instructme {

/// Two songs with the same identity are the same music, perhaps played on other instruments, in another style, or
/// another part of it: the recording, collection or MIDI file it came from, or of the program's own charts the seed.
std::string song_identity(const SongInfo& info);
std::string song_identity(const ClipInfo& info);

/// Names of the songs of a set (their folders, where they have one) by identity.
std::map<std::string, std::string> songs_of(const SongSet& songs);

/// Throws kInput, with the names in both, when songs to train on are also among those for validation.
void require_different_songs(const std::map<std::string, std::string>& training,
                             const std::map<std::string, std::string>& validation);

}  // namespace instructme
