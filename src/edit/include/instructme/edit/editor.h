#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "instructme/accompanist/accompanist.h"
#include "instructme/audio/audio_buffer.h"
#include "instructme/base/cancel.h"
#include "instructme/base/progress.h"
#include "instructme/ears/listener.h"
#include "instructme/edit/region.h"
#include "instructme/models/chord_extractor.h"
#include "instructme/pipeline/pipeline.h"
#include "instructme/score/score.h"
#include "instructme/text/plan.h"

namespace instructme {

struct EditorOptions {
  bool bfloat16 = false;  ///< weights and activations: about twice as fast; float32 where multiplies_bfloat16() says
                          ///< no (torchx/runtime.h)
  std::string device = "cpu";  ///< "cpu" or "cuda"
  /// How sure it is, 0..1, that this very instrument (canonical name) sounds in the music, or nothing for one that it
  /// does not know; none: the tagger of the model folder says it, and without one every instrument is looked for.
  std::function<std::optional<double>(const AudioBuffer& music, const std::string& instrument)> hears = {};
  /// Hear beats, chords and instruments; none: those of the model folder, if it has any.
  Ears ears = {};
  /// Plays new parts; none: the model makes them. Only by one editor at a time.
  std::shared_ptr<Accompanist> accompanist = {};
  /// Hears the notes of what is replaced, for the accompanist to play them on what takes its place (transcriber_of in
  /// pretrained/note_transcriber.h); none: other notes are written.
  std::function<std::vector<Note>(const AudioBuffer& stem, const ProgressCallback&, const CancelToken&)> transcribes =
      {};
};

/// How an edit comes about.
enum class EditMode {
  kAuto,    ///< compose where that can be done (not: remixes of which nothing can be played, and instruments unknown to
            ///< the mask head), else direct
  kDirect,  ///< the latent of the whole edited mix is sampled and decoded (paper §3.1)
  kCompose,  ///< stems are taken out and put in, and what the sentence does not name stays as it is, sample by sample
};
/// Throws kUsage for a name that is not "auto", "direct" or "compose".
EditMode parse_edit_mode(const std::string& name);
const char* edit_mode_name(EditMode mode);

/// Where the new parts of compose mode come from.
enum class PartMaker {
  kAuto,    ///< played where there is an accompanist with a sound for the instrument, and beats are heard; else sampled
  kModel,   ///< sampled by the model ("accompany")
  kPlayed,  ///< written for the beats and chords of the music, and played by the accompanist
};
/// Throws kUsage for a name that is not "auto", "model" or "played".
PartMaker parse_part_maker(const std::string& name);
const char* part_maker_name(PartMaker maker);

/// What is played by a part that takes the place of another one.
enum class PartNotes {
  kAuto,     ///< the notes that are heard of the other one where that can be done, else others
  kHeard,    ///< the notes that are heard of the other one
  kWritten,  ///< others, written for the beats and chords of the music
};
/// Throws kUsage for a name that is not "auto", "heard" or "written".
PartNotes parse_part_notes(const std::string& name);
const char* part_notes_name(PartNotes notes);

struct EditOptions {
  EditMode mode = EditMode::kAuto;
  uint64_t seed = 0;  ///< of all noise: same seed, same machine, same bytes
  /// Replaces the model's sampling settings for the operation; steps 0 or guidance < 0 keep them.
  int64_t steps = 0;
  double guidance = -1;
  std::vector<ChordSpan> chords = {};  ///< of the music; empty: estimated
  std::optional<Key> key = {};         ///< of the music: chords outside of it are taken for unlikely
  std::vector<Beat> beats = {};        ///< of the music, for ranges in bars; empty: heard where a range needs them
  /// Where added parts stand in compose mode, from -1 (left) over 0 to 1 (right), at constant power; for music of two
  /// channels.
  double pan = 0;
  PartMaker parts = PartMaker::kAuto;
  PartNotes part_notes = PartNotes::kAuto;
  /// Tones that new parts play, in seconds of the source and in order of their onsets, as those of tones_of_midi;
  /// empty: as `part_notes` says. Drums and percussion have parts of their own all the same.
  std::vector<Note> notes = {};
  /// Hear the music at three speeds to take instruments out, in three times the time; unset: where no more than
  /// kThoroughUpTo_s of it are heard.
  std::optional<bool> thorough = {};
  bool force = false;  ///< take out instruments that are not heard, too
};

/// So much music, s, is heard at three speeds unless the options say otherwise: it takes a second or two more.
inline constexpr double kThoroughUpTo_s = 30;
bool hears_thoroughly(const EditOptions& options, double seconds);

/// Below this certainty an instrument counts as not there.
inline constexpr double kHeard = 0.05;

/// What was taken out of the music or put into it: as far as the step went, with its range and strength.
struct EditedStem {
  std::string instrument = "";  ///< canonical name
  bool added = false;           ///< false: it was in the music
  size_t step = 0;              ///< of the plan
  bool in_result = false;       ///< the result is the sum of these and the residual
  AudioBuffer audio = {};       ///< rate, channels and length of the source
  /// Of a part that the accompanist played: its notes, in seconds of the source and before range and strength.
  std::optional<Part> notes = {};
};

struct EditResult {
  AudioBuffer audio;  ///< rate, channels and length of the source
  Plan plan;
  std::vector<EditMode> modes;     ///< of every step, never kAuto
  std::vector<Region> regions;     ///< of every step
  std::vector<EditedStem> stems;   ///< of steps in compose mode
  std::vector<std::string> notes;  ///< what a person should know of it, a sentence each
  std::vector<Beat> beats;         ///< by which bars were counted, given or heard; empty when no range is in bars
  /// What was heard of all the music, for bars or for new parts, and not given: by the first step that needed it.
  std::vector<Beat> heard_beats;
  std::vector<ChordSpan> heard_chords;
  at::Tensor chords;          ///< (T_p, d_p) probabilities the model was given last; undefined when it needed none
  SamplingSettings settings;  ///< of the last part that was sampled
  bool thorough = false;      ///< instruments were taken out of what was heard at three speeds, in one step or more
  /// Spent on listening (encoding, masks, ears), on sampling, and on decoding or playing.
  double seconds_encode = 0, seconds_sample = 0, seconds_decode = 0;

