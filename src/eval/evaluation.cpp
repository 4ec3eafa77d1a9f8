#include "instructme/eval/evaluation.h"

#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numbers>
#include <set>

#include "instructme/annotation/chord_scores.h"
#include "instructme/audio/audio_file.h"
#include "instructme/audio/resample.h"
#include "instructme/base/config_reader.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"
#include "instructme/data/triplet.h"
#include "instructme/dsp/metrics.h"
#include "instructme/edit/harmony.h"
#include "instructme/edit/judge.h"

namespace fs = std::filesystem;

namespace instructme {

using at::Tensor;

namespace {

constexpr const char* kUnedited = "unedited source";
constexpr const char* kEdit = "edit";
constexpr const char* kCompose = "edit, compose";
constexpr const char* kIdealMask = "ideal ratio mask";
constexpr const char* kTruth = "true result";
constexpr const char* kCeiling = "VAE of the true result";
// Of the ideal mask: that of the default mask head.
constexpr int64_t kMaskFft = 1920, kMaskHop = 480;

/// Instruments that a sentence asks for anew.
std::vector<std::string> new_instruments(const Instruction& instruction) {
  switch (instruction.operation) {
    case Operation::kAdd: return instruction.instruments;
    case Operation::kReplace: return instruction.replacements;
    default: return {};
  }
}

/// What all results of one example are held against.
struct Truth {
  std::string name;  // of the example
  Instruction instruction;
  Tensor target;                  // (S)
  std::vector<ChordSpan> chords;  // empty when there are none to keep

  std::string task() const { return operation_name(instruction.operation); }
};

/// The chords that an edit should leave as they are: none where the source has no harmony (drums alone), which no part
/// can agree with.
std::vector<ChordSpan> chords_to_keep(const Triplet& triplet) {
  std::vector<ChordSpan> spans = chord_spans(as_tensor(triplet.chords).view({triplet.chord_frames, kChordClasses}));
  if (std::all_of(spans.begin(), spans.end(), [](const ChordSpan& span) { return span.chord.none; })) spans.clear();
  return spans;
}

class Scorer {
 public:
  Scorer(EvaluationReport& report, Editor& editor)
      : report_(report), ears_(editor.ears()), rate_(static_cast<int>(editor.pipeline().config.vae.sample_rate)) {}

  /// Both (S); the longer one is cut.
  void add(const Truth& truth, const std::string& system, const Tensor& wave) {
    const int64_t samples = std::min(wave.size(0), truth.target.size(0));
    const Tensor a = wave.narrow(0, 0, samples).unsqueeze(0), b = truth.target.narrow(0, 0, samples).unsqueeze(0);
    report_.add(truth.task(), system,
                {truth.name, log_mel_.distance(a, b).item<double>(), si_sdr(a, b).item<double>()});
    // The VAE's reconstruction is no result of an edit.
    if (system != kCeiling) hear(truth, system, wave);
  }

  void hear(const Truth& truth, const std::string& system, const Tensor& wave) {
    const std::vector<std::string> wanted = new_instruments(truth.instruction);
    if (wanted.empty() || !ears_) return;
    const Tensor flat = wave.contiguous();
    const std::vector<float> samples(flat.data_ptr<float>(), flat.data_ptr<float>() + flat.size(0));
    const Hearing hearing = ears_(from_mono(samples, rate_), {}, {});
    EvaluationReport::Heard heard;
    heard.name = truth.name;
    for (const std::string& name : wanted)
      if (const auto certainty = family_certainty(hearing, name))
        heard.instruments = std::min(heard.instruments.value_or(1), *certainty >= 0.5 ? 1.0 : 0.0);
    if (!truth.chords.empty())
      heard.chords = chord_overlap(truth.chords, hearing.chord_spans, ChordRule::kTriads).share();
    report_.heard[truth.task()][system].push_back(heard);
  }

  void refuse(const std::string& sentence, const Error& reason) {
    report_.refused.push_back("'" + sentence + "': " + reason.what());
  }

