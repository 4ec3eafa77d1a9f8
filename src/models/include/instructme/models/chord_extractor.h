#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "instructme/base/config_reader.h"
#include "instructme/dsp/stft.h"
#include "instructme/score/chord.h"

namespace instructme {

/// A chord frame is 80 ms of 24 kHz audio: 12.5 frames per second. Frame i covers samples
/// [1920 i, 1920 (i + 1)).
inline constexpr int64_t kChordSampleRate = 24000;
inline constexpr int64_t kChordHop = 1920;

/// Frames that cover this many samples.
constexpr int64_t chord_frames(int64_t samples) { return (samples + kChordHop - 1) / kChordHop; }

/// The extractor 𝒞 of section 3.2: audio to the chord probability matrix p (time-major here).
class ChordExtractor {
 public:
  virtual ~ChordExtractor() = default;
  /// waveform (S) or (N, S), float, 24 kHz mono, in [-1, 1] -> (N, frames, kChordClasses), N = 1 for (S):
  /// float32 probabilities in the class order of score/chord.h, on the waveform's device. The waveform is
  /// cut, or extended by silence, to `frames` chord frames. Throws kInternal when the shape is another or
  /// frames < 1, kInput when a sample is not finite. One thread at a time.
  virtual at::Tensor extract(const at::Tensor& waveform, int64_t frames) = 0;
};

struct ChromaTemplateOptions {
  bool estimate_tuning = true;    ///< follow instruments tuned off A4 = 440 Hz, by up to half a semitone
  double median_seconds = 0.6;    ///< tones must last half as long, so that drums do not count; 0 = off
  double bass_weight = 0.2;       ///< of the root being heard in the bass, against the fit of the whole chroma
  double temperature = 0.06;      ///< of the softmax over scores in 0..1; lower = surer
  double self_transition = 0.92;  ///< probability to stay in the chord for one more frame; chords last 1 s on average
  double silence_db = -60.0;      ///< frames below this level (RMS, dB relative to full scale) have no chord

  /// Throws kModel when a value is out of range.
  void validate() const;
  /// Keys named as the fields, all optional.
  static ChromaTemplateOptions read(ConfigReader config);
  nlohmann::json to_json() const;
};

/// Chords without training: the log-frequency spectrum is cleaned of drums by a median over time and of
/// broad-band energy by whitening, explained as a non-negative sum of notes with harmonics (NNLS chroma,
/// Mauch and Dixon 2010), folded to pitch classes, compared with the tones of every chord, and smoothed by
/// the forward-backward algorithm, so that the result stays a probability. Works on the CPU, about as fast
/// as an STFT; memory is bounded except for about 1 kB per 40 ms. Thread-safe in spite of the base class.
class ChromaTemplateChordExtractor : public ChordExtractor {
 public:
  explicit ChromaTemplateChordExtractor(const ChromaTemplateOptions& options = {});
  at::Tensor extract(const at::Tensor& waveform, int64_t frames) override;

  const ChromaTemplateOptions& options() const { return options_; }
  /// Deviation of the tuning of one waveform (S) from A4 = 440 Hz, in semitones, -0.5..0.5.
  double tuning(const at::Tensor& waveform) const;

 private:
  at::Tensor log_spectrum(const at::Tensor& waveform, int64_t analysis_frames) const;
  at::Tensor note_dictionary(double tuning) const;
  at::Tensor scores(const at::Tensor& waveform, int64_t frames) const;

  ChromaTemplateOptions options_;
  Stft stft_;
  at::Tensor pooling_;                   // (F, B): power of STFT bins to power of log-frequency bins
  at::Tensor templates_, quality_bias_;  // (12, classes - 1) of unit length; (classes - 1)
};

/// Posterior of a hidden Markov chain whose states stay with probability `self_transition` and else move
/// to any other state alike. likelihood (T, C), float64, on the CPU, each row up to a factor -> (T, C),
/// rows sum to 1.
at::Tensor smooth_forward_backward(const at::Tensor& likelihood, double self_transition);

}  // namespace instructme
