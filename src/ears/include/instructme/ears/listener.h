#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "instructme/annotation/key_file.h"
#include "instructme/audio/audio_buffer.h"
#include "instructme/base/cancel.h"
#include "instructme/base/progress.h"
#include "instructme/score/score.h"

namespace instructme {

/// How surely one name of the lexicon is heard.
struct HeardTag {
  std::string name;
  double probability = 0;        ///< over the whole piece, 0..1
  double threshold = 0.5;        ///< from which it counts as present: calibrated by clips of training songs
  std::vector<float> over_time;  ///< instruments: probability per tag window; genres: empty
  bool present() const { return probability >= threshold; }
};

/// What was heard in a piece of music. Times in seconds from its start.
struct Hearing {
  double duration_s = 0;

  double chord_rate = 12.5;                ///< chord frames per second
  std::vector<std::vector<float>> chords;  ///< [frame][kChordClasses] probabilities, classes as in score/chord.h
  std::vector<ChordSpan> chord_spans;      ///< the likeliest sequence; without gaps, covering [0, duration_s)

  std::vector<Beat> beats;     ///< with bars and positions; before the first downbeat bar is 0 and the
                               ///< position counts up to it; all before the end of the piece; empty when no pulse is
                               ///< heard, else at least two
  double tempo_bpm = 0;        ///< of most of the time (BeatTrack::tempo_bpm); 0 without beats
  int beats_per_bar = 0;       ///< 0 without beats
  double beat_confidence = 0;  ///< mean activation at the beats, 0..1

  std::vector<KeySpan>
      keys;  ///< without gaps, covering the piece; empty when no chord is heard, or without a key network
  Key key;   ///< the longest of them together; meaningless when `keys` is empty

  bool has_tagger = false;            ///< instruments and genres were listened for, whatever was heard
  double tag_window_s = 1.0;          ///< of HeardTag::over_time
  std::vector<HeardTag> instruments;  ///< every instrument that the tagger knows, surest first
  std::vector<HeardTag> genres;       ///< the same for genres
};

/// Trained ears: chords, beats, key and instruments of any audio file. One thread at a time.
class Listener {
 public:
  /// `model_folder` is a model folder with a subfolder ears/, as models/default. What has no weights there (keys,
  /// tagger) is left empty in a Hearing. Throws kMissing without chords or beats, kModel or kIo for damaged files.
  explicit Listener(const std::filesystem::path& model_folder);
  ~Listener();
  Listener(Listener&&) noexcept;

  /// Any rate, channel count and length above 0; channels are mixed (mono_to_hear), 24 kHz is listened to. Silence
  /// (is_silence) has no beats, no key and no chord. Throws kInput for an empty buffer or samples that are not finite,
  /// kCancelled.
  Hearing listen(const AudioBuffer& audio, const ProgressCallback& progress = {}, const CancelToken& cancel = {});

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// Trained ears, such as a Listener's `listen`; empty where there are none.
using Ears = std::function<Hearing(const AudioBuffer&, const ProgressCallback&, const CancelToken&)>;

/// A Listener of a model folder, which is loaded when it is needed first and throws then what its constructor throws.
/// Empty when the folder has no ears for chords or for beats.
Ears ears_of(const std::filesystem::path& model_folder);

/// Ears for instruments and genres alone, which takes much less time; the rest of a Hearing is empty. Empty when the
/// folder has no tagger; loaded when it is needed first.
Ears tagger_of(const std::filesystem::path& model_folder);

/// Ears that know the two pieces of music that they heard last, and do not listen to them again.
Ears remembering(Ears ears);

}  // namespace instructme