 private:
  EvaluationReport& report_;
  Ears ears_;
  int rate_;
  LogMelDistance log_mel_;
};

/// The VAE's reconstruction of a wave (S) at the level of the training music.
Tensor reconstruct(Editor& editor, const Tensor& wave) {
  torch::NoGradGuard no_grad;
  const double gain = level_gain(wave, editor.pipeline().config.level_dbfs);
  Vae& vae = editor.pipeline().vae;
  return decode_long(vae, encode_long(vae, wave * gain), wave.size(0)) / gain;
}

/// The best that a mask can do when the true stem is known: its share of the magnitudes of stem and rest.
Tensor ideal_mask(const Tensor& source, const Tensor& target) {
  const Stft stft(kMaskFft, kMaskHop);
  const Tensor whole = stft.forward(source.unsqueeze(0)), part = stft.forward(target.unsqueeze(0));
  const Tensor one = part.abs(), other = (whole - part).abs();
  return stft.inverse(whole * (one / (one + other).clamp_min(1e-9)), source.size(0))[0];
}

/// Channels (C, S) as music, at the model's rate.
AudioBuffer as_audio(const Tensor& channels, int rate) {
  std::vector<std::vector<float>> planes;
  for (const Tensor& channel : channels.unbind()) {
    const Tensor flat = channel.contiguous();
    planes.emplace_back(flat.data_ptr<float>(), flat.data_ptr<float>() + flat.size(0));
  }
  return from_planar(planes, rate);
}

/// Music as one wave, channel after channel, which distances take as they take mono.
Tensor in_line(const AudioBuffer& audio) {
  std::vector<Tensor> waves;
  for (int channel = 0; channel < audio.channels; ++channel)
    waves.push_back(as_tensor(extract_channel(audio, channel)));
  return torch::cat(waves);
}

/// Source and target of a triplet in stereo, (2, S) each: every stem stands somewhere, `width` of the way to a side at
/// most, with the same power wherever it is.
std::pair<Tensor, Tensor> in_stereo(const SongSet& songs, const Triplet& triplet, double width, Rng rng) {
  std::map<std::array<size_t, 3>, double> places;
  const auto mix = [&](const std::vector<HeardStem>& stems) {
    Tensor sum = torch::zeros({2, static_cast<int64_t>(triplet.source.size())});
    for (const HeardStem& stem : stems) {
      const auto [place, fresh] = places.try_emplace({stem.arrangement, stem.version, stem.stem}, 0.0);
      if (fresh) place->second = std::numbers::pi / 4 * (1 + width * rng.uniform(-1, 1));
      const Tensor wave = as_tensor(songs.clip(triplet.song, stem.arrangement, stem.version, stem.stem,
                                               triplet.start_frame, sum.size(1))) *
                          stem.gain;
      sum += torch::stack({wave * std::cos(place->second), wave * std::sin(place->second)});
    }
    return sum;
  };
  const Tensor source = mix(triplet.source_stems);
  return {source, mix(triplet.target_stems)};
}

/// What an edit makes of the music; the music itself where it cannot be edited, which the report tells.
AudioBuffer edited_or_as_it_is(Scorer& scorer, Editor& editor, const AudioBuffer& music, const std::string& sentence,
                               const EditOptions& options, const CancelToken& cancel) {
  try {
    return editor.edit(music, sentence, options, {}, cancel).audio;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kInput) throw;
    scorer.refuse(sentence, error);
    return music;
  }
}

/// The operations of these names, all of which are looked at before the first is evaluated.
std::vector<Operation> parse_operations(const std::vector<std::string>& names) {
  std::vector<std::string> known;
  for (int i = 0; i < kOperations; ++i) known.push_back(operation_name(static_cast<Operation>(i)));
  std::vector<Operation> operations;
  for (const std::string& name : names) {
    const auto found = std::find(known.begin(), known.end(), name);
    if (found == known.end())
      throw Error(ErrorKind::kUsage, "there is no operation '" + name + "'" + did_you_mean(name, known));
    operations.push_back(static_cast<Operation>(found - known.begin()));
  }
  return operations;
}

/// A line of clips.tsv whose clip can be scored.
struct ClipLine {
  std::string name, sentence;
  Instruction instruction;
  fs::path source, target;
};

/// Scores the source as it is, the edits in those of the modes that can do it, and what either mode could reach.
void score_edits(Scorer& scorer, Editor& editor, const AudioBuffer& music, const Truth& truth,
                 const std::string& sentence, const EvaluationOptions& evaluation, EditOptions options,
                 const CancelToken& cancel) {
  const Tensor source = in_line(music);
  scorer.hear(truth, kTruth, truth.target);
  for (const EditMode mode : evaluation.modes) {
    // What direct mode makes has one channel.
    if (!editor.can(mode, truth.instruction) || (evaluation.stereo > 0 && mode == EditMode::kDirect)) continue;
    options.mode = mode;
    options.force = true;  // what is there is known, whether it is heard or not
    const AudioBuffer edited = edited_or_as_it_is(scorer, editor, music, sentence, options, cancel);
    scorer.add(truth, mode == EditMode::kDirect ? kEdit : kCompose, in_line(edited));
    const int64_t length = std::min(source.size(0), truth.target.size(0));
    if (mode == EditMode::kDirect)
      scorer.add(truth, kCeiling, reconstruct(editor, truth.target));
    else if (names_source_stems(truth.instruction.operation))
      scorer.add(truth, kIdealMask, ideal_mask(source.narrow(0, 0, length), truth.target.narrow(0, 0, length)));
  }
}

}  // namespace

