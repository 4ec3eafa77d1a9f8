#pragma once

#include <string>
#include <vector>

#include "instructme/base/rng.h"
#include "instructme/data/labelled_clip.h"

namespace instructme {

struct PartClipOptions {
  double seconds = 6;  ///< rounded to whole level blocks
  int64_t parts = 8;   ///< a clip has one to so many, more often few than many
  double gain_db = 8;  ///< every part is up to this much louder or softer
  double foreign =
      0.5;  ///< probability of a clip that each of its parts is of another song, rare instruments more often

  std::string fault() const;  ///< what is wrong with these numbers; "" when nothing is
};

/// Draws clips of a few parts that need not belong together, so that who learns the instruments from them cannot go by
/// the song or by what else is usually played (as in the training of source separation; Uhlich et al. 2017).
/// Immutable; may be shared by threads.
class PartClipSampler {
 public:
  /// `songs` must outlive the sampler. Throws kUsage for bad numbers, kInput when no song is long enough.
  explicit PartClipSampler(const SongSet& songs, PartClipOptions options = {});

  /// Wave, instruments and, if all parts are of one song, its number, genre, key and tempo (else none and 0). Its
  /// chords and beats are not told.
  LabelledClip sample(Rng& rng) const;
  /// The same from parts of one song that belong together.
  LabelledClip sample_song(size_t song, Rng& rng) const;

 private:
  struct Place {
    size_t song, arrangement, version, stem;
  };
  void add(const Place& place, int64_t first_block, double gain_db, LabelledClip& clip) const;
  LabelledClip empty_clip() const;
  int64_t draw_parts(Rng& rng) const;
  int64_t last_block(size_t song) const;
  const Place& draw_place(Rng& rng) const;

  const SongSet& songs_;
  PartClipOptions options_;
  int64_t blocks_ = 0;
  std::vector<size_t> long_songs_;
  std::vector<std::vector<Place>> places_;  // of each instrument
  std::vector<double> until_;               // sums of the instruments' probabilities
};

}  // namespace instructme
