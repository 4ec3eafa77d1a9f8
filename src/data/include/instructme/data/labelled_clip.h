#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "instructme/base/rng.h"
#include "instructme/data/song_set.h"

namespace instructme {

/// An instrument that is heard in a clip.
struct InstrumentLevels {
  std::string instrument;  ///< lexicon name
  std::vector<float>
      blocks_db;  ///< RMS of each level block (kLevelBlock_s), dBFS, all stems of the instrument together
};

/// A mix with all that is known about it, for training and judging networks that listen.
struct LabelledClip {
  std::vector<float> wave;        ///< mono, at the songs' sample rate
  std::vector<ChordSpan> chords;  ///< times in seconds from the clip's start, inside the clip; without gaps up to
                                  ///< where the song's chart ends. No chord where nothing with a pitch sounds.
  std::vector<Beat> beats;        ///< times from the clip's start; bars as in the song
  double labelled_s = 0;          ///< chords and beats are known up to here; what follows rings out
  Key key;                        ///< of the song's beginning
  double tempo_bpm = 0;
  int beats_per_bar = 4;
  std::string genre;  ///< of the arrangement that is played; "" when parts of several are
  std::vector<InstrumentLevels> instruments;
  bool unnamed = false;  ///< stems without an instrument sound too
  size_t song = 0;
  double start_s = 0;  ///< of the clip in the song
};

struct LabelledClipOptions {
  double seconds = 12;             ///< rounded to whole level blocks
  double stem_gain_db = 6;         ///< every stem is up to this much louder or softer
  double thin_probability = 0.35;  ///< of a clip: some stems are left out
  double drop_probability = 0.4;   ///< of each stem of such a clip
  /// Of a clip: every stem is one of the same role from any version of any arrangement of the song. They are played to
  /// one chart on the same beats.
  double mixed_probability = 0;
  double silence_db = -60;  ///< level under which a block of a stem counts as silent, dBFS

  std::string fault() const;  ///< what is wrong with these numbers; "" when nothing is
};

/// Draws clips from a set of songs: any version of any arrangement, at any place. Immutable; may be shared by threads.
class LabelledClipSampler {
 public:
  /// `songs` must outlive the sampler. Throws kUsage for bad numbers, kInput when no song is long enough.
  explicit LabelledClipSampler(const SongSet& songs, LabelledClipOptions options = {});

  LabelledClip sample(Rng& rng) const;
  /// The full mix of a version, from `start_s` on for at most `seconds`, nothing varied; both are rounded to blocks.
  LabelledClip full_mix(size_t song, size_t arrangement, size_t version, double start_s, double seconds) const;

  const LabelledClipOptions& options() const { return options_; }
  const SongSet& songs() const { return songs_; }

 private:
  struct Part {
    size_t arrangement, version, stem;
    double gain_db = 0;
    bool is_same(const Part& other) const {
      return arrangement == other.arrangement && version == other.version && stem == other.stem;
    }
  };
  Part any_like(const Part& part, const SongInfo& info, Rng& rng) const;
  LabelledClip mix(size_t song, const std::string& genre, const std::vector<Part>& parts, int64_t first_block,
                   int64_t blocks) const;

  const SongSet& songs_;
  LabelledClipOptions options_;
  int64_t blocks_ = 0;
  std::vector<size_t> long_songs_;
};

}  // namespace instructme