void EvaluationReport::add(const std::string& task, const std::string& system, const Example& example) {
  if (std::find(tasks.begin(), tasks.end(), task) == tasks.end()) tasks.push_back(task);
  if (std::find(systems.begin(), systems.end(), system) == systems.end()) systems.push_back(system);
  examples[task][system].push_back(example);
}

Distances EvaluationReport::mean(const std::string& task, const std::string& system) const {
  const auto of_task = examples.find(task);
  ensure(of_task != examples.end() && of_task->second.count(system) > 0, "no score of " + system + " for " + task);
  Distances score;
  std::vector<double> values;
  for (const Example& example : of_task->second.at(system)) {
    score.log_mel += example.log_mel;
    score.si_sdr += example.si_sdr;
    values.push_back(example.si_sdr);
  }
  const size_t count = values.size();
  std::sort(values.begin(), values.end());
  score.log_mel /= static_cast<double>(count);
  score.si_sdr /= static_cast<double>(count);
  score.si_sdr_median = (values[(count - 1) / 2] + values[count / 2]) / 2;
  score.examples = static_cast<int64_t>(count);
  return score;
}

std::string EvaluationReport::markdown() const {
  std::string text =
      "| task | compared with the true result | log-mel L1 | SI-SDR (dB) | median | examples "
      "|\n|---|---|---|---|---|---|\n";
  for (const auto& task : tasks)
    for (const auto& system : systems) {
      if (examples.at(task).count(system) == 0) continue;
      const Distances score = mean(task, system);
      text += format("| %s | %s | %.3f | %.2f | %.2f | %lld |\n", task.c_str(), system.c_str(), score.log_mel,
                     score.si_sdr, score.si_sdr_median, static_cast<long long>(score.examples));
    }
  if (!refused.empty())
    text +=
        format("\nEdits that were refused, and count as if nothing had been done: %zu, the first of ", refused.size()) +
        refused.front() + "\n";
  if (heard.empty()) return text;
  text += "\n| task | heard in | new instruments present | chords of the chart | examples |\n|---|---|---|---|---|\n";
  const auto share = [](const std::vector<Heard>& list, std::optional<double> Heard::*what) {
    double sum = 0, count = 0;
    for (const Heard& one : list)
      if (one.*what) {
        sum += *(one.*what);
        ++count;
      }
    if (count == 0) return std::string();
    return format("%.3f", sum / count) + (count < static_cast<double>(list.size()) ? format(" of %g", count) : "");
  };
  for (const auto& [task, of_task] : heard)
    for (const auto& [system, list] : of_task)
      text += format("| %s | %s | %s | %s | %zu |\n", task.c_str(), system.c_str(),
                     share(list, &Heard::instruments).c_str(), share(list, &Heard::chords).c_str(), list.size());
  return text;
}

