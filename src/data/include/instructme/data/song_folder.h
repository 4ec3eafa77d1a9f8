#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "instructme/score/score.h"

namespace instructme {

/// Levels of a stem are kept for blocks of this length, and clips start on block borders, so that
/// what sounds in a clip is known without reading its audio.
inline constexpr double kLevelBlock_s = 0.5;
/// Level written for digital silence, dBFS.
inline constexpr float kSilence_db = -120.0f;

/// One instrument's audio in one version of an arrangement.
struct StemInfo {
  std::string file;        ///< name inside the song's folder
  int part = 0;            ///< stems of different versions with the same part play the same notes
  std::string instrument;  ///< canonical lexicon name; "" for what belongs to the music but has none, as singing:
                           ///< it is heard in examples, and never asked for
  Role role = Role::kChords;
  int program = 0;                     ///< General MIDI program, or the number of the kit
  int bank = 0;                        ///< 128 for kits
  std::string source;                  ///< file name of the SoundFont, or where the recording came from
  std::string preset;                  ///< name of the preset in it
  std::string licence;                 ///< of the sounds; "" when not known
  std::string effects;                 ///< what was done to the stem, for people
  std::string effect_source = {};      ///< LV2 effect that the stem went through; "" for none
  std::string effect_licence = {};     ///< of its program
  double level_db = 0;                 ///< active RMS, dBFS
  std::vector<float> block_levels_db;  ///< RMS of every kLevelBlock_s, dBFS; the last may be shorter
};

struct VersionInfo {
  std::vector<StemInfo> stems;
  std::string bus;  ///< what was done to the mix, for people
};

/// The song's chart played in one groove.
struct ArrangementInfo {
  std::string genre;   ///< a genre of the lexicon
  std::string groove;  ///< "" when not known
  std::vector<VersionInfo> versions;
};

/// Everything about a song but its audio. All arrangements share the chart, tempo and bars, and all
/// stems have the same length.
struct SongInfo {
  uint64_t seed = 0;
  std::string title;
  std::string source;      ///< where the chart came from, e.g. a data set and its song; may be ""
  double tempo_bpm = 120;  ///< says nothing where there are no beats
  int beats_per_bar = 4;
  Key key;  ///< says nothing where there are no chords
  int sample_rate = 24000;
  int64_t frames = 0;
  std::vector<Beat> beats;
  std::vector<ChordSpan> chords;
  std::vector<ArrangementInfo> arrangements;
};

/// A song in memory: audio[arrangement][version][stem][frame], mono, in the order of `info`.
struct RenderedSong {
  SongInfo info;
  std::vector<std::vector<std::vector<std::vector<float>>>> audio;
};

/// Folder name of the song made from `seed`.
std::string song_folder_name(uint64_t seed);

/// RMS of every block of kLevelBlock_s in dBFS, at least kSilence_db.
std::vector<float> block_levels_db(const std::vector<float>& signal, int sample_rate);

/// Fills in the levels of the stems and rounds levels and times as song.json has them, so that a song in memory is the
/// one that would be read back; chords that have no length then are taken out. Throws kInternal when audio and info do
/// not match.
void complete_song(RenderedSong& song);

/// Writes `song` as the folder `folder`: song.json and one 16-bit mono file per stem (.wav, or .flac).
/// The folder appears complete or not at all; one that exists is replaced. File names and block levels
/// are filled in here. Throws kIo; kInternal when audio and info do not match.
void write_song(const std::filesystem::path& folder, RenderedSong song, bool flac = false);

/// True when `folder` holds a song.json.
bool is_song_folder(const std::filesystem::path& folder);

/// Reads and checks song.json and the length of every stem file. Throws kIo when something is
/// missing, kInput when it is damaged or does not fit; the message names the file.
SongInfo read_song_info(const std::filesystem::path& folder);

/// True when `folder` holds a song that read_song_info reads: nothing is missing, nothing damaged.
bool holds_whole_song(const std::filesystem::path& folder);

/// For people: "Eb:minor, 82 beats per minute"; "" for recordings, which have no chords and of which neither is known.
std::string key_and_tempo(const std::vector<ChordSpan>& chords, const Key& key, double tempo_bpm);

/// Chord classes (score/chord.h) in force at the middle of each frame: frame i is at
/// start_s + (i + 0.5) / frame_rate; class 0 outside the spans.
std::vector<int> chord_classes(const std::vector<ChordSpan>& chords, double start_s, int frames, double frame_rate);

}  // namespace instructme
