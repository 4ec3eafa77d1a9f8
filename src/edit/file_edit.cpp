#include "instructme/edit/file_edit.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "instructme/annotation/beat_file.h"
#include "instructme/annotation/chord_file.h"
#include "instructme/base/config_reader.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/hash.h"
#include "instructme/base/strings.h"
#include "instructme/edit/harmony.h"
#include "instructme/edit/report.h"
#include "instructme/score/key_label.h"
#include "instructme/score/midi_file.h"

namespace fs = std::filesystem;

namespace instructme {
namespace {

using nlohmann::json;

/// The highest value that a format of integers can hold; infinite for others.
double highest_value(AudioEncoding encoding) {
  switch (encoding) {
    case AudioEncoding::kPcm8: return 1 - std::ldexp(1.0, -7);
    case AudioEncoding::kPcm16: return 1 - std::ldexp(1.0, -15);
    case AudioEncoding::kPcm24: return 1 - std::ldexp(1.0, -23);
    case AudioEncoding::kPcm32: return 1 - std::ldexp(1.0, -31);
    default: return std::numeric_limits<double>::infinity();
  }
}

std::string file_kind(const fs::path& path) {
  std::string kind = path.extension().string().substr(1);
  std::transform(kind.begin(), kind.end(), kind.begin(), [](unsigned char c) { return std::toupper(c); });
  return kind;
}

std::vector<Note> read_tones(const fs::path& path) {
  std::vector<Note> tones = tones_of_midi(load_midi(path.string()));
  if (tones.empty())
    throw Error(ErrorKind::kInput,
                path.string() + " has no notes but those of drums; a part with tones to play is wanted");
  return tones;
}

/// Chords and beats that were not given, as they are heard.
void hear(Editor& editor, const AudioBuffer& source, ReportContext& context, const ProgressCallback& progress,
          const CancelToken& cancel) {
  if (editor.ears() && (context.chords.empty() || context.beats.empty())) {
    const Hearing hearing = editor.ears()(source, progress, cancel);
    if (context.chords.empty()) context.chords = hearing.chord_spans;
    if (context.beats.empty()) context.beats = hearing.beats;
  }
  if (context.chords.empty()) context.chords = chord_spans(editor.estimate_chords(source));
}

uint64_t hash_of(const AudioBuffer& sound) {
  return stable_hash({reinterpret_cast<const char*>(sound.samples.data()), sound.samples.size() * sizeof(float)});
}

bool same_place(const fs::path& a, const fs::path& b) {
  std::error_code code;
  return !a.empty() && !b.empty() &&
         fs::weakly_canonical(fs::absolute(a, code), code) == fs::weakly_canonical(fs::absolute(b, code), code);
}

/// As `analyze` writes them. What was given from just there is as its writer wants it.
void write_harmony(const fs::path& folder, const ReportContext& context, const FileEditRequest& given) {
  const fs::path chords = folder / "chords.lab", beats = folder / "beats.txt";
  if (!same_place(chords, given.chords)) write_chord_file(chords, context.chords);
  if (same_place(beats, given.beats)) return;
  // Those of other music, of an earlier edit, would be taken for this one's.
  std::error_code not_there;
  if (context.beats.empty())
    fs::remove(beats, not_there);
  else
    write_beat_file(beats, context.beats);
}

/// Chords and beats that were heard, in files beside an output. Those that are there may have been corrected by hand,
/// so they stay.
void offer_harmony(const EditResult& result, const fs::path& output, bool overwrite, std::vector<std::string>& notes) {
  std::vector<std::string> written, there;
  const auto offer = [&](const char* ending, const char* option, const auto& write) {
    const std::string file = output.string() + ending;
    std::error_code code;
    const bool stays = !overwrite && fs::exists(file, code);
    if (!stays) write(file);
    (stays ? there : written).push_back(file + " (" + option + ")");
  };
  if (!result.heard_chords.empty())
    offer(".chords.lab", "--chords", [&](const fs::path& file) { write_chord_file(file, result.heard_chords); });
  if (!result.heard_beats.empty())
    offer(".beats.txt", "--beats", [&](const fs::path& file) { write_beat_file(file, result.heard_beats); });
  if (!written.empty())
    notes.push_back("what is heard of the music is in " + join(written, " and ") + ", to be corrected and given back");
  if (!there.empty())
    notes.push_back(join(there, " and ") + (there.size() == 1 ? " was" : " were") +
                    " there already and stayed as before; with --overwrite what is heard now is written over it");
}

/// Refuses a folder that cannot be made or written to.
void check_folder(const fs::path& folder) {
  std::error_code code;
  fs::path there = fs::absolute(folder, code);
  while (!fs::exists(there, code) && there.has_relative_path()) there = there.parent_path();
  if (!fs::is_directory(there, code))
    throw Error(ErrorKind::kIo, "cannot make the folder " + folder.string() + ": " + there.string() + " is a file");
  const AtomicFile place(there / "report.json");
}

}  // namespace

WrittenLike write_like(const fs::path& source_file, const AudioBuffer& source, const fs::path& output,
                       AudioBuffer result) {
  const AudioInfo info = probe_audio(source_file);
  WrittenLike written;
  WriteOptions options;
  options.encoding = fitting_encoding(output, info.sample_encoding);
  options.tags = info.tags;
  options.tags_of = source_file;
  options.channel_map = info.channel_map;
  options.original = {source_file, &source};
  const float loudest = peak(result.samples);
  const double highest = highest_value(options.encoding);
  // A source of integers may hold the lowest value of its format, -1, itself.
  const bool as_loud = highest_value(info.sample_encoding) < 2 && loudest <= peak(source.samples);
  if (loudest > highest && !as_loud) {
    const std::string excess = format("the result is %.2f dB louder than ", 20 * std::log10(loudest / highest)) +
                               file_kind(output) + " of this bit depth can hold, ";
    if (fitting_encoding(output, AudioEncoding::kFloat32) == AudioEncoding::kFloat32) {
      options.encoding = AudioEncoding::kFloat32;
      written.notes.push_back(excess + "so it is written in 32-bit floats and nothing is cut");
    } else {
      written.gain = highest / loudest;
      for (float& x : result.samples) x = static_cast<float>(x * written.gain);
      options.original = {};
      written.notes.push_back(excess +
                              format("so all of it was turned down by %.2f dB (multiplied by %.6f); write .wav "
                                     "to keep every sample as it is",
                                     -20 * std::log10(written.gain), written.gain));
    }
  }
  const WriteResult done = write_audio(output, result, options);
  if (options.encoding == AudioEncoding::kAuto)
    written.notes.push_back(file_kind(output) +
                            " loses a little of everything when it is written; write .flac or .wav to "
                            "keep exactly what was not to be changed");
  // What a format of integers has no bits for is rounded, outside a range too.
  const bool of_floats =
      info.sample_encoding == AudioEncoding::kFloat32 || info.sample_encoding == AudioEncoding::kFloat64;
  if (options.encoding == AudioEncoding::kPcm24 && (of_floats || info.sample_encoding == AudioEncoding::kPcm32))
    written.notes.push_back(
        file_kind(output) +
        " holds 24 bits of the more that the samples of the source have; write .wav to keep them all");
  if (done.sample_rate != source.sample_rate)
    written.notes.push_back(file_kind(output) +
                            format(" has no %d Hz; it was written at %d Hz", source.sample_rate, done.sample_rate));
  return written;
}

FileEdit::FileEdit(FileEditRequest request)
    : request_(std::move(request)), plan_(parse_plan_with_kinds(request_.sentence, Lexicon::builtin())) {
  const auto all_say = [&](const auto& part) {
    return std::all_of(plan_.steps.begin(), plan_.steps.end(),
                       [&](const PlanStep& step) { return (step.*part).has_value(); });
  };
  if (request_.range && all_say(&PlanStep::range))
    throw Error(ErrorKind::kUsage, "the sentence says when, and so does --range: leave one of them out");
  if (request_.strength && all_say(&PlanStep::strength))
    throw Error(ErrorKind::kUsage, "the sentence says how much, and so does --strength: leave one of them out");
  for (PlanStep& step : plan_.steps) {
    if (!step.range) step.range = request_.range;
    if (!step.strength) step.strength = request_.strength;
  }
  check_plan(plan_);
  if (!request_.key.empty()) request_.options.key = parse_key(request_.key);
  if (request_.variations < 1 || request_.variations > 1000)
    throw Error(ErrorKind::kUsage, "from 1 to 1000 variations can be made");
  if (request_.output.empty()) return;
  check_audio_target(request_.output);
  check_spares_source(request_.output);
}

void FileEdit::check_spares_source(const fs::path& output) const {
  std::error_code not_there;
  if (!request_.overwrite && (output == request_.file || fs::equivalent(output, request_.file, not_there)))
    throw Error(ErrorKind::kUsage, "the output would overwrite the source " + request_.file.string() +
                                       "; give another -o, or --overwrite if that is meant");
}

EditOptions FileEdit::options_for(const AudioInfo& music) const {
  EditOptions options = request_.options;
  if (!request_.chords.empty()) options.chords = read_chord_file(request_.chords, music.seconds());
  if (!request_.beats.empty()) options.beats = read_beat_file(request_.beats, music.seconds());
  if (!request_.notes.empty()) options.notes = read_tones(request_.notes);
  return options;
}

fs::path FileEdit::stems_for(uint64_t seed) const {
  if (request_.stems.empty() || request_.variations == 1) return request_.stems;
  return request_.stems / format("seed%llu", static_cast<unsigned long long>(seed));
}

fs::path FileEdit::output_for(const AudioInfo& music, uint64_t seed) const {
  fs::path output = request_.output;
  if (output.empty()) {
    const std::string what = plan_.steps.size() == 1 ? operation_name(plan_.steps[0].instruction.operation) : "edit";
    const std::string extension = music.extension.empty() ? ".wav" : music.extension;
    output = request_.file.parent_path() / (request_.file.stem().string() + "_" + what + extension);
  }
  if (request_.variations == 1) return output;
  const std::string name = output.stem().string() + format("_seed%llu", static_cast<unsigned long long>(seed));
  return output.parent_path() / (name + output.extension().string());
}

void FileEdit::check_stems(const fs::path& folder, const fs::path& output) const {
  for (const fs::path& file : {request_.file, request_.notes, output})
    if (!request_.overwrite && is_stem_name(file.stem().string()) && same_place(file, folder / file.filename()))
      throw Error(ErrorKind::kUsage,
                  file.string() + " is where a stem of that name would be written; name another folder for the stems");
}

void FileEdit::check() const {
  const AudioInfo info = probe_audio(request_.file);
  if (tells_its_length(info)) {
    const EditOptions options = options_for(info);
    // Without a file the beats are heard later.
    if (!has_bars(plan_) || !options.beats.empty())
      for (const PlanStep& step : plan_.steps) resolve_range(step.range, info.frames, info.sample_rate, options.beats);
  } else {
    // All but whether they are as long as the music.
    if (!request_.chords.empty()) read_chord_file(request_.chords);
    if (!request_.beats.empty()) read_beat_file(request_.beats);
    if (!request_.notes.empty()) read_tones(request_.notes);
  }
  for (int i = 0; i < request_.variations; ++i) {
    const uint64_t seed = request_.options.seed + static_cast<uint64_t>(i);
    const fs::path output = output_for(info, seed), stems = stems_for(seed);
    check_spares_source(output);
    if (same_place(output, request_.report))
      throw Error(ErrorKind::kUsage, "the report would overwrite the result " + output.string());
    if (!stems.empty()) check_stems(stems, output);
  }
  // Refuses places that cannot be written to before the work, not after it.
  const AtomicFile place(output_for(info, request_.options.seed));
  if (!request_.report.empty()) {
    check_spares_source(request_.report);
    const AtomicFile place_of_report(request_.report);
  }
  if (!request_.stems.empty()) check_folder(request_.stems);
}

std::vector<WrittenEdit> FileEdit::run(Editor& editor, const std::vector<Judge>& judges,
                                       const ProgressCallback& progress, const CancelToken& cancel) const {
  check();
  const AudioInfo info = probe_audio(request_.file);
  const AudioBuffer source = read_audio(request_.file, {.max_seconds = Editor::max_seconds()});
  AudioInfo known = info;
  known.frames = source.frames();
  EditOptions options = options_for(known);
  const bool reports = !request_.stems.empty() || !request_.report.empty();
  ReportContext context{request_.sentence, options, editor.model_folder(), options.chords, options.beats};
  if (reports) hear(editor, source, context, progress, cancel);

  std::vector<WrittenEdit> all;
  std::vector<json> report;
  std::map<uint64_t, uint64_t> seeds_of;  // by the hash of what they gave
  for (int i = 0; i < request_.variations; ++i) {
    options.seed = request_.options.seed + static_cast<uint64_t>(i);
    // There is but one version with the notes that are heard. Those that are given are played each time.
    if (i > 0 && options.part_notes == PartNotes::kAuto && options.notes.empty())
      options.part_notes = PartNotes::kWritten;
    EditResult result = editor.edit(source, plan_, options, progress, cancel);
    cancel.check();
    WrittenEdit written{.output = output_for(info, options.seed), .seed = options.seed};
    written.seconds_encode = result.seconds_encode;
    written.seconds_sample = result.seconds_sample;
    written.seconds_decode = result.seconds_decode;
    written.steps = result.settings.sampler.steps;
    if (request_.variations > 1) {
      written.scores = judged(judges, source, result);
      const auto [same, is_new] = seeds_of.emplace(hash_of(result.audio), options.seed);
      if (!is_new)
        result.notes.push_back(format("the variation with seed %llu is the same: nothing in it is left to chance",
                                      static_cast<unsigned long long>(same->second)));
    }
    context.options.seed = options.seed;
    context.options.part_notes = options.part_notes;
    json told;
    if (reports) told = edit_report(source, result, context);
    const fs::path folder = stems_for(options.seed);
    if (!folder.empty()) {
      told["stems"] = write_stems(folder, result);
      remove_other_stems(folder, told["stems"], {request_.file, request_.notes});
      write_harmony(folder, context, request_);
    }
    written.written = write_like(request_.file, source, written.output, std::move(result.audio));
    written.written.notes.insert(written.written.notes.end(), result.notes.begin(), result.notes.end());
    if (!result.beats.empty() && options.beats.empty())
      written.written.notes.push_back(
          format("bars were counted by the beats that are heard (%.0f a minute)", tempo_bpm(result.beats).value_or(0)));
    // The music of all variations is the same.
    if (folder.empty() && request_.keep_harmony && i == 0)
      offer_harmony(result, written.output, request_.overwrite, written.written.notes);
    told["output"] = {
        {"file", written.output.string()}, {"gain", written.written.gain}, {"notes", written.written.notes}};
    told["scores"] = scores_json(written.scores);
    if (!folder.empty()) write_json_file(folder / "report.json", told);
    all.push_back(std::move(written));
    report.push_back(std::move(told));
  }
  std::vector<size_t> order(all.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return mean_score(all[a].scores) > mean_score(all[b].scores); });
  std::vector<WrittenEdit> ranked;
  json ranked_report = json::array();
  for (const size_t i : order) {
    ranked.push_back(std::move(all[i]));
    ranked_report.push_back(std::move(report[i]));
  }
  if (!request_.report.empty())
    write_json_file(request_.report, request_.variations == 1 ? ranked_report.front() : ranked_report);
  return ranked;
}

}  // namespace instructme