std::string EvaluationReport::json_lines() const {
  std::string text;
  for (const auto& [task, of_task] : examples)
    for (const auto& [system, list] : of_task)
      for (const Example& example : list)
        text += json_text({{"task", task},
                           {"system", system},
                           {"name", example.name},
                           {"log_mel", example.log_mel},
                           {"si_sdr", example.si_sdr}}) +
                "\n";
  const auto or_null = [](const std::optional<double>& value) { return value ? nlohmann::json(*value) : nullptr; };
  for (const auto& [task, of_task] : heard)
    for (const auto& [system, list] : of_task)
      for (const Heard& one : list)
        text += json_text({{"task", task},
                           {"system", system},
                           {"name", one.name},
                           {"present", or_null(one.instruments)},
                           {"chords", or_null(one.chords)}}) +
                "\n";
  return text;
}

EvaluationReport evaluate_songs(Editor& editor, const fs::path& folder, const EvaluationOptions& options,
                                const ProgressCallback& progress, const CancelToken& cancel) {
  const SongSet songs(folder);
  if (songs.sample_rate() != editor.pipeline().config.vae.sample_rate)
    throw Error(ErrorKind::kInput,
                format("%s: the songs have %d Hz, the model works at %lld Hz; render them at its rate", folder.c_str(),
                       songs.sample_rate(), static_cast<long long>(editor.pipeline().config.vae.sample_rate)));
  if (options.stereo < 0 || options.stereo > 1)
    throw Error(ErrorKind::kUsage, format("the width of stereo is 0 to 1, not %g", options.stereo));
  for (const auto& name : options.operations)
    if (options.stereo > 0 && name != "extract" && name != "remove")
      throw Error(ErrorKind::kUsage, "in stereo, extract and remove are scored, not '" + name + "'");
  TripletOptions triplet_options;
  triplet_options.seconds = options.seconds;
  triplet_options.source_level_db = editor.pipeline().config.level_dbfs;
  triplet_options.chord_frame_rate = editor.pipeline().config.chord_rate();
  const TripletSampler sampler(songs, Lexicon::builtin(), triplet_options);
  const std::vector<Operation> operations = parse_operations(options.operations);
  EvaluationReport report;
  Scorer scorer(report, editor);
  const int64_t total = options.examples * static_cast<int64_t>(operations.size());
  int64_t done = 0;
  for (const Operation operation : operations) {
    const std::string name = operation_name(operation);
    for (int64_t i = 0; i < options.examples; ++i, ++done) {
      cancel.check();
      Rng rng = Rng(options.seed).fork(name).fork(static_cast<uint64_t>(i));
      const Triplet triplet = sampler.sample(operation, rng);
      Tensor source = as_tensor(triplet.source).unsqueeze(0), target = as_tensor(triplet.target).unsqueeze(0);
      if (options.stereo > 0) std::tie(source, target) = in_stereo(songs, triplet, options.stereo, rng.fork("stereo"));
      EditOptions edit_options = options.edit;
      edit_options.seed = options.seed + static_cast<uint64_t>(i);
      const Truth truth{triplet.sentence, triplet.instruction, target.flatten(), chords_to_keep(triplet)};
      scorer.add(truth, kUnedited, source.flatten());
      score_edits(scorer, editor, as_audio(source, songs.sample_rate()), truth, triplet.sentence, options, edit_options,
                  cancel);
      if (progress) progress({"editing", done + 1, total, name});
    }
  }
  return report;
}

