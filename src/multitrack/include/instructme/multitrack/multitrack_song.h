#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "instructme/text/lexicon.h"

namespace instructme {

/// Collections of songs as separate recordings whose layout on disk is known.
enum class CollectionKind {
  kSlakh,        ///< Slakh2100 (also redux and BabySlakh): [split/]TrackNNNNN/{metadata.yaml, mix, stems/S00 …}
  kMusdb,        ///< MUSDB18-HQ: {train,test}/<Artist - Title>/{mixture,vocals,drums,bass,other}.wav
  kMoises,       ///< MoisesDB v0.1: [moisesdb_v0.1/]<id>/data.json, <stemName>/<track id>.<extension>
  kMedley,       ///< MedleyDB 1 and 2: Audio/X/{X_MIX.wav, X_STEMS/…} and the metadata X_METADATA.yaml
  kFretsOnFire,  ///< songs of the game Frets on Fire: song.ini, guitar.ogg, song.ogg (the rest), rhythm.ogg
  kFolders,      ///< any folders of sound files named after instruments
};

/// "slakh", "musdb", "moisesdb", "medleydb", "fretsonfire", "folders".
const char* collection_name(CollectionKind kind);
/// Throws kUsage for another word.
CollectionKind parse_collection_name(const std::string& name);

/// One file of a stem and the factor it enters the stem with, as a mono signal: the mean of its channels. The
/// factor is 0.5 for each half of a pair of left and right, else 1.
struct StemPart {
  std::filesystem::path path;
  double gain = 1;
};

/// What is heard as one part of the music: the sum of its files.
struct MultitrackStem {
  std::string name;        ///< as the collection has it, e.g. "S03 Distortion Guitar", "01_Drums_L"
  std::string instrument;  ///< canonical lexicon name; "" when the lexicon has none, or the name may mean several:
                           ///< the stem belongs to the mix, but nobody can be asked for it
  std::vector<StemPart> files;
  bool has_bleed = false;  ///< the collection says that other instruments are heard in it
};

struct MultitrackSong {
  std::string id;          ///< unique among usable songs: the song's folder, relative where folders nest
  std::string title;       ///< "Artist - Title" where known; Slakh: the UUID of the MIDI file
  std::string collection;  ///< collection_name()
  std::string split;       ///< "train", "validation", "test", another word of the collection ("omitted"), "" for none
  std::string genre;       ///< a genre of the lexicon, or ""
  std::vector<MultitrackStem> stems;
  std::filesystem::path mix;          ///< "" when there is none
  std::string licence;                ///< what the collection says about its use; "" when not known
  std::vector<std::string> problems;  ///< why the song cannot be used (metadata missing or broken …), for people
};

struct FindOptions {
  /// Instruments of stems by their names, before anything else: a lexicon name, or "" for none. Upper and lower
  /// case, blanks and punctuation make no difference: {"gtr 1", "distorted guitar"} is also "GTR_1".
  std::map<std::string, std::string> instruments;
  /// Folder with MedleyDB's X_METADATA.yaml, when it lies apart from the audio.
  std::filesystem::path metadata;
  /// For collections that do not state one.
  std::string licence;
};

/// What `path` looks like. Throws kInput when it is no folder, holds no song of a layout above, or holds MUSDB18 in
/// its compressed form (.stem.mp4), which cannot be read.
CollectionKind detect_collection(const std::filesystem::path& path, const Lexicon& lexicon);

/// All songs below `path`, in the order of their ids; reads metadata, no audio. A song that is damaged, or has the id
/// of one before it, does not stop the others: it is returned with its `problems`, and so is a folder that cannot be
/// read. Throws kInput when there is no song at all, kUsage when `options` names an instrument that the lexicon does
/// not have, kMissing for Slakh and MedleyDB in a program built without yaml-cpp.
///
/// How stems get their instruments: Slakh by General MIDI program; the others by instrument_of_stem_name() from
/// the collection's own words (MoisesDB: trackType, else stemName; MedleyDB: instrument, of which a stem may have
/// several) or the file names. A MoisesDB stem is all tracks of one stemName that are the same instrument. In
/// plain folders, files of a drum kit form one stem, files "… L" and "… R" are a pair, files named like a mix
/// ("mix", "master") are the mix, click tracks are left out, and folders train, validation (valid, val) and test above
/// a song, `path` among them, are splits; the title is the folder's name, or that of the folder above "stems", "audio"
/// and the like. Loose files beside folders of songs give way to these where one of them has more stems that are named
/// after instruments. Frets on Fire: guitar is called "electric guitar", song and rhythm have no instrument. Slakh's
/// folders without a split are split by number as published; MUSDB's fourteen validation songs are those of the musdb
/// package.
std::vector<MultitrackSong> find_songs(const std::filesystem::path& path, CollectionKind kind, const Lexicon& lexicon,
                                       const FindOptions& options = {});

}  // namespace instructme
