#include "instructme/edit/editor.h"

#include <torch/torch.h>

#include <chrono>
#include <cmath>

#include "instructme/audio/loudness.h"
#include "instructme/audio/resample.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "instructme/torchx/runtime.h"

namespace instructme {

using at::Tensor;

namespace {

class Stopwatch {
 public:
  explicit Stopwatch(double& seconds) : seconds_(seconds), start_(std::chrono::steady_clock::now()) {}
  ~Stopwatch() { seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  double& seconds_;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace

double level_gain(const Tensor& wave, double level_dbfs) {
  const double rms = std::sqrt(wave.to(at::kDouble).pow(2).mean().item<double>());
  return std::pow(10.0, level_dbfs / 20) / std::max(rms, 1e-6);
}

Editor::Editor(const std::filesystem::path& model_folder, EditorOptions options)
    : Editor(Pipeline::load(model_folder), std::move(options)) {}

Editor::Editor(Pipeline pipeline, EditorOptions options)
    : pipeline_(std::move(pipeline)),
      options_(std::move(options)),
      chord_extractor_(std::make_unique<ChromaTemplateChordExtractor>()) {
  pipeline_.eval();
  pipeline_.to(find_device(options_.device));
  if (options_.bfloat16) pipeline_.to(at::kBFloat16);
}

bool Editor::can(EditMode mode, Operation operation) const {
  if (mode == EditMode::kDirect) return true;
  return pipeline_.mask && names_source_stems(operation);
}

Tensor Editor::edit_wave(const Tensor& source, const Instruction& instruction, const std::string& sentence,
                         const EditOptions& options, Tensor chords, EditResult& report,
                         const ProgressCallback& progress, const CancelToken& cancel) {
  torch::NoGradGuard no_grad;
  ensure(source.dim() == 1 && source.scalar_type() == at::kFloat, "edit_wave wants a float wave of shape (S)");
  if (!can(options.mode, instruction.operation))
    throw Error(ErrorKind::kUsage, "this model cannot " + std::string(operation_name(instruction.operation)) +
                                       " in compose mode; use direct mode");
  const PipelineConfig& config = pipeline_.config;
  const auto device = find_device(options_.device);
  const int64_t samples = source.size(0);

  // Training music has one level; the model gets the same and the answer is brought back.
  const double gain = level_gain(source, config.level_dbfs);
  const Tensor wave = (source * gain).to(device);

  SamplingSettings settings = config.sampling_of(instruction.operation);
  settings.sampler.seed = options.seed;
  if (options.steps > 0) settings.sampler.steps = options.steps;
  if (options.guidance >= 0) settings.guidance.scale = options.guidance;
  settings.sampler.validate();
  settings.guidance.validate();
  report.settings = settings;

  Tensor z_s;
  // Neither latent nor chords reach a mask head that does not hear the U-Net.
  if (options.mode == EditMode::kDirect || pipeline_.mask->options.unet_features) {
    const Stopwatch watch(report.seconds_encode);
    if (progress) progress({"listening", 0, 1, ""});
    z_s = pipeline_.describe_source(encode_long(pipeline_.vae, wave, cancel), wave.unsqueeze(0));  // (1, T, C + M)
    if (!chords.defined() && config.unet.chord_classes > 0)
      chords = chord_extractor_->extract(wave.cpu(), chord_frames(samples))[0];
    if (progress) progress({"listening", 1, 1, ""});
  }
  report.chords = chords;
  if (options.mode == EditMode::kCompose) {
    const Stopwatch watch(report.seconds_sample);
    const Tensor batch = wave.unsqueeze(0), condition = chords.defined() ? chords.unsqueeze(0).to(device) : Tensor();
    const Tensor mask = pipeline_.predict_mask(z_s, batch, {sentence}, condition, options.seed);
    const Tensor stem = pipeline_.mask->inverse(pipeline_.mask->spectrum(batch) * mask, samples)[0].cpu() / gain;
    return instruction.operation == Operation::kRemove ? source - stem : stem;
  }
  Tensor z;
  {
    const Stopwatch watch(report.seconds_sample);
    SamplerHooks hooks;
    hooks.cancel = cancel;
    hooks.progress = progress;
    const Tensor condition = chords.defined() ? chords.unsqueeze(0).to(device) : Tensor();
    z = pipeline_.sample_target(z_s, {sentence}, condition, settings, hooks);
  }
  const Stopwatch watch(report.seconds_decode);
  if (progress) progress({"playing", 0, 1, ""});
  const Tensor edited = decode_long(pipeline_.vae, z, samples, cancel) / gain;
  if (progress) progress({"playing", 1, 1, ""});
  return edited.cpu();
}

EditResult Editor::edit(const AudioBuffer& source, const std::string& sentence, const EditOptions& options,
                        const ProgressCallback& progress, const CancelToken& cancel) {
  EditResult result;
  result.instruction = parse_instruction(sentence, Lexicon::builtin());
  if (source.frames() == 0) throw Error(ErrorKind::kInput, "the music is empty: there is nothing to edit");
  if (source.seconds() > max_seconds())
    throw Error(ErrorKind::kInput, format("the music is %.0f s long; at most %.0f s can be edited at once: cut it into "
                                          "parts first",
                                          source.seconds(), max_seconds()));
  if (is_silent(source))
    throw Error(ErrorKind::kInput, "the music is silent (below -80 dBFS): there is nothing to edit");
  const std::vector<float> mixed = mix_to_mono(source);
  if (is_silent(from_mono(mixed, source.sample_rate)))
    throw Error(ErrorKind::kInput, "the channels of the music cancel each other in the mono mix that the model hears");

  const double rate = static_cast<double>(pipeline_.config.vae.sample_rate);
  const std::vector<float> mono = resample(mixed, source.sample_rate, rate);
  if (mono.empty()) throw Error(ErrorKind::kInput, "the music is shorter than one sample of the model");
  const Tensor wave =
      torch::from_blob(const_cast<float*>(mono.data()), {static_cast<int64_t>(mono.size())}, at::kFloat).clone();
  const Tensor edited =
      edit_wave(wave, result.instruction, sentence, options, Tensor(), result, progress, cancel).contiguous();
  std::vector<float> back = resample(
      std::span<const float>(edited.data_ptr<float>(), static_cast<size_t>(edited.size(0))), rate, source.sample_rate);
  back.resize(static_cast<size_t>(source.frames()), 0.0f);
  result.audio = from_planar(std::vector<std::vector<float>>(static_cast<size_t>(source.channels), std::move(back)),
                             source.sample_rate);
  return result;
}

}  // namespace instructme