EvaluationReport evaluate_clips(Editor& editor, const fs::path& folder, const EvaluationOptions& options,
                                const ProgressCallback& progress, const CancelToken& cancel) {
  if (options.stereo > 0)
    throw Error(ErrorKind::kUsage, "clips are scored as they are; only the stems of songs can be placed in stereo");
  const auto find_file = [&](const std::string& name) {
    for (const char* ending : {".flac", ".wav"})
      if (fs::exists(folder / (name + ending))) return folder / (name + ending);
    return fs::path();
  };
  const double rate = static_cast<double>(editor.pipeline().config.vae.sample_rate);
  const auto read = [&](const fs::path& path) {
    const AudioBuffer audio = read_audio(path);
    return as_tensor(resample(mix_to_mono(audio), audio.sample_rate, rate));
  };

  const auto lines = split(read_text_file(folder / "clips.tsv"), '\n');
  std::vector<std::string> clips;
  for (const auto& line : lines) clips.push_back(split(line, '\t').front());
  // "take_2_source" is of the clip "take_2" also when there is a clip "take".
  const auto is_of = [&](const std::string& stem, const std::string& clip) {
    return stem.starts_with(clip + "_") && std::none_of(clips.begin(), clips.end(), [&](const std::string& other) {
             return other.size() > clip.size() && stem.starts_with(other + "_");
           });
  };
  std::vector<ClipLine> scored;
  for (size_t i = 1; i < lines.size(); ++i) {  // the first line names the columns
    if (trim(lines[i]).empty()) continue;
    const auto columns = split(lines[i], '\t');
    const std::string place = format("%s/clips.tsv, line %zu: ", folder.c_str(), i + 1);
    if (columns.size() != 2) throw Error(ErrorKind::kInput, place + "expected 'clip<TAB>instruction'");
    ClipLine clip{
        columns[0], trim(columns[1]), {}, find_file(columns[0] + "_source"), find_file(columns[0] + "_target")};
    if (clip.target.empty()) continue;
    if (clip.source.empty())
      throw Error(ErrorKind::kInput, place + clip.target.filename().string() + " has no source: " + clip.name +
                                         "_source.flac or .wav was wanted beside it");
    try {
      clip.instruction = parse_instruction(clip.sentence, Lexicon::builtin());
    } catch (const Error& error) {
      throw Error(error.kind(), place + error.what());
    }
    scored.push_back(std::move(clip));
  }
  if (scored.empty())
    throw Error(ErrorKind::kInput, folder.string() +
                                       " has no clip to score: for a line of clips.tsv, NAME_source and "
                                       "NAME_target were wanted as FLAC or WAV");

  EvaluationReport report;
  Scorer scorer(report, editor);
  for (size_t i = 0; i < scored.size(); ++i) {
    cancel.check();
    const ClipLine& clip = scored[i];
    const Tensor source = read(clip.source);
    const Truth truth{clip.name, clip.instruction, read(clip.target), {}};
    scorer.add(truth, kUnedited, source);
    std::set<std::string> others;
    for (const auto& entry : fs::directory_iterator(folder)) {
      const std::string stem = entry.path().stem().string(), ending = entry.path().extension().string();
      if ((ending == ".flac" || ending == ".wav") && is_of(stem, clip.name))
        others.insert(stem.substr(clip.name.size() + 1));
    }
    others.erase("source");
    others.erase("target");
    for (const auto& system : others) scorer.add(truth, system, read(find_file(clip.name + "_" + system)));
    score_edits(scorer, editor, as_audio(source.unsqueeze(0), static_cast<int>(rate)), truth, clip.sentence, options,
                options.edit, cancel);
    if (progress) progress({"editing", static_cast<int64_t>(i) + 1, static_cast<int64_t>(scored.size()), clip.name});
  }
  return report;
}

}  // namespace instructme