  /// kCompose when every step was composed, else kDirect.
  EditMode mode() const;
  /// Whether the result is the source plus the stems that were added minus those that were taken out.
  bool is_sum_of_stems() const;
  /// The result without the stems in it, so that it and they add up to the result.
  AudioBuffer residual() const;
};

/// Edits music by a sentence, step by step. The model hears mono at 24 kHz.
/// Direct mode (paper §3.1): the source is encoded, the latent of the whole edited mix is sampled, and decoded; what is
/// made has the same signal in all channels.
/// Compose mode, with x the stems that a mask head finds in the source and y a part that is sampled alone
/// ("accompany") or played (EditOptions::parts, part_notes) and brought to the loudness that its kind of part mostly
/// has in a mix:
///
///   extract: x   remove: source - x   add: source + y   replace: source - x + y   accompany: y   remix: several y
///
/// A step with a range changes nothing outside of it, in either mode; with a strength, it goes that part of the way. Of
/// a source whose samples are integers of up to 24 bits, stems are rounded to 2^-23, so that sums and differences are
/// exact; of others they are right to one rounding. One edit at a time per object.
///
///   Editor editor("models/default");
///   EditResult result = editor.edit(read_audio("song.flac"), "remove the drums");
///   write_audio("edited.flac", result.audio);
class Editor {
 public:
  /// Throws kModel or kIo when the folder cannot be used, kMissing when the device is not there.
  explicit Editor(const std::filesystem::path& model_folder, EditorOptions options = {});
  explicit Editor(Pipeline pipeline, EditorOptions options = {});

  /// Throws kInput for a sentence that is not understood, a range outside the source, a range in bars when there are
  /// neither beats nor ears that hear some, an instrument that is not heard and is to be taken out, or a source that is
  /// silent, empty or longer than max_seconds(); kMissing when parts must be played and there is no SoundFont, kModel
  /// when that takes ears and the model has none; kUsage for a mode that cannot do what is asked; kCancelled.
  EditResult edit(const AudioBuffer& source, const std::string& sentence, const EditOptions& options = {},
                  const ProgressCallback& progress = {}, const CancelToken& cancel = {});

  EditResult edit(const AudioBuffer& source, const Plan& plan, const EditOptions& options = {},
                  const ProgressCallback& progress = {}, const CancelToken& cancel = {});

  /// The chords that the model would be told of, unless they are given: probabilities (T_p, d_p).
  at::Tensor estimate_chords(const AudioBuffer& source);

  /// The ears of the options or of the model folder; empty when there are none. They remember what they heard last, so
  /// that asking again costs nothing.
  const Ears& ears() const { return options_.ears; }
  /// The beats that bars are counted by when none are given. Throws kInput when there are no ears, or they hear none.
  std::vector<Beat> hear_beats(const AudioBuffer& source, const ProgressCallback& progress = {},
                               const CancelToken& cancel = {});

