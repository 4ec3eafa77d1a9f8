#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "instructme/score/score.h"

namespace instructme {

/// The preset of a SoundFont that plays a part.
struct Sound {
  std::filesystem::path font;
  int bank = 0;     ///< kDrumBank for kits
  int program = 0;  ///< 0..127
};

struct StemRendererOptions {
  int sample_rate = 24000;  ///< Hz, 8000..96000
  double gain = 0.4;        ///< FluidSynth's synth.gain, 0..10
  int interpolation = 4;    ///< taps of the resampling filter: 0, 1, 4 or 7
  int polyphony = 512;      ///< voices that may sound together, over all parts
  bool on_demand = false;   ///< read only samples of presets that play, each time; else the whole font, once
  double tail_s = 1.5;      ///< sound after the end of the score; its second half fades out
};

/// Turns the parts of a score into audio with FluidSynth, all of them in one pass: every part has a
/// synthesizer channel and an audio group of its own, so the stems are exactly what a joint
/// rendering would have summed. Reverb and chorus are off. The same input gives the same samples.
///
/// Fonts are loaded at first use and kept for the life of the object. Not thread-safe: one object
/// per thread (FluidSynth shares the sample memory between them).
class StemRenderer {
 public:
  /// Throws kUsage when an option is out of range.
  explicit StemRenderer(StemRendererOptions options = {});
  ~StemRenderer();
  StemRenderer(StemRenderer&&) noexcept;
  StemRenderer& operator=(StemRenderer&&) noexcept;

  const StemRendererOptions& options() const;
  /// Samples in every stem of a score: (duration_s + tail_s) · sample_rate, rounded.
  int64_t frames_of(const Score& score) const;

  /// One mono buffer (mean of left and right) per part, all `frames_of(score)` long. Events are
  /// placed on a grid of 64 samples. Bank selects, pan and channel mode messages of the score are
  /// ignored. Throws kMissing when a font does not exist, kInput when it is not a SoundFont or has
  /// no such preset, kUsage when the number of sounds is not the number of parts.
  std::vector<std::vector<float>> render(const Score& score, const std::vector<Sound>& sound_of_part);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Name and version of the synthesizer, e.g. "FluidSynth 2.3.1"; "none" in a program built without.
std::string synthesizer_version();

}  // namespace instructme
