#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "instructme/audio/audio_buffer.h"
#include "instructme/base/cancel.h"
#include "instructme/base/progress.h"
#include "instructme/models/chord_extractor.h"
#include "instructme/pipeline/pipeline.h"

namespace instructme {

struct EditorOptions {
  bool bfloat16 = false;       ///< weights and activations; about twice as fast where the processor has it
  std::string device = "cpu";  ///< "cpu" or "cuda"
};

/// How an edit comes about.
enum class EditMode {
  kDirect,   ///< the latent of the whole edited mix is sampled and decoded (paper §3.1)
  kCompose,  ///< extract and remove: a mask on the source's own spectrum, so that what is kept is untouched
};

struct EditOptions {
  EditMode mode = EditMode::kDirect;
  uint64_t seed = 0;  ///< of all noise: same seed, same machine, same bytes
  /// Replaces the model's sampling settings for the operation; steps 0 or guidance < 0 keep them.
  int64_t steps = 0;
  double guidance = -1;
};

struct EditResult {
  AudioBuffer audio;  ///< rate, channels and length of the source
  Instruction instruction;
  at::Tensor chords;  ///< (T_p, d_p) probabilities the model was given; undefined when it needs none
  SamplingSettings settings;
  double seconds_encode = 0, seconds_sample = 0, seconds_decode = 0;
};

/// Edits music by a sentence in direct mode (paper §3.1): the source is encoded, the latent of the
/// whole edited mix is sampled, and decoded. The model hears mono at 24 kHz; the result has the rate,
/// channel count and loudness of the source, with the same signal in all channels.
/// One edit at a time per object.
///
///   Editor editor("models/default");
///   EditResult result = editor.edit(read_audio("song.flac"), "remove the drums");
///   write_audio("edited.flac", result.audio);
class Editor {
 public:
  /// Throws kModel or kIo when the folder cannot be used, kMissing when the device is not there.
  explicit Editor(const std::filesystem::path& model_folder, EditorOptions options = {});
  explicit Editor(Pipeline pipeline, EditorOptions options = {});

  /// Throws kInput for a sentence that is not understood, or a source that is silent, empty or longer
  /// than max_seconds(); kCancelled.
  EditResult edit(const AudioBuffer& source, const std::string& sentence, const EditOptions& options = {},
                  const ProgressCallback& progress = {}, const CancelToken& cancel = {});

  /// Whether a mode can do an operation with this model.
  bool can(EditMode mode, Operation operation) const;

  /// The model's answer on what it hears: source (S) mono float at 24 kHz and any level -> (S) at that
  /// level. `chords` (T_p, d_p) undefined: estimated from the source. Throws kUsage for a mode that cannot do the
  /// operation.
  at::Tensor edit_wave(const at::Tensor& source, const Instruction& instruction, const std::string& sentence,
                       const EditOptions& options, at::Tensor chords, EditResult& report,
                       const ProgressCallback& progress = {}, const CancelToken& cancel = {});

  static constexpr double max_seconds() { return 1200; }
  Pipeline& pipeline() { return pipeline_; }

 private:
  Pipeline pipeline_;
  EditorOptions options_;
  std::unique_ptr<ChordExtractor> chord_extractor_;
};

/// The factor that brings a wave (S) to the RMS level of the model's training music, dB below full scale;
/// dividing by it brings the answer back. Finite for silence.
double level_gain(const at::Tensor& wave, double level_dbfs);

/// The VAE over any length in bounded memory: segments with enough context on both sides that the
/// result equals that of one pass up to rounding.  (S) -> (1, T, C), and back.
at::Tensor encode_long(Vae& vae, const at::Tensor& wave, const CancelToken& cancel = {});
at::Tensor decode_long(Vae& vae, const at::Tensor& latent, int64_t samples, const CancelToken& cancel = {});

}  // namespace instructme
