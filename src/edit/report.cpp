#include "instructme/edit/report.h"

#include <torch/torch.h>
#include <torch/version.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "instructme/audio/audio_file.h"
#include "instructme/audio/audio_memory.h"
#include "instructme/audio/loudness.h"
#include "instructme/base/files.h"
#include "instructme/base/hash.h"
#include "instructme/base/strings.h"
#include "instructme/dsp/stft.h"
#include "instructme/edit/harmony.h"
#include "instructme/score/midi_file.h"

namespace instructme {

using nlohmann::json;

namespace {

// Kinds of stems, which their names end with.
constexpr const char *kAdded = "added", *kRemoved = "removed", *kExtracted = "extracted", *kResidual = "residual";

json finite(double x) { return std::isfinite(x) ? json(std::round(x * 100) / 100) : json(); }

json levels(const AudioBuffer& audio) {
  return {{"peak_dbfs", finite(20 * std::log10(peak(audio.samples)))},
          {"rms_dbfs", finite(rms_db(audio.samples))},
          {"loudness_lufs", finite(loudness_lufs(audio))}};
}

/// Upper edges in Hz.
constexpr double kBands[] = {125, 250, 500, 1000, 2000, 4000, 8000, 16000, 96000};

/// Energy of all channels in each band, a segment at a time.
std::vector<double> band_energies(const AudioBuffer& audio) {
  torch::NoGradGuard no_grad;
  const Stft stft(2048, 1024);
  const double hz_per_bin = static_cast<double>(audio.sample_rate) / 2048;
  std::vector<double> energies(std::size(kBands), 0);
  const at::Tensor waves =
      torch::from_blob(const_cast<float*>(audio.samples.data()), {audio.frames(), audio.channels}).t();
  constexpr int64_t kStretch = 1 << 20;  // frames
  for (int64_t start = 0; start < waves.size(1); start += kStretch) {
    const int64_t length = std::min(kStretch, waves.size(1) - start);
    const at::Tensor power =
        stft.forward(waves.narrow(1, start, length)).abs().pow(2).sum(at::IntArrayRef({0, 1})).to(at::kDouble);  // (F)
    int64_t first = 0;
    for (size_t band = 0; band < std::size(kBands); ++band) {
      const auto last = std::min<int64_t>(stft.bins(), static_cast<int64_t>(std::ceil(kBands[band] / hz_per_bin)));
      if (last > first) energies[band] += power.narrow(0, first, last - first).sum().item<double>();
      first = std::max(first, last);
    }
  }
  return energies;
}

AudioBuffer difference(AudioBuffer a, const AudioBuffer& b) {
  add_audio(a, b, -1);
  return a;
}

/// How loud the change is against the music, band by band: all of it, and what of it is no stem that was taken out or
/// added.
json changes(const AudioBuffer& source, const EditResult& result) {
  AudioBuffer changed = difference(result.audio, source);
  const std::vector<double> before = band_energies(source), all = band_energies(changed);
  const bool sum = result.is_sum_of_stems();
  if (sum)
    for (const EditedStem& stem : result.stems) add_audio(changed, stem.audio, stem.added ? -1.0f : 1.0f);
  const std::vector<double> other = sum ? band_energies(changed) : all;
  json bands = json::array();
  double low = 0;
  const double nyquist = source.sample_rate / 2.0;
  for (size_t i = 0; i < std::size(kBands) && low < nyquist; low = kBands[i++]) {
    const auto db = [&](double energy) { return finite(10 * std::log10(energy / before[i])); };
    bands.push_back({{"from_hz", low},
                     {"to_hz", std::min(kBands[i], nyquist)},
                     {"changed_db", db(all[i])},
                     {"changed_other_than_stems_db", db(other[i])}});
  }
  return bands;
}

json preservation(const AudioBuffer& source, const EditResult& result) {
  int64_t outside = 0, altered = 0;
  for (int64_t frame = 0; frame < source.frames(); ++frame) {
    if (std::any_of(result.regions.begin(), result.regions.end(),
                    [&](const Region& region) { return frame >= region.begin && frame < region.end; }))
      continue;
    for (int c = 0; c < source.channels; ++c) {
      const auto at = static_cast<size_t>(frame * source.channels + c);
      ++outside;
      altered += source.samples[at] != result.audio.samples[at];
    }
  }
  return {{"samples_outside_ranges", outside}, {"changed_outside_ranges", altered}, {"bands", changes(source, result)}};
}

}  // namespace

json edit_report(const AudioBuffer& source, const EditResult& result, const ReportContext& context) {
  json modes = json::array(), regions = json::array(), chords = json::array(), beats = json::array();
  for (const EditMode mode : result.modes) modes.push_back(edit_mode_name(mode));
  for (const Region& region : result.regions) regions.push_back({region.begin, region.end});
  for (const ChordSpan& span : context.chords)
    chords.push_back({finite(span.start_s), finite(span.end_s), chord_label(span.chord)});
  for (const Beat& beat : context.beats) beats.push_back({std::round(beat.time_s * 1000) / 1000, beat.position + 1});
  const auto tempo = tempo_bpm(context.beats);
  const bool sampled = result.seconds_sample > 0;
  return {
      {"format", "instructme-edit-report-1"},
      {"sentence", context.sentence},
      {"plan", plan_json(result.plan)},
      {"modes", modes},
      {"ranges_frames", regions},
      {"seed", context.options.seed},
      {"pan", context.options.pan},
      {"thorough", result.thorough},
      {"parts", part_maker_name(context.options.parts)},
      {"part_notes", context.options.notes.empty() ? part_notes_name(context.options.part_notes) : "given"},
      {"sampling",
       sampled ? json{{"steps", result.settings.sampler.steps}, {"guidance", result.settings.guidance.scale}} : json()},
      {"versions",
       {{"instructme", INSTRUCTME_VERSION}, {"libtorch", TORCH_VERSION}, {"audio", audio_library_version()}}},
      {"model", context.model_folder.empty()
                    ? json()
                    : json{{"folder", context.model_folder.string()}, {"hash", folder_hash(context.model_folder)}}},
      {"chords", chords},
      {"chords_given", !context.options.chords.empty()},
      {"beats", beats},
      {"beats_given", !context.options.beats.empty()},
      {"key", context.options.key ? json(key_label(*context.options.key)) : json()},
      {"tempo_bpm", tempo ? finite(*tempo) : json()},
      {"seconds",
       {{"listening", finite(result.seconds_encode)},
        {"sampling", finite(result.seconds_sample)},
        {"playing", finite(result.seconds_decode)}}},
      {"levels", {{"source", levels(source)}, {"result", levels(result.audio)}}},
      {"preservation", preservation(source, result)}};
}

std::string write_exactly(const std::filesystem::path& folder, const std::string& name, const AudioBuffer& audio) {
  const bool flac = is_on_grid(audio) && peak(audio.samples) < 1;
  std::string file = name + (flac ? ".flac" : ".wav");
  std::replace_if(
      file.begin(), file.end(), [](char c) { return c == ' ' || c == '/'; }, '_');
  write_audio(folder / file, audio, {.encoding = flac ? AudioEncoding::kPcm24 : AudioEncoding::kFloat32});
  return file;
}

std::string write_notes(const std::filesystem::path& sound, const Part& notes, double duration_s, double tempo_bpm) {
  Score score;
  score.tempo_bpm = tempo_bpm;
  score.duration_s = duration_s;
  score.parts = {notes};
  const std::vector<uint8_t> midi = write_midi(midi_of_score(score));
  std::filesystem::path file = sound;
  file.replace_extension(".mid");
  write_file_atomically(file, {reinterpret_cast<const char*>(midi.data()), midi.size()});
  return file.filename().string();
}

bool is_stem_name(const std::string& name) {
  const size_t number = name.find_first_not_of("0123456789");
  if (number == 0 || number == std::string::npos || name[number] != '_') return name == kResidual;
  const auto is = [&](const char* kind) { return name.ends_with(std::string("_") + kind); };
  return is(kAdded) || is(kRemoved) || is(kExtracted);
}

json write_stems(const std::filesystem::path& folder, const EditResult& result) {
  make_folder(folder);
  const double tempo = tempo_bpm(result.beats).value_or(120), duration_s = result.audio.seconds();
  json files = json::array();
  for (size_t i = 0; i < result.stems.size(); ++i) {
    const EditedStem& stem = result.stems[i];
    const bool extracted = result.plan.steps[stem.step].instruction.operation == Operation::kExtract;
    const char* kind = stem.added ? kAdded : extracted ? kExtracted : kRemoved;
    const std::string name = format("%zu_", i + 1) + stem.instrument + "_" + kind;
    const std::string file = write_exactly(folder, name, stem.audio);
    files.push_back({{"file", file},
                     {"instrument", stem.instrument},
                     {"kind", kind},
                     {"step", stem.step + 1},
                     {"in_result", stem.in_result},
                     {"notes", stem.notes ? json(write_notes(folder / file, *stem.notes, duration_s, tempo)) : json()},
                     {"levels", levels(stem.audio)}});
  }
  const AudioBuffer rest = result.residual();
  files.push_back({{"file", write_exactly(folder, kResidual, rest)},
                   {"instrument", nullptr},
                   {"kind", kResidual},
                   {"step", nullptr},
                   {"in_result", true},
                   {"notes", nullptr},
                   {"levels", levels(rest)}});
  return files;
}

namespace {

/// Files of stems that an earlier edit wrote, by the report that it left; none where there is no such report.
std::vector<std::string> stems_of_report(const std::filesystem::path& report) {
  std::vector<std::string> names;
  std::error_code not_there;
  if (!std::filesystem::is_regular_file(report, not_there)) return names;
  const json told = json::parse(read_text_file(report), nullptr, /*allow_exceptions=*/false);
  if (!told.is_object() || !told.contains("stems") || !told["stems"].is_array()) return names;
  for (const json& stem : told["stems"])
    for (const char* key : {"file", "notes"}) {
      if (!stem.is_object() || !stem.contains(key) || !stem[key].is_string()) continue;
      const std::filesystem::path name = stem[key].get<std::string>();
      if (name == name.filename() && is_stem_name(name.stem().string())) names.push_back(name.string());
    }
  return names;
}

}  // namespace

void remove_other_stems(const std::filesystem::path& folder, const json& stems,
                        const std::vector<std::filesystem::path>& needed) {
  const auto is_one_of_them = [&](const std::string& name) {
    return std::any_of(stems.begin(), stems.end(),
                       [&](const json& stem) { return stem["file"] == name || stem["notes"] == name; });
  };
  const auto is_needed = [&](const std::filesystem::path& file) {
    return std::any_of(needed.begin(), needed.end(), [&](const std::filesystem::path& other) {
      std::error_code code;
      return std::filesystem::equivalent(file, other, code);
    });
  };
  for (const std::string& name : stems_of_report(folder / "report.json")) {
    std::error_code not_there;
    if (!is_one_of_them(name) && !is_needed(folder / name)) std::filesystem::remove(folder / name, not_there);
  }
}

}  // namespace instructme
