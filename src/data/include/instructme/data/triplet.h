#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "instructme/base/rng.h"
#include "instructme/data/song_set.h"
#include "instructme/text/instruction.h"

namespace instructme {

/// A stem that sounds in a source or a target.
struct HeardStem {
  size_t arrangement = 0, version = 0, stem = 0;  ///< in the SongInfo of the triplet's song
  std::string instrument;                         ///< lexicon name; "" for a stem without one
  double gain = 1;                                ///< relative to SongSet::clip
  bool is_same(const HeardStem& other) const {
    return arrangement == other.arrangement && version == other.version && stem == other.stem;
  }
};

/// <instruction, source, target> (InstructME, section 4.1), with what is known about it.
struct Triplet {
  Instruction instruction;
  std::vector<Instruction> further;  ///< what the sentence asks for after that (TripletOptions::requests)
  std::string sentence;
  std::vector<float> source;  ///< [frames]
  std::vector<float>
      target;  ///< [frames], scaled by the same factor as the source; a remix's to the level of the source
  std::vector<float> chords;  ///< [chord_frames x kChordClasses] row major: the source's true chords, one-hot; no
                              ///< chord when nothing in the source has a pitch
  int chord_frames = 0;
  size_t song = 0;                              ///< in the SongSet
  int64_t start_frame = 0;                      ///< of the clip in the song
  std::vector<std::string> source_instruments;  ///< lexicon names that sound in the source, sorted
  std::vector<std::string> target_instruments;  ///< the same for the target
  std::vector<HeardStem> source_stems;          ///< whose sum the source is, in no particular order
  std::vector<HeardStem> target_stems;          ///< the same for the target
  bool unnamed = false;                         ///< stems without an instrument sound in the source too
  std::string source_genre, target_genre;

  /// Everything the sentence asks for, in order.
  std::vector<Instruction> instructions() const;
  /// Stems of the source that the target has not. But for remixes, source - removed + added is the target.
  std::vector<HeardStem> removed_stems() const;
  /// Stems of the target that the source has not.
  std::vector<HeardStem> added_stems() const;
};

/// Makes source and target softer by one factor where one of them goes beyond full scale, which a file of integers
/// would clip.
void keep_within_full_scale(Triplet& triplet);

struct TripletOptions {
  double seconds = 10;
  /// Relative frequency of the operations by name (see operation_name); those not named are not drawn.
  /// Defaults: the paper's numbers of triplets in millions, and accompany.
  std::map<std::string, double> proportions{{"remix", 1.0},   {"add", 0.3},    {"replace", 0.3},
                                            {"extract", 0.2}, {"remove", 0.2}, {"accompany", 0.2}};
  double chord_frame_rate = 12.5;    ///< Hz
  double silence_db = -50;           ///< stems whose RMS in the clip is below count as absent, dBFS
  double source_level_db = -20;      ///< RMS of the source, dBFS
  double most_rise_db = 15;          ///< but for remixes: targets louder than the source by more are not drawn
  double stem_gain_db = 3;           ///< every stem is up to this much louder or softer
  double phrase_probability = 0.7;   ///< a phrasing of the lexicon; else the plain sentence
  double pair_probability = 0.15;    ///< an instruction names two instruments, where possible
  double part_probability = 0.6;     ///< replace: the same part on another instrument; else another part
  double genre_probability = 0.5;    ///< remix: to a genre; else with a list of instruments
  double tags_probability = 0;       ///< remix to a genre: the instruments are listed too
  double requests = 0;               ///< two requests in one sentence, as "remove X and add Y", instead of one
  bool separate_clips = false;       ///< clips begin at multiples of their length, so that no two overlap
  double unnamed_probability = 0.8;  ///< stems without an instrument are heard, where there is a choice
  int64_t siblings = 1;              ///< sample_group: how many parts of one mix are asked for in turn
  double mix_low_db = -28;           ///< sample_mix: RMS drawn between these two, dBFS
  double mix_high_db = -14;

