#pragma once

#include <cstdint>
#include <vector>

#include "instructme/score/score.h"
#include "instructme/synth/stem_renderer.h"

namespace instructme {

/// Samples between the points in time at which events take effect. It is FluidSynth's internal block; the other
/// players keep to it so that stems fit together whatever plays them.
inline constexpr int kStemBlock = 64;

struct PartEvent {
  enum Kind { kOff, kControl, kOn };  // the order in which events of one block are sent
  int64_t block = 0;                  // of kStemBlock samples
  Kind kind = kOn;
  int channel = 0;
  int key = 0;  // or controller
  int value = 0;
};

/// Appends what a part plays. Bank selects, pan and channel mode messages are left out, and a note ends when its key
/// is struck again.
void append_part_events(const Part& part, int channel, double sample_rate, std::vector<PartEvent>& events);
void sort_events(std::vector<PartEvent>& events);

/// Throws kUsage when an option is out of range.
void check_stem_options(const StemRendererOptions& options);
int64_t stem_frames(const Score& score, const StemRendererOptions& options);
/// Fades the second half of the tail out.
void fade_tail(std::vector<float>& stem, const StemRendererOptions& options);

}  // namespace instructme
