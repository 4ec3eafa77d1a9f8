#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "instructme/base/files.h"
#include "instructme/data/song_folder.h"
#include "instructme/data/song_renderer.h"
#include "sine.h"
#include "small_font.h"

namespace instructme {

/// Amplitude of the sine of a whole number of periods at `hz` in `x`.
inline double sine_amplitude(const std::vector<float>& x, double hz, int rate) {
  double c = 0, s = 0, cosine = 1, sine = 0;
  const double step_c = std::cos(2 * M_PI * hz / rate), step_s = std::sin(2 * M_PI * hz / rate);
  for (float value : x) {
    c += value * cosine, s += value * sine;
    const double turned = cosine * step_c - sine * step_s;
    sine = sine * step_c + cosine * step_s;
    cosine = turned;
  }
  return 2 * std::hypot(c, s) / static_cast<double>(x.size());
}

/// A stem of a made-up song: a sine of its own, so that a mix tells which stems are in it.
struct TestStem {
  std::string instrument;
  double hz = 0;
  int part = 0;
  Role role = Role::kChords;
  double silent_from_s = 1e9;
};

/// The stems of the made-up songs, [arrangement][version][stem]; the piano of the first version falls
/// silent after 3 s.
inline const std::vector<std::vector<std::vector<TestStem>>>& test_stems() {
  static const std::vector<std::vector<std::vector<TestStem>>> stems{
      {{{"drum kit", 1000, 0, Role::kDrums},
        {"bass", 100, 1, Role::kBass},
        {"piano", 300, 2, Role::kChords, 3.0},
        {"violin", 700, 3, Role::kMelody},
        {"violin", 750, 4, Role::kCounterMelody}},
       {{"electric drum kit", 1100, 0, Role::kDrums},
        {"bass", 110, 1, Role::kBass},
        {"organ", 320, 2, Role::kChords},
        {"flute", 720, 3, Role::kMelody},
        {"flute", 760, 4, Role::kCounterMelody}}},
      {{{"drum kit", 1200, 0, Role::kDrums}, {"double bass", 130, 1, Role::kBass}, {"harp", 340, 2, Role::kArpeggio}}}};
  return stems;
}

/// A song of 8 s at 8 kHz made of sines; `seed` changes the amplitudes and the title.
inline RenderedSong test_song(uint64_t seed) {
  RenderedSong song;
  SongInfo& info = song.info;
  info.seed = seed;
  info.title = "song " + std::to_string(seed);
  info.source = "test";
  info.tempo_bpm = 120;
  info.key = {3, Mode::kMinor};
  info.sample_rate = 8000;
  info.frames = 8 * 8000;
  for (int i = 0; i < 16; ++i) info.beats.push_back({0.5 * i, i / 4, i % 4});
  info.chords = {{0.0, 2.0, Chord::of(0, ChordQuality::kMaj)},
                 {2.0, 6.0, Chord::of(9, ChordQuality::kMin7)},
                 {6.0, 8.0, Chord::no_chord()}};
  Rng rng(seed);
  for (size_t a = 0; a < test_stems().size(); ++a) {
    info.arrangements.push_back({a == 0 ? "rock" : "jazz", "Groove" + std::to_string(a), {}});
    song.audio.emplace_back();
    for (const auto& stems : test_stems()[a]) {
      info.arrangements[a].versions.emplace_back();
      song.audio[a].emplace_back();
      for (const TestStem& stem : stems) {
        StemInfo entry;
        entry.part = stem.part;
        entry.instrument = stem.instrument;
        entry.role = stem.role;
        entry.source = "sines";
        info.arrangements[a].versions.back().stems.push_back(entry);
        std::vector<float> x = sine(stem.hz, info.sample_rate, static_cast<double>(info.frames) / info.sample_rate,
                                    rng.uniform(0.05, 0.1));
        for (size_t i = 0; i < x.size(); ++i)
          if (static_cast<double>(i) / info.sample_rate >= stem.silent_from_s) x[i] = 0;
        song.audio[a].back().push_back(std::move(x));
      }
    }
  }
  return song;
}

/// Two bars for drums with a tambourine, bass, piano and flute in two arrangements that differ in the bass.
inline ComposedSong compose_test_song(uint64_t seed) {
  ComposedSong song;
  song.source = "test composer";
  for (int a = 0; a < 2; ++a) {
    Score score;
    score.title = "two bars";
    score.seed = seed;
    score.genre = a == 0 ? "rock" : "funk";
    score.groove = "G" + std::to_string(a);
    score.duration_s = 4;
    for (int i = 0; i < 8; ++i) score.beats.push_back({0.5 * i, i / 4, i % 4});
    score.chords = {{0, 4, Chord::of(0, ChordQuality::kMaj)}};
    const auto part = [&](const char* name, Role role, int program, std::vector<int> keys, double step_s) {
      Part p;
      p.name = name, p.role = role, p.program = program, p.drums = role == Role::kDrums;
      for (double t = 0; t < 3.9; t += step_s)
        for (int key : keys) p.notes.push_back({t, 0.9 * step_s, key, 90});
      score.parts.push_back(std::move(p));
    };
    part("Drum", Role::kDrums, 0, {36, 42, 54}, 0.5);
    part("Bass", Role::kBass, 33, {36 + a}, a == 0 ? 0.5 : 0.25);
    part("Chord", Role::kChords, 0, {60, 64, 67}, 1.0);
    part("Melody", Role::kMelody, 73, {static_cast<int>(72 + seed % 5)}, 0.5);
    score.parts.push_back(
        {.name = "Empty", .role = Role::kChords, .program = 1, .drums = false, .notes = {}, .controls = {}});
    song.arrangements.push_back(std::move(score));
  }
  return song;
}

inline std::shared_ptr<const Palette> small_palette() {
  PaletteOptions options;
  options.fonts = {small_font()};
  return std::make_shared<const Palette>(Palette::scan(options, Lexicon::builtin()));
}

}  // namespace instructme
