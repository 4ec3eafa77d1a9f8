#include <torch/torch.h>
// The precompiled torch header comes first.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "instructme/audio/loudness.h"
#include "instructme/base/error.h"
#include "instructme/base/names.h"
#include "instructme/base/strings.h"
#include "instructme/ears/mono_to_hear.h"
#include "instructme/edit/editor.h"
#include "instructme/edit/harmony.h"
#include "instructme/score/transcribed_part.h"
#include "instructme/text/pitched.h"
#include "job.h"
#include "stopwatch.h"

namespace instructme {

namespace {

constexpr Names<PartMaker, 3> kMakerNames{
    {{PartMaker::kAuto, "auto"}, {PartMaker::kModel, "model"}, {PartMaker::kPlayed, "played"}}};
constexpr Names<PartNotes, 3> kNotesNames{
    {{PartNotes::kAuto, "auto"}, {PartNotes::kHeard, "heard"}, {PartNotes::kWritten, "written"}}};

/// By how much a part is less loud than its mix, LU, by the role that its instrument mostly plays: medians over songs
/// of 'data render' (docs/editing.md).
double usual_distance_lu(const std::string& instrument) {
  const InstrumentEntry* entry = Lexicon::builtin().find_instrument(instrument);
  const std::string role = entry == nullptr || entry->roles.empty() ? "chords" : entry->roles.front();
  if (role == "drums" || role == "melody") return 7;
  if (role == "bass") return 8;
  if (role == "arpeggio") return 10;
  return 9;  // chords, counter-melody
}

/// Parts that the model makes are rough and should not stand in front.
constexpr double kRoughLu = 3;

void amplify(AudioBuffer& stem, double db) {
  const double gain = std::pow(10.0, db / 20);
  for (float& x : stem.samples) x = static_cast<float>(x * gain);
}

/// How loud the music is that a part joins. Below the gate of the meter, where it tells nothing, it is taken for that.
double loudness_to_join(const AudioBuffer& heard) {
  constexpr double kGate_lufs = -70;
  return std::max(loudness_lufs(heard), kGate_lufs);
}

/// Whoever made a part, its own level says nothing: the model's were as loud as the mix.
void match_loudness(AudioBuffer& stem, double wanted) {
  const double own = loudness_lufs(stem);
  if (!std::isfinite(own) || !std::isfinite(wanted)) return;
  amplify(stem, wanted - own);
}

/// The gains are 1 in the middle, and the sum of their squares is always the same.
void pan_stereo(AudioBuffer& stem, double pan) {
  if (pan == 0) return;
  const double angle = (pan + 1) * std::numbers::pi / 4;
  const double gains[] = {std::numbers::sqrt2 * std::cos(angle), std::numbers::sqrt2 * std::sin(angle)};
  for (size_t i = 0; i < stem.samples.size(); ++i) stem.samples[i] = static_cast<float>(stem.samples[i] * gains[i % 2]);
}

/// What of a list of beats or chords lies in the music from `start_s` on, in seconds from there.
std::vector<Beat> from_second(std::vector<Beat> beats, double start_s, double duration_s) {
  for (Beat& beat : beats) beat.time_s -= start_s;
  std::erase_if(beats, [&](const Beat& beat) { return beat.time_s < 0 || beat.time_s >= duration_s; });
  return beats;
}

std::vector<ChordSpan> from_second(std::vector<ChordSpan> chords, double start_s) {
  for (ChordSpan& span : chords) {
    span.start_s -= start_s;
    span.end_s -= start_s;
  }
  return chords;
}

/// "Grand Piano, Fingered Bass of FluidR3Mono_GM.sf3 (MIT)", as far as they are from one source.
std::string sounds_text(const std::vector<PlayedPart>& parts) {
  std::string text;
  for (size_t i = 0; i < parts.size(); ++i) {
    const bool last = i + 1 == parts.size() || parts[i + 1].source != parts[i].source;
    text += parts[i].sound;
    if (last) text += " of " + parts[i].source + (parts[i].licence.empty() ? "" : " (" + parts[i].licence + ")");
    if (i + 1 < parts.size()) text += ", ";
  }
  return text;
}

/// The part of what is heard from frame `first` on, with its notes in seconds of the source.
EditedStem stem_of(PlayedPart part, const AudioBuffer& heard, int64_t first) {
  const double start_s = static_cast<double>(first) / heard.sample_rate;
  for (Note& note : part.notes.notes) note.onset_s += start_s;
  for (ControlChange& control : part.notes.controls) control.time_s += start_s;
  EditedStem stem;
  stem.audio = in_channels(part.samples, heard);
  stem.notes = std::move(part.notes);
  return stem;
}

/// Where the music is silent for half a second or more: 40 dB below its mean level.
std::vector<TimeSpan> silences_of(const AudioBuffer& music) {
  constexpr double kBlock_s = 0.1, kShortest_s = 0.5, kBelowMean = 1e-4;  // power
  const auto block = static_cast<size_t>(std::max(1.0, kBlock_s * music.sample_rate));
  const auto frames = static_cast<size_t>(music.frames()), channels = static_cast<size_t>(music.channels);
  // Of all channels: in their mix they may cancel each other.
  const auto power = [&](size_t from, size_t to) {
    double sum = 0;
    for (size_t i = from * channels; i < to * channels; ++i)
      sum += static_cast<double>(music.samples[i]) * music.samples[i];
    return sum / static_cast<double>(to - from);
  };
  const double quiet = kBelowMean * (frames == 0 ? 0 : power(0, frames));
  std::vector<TimeSpan> spans;
  for (size_t from = 0; from < frames; from += block) {
    const size_t to = std::min(from + block, frames);
    if (power(from, to) > quiet) continue;
    const double start = static_cast<double>(from) / music.sample_rate,
                 end = static_cast<double>(to) / music.sample_rate;
    if (!spans.empty() && spans.back().end_s >= start)
      spans.back().end_s = end;
    else
      spans.push_back({start, end});
  }
  std::erase_if(spans, [](const TimeSpan& span) { return span.end_s - span.start_s < kShortest_s; });
  return spans;
}

/// Whether so many notes were heard in a sound that it can be told from them.
bool are_enough(const std::vector<Note>& notes, const AudioBuffer& sound) {
  constexpr double kLongestPerNote_s = 2;
  double sounding_s = sound.seconds();
  for (const TimeSpan& silence : silences_of(sound)) sounding_s -= silence.end_s - silence.start_s;
  return !notes.empty() && static_cast<double>(notes.size()) * kLongestPerNote_s >= sounding_s;
}

/// What the accompanist plays, as a stem; nothing when nothing of it is heard.
std::optional<EditedStem> played_stem(const std::function<PlayedPart()>& play, const std::string& how,
                                      const AudioBuffer& heard, int64_t first, const std::string& instrument,
                                      EditResult& result, const ProgressCallback& progress) {
  const Stopwatch watch(result.seconds_decode);
  if (progress) progress({"playing", 0, 1, instrument});
  PlayedPart played = play();
  if (progress) progress({"playing", 1, 1, instrument});
  if (std::all_of(played.samples.begin(), played.samples.end(), [](float x) { return x == 0; })) return std::nullopt;
  result.notes.push_back(instrument + how + sounds_text({played}) + ".");
  return stem_of(std::move(played), heard, first);
}

}  // namespace

AudioBuffer in_channels(const std::vector<float>& mono, const AudioBuffer& shape) {
  AudioBuffer out{shape.sample_rate, shape.channels, std::vector<float>(shape.samples.size(), 0.0f)};
  const auto channels = static_cast<size_t>(shape.channels);
  for (size_t i = 0; i < out.samples.size() && i / channels < mono.size(); ++i) out.samples[i] = mono[i / channels];
  return out;
}

void keep_to_front(AudioBuffer& part) {
  constexpr size_t kFront = 2;
  const auto channels = static_cast<size_t>(part.channels);
  if (channels <= kFront) return;
  for (size_t i = 0; i < part.samples.size(); ++i)
    if (i % channels >= kFront) part.samples[i] = 0;
}

const char* part_maker_name(PartMaker maker) { return name_of(maker, kMakerNames); }
PartMaker parse_part_maker(const std::string& name) { return value_called(name, kMakerNames, "maker of parts"); }

const char* part_notes_name(PartNotes notes) { return name_of(notes, kNotesNames); }
PartNotes parse_part_notes(const std::string& name) {
  return value_called(name, kNotesNames, "kind of notes for a part");
}

bool Editor::can_play_notes(const std::string& instrument) const {
  return is_pitched(Lexicon::builtin(), instrument) && options_.accompanist && options_.accompanist->plays(instrument);
}

std::string without_beat(const EditOptions& options) {
  return options.beats.empty() ? "no beat is heard in the music; give a file of beats with --beats"
                               : "fewer than two of the beats that were given are in this part of the music";
}

std::vector<Note> notes_within(const std::vector<Note>& notes, double start_s, double duration_s) {
  std::vector<Note> within;
  for (Note note : notes) {
    const double end_s = std::min(note.onset_s + note.duration_s - start_s, duration_s);
    note.onset_s = std::max(note.onset_s - start_s, 0.0);
    note.duration_s = end_s - note.onset_s;
    if (note.duration_s > 0) within.push_back(note);
  }
  if (within.empty())
    throw Error(ErrorKind::kInput,
                format("none of the %zu notes that were given sounds between %.2f s and %.2f s, where "
                       "the new part is to be; their times count from the beginning of the music",
                       notes.size(), start_s, start_s + duration_s));
  return within;
}

bool Editor::would_play_notes(const Instruction& instruction, const EditOptions& options) const {
  const Operation operation = instruction.operation;
  const auto& names = operation == Operation::kReplace ? instruction.replacements : instruction.instruments;
  return (operation == Operation::kAdd || operation == Operation::kAccompany || operation == Operation::kReplace) &&
         options.parts != PartMaker::kModel &&
         std::any_of(names.begin(), names.end(), [&](const std::string& name) { return can_play_notes(name); });
}

bool Editor::would_transcribe(const Instruction& instruction, const EditOptions& options) const {
  const auto& before = instruction.instruments;
  return instruction.operation == Operation::kReplace && options.notes.empty() &&
         options.part_notes != PartNotes::kWritten && options_.transcribes &&
         std::any_of(before.begin(), before.end(),
                     [](const std::string& name) { return is_pitched(Lexicon::builtin(), name); }) &&
         would_play_notes(instruction, options);
}

bool Editor::would_play(const std::string& instrument, const EditOptions& options) const {
  return options.parts != PartMaker::kModel && options_.accompanist && options_.accompanist->plays(instrument) &&
         knows_harmony(options);
}

bool Editor::knows_harmony(const EditOptions& options) const {
  return ears() || (!options.beats.empty() && !options.chords.empty());
}

bool Editor::knows_beat(const AudioBuffer& source, const Region& region, const EditOptions& options,
                        const ProgressCallback& progress, const CancelToken& cancel) {
  const auto [first, last] = around(region, source.frames(), source.sample_rate);
  const AudioBuffer heard = slice(source, first, last);
  if (options.beats.empty()) return ears()(heard, progress, cancel).beats.size() >= 2;
  return from_second(options.beats, static_cast<double>(first) / source.sample_rate, heard.seconds()).size() >= 2;
}

EditedStem Editor::make_part(const AudioBuffer& heard, const AudioBuffer& mix, int64_t first,
                             const std::string& instrument, const Replaced& replaced, EditResult& result,
                             const Job& job) {
  std::optional<EditedStem> part = play_replaced(heard, first, instrument, replaced, result, job);
  if (!part && job.options.parts != PartMaker::kModel) part = play_part(heard, first, instrument, result, job);
  const bool played = part.has_value();
  if (!played) {
    Instruction alone;
    alone.operation = Operation::kAccompany;
    alone.instruments = {instrument};
    part = EditedStem{.audio = direct(mix, first, Operation::kAccompany, plain_sentence(alone), result, job)};
  }
  part->instrument = instrument;
  part->added = part->in_result = true;
  keep_to_front(part->audio);
  match_loudness(part->audio, replaced.lufs.value_or(loudness_to_join(heard) - usual_distance_lu(instrument)) -
                                  (played ? 0 : kRoughLu));
  pan_stereo(part->audio, job.options.pan);
  return std::move(*part);
}

std::vector<Note> Editor::hear_notes(const std::vector<EditedStem>& taken, const Instruction& instruction,
                                     EditResult& result, const Job& job) {
  const std::string what = join(instruction.instruments, " and the ");
  const bool wanted = job.options.part_notes == PartNotes::kHeard;
  if (!would_transcribe(instruction, job.options)) {
    const std::string cannot = "the notes of the " + what + " cannot be played: ";
    // What is missing here whatever the music is another kind of error than music that will not do.
    if (wanted && !options_.transcribes)
      throw Error(ErrorKind::kMissing,
                  cannot + "there are no weights to hear notes with; scripts/get-transcriber fetches them");
    if (wanted && !options_.accompanist)
      throw Error(ErrorKind::kMissing, cannot + "there is no SoundFont; name one with --fonts");
    if (wanted)
      throw Error(ErrorKind::kInput,
                  cannot + "that takes tones to hear, and a SoundFont with an instrument that plays them");
    return {};
  }
  AudioBuffer sound;
  for (const EditedStem& stem : taken) {
    if (!is_pitched(Lexicon::builtin(), stem.instrument)) continue;
    if (sound.samples.empty())
      sound = stem.audio;
    else
      add_audio(sound, stem.audio);
  }
  const Stopwatch watch(result.seconds_encode);
  std::vector<Note> notes;
  if (!is_silent(sound))
    notes =
        sure_notes(options_.transcribes(from_mono(mono_to_hear(sound), sound.sample_rate), job.progress, job.cancel));
  if (are_enough(notes, sound)) return notes;
  const std::string few = "hardly any notes are heard in the " + what;
  if (wanted) throw Error(ErrorKind::kInput, few + ", so none of them can be played; leave --part-notes heard out");
  result.notes.push_back(few + ", so what takes its place plays others.");
  return {};
}

HeardMusic Editor::hear_music(const AudioBuffer& heard, int64_t first, EditResult& result, const Job& job) {
  const EditOptions& options = job.options;
  const double start_s = static_cast<double>(first) / heard.sample_rate;
  HeardMusic music{.duration_s = heard.seconds(), .key = options.key, .silences = silences_of(heard)};
  music.beats = from_second(options.beats, start_s, music.duration_s);
  music.chords = from_second(options.chords, start_s);
  if (ears() && (options.beats.empty() || options.chords.empty())) {
    const Stopwatch watch(result.seconds_encode);
    const Hearing hearing = ears()(heard, job.progress, job.cancel);
    if (options.beats.empty()) music.beats = hearing.beats;
    if (options.chords.empty()) music.chords = hearing.chord_spans;
    if (!music.key && !hearing.keys.empty()) music.key = hearing.key;
    if (first == 0 && heard.frames() == result.audio.frames()) {
      if (options.beats.empty() && result.heard_beats.empty()) result.heard_beats = hearing.beats;
      if (options.chords.empty() && result.heard_chords.empty()) result.heard_chords = hearing.chord_spans;
    }
  }
  return music;
}

std::vector<EditedStem> Editor::play_remix(const AudioBuffer& heard, int64_t first, const Instruction& instruction,
                                           EditResult& result, const Job& job) {
  if (!knows_harmony(job.options))
    throw Error(ErrorKind::kModel,
                "the remix cannot be played: the model has no ears for beats and chords; give files of them with "
                "--beats and --chords, or have the model render it with --mode direct");
  const HeardMusic music = hear_music(heard, first, result, job);
  if (music.beats.size() < 2)
    throw Error(ErrorKind::kInput, "the remix cannot be played: " + without_beat(job.options) +
                                       "; with --mode direct the model renders it");
  const Stopwatch watch(result.seconds_decode);
  if (job.progress) job.progress({"playing", 0, 1, ""});
  std::vector<PlayedPart> band;
  if (instruction.instruments.empty())
    band = options_.accompanist->play_band(music, *instruction.genre, job.options.seed, heard.sample_rate);
  else
    for (const std::string& name : instruction.instruments)
      band.push_back(options_.accompanist->play(music, name, job.options.seed, heard.sample_rate));
  if (job.progress) job.progress({"playing", 1, 1, ""});
  std::vector<EditedStem> stems;
  AudioBuffer sum{heard.sample_rate, heard.channels, std::vector<float>(heard.samples.size(), 0.0f)};
  const std::string sounds = sounds_text(band);
  for (PlayedPart& part : band) {
    const std::string instrument = part.notes.name;
    EditedStem stem = stem_of(std::move(part), heard, first);
    stem.instrument = instrument;
    stem.added = stem.in_result = true;
    keep_to_front(stem.audio);
    match_loudness(stem.audio, loudness_to_join(heard) - usual_distance_lu(instrument));
    add_audio(sum, stem.audio);
    stems.push_back(std::move(stem));
  }
  const double gain = loudness_to_join(heard) - loudness_lufs(sum);
  if (std::isfinite(gain))
    for (EditedStem& stem : stems) amplify(stem.audio, gain);
  result.notes.push_back(
      "the remix was written for the beats and chords of the music, without its tunes, and is played on " + sounds +
      ".");
  return stems;
}

std::optional<EditedStem> Editor::play_part(const AudioBuffer& heard, int64_t first, const std::string& instrument,
                                            EditResult& result, const Job& job) {
  const EditOptions& options = job.options;
  // What is missing here whatever the music is another kind of error than music that will not do.
  const auto cannot = [&](const std::string& why, ErrorKind kind = ErrorKind::kInput) -> std::optional<EditedStem> {
    if (options.parts == PartMaker::kPlayed) throw Error(kind, "the " + instrument + " cannot be played: " + why);
    if (options_.accompanist) result.notes.push_back("the " + instrument + " was made by the model: " + why + ".");
    return std::nullopt;
  };
  if (!options_.accompanist) return cannot("there is no SoundFont; name one with --fonts", ErrorKind::kMissing);
  if (!options_.accompanist->plays(instrument))
    return cannot("no SoundFont here has its sound; name one that has with --fonts");
  if (!knows_harmony(options)) return cannot("the model has no ears for beats and chords", ErrorKind::kModel);
  const HeardMusic music = hear_music(heard, first, result, job);
  if (music.beats.size() < 2) return cannot(without_beat(options));
  const auto play = [&] { return options_.accompanist->play(music, instrument, options.seed, heard.sample_rate); };
  std::optional<EditedStem> stem = played_stem(play, ": written for the beats and chords of the music, and played on ",
                                               heard, first, instrument, result, job.progress);
  return stem ? std::move(stem) : cannot("nothing of it would be heard between these beats");
}

std::optional<EditedStem> Editor::play_replaced(const AudioBuffer& heard, int64_t first, const std::string& instrument,
                                                const Replaced& replaced, EditResult& result, const Job& job) {
  if (replaced.notes.empty() || !can_play_notes(instrument)) return std::nullopt;
  const auto play = [&] {
    return options_.accompanist->play_notes(replaced.notes, instrument, heard.seconds(), heard.sample_rate);
  };
  return played_stem(play, ": " + replaced.whose + ", played on ", heard, first, instrument, result, job.progress);
}

}  // namespace instructme
