#pragma once

#include <cmath>
#include <numbers>

#include "instructme/data/labelled_clip.h"

namespace instructme {

/// A made-up clip of a C major or A minor chord, half and half, with a click on each of its beats, at 24 kHz.
inline LabelledClip made_up_clip(double seconds, double beat_s, double first_beat_s) {
  LabelledClip clip;
  const double half = seconds / 2;
  clip.wave.assign(static_cast<size_t>(seconds * 24000), 0.0f);
  const int major[] = {60, 64, 67}, minor[] = {57, 60, 64};
  for (size_t i = 0; i < clip.wave.size(); ++i) {
    const double time = static_cast<double>(i) / 24000;
    for (const int note : time < half ? major : minor)
      clip.wave[i] +=
          static_cast<float>(0.05 * std::sin(2 * std::numbers::pi * 440 * std::exp2((note - 69) / 12.0) * time));
  }
  clip.chords = {{0, half, Chord::of(0, ChordQuality::kMaj)}, {half, seconds, Chord::of(9, ChordQuality::kMin)}};
  for (int k = 0; first_beat_s + k * beat_s < seconds; ++k) {
    clip.beats.push_back({first_beat_s + k * beat_s, k / 4, k % 4});
    const auto start = static_cast<size_t>(clip.beats.back().time_s * 24000);
    for (size_t i = start; i < std::min(clip.wave.size(), start + 480); ++i)
      clip.wave[i] += (k % 4 == 0 ? 0.6f : 0.3f) * ((i * 7919) % 97 < 48 ? 1.0f : -1.0f);
  }
  clip.labelled_s = seconds;
  clip.genre = "rock";
  clip.instruments = {{"piano", std::vector<float>(static_cast<size_t>(seconds * 2), -20.0f)}};
  return clip;
}

}  // namespace instructme
