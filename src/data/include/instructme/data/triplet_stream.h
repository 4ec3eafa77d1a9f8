#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>

#include "instructme/base/cancel.h"
#include "instructme/data/song_renderer.h"
#include "instructme/data/triplet_sequence.h"

namespace instructme {

/// Gives songs by number: always the same for a number. Throws kInput when there is no such song.
using SongSource = std::function<std::shared_ptr<const SongSet>(uint64_t number)>;

/// Where a stream takes its songs from.
struct SongSupply {
  int sample_rate = 24000;            ///< Hz, of all songs
  std::function<SongSource()> start;  ///< called once by every thread; what it returns is used by that thread alone
};

/// One new song for every number, which is its seed. `lexicon` must outlive what is returned.
SongSupply rendered_songs(const RenderOptions& options, Composer composer, std::shared_ptr<const Palette> palette,
                          const Lexicon& lexicon);
/// The whole set for every number.
SongSupply stored_songs(std::shared_ptr<const SongSet> songs);

struct StreamOptions {
  uint64_t seed = 0;
  TripletOptions triplets;
  int songs_per_block = 8;     ///< songs that are mixed with each other
  int triplets_per_song = 32;  ///< rendering a song costs much more than drawing triplets from it
  int threads = 1;             ///< that make songs
  int blocks_ahead = 1;        ///< made while one is consumed
};

/// What the examples depend on, for a manifest.
nlohmann::json to_json(const StreamOptions& options);

/// An endless sequence of triplets from songs made on the fly. It consists of blocks: `songs_per_block` songs, from
/// each of which `triplets_per_song` triplets are drawn, in an order shuffled over the block (siblings stay together).
/// An example depends on the options (but for `threads` and `blocks_ahead`) and its number alone, and asking for one
/// makes the songs of its block and no others. A song that cannot be made, or does not allow any triplet, is replaced
/// by that of the next number. Block b holds numbers drawn from the seed, so that streams of different seeds share no
/// song. `Triplet::song` counts the songs of the stream.
///
/// At most blocks_ahead + 3 blocks are in memory, mostly blocks_ahead + 1. Every block holds songs_per_block *
/// triplets_per_song triplets: 490 MB with 10 s at 24 kHz.
class TripletStream : public TripletSequence {
 public:
  /// `lexicon` outlives the stream. Throws kUsage for bad options (those of the triplets are looked at with the songs),
  /// kMissing when the system gives no thread.
  TripletStream(StreamOptions options, SongSupply supply, const Lexicon& lexicon, CancelToken cancel = {});
  /// Waits for the songs that are being made.
  ~TripletStream() override;

  int sample_rate() const override;
  int64_t size() const override { return 0; }
  /// Throws kCancelled, and what making the songs threw: kInput when many songs in a row could not be used, kUsage for
  /// bad options of the triplets.
  LabelledTriplet at(int64_t index) override;

  /// Examples of one block.
  int64_t block_size() const;
  /// Seconds that callers of `at` have waited so far, added up over threads.
  double waited_s() const;
  /// Songs made so far, and those that could not be used.
  int64_t songs_made() const;
  int64_t songs_refused() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace instructme
