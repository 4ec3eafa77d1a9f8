#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "instructme/audio/audio_buffer.h"
#include "instructme/score/score.h"
#include "instructme/text/plan.h"

namespace instructme {

/// Where a step of an edit works: frames [begin, end) of the music, faded in and out inside, so that everything outside
/// stays as it was, sample by sample.
struct Region {
  int64_t begin = 0, end = 0;
  int64_t fade_in = 0, fade_out = 0;  ///< frames of the raised-cosine fades; 0 at the ends of the music

  /// 0 outside, 1 inside but for the fades.
  float weight(int64_t frame) const;
  bool is_whole(int64_t frames) const { return begin == 0 && end == frames; }
};

/// Length of the fades: short enough not to be heard as one, long enough not to click.
inline constexpr double kFadeSeconds = 0.02;

/// What is listened to on both sides of a range: enough to hear what the music is like, and how loud.
inline constexpr double kContextSeconds = 5;

/// The frames [first, last) that are listened to for a region of so much music.
std::pair<int64_t, int64_t> around(const Region& region, int64_t frames, int sample_rate);

/// Whether any range is in bars, so that beats are needed.
bool has_bars(const Plan& plan);

/// The frames of a range; of all the music without one. Bars are counted by the beats: bar 1 begins with the first
/// downbeat. Throws kInput when the range lies outside the music (half a second too much is taken for a
/// rounded number) or wants bars and there are no beats.
Region resolve_range(const std::optional<PlanRange>& range, int64_t frames, int sample_rate,
                     const std::vector<Beat>& beats);

/// Whether every sample is a multiple of 2^-23 and at most 2, as integers of up to 24 bits are: sums of such samples
/// are exact as long as they stay below 2.
bool is_on_grid(const AudioBuffer& buffer);

/// What a part contributes: weight(frame) * strength * part, for music of `frames` frames in which the part begins at
/// frame `first`; rounded to multiples of 2^-23 where `grid` says so. The weight 1 at strength 1 leaves a sample as it
/// is.
AudioBuffer placed(const AudioBuffer& part, int64_t first, int64_t frames, const Region& region, double strength,
                   bool grid);

/// sum += sign * part. Throws kInternal when they differ in size.
void add_audio(AudioBuffer& sum, const AudioBuffer& part, float sign = 1);

/// Frames [begin, end).
AudioBuffer slice(const AudioBuffer& buffer, int64_t begin, int64_t end);

}  // namespace instructme
