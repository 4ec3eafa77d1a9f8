#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "instructme/base/files.h"
#include "instructme/data/song_folder.h"
#include "sine.h"

namespace instructme {

/// A song of 4 s with a bass, a piano and a flute, all sines, in two versions.
inline RenderedSong tiny_song(int rate = 24000, uint64_t seed = 0) {
  RenderedSong song;
  SongInfo& info = song.info;
  info.seed = seed;
  info.title = "sines";
  info.source = "test";
  info.key = {0, Mode::kMajor};
  info.sample_rate = rate;
  info.frames = 4 * rate;
  for (int i = 0; i < 8; ++i) info.beats.push_back({0.5 * i, i / 4, i % 4});
  info.chords = {{0.0, 4.0, Chord::of(0, ChordQuality::kMaj)}};
  info.arrangements.push_back({"rock", "Groove", {}});
  song.audio.emplace_back();
  for (int version = 0; version < 2; ++version) {
    VersionInfo stems;
    std::vector<std::vector<float>> audio;
    const auto add = [&](const char* instrument, double hz, Role role) {
      StemInfo stem;
      stem.part = static_cast<int>(audio.size());
      stem.instrument = instrument;
      stem.role = role;
      stem.source = "sines";
      stems.stems.push_back(stem);
      audio.push_back(sine(hz, rate, 4, 0.1));
    };
    add(version == 0 ? "bass" : "double bass", 110, Role::kBass);
    add(version == 0 ? "piano" : "organ", 440, Role::kChords);
    add(version == 0 ? "flute" : "violin", 1320, Role::kMelody);
    info.arrangements[0].versions.push_back(stems);
    song.audio[0].push_back(std::move(audio));
  }
  return song;
}

inline void write_tiny_song(const std::filesystem::path& folder, int rate = 24000, uint64_t seed = 0) {
  write_song(folder, tiny_song(rate, seed));
}

}  // namespace instructme
