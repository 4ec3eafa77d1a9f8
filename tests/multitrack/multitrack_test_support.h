#pragma once

#include <gmock/gmock.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "instructme/audio/audio_file.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"
#include "instructme/multitrack/multitrack_song.h"

namespace instructme {

struct Tone {
  double hz = 220;
  double amplitude = 0.1;
  double seconds = 2;
  int sample_rate = 44100;
  int channels = 1;
  int only_channel = -1;  ///< the others are silent
};

/// A sine as a sound file; makes the folders it needs.
inline void write_tone(const std::filesystem::path& path, const Tone& tone = {}) {
  make_folder(path.parent_path());
  AudioBuffer buffer;
  buffer.sample_rate = tone.sample_rate;
  buffer.channels = tone.channels;
  const auto frames = static_cast<int64_t>(tone.seconds * tone.sample_rate);
  for (int64_t i = 0; i < frames; ++i)
    for (int c = 0; c < tone.channels; ++c) {
      const double x = tone.amplitude * std::sin(2 * M_PI * tone.hz * static_cast<double>(i) / tone.sample_rate);
      buffer.samples.push_back(tone.only_channel >= 0 && c != tone.only_channel ? 0.0f : static_cast<float>(x));
    }
  WriteOptions options;
  if (lower(path.extension().string()) != ".ogg") options.encoding = AudioEncoding::kPcm16;
  write_audio(path, buffer, options);
}

/// Takes out of a FLAC file how long it is, as programs leave it that write to a pipe.
inline void forget_length(const std::filesystem::path& flac) {
  std::string bytes = read_text_file(flac);
  // 36 bits of STREAMINFO, which begins behind "fLaC" and a header of 4 bytes.
  bytes.at(21) = static_cast<char>(static_cast<unsigned char>(bytes.at(21)) & 0xF0);
  bytes.replace(22, 4, 4, '\0');
  write_file_atomically(flac, bytes);
}

/// The sum of sines as a sound file.
inline void write_sum(const std::filesystem::path& path, const std::vector<Tone>& tones, double gain = 1) {
  make_folder(path.parent_path());
  AudioBuffer buffer;
  buffer.sample_rate = tones.front().sample_rate;
  buffer.channels = tones.front().channels;
  const auto frames = static_cast<int64_t>(tones.front().seconds * buffer.sample_rate);
  for (int64_t i = 0; i < frames; ++i) {
    double x = 0;
    for (const Tone& tone : tones)
      x += gain * tone.amplitude * std::sin(2 * M_PI * tone.hz * static_cast<double>(i) / buffer.sample_rate);
    for (int c = 0; c < buffer.channels; ++c) buffer.samples.push_back(static_cast<float>(x));
  }
  write_audio(path, buffer, {.encoding = AudioEncoding::kPcm16});
}

inline void write_text(const std::filesystem::path& path, const std::string& text) {
  make_folder(path.parent_path());
  write_file_atomically(path, text);
}

/// Puts a link to itself in the place of a file: the disk refuses to look at it, whatever rights the tests have.
inline void make_unreachable(const std::filesystem::path& file) {
  std::filesystem::remove(file);
  std::filesystem::create_symlink(file.filename(), file);
}

inline const Lexicon& lexicon() { return Lexicon::builtin(); }

inline std::vector<MultitrackSong> find(const std::filesystem::path& root, const FindOptions& options = {}) {
  return find_songs(root, detect_collection(root, lexicon()), lexicon(), options);
}

/// "name=instrument" of every stem, in order.
inline std::vector<std::string> stems_of(const MultitrackSong& song) {
  std::vector<std::string> stems;
  for (const MultitrackStem& stem : song.stems) stems.push_back(stem.name + "=" + stem.instrument);
  return stems;
}

inline std::vector<std::string> ids_of(const std::vector<MultitrackSong>& songs) {
  std::vector<std::string> ids;
  for (const MultitrackSong& song : songs) ids.push_back(song.id);
  return ids;
}

/// A track as Slakh2100 has it: bass, drums, a stem that was not rendered, and one without a lexicon instrument.
inline void make_slakh_track(const std::filesystem::path& folder, const std::string& uuid,
                             const std::string& ending = ".flac") {
  write_text(folder / "metadata.yaml",
             "UUID: " + uuid +
                 "\naudio_dir: stems\n"
                 "lmd_midi_dir: lmd_matched/O/O/H/TROOHTB128F931F9DF/" +
                 uuid +
                 ".mid\nmidi_dir: MIDI\nnormalization_factor: -13.0\nnormalized: true\n"
                 "overall_gain: 0.18270259567062658\nstems:\n"
                 "  S00:\n    audio_rendered: true\n    inst_class: Bass\n    integrated_loudness: -12.82\n"
                 "    is_drum: false\n    midi_program_name: Electric Bass (finger)\n    midi_saved: true\n"
                 "    plugin_name: scarbee_rickenbacker_bass_palm_muted.nkm\n    program_num: 33\n"
                 "  S01:\n    audio_rendered: true\n    inst_class: Drums\n    integrated_loudness: -12.9\n"
                 "    is_drum: true\n    midi_program_name: Drums\n    midi_saved: true\n"
                 "    plugin_name: studio_drummer.nkm\n    program_num: 128\n"
                 "  S02:\n    audio_rendered: false\n    inst_class: Guitar\n    is_drum: false\n"
                 "    midi_program_name: Distortion Guitar\n    midi_saved: true\n    program_num: 30\n"
                 "  S03:\n    audio_rendered: true\n    inst_class: Sound effects\n    is_drum: false\n"
                 "    midi_program_name: Seashore\n    midi_saved: true\n    program_num: 122\n"
                 "target_peak: -1.0\n");
  const std::vector<Tone> tones{{.hz = 100}, {.hz = 1000}, {.hz = 3000}};
  write_tone(folder / "stems" / ("S00" + ending), tones[0]);
  write_tone(folder / "stems" / ("S01" + ending), tones[1]);
  write_tone(folder / "stems" / ("S03" + ending), tones[2]);
  write_sum(folder / ("mix" + ending), tones);
}

/// A song as MUSDB18-HQ has it: stereo.
inline void make_musdb_song(const std::filesystem::path& folder, double hz = 100) {
  std::vector<Tone> tones;
  for (const char* name : {"drums", "bass", "vocals", "other"}) {
    tones.push_back({.hz = hz, .channels = 2});
    write_tone(folder / (std::string(name) + ".wav"), tones.back());
    hz *= 2;
  }
  write_sum(folder / "mixture.wav", tones);
}

}  // namespace instructme