  /// Whether a new part for this instrument would be played if the music has a beat.
  bool would_play(const std::string& instrument, const EditOptions& options) const;
  /// Whether there are beats and chords for a part to be written for, heard or given.
  bool knows_harmony(const EditOptions& options) const;
  /// Whether some new part of an instruction could play notes that are given, or heard of what it replaces.
  bool would_play_notes(const Instruction& instruction, const EditOptions& options) const;
  /// Whether the notes of what is replaced would be heard for a part that plays them.
  bool would_transcribe(const Instruction& instruction, const EditOptions& options) const;

  /// The mode of an instruction, where that of the options is EditMode::kAuto; of a remix, if the music has a beat.
  EditMode mode_for(const Instruction& instruction, const EditOptions& options) const;
  /// Whether a mode can do what is asked with this model; a remix is composed by playing all of it.
  bool can(EditMode mode, const Instruction& instruction) const;

  /// Direct mode on what the model hears: source (S) mono float at 24 kHz and any level -> (S) at that
  /// level. `chords` (T_p, d_p) undefined: estimated from the source.
  at::Tensor edit_direct(const at::Tensor& source, Operation operation, const std::string& sentence,
                         const EditOptions& options, at::Tensor chords, EditResult& report,
                         const ProgressCallback& progress = {}, const CancelToken& cancel = {});

  static constexpr double max_seconds() { return 1200; }
  Pipeline& pipeline() { return pipeline_; }
  const Pipeline& pipeline() const { return pipeline_; }
  const EditorOptions& options() const { return options_; }
  /// Where the model came from; empty when it came from nowhere.
  const std::filesystem::path& model_folder() const { return model_folder_; }

 private:
  struct Job;       // what the steps of one edit share
  struct Replaced;  // what new parts take the place of

  /// The mode of a step, and notes of what a person would not expect.
  EditMode choose_mode(const Instruction& instruction, const AudioBuffer& source, const Region& region,
                       const EditOptions& options, std::vector<std::string>& notes, const ProgressCallback& progress,
                       const CancelToken& cancel);
  /// Whether there is a beat around a range, given or heard.
  bool knows_beat(const AudioBuffer& source, const Region& region, const EditOptions& options,
                  const ProgressCallback& progress, const CancelToken& cancel);
  void run_step(const PlanStep& step, size_t index, const AudioBuffer& source, EditResult& result, const Job& job);
  /// What is heard from frame `first` of the source on.
  AudioBuffer direct(const AudioBuffer& heard, int64_t first, Operation operation, const std::string& sentence,
                     EditResult& result, const Job& job);
  /// A new part for what is heard from frame `first` of the source on; `mix` is what it joins.
  EditedStem make_part(const AudioBuffer& heard, const AudioBuffer& mix, int64_t first, const std::string& instrument,
                       const Replaced& replaced, EditResult& result, const Job& job);
  Replaced hear_replaced(const AudioBuffer& heard, const std::vector<EditedStem>& taken, const Instruction& instruction,
                         EditResult& result, const Job& job);
  /// The notes of stems that were taken out; none when others are to be played.
  std::vector<Note> hear_notes(const std::vector<EditedStem>& taken, const Instruction& instruction, EditResult& result,
                               const Job& job);
  bool can_play_notes(const std::string& instrument) const;
  /// What is known of what is heard from frame `first` of the source on: given, or heard by the ears.
  HeardMusic hear_music(const AudioBuffer& heard, int64_t first, EditResult& result, const Job& job);
  /// A remix by the accompanist, as loud as what is heard.
  std::vector<EditedStem> play_remix(const AudioBuffer& heard, int64_t first, const Instruction& instruction,
                                     EditResult& result, const Job& job);
  /// A new part by the accompanist; nothing, and a note in the result, when it cannot.
  std::optional<EditedStem> play_part(const AudioBuffer& heard, int64_t first, const std::string& instrument,
                                      EditResult& result, const Job& job);
  /// Notes that were given, or those of what is replaced, on another instrument; nothing when there are none, or it
  /// does not play them.
  std::optional<EditedStem> play_replaced(const AudioBuffer& heard, int64_t first, const std::string& instrument,
                                          const Replaced& replaced, EditResult& result, const Job& job);
  std::vector<EditedStem> find_stems(const AudioBuffer& heard, int64_t first, const Instruction& instruction,
                                     EditResult& result, const Job& job);
  void check_source(const AudioBuffer& source) const;
  double heard_certainty(const AudioBuffer& source, const std::string& instrument) const;
  void check_heard(const AudioBuffer& source, const Plan& plan) const;
  Plan settled(const AudioBuffer& source, const Plan& plan, const EditOptions& options,
               std::vector<std::string>& notes) const;
  void check_notes(const Plan& plan, const EditOptions& options) const;

  std::filesystem::path model_folder_;
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
