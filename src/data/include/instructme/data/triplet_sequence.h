#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "instructme/data/triplet.h"

namespace instructme {

/// Where sounds come from and under which licence.
struct SoundOrigin {
  std::string source;   ///< file name of the SoundFont, or where the recording came from
  std::string licence;  ///< "" when not known
  auto operator<=>(const SoundOrigin&) const = default;
};

/// What is known of the music that a triplet was cut from.
struct ClipInfo {
  std::string song;        ///< name of the song
  std::string origin;      ///< where its chart or recording came from (SongInfo::source)
  uint64_t seed = 0;       ///< of the song
  double start_s = 0;      ///< of the clip in the song
  double tempo_bpm = 120;  ///< this and the key say nothing of music without chords
  int beats_per_bar = 4;
  Key key;
  std::vector<ChordSpan> chords;    ///< in the clip, from its start
  std::vector<SoundOrigin> sounds;  ///< of the song's stems that play what is in source or target, sorted
};

struct LabelledTriplet {
  Triplet triplet;
  ClipInfo clip;
};

/// The info of the clip that `triplet` was drawn from; `songs` is the set of its sampler.
ClipInfo clip_info(const SongSet& songs, const Triplet& triplet);

/// Training examples by number. The same number always gives the same example; neighbours may name different parts
/// of one mix (TripletOptions::siblings). All members may be called from several threads at once.
class TripletSequence {
 public:
  virtual ~TripletSequence() = default;
  virtual int sample_rate() const = 0;
  /// Examples before the sequence begins again; 0 when it never does. `at` takes any number from 0 on all the same.
  virtual int64_t size() const = 0;
  /// Waits when the example must be made first.
  virtual LabelledTriplet at(int64_t index) = 0;
  /// The music it is cut from, by song_identity, with a name for messages; empty when that is not known beforehand.
  virtual std::map<std::string, std::string> songs() const { return {}; }
};

}  // namespace instructme
