#pragma once

#include <memory>

#include "instructme/data/triplet_sequence.h"

namespace instructme {

/// Where training examples come from. What is given depends on the position (step times batch size, and the place
/// among those that are read for the batch), on the random numbers (which depend on seed, step and place) and on the
/// source alone, so a resumed run sees what one never stopped sees. All members may be called from several threads at
/// once.
class ExampleSource {
 public:
  virtual ~ExampleSource() = default;
  virtual int sample_rate() const = 0;
  /// One triplet, or several that name other parts of one mix, all of one length.
  virtual std::vector<Triplet> triplets(int64_t position, Rng& rng) const = 0;
  /// A mix of exactly `samples` samples for the VAE, at a level drawn within the options' mix levels.
  virtual std::vector<float> mix(int64_t position, int64_t samples, Rng& rng) const = 0;
};

/// Draws from songs with the random numbers, wherever the position. `songs` and `lexicon` outlive the source.
std::unique_ptr<ExampleSource> make_song_source(const SongSet& songs, const Lexicon& lexicon,
                                                const TripletOptions& options);

/// The position is the number in a sequence. Its mixes are pieces of a triplet's source or target. Throws kInput when
/// an example is not as long as `options` say.
std::unique_ptr<ExampleSource> make_sequence_source(std::shared_ptr<TripletSequence> sequence,
                                                    const TripletOptions& options);

}  // namespace instructme
