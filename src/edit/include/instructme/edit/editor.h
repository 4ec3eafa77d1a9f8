#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

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
  kAuto,     ///< compose where the model can (not: remix, and instruments unknown to its mask head), else direct
  kDirect,   ///< the latent of the whole edited mix is sampled and decoded (paper §3.1)
  kCompose,  ///< stems are taken out and put in, and what the sentence does not name stays as it is, sample by sample
};
/// Throws kUsage for a name that is not "auto", "direct" or "compose".
EditMode parse_edit_mode(const std::string& name);

struct EditOptions {
  EditMode mode = EditMode::kAuto;
  uint64_t seed = 0;  ///< of all noise: same seed, same machine, same bytes
  /// Replaces the model's sampling settings for the operation; steps 0 or guidance < 0 keep them.
  int64_t steps = 0;
  double guidance = -1;
};

/// What was taken out of the source or put into it.
struct EditedStem {
  std::string instrument;  ///< canonical name
  bool added = false;      ///< false: it is in the source
  AudioBuffer audio;       ///< rate, channels and length of the source
};

struct EditResult {
  AudioBuffer audio;  ///< rate, channels and length of the source
  Instruction instruction;
  EditMode mode = EditMode::kDirect;  ///< never kAuto
  std::vector<EditedStem> stems;      ///< in compose mode
  at::Tensor chords;                  ///< (T_p, d_p) probabilities the model was given; undefined when it needs none
  SamplingSettings settings;
  double seconds_encode = 0, seconds_sample = 0, seconds_decode = 0;
};

/// Edits music by a sentence. The model hears mono at 24 kHz.
/// Direct mode (paper §3.1): the source is encoded, the latent of the whole edited mix is sampled, and decoded; the
/// result has the same signal in all channels.
/// Compose mode, with x the stems that a mask head finds in the source and y a part that is sampled alone
/// ("accompany") and brought to the level that its kind of part mostly has in a mix:
/// extract: x   remove: source - x   add: source + y   replace: source - x + y   accompany: y
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

  /// Throws kInput for a sentence that is not understood, or a source that is silent, empty or longer than
  /// max_seconds(); kUsage for a mode that cannot do what is asked; kCancelled.
  EditResult edit(const AudioBuffer& source, const std::string& sentence, const EditOptions& options = {},
                  const ProgressCallback& progress = {}, const CancelToken& cancel = {});

  /// Whether a mode can do what is asked with this model.
  bool can(EditMode mode, const Instruction& instruction) const;

  /// Direct mode on what the model hears: source (S) mono float at 24 kHz and any level -> (S) at that
  /// level. `chords` (T_p, d_p) undefined: estimated from the source.
  at::Tensor edit_direct(const at::Tensor& source, Operation operation, const std::string& sentence,
                         const EditOptions& options, at::Tensor chords, EditResult& report,
                         const ProgressCallback& progress = {}, const CancelToken& cancel = {});

  static constexpr double max_seconds() { return 1200; }
  Pipeline& pipeline() { return pipeline_; }

 private:
  AudioBuffer direct(const AudioBuffer& source, Operation operation, const std::string& sentence,
                     const EditOptions& options, EditResult& report, const ProgressCallback& progress,
                     const CancelToken& cancel);
  AudioBuffer compose(const AudioBuffer& source, const EditOptions& options, EditResult& result,
                      const ProgressCallback& progress, const CancelToken& cancel);

  Pipeline pipeline_;
  EditorOptions options_;
  std::unique_ptr<ChordExtractor> chord_extractor_;
};

/// A copy of the samples: (S) float32 on the CPU.
at::Tensor as_tensor(const std::vector<float>& wave);

/// The factor that brings a wave (S) to the RMS level of the model's training music, dB below full scale;
/// dividing by it brings the answer back. Finite for silence.
double level_gain(const at::Tensor& wave, double level_dbfs);

/// The VAE over any length in bounded memory: segments with enough context on both sides that the
/// result equals that of one pass up to rounding.  (S) -> (1, T, C), and back.
at::Tensor encode_long(Vae& vae, const at::Tensor& wave, const CancelToken& cancel = {});
at::Tensor decode_long(Vae& vae, const at::Tensor& latent, int64_t samples, const CancelToken& cancel = {});

}  // namespace instructme
