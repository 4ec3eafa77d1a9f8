#pragma once

#include <span>
#include <vector>

#include "instructme/audio/audio_buffer.h"

namespace instructme {

/// Integrated loudness in LUFS (ITU-R BS.1770-4 with its two gates, through libebur128). One channel
/// counts as one loudspeaker, so a mono file is 3 dB below the same sound on two; the fourth of six
/// channels (LFE) does not count.
/// Sound shorter than one gating block of 0.4 s has no integrated loudness: the K-weighted mean power of
/// what there is is returned instead, without gates. -infinity for silence and for anything under the
/// absolute gate of -70 LUFS. Throws kInternal for a rate or channel count that libebur128 refuses.
double loudness_lufs(const AudioBuffer& buffer);
double loudness_lufs(std::span<const float> mono, int sample_rate);

/// Root mean square of all channels over the half seconds that are within 30 dB of the loudest one, so that pauses
/// do not count; 0 for silence.
double active_rms(const AudioBuffer& buffer);
double active_rms(std::span<const float> mono, int sample_rate);

/// A change of level that can be taken back.
struct LoudnessGain {
  float gain = 1.0f;       ///< factor that was applied; 1 when the sound was silent
  double before_lufs = 0;  ///< loudness before; -infinity for silence

  void apply(std::span<float> samples) const;
  /// Divides by the gain: what `apply` was given comes back to within one rounding of float.
  void undo(std::span<float> samples) const;
};

/// Brings `mono` to `target_lufs` and returns how, so that `undo` on the output of a model restores the
/// level of the input. The peak may exceed 1. Silence stays as it is.
LoudnessGain normalise(std::vector<float>& mono, int sample_rate, double target_lufs);

}  // namespace instructme
