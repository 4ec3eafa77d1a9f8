#include "instructme/edit/estimate.h"

#include <torch/torch.h>

#include <algorithm>

#include "instructme/edit/stem_extractor.h"

namespace instructme {
namespace {

// How docs/editing.md says that they were measured. Operations are two for each product; those of the U-Net and the VAE
// are counted as parameters x frames, and as most parameters of the U-Net see fewer frames, its share of the rate of
// matrix products is above 1. The mask head's convolutions take fewer products than are counted in single precision.
constexpr double kMaskShare = 0.9, kCoarseMaskShare = 0.35, kUnetShare = 2.0, kVaeShare = 1.0;
// Seconds for each second of one channel at 44.1 kHz, once for the music and once for each stem: reading, resampling,
// spectra, writing.
constexpr double kSignalSeconds = 0.0018;
constexpr double kStartSeconds = 1.2;
// Of a part that is played: finding and loading the sound; hearing beats, chords and key, and playing.
constexpr double kSoundSeconds = 0.5, kPlayedSeconds = 0.03, kSoundMb = 150;
// Seconds for each second of music of which the notes are heard.
constexpr double kTranscribeSeconds = 0.15;
// So many parts has the band of a genre, mostly.
constexpr size_t kBandParts = 4;
constexpr double kProgramMb = 340;
// Activations of the U-Net, and of the mask head, which listens to so much at a time. One follows the other.
constexpr double kSampledMbPerSecond = 2.1, kMaskMb = 130, kMaskMbPerSecond = 1.6, kMaskSeconds = 116;
// Copies of the music in memory at the same time: always, and for each stem.
constexpr double kCopies = 4, kCopiesPerStem = 1.6;

double parameters(const torch::nn::Module& module) {
  double count = 0;
  for (const auto& parameter : module.parameters()) count += static_cast<double>(parameter.numel());
  return count;
}

double seconds_of(const PlanStep& step, const AudioInfo& music, const std::vector<Beat>& beats) {
  if (!step.range || (step.range->unit == PlanRange::Unit::kBars && beats.empty())) return music.seconds();
  const Region region = resolve_range(step.range, music.frames, music.sample_rate, beats);
  const auto [first, last] = around(region, music.frames, music.sample_rate);
  return static_cast<double>(last - first) / music.sample_rate;
}

}  // namespace

EditEstimate estimate_edit(const Editor& editor, const Plan& plan, const AudioInfo& music, const EditOptions& options,
                           double gflops) {
  const Pipeline& pipeline = editor.pipeline();
  const VaeOptions& vae = pipeline.config.vae;
  const double latents = static_cast<double>(vae.sample_rate) / static_cast<double>(vae.samples_per_latent());
  const double frames = latents * static_cast<double>(vae.frames_per_latent);
  const double rate = gflops * 1e9;
  EditEstimate out{kStartSeconds, kProgramMb};
  double stems = 0, activations_mb = 0, sound_mb = 0;
  for (const PlanStep& step : plan.steps) {
    const Instruction& instruction = step.instruction;
    const double seconds = seconds_of(step, music, options.beats);
    const bool composed = editor.mode_for(instruction, options) == EditMode::kCompose;
    const bool takes = names_source_stems(instruction.operation) || instruction.operation == Operation::kReplace;
    const bool replaces = instruction.operation == Operation::kReplace;
    const size_t taken = composed && takes ? instruction.instruments.size() : 0;
    const std::vector<std::string> new_parts = !composed  ? std::vector<std::string>()
                                               : replaces ? instruction.replacements
                                               : takes    ? std::vector<std::string>()
                                                          : instruction.instruments;
    const auto of_parts = static_cast<size_t>(std::count_if(
        new_parts.begin(), new_parts.end(), [&](const std::string& name) { return editor.would_play(name, options); }));
    const bool by_band = composed && instruction.operation == Operation::kRemix && new_parts.empty();
    const size_t played = by_band ? kBandParts : of_parts, sampled = composed ? new_parts.size() - of_parts : 1;
    const double size = music.channels * music.sample_rate / 44100.0;
    out.seconds += seconds * size * kSignalSeconds * (1 + static_cast<double>(taken + sampled + played));
    if (taken > 0 && pipeline.mask) {
      activations_mb = std::max(activations_mb, kMaskMb + kMaskMbPerSecond * std::min(seconds, kMaskSeconds));
      const double hop = static_cast<double>(vae.sample_rate) / static_cast<double>(pipeline.mask->options.hop);
      const double runs = (music.channels == 2 ? 2 : 1) *
                          (hears_thoroughly(options, seconds) ? static_cast<double>(kThoroughSpeeds) : 1);
      const bool single = pipeline.mask->share_weight.scalar_type() == at::kFloat;
      out.seconds += seconds * hop * 2 * pipeline.mask->products_per_frame() * runs /
                     (rate * (single ? kMaskShare : kCoarseMaskShare));
    }
    if (sampled > 0) {
      activations_mb = std::max(activations_mb, kSampledMbPerSecond * seconds);
      SamplingSettings settings = pipeline.config.sampling_of(composed ? Operation::kAccompany : instruction.operation);
      if (options.steps > 0) settings.sampler.steps = options.steps;
      if (options.guidance >= 0) settings.guidance.scale = options.guidance;
      const double passes = static_cast<double>(settings.sampler.steps) * (settings.guidance.scale == 1 ? 1 : 2);
      const double once = seconds * latents * 2 * parameters(*pipeline.unet) * passes / (rate * kUnetShare) +
                          seconds * frames * 2 * parameters(*pipeline.vae) / (rate * kVaeShare);
      out.seconds += once * static_cast<double>(sampled);
    }
    if (played > 0) {
      out.seconds += kSoundSeconds + seconds * kPlayedSeconds * static_cast<double>(played);
      sound_mb = kSoundMb;
    }
    if (taken > 0 && editor.would_transcribe(instruction, options)) out.seconds += seconds * kTranscribeSeconds;
    stems += static_cast<double>(taken + sampled + played);
  }
  const double copy_mb = static_cast<double>(music.frames) * music.channels * 4 * 1e-6;
  out.memory_mb += copy_mb * (kCopies + kCopiesPerStem * stems) + activations_mb + sound_mb;
  return out;
}

}  // namespace instructme