  std::string fault() const;  ///< what is wrong with these numbers; "" when nothing is
};

/// Draws training examples from a set of songs. Stems of the same lexicon instrument always go
/// together, so "the piano" is all pianos. With X ⊂ S ⊆ the audible instruments of a clip:
///   extract X:   S → X            remove X:    S → S − X        add X:  S − X → S
///   accompany X: S − X → X        replace X Y: C + X → C + Y
///   remix:       S → another arrangement (to a genre), or a subset of another version (with instruments)
/// Two requests in one sentence do one after the other, e.g. remove X, add Y: C + X → C + Y.
/// Stems without an instrument (StemInfo) are background: they belong to C, and mostly to S.
/// The sampler is immutable and may be shared between threads, each with its own Rng.
class TripletSampler {
 public:
  /// `songs` and `lexicon` must outlive the sampler. Throws kUsage for an unknown operation or bad
  /// numbers, kInput when no song is long enough.
  TripletSampler(const SongSet& songs, const Lexicon& lexicon, TripletOptions options = {});

  const TripletOptions& options() const { return options_; }
  int64_t frames() const { return frames_; }

  /// The next example; depends on nothing but the state of `rng`. In the place of an operation that the songs do not
  /// allow, as a remix of recordings, another one is drawn by the proportions. Throws kInput when the songs allow none
  /// of the operations.
  Triplet sample(Rng& rng) const;
  /// An example of one operation. Throws kInput when the songs do not allow it.
  Triplet sample(Operation operation, Rng& rng) const;
  /// The same, but where the songs do not allow it, an example of another one. Throws as sample(rng).
  Triplet sample_or_another(Operation operation, Rng& rng) const;

  /// Like sample(rng), but an example that extracts or removes comes with up to `siblings` - 1 others that name
  /// other parts of the same mix: only the words tell them apart, so a model cannot learn to ignore these.
  std::vector<Triplet> sample_group(Rng& rng) const;

  /// An example of two requests in one sentence, of different operations among extract, remove, add and replace,
  /// drawn by the product of their proportions; source and target differ by exactly both. Throws kInput when the
  /// songs do not allow it, or no two of these operations have a proportion.
  Triplet sample_two_requests(Rng& rng) const;

  /// A mix for training the VAE, [seconds · sample rate]: one stem, some, or all of a version.
  std::vector<float> sample_mix(Rng& rng, double seconds) const;

 private:
  struct Clip;
  struct Take;
  class Mixer;

  struct Choice;
  bool try_sample(Operation operation, Rng& rng, Triplet& triplet) const;
  bool find(Operation operation, Rng& rng, Triplet& triplet) const;
  std::vector<Triplet> find_group(Operation operation, Rng& rng) const;
  [[noreturn]] void refuse(const std::string& what) const;
  Clip draw_clip(int64_t frames, Rng& rng) const;
  Take take(const Clip& clip, size_t arrangement, size_t version, Rng& rng) const;
  Choice choose(const Clip& clip, Rng& rng) const;
  bool subset_pair(Operation operation, Mixer& mixer, const Choice& choice, const std::vector<std::string>& named,
                   Triplet& triplet) const;
  bool replace_same_part(const Clip& clip, Rng& rng, Triplet& triplet) const;
  bool replace_other_part(const Clip& clip, Rng& rng, Triplet& triplet) const;
  bool remix_to_genre(const Clip& clip, Rng& rng, Triplet& triplet) const;
  bool remix_with_instruments(const Clip& clip, Rng& rng, Triplet& triplet) const;
  bool two_requests(const Clip& clip, Rng& rng, Triplet& triplet) const;
  bool finish(const Clip& clip, Rng& rng, Triplet& triplet) const;

  const SongSet& songs_;
  const Lexicon& lexicon_;
  TripletOptions options_;
  int64_t frames_ = 0;
  std::vector<size_t> long_songs_;  // that hold at least one clip
  std::array<double, kOperations> weights_{};
};

}  // namespace instructme
