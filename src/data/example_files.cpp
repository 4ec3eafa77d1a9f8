#include <algorithm>
#include <cmath>

#include "instructme/audio/audio_memory.h"
#include "instructme/base/config_reader.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "instructme/data/shards.h"
#include "instructme/score/key_label.h"

namespace instructme {
namespace {

using nlohmann::json;

constexpr const char* kFormat = "instructme-triplet-1";

json instruction_json(const Instruction& instruction) {
  json value = {{"operation", operation_name(instruction.operation)}, {"instruments", instruction.instruments}};
  if (!instruction.replacements.empty()) value["replacements"] = instruction.replacements;
  if (instruction.genre) value["genre"] = *instruction.genre;
  if (instruction.mood) value["mood"] = *instruction.mood;
  return value;
}

Instruction read_instruction(ConfigReader config) {
  Instruction instruction;
  std::string operation, genre, mood;
  config.require("operation", operation);
  config.require("instruments", instruction.instruments);
  config.read("replacements", instruction.replacements);
  if (config.has("genre")) config.read("genre", instruction.genre.emplace());
  if (config.has("mood")) config.read("mood", instruction.mood.emplace());
  config.finish();
  for (int i = 0; i < kOperations; ++i)
    if (operation == operation_name(static_cast<Operation>(i))) {
      instruction.operation = static_cast<Operation>(i);
      return instruction;
    }
  throw Error(ErrorKind::kInput, config.context() + ": '" + operation + "' is no operation.");
}

// The matrix of a triplet is one-hot: one class for every frame says all.
json chord_classes_json(const Triplet& triplet) {
  json classes = json::array();
  for (int frame = 0; frame < triplet.chord_frames; ++frame) {
    const auto row = triplet.chords.begin() + ptrdiff_t{frame} * kChordClasses;
    const auto found = std::find(row, row + kChordClasses, 1.0f);
    ensure(found != row + kChordClasses, "a row of a chord matrix has no class");
    classes.push_back(found - row);
  }
  return classes;
}

std::vector<float> chord_matrix(const std::vector<int>& classes, const std::string& name) {
  std::vector<float> matrix(classes.size() * kChordClasses);
  for (size_t i = 0; i < classes.size(); ++i) {
    if (classes[i] < 0 || classes[i] >= kChordClasses)
      throw Error(ErrorKind::kInput, format("%s: %d is no chord class.", name.c_str(), classes[i]));
    matrix[i * kChordClasses + static_cast<size_t>(classes[i])] = 1.0f;
  }
  return matrix;
}

json labels_json(const LabelledTriplet& example, int sample_rate, int bits, double scale) {
  const Triplet& triplet = example.triplet;
  const ClipInfo& clip = example.clip;
  json chords = json::array(), sounds = json::array(), further = json::array();
  for (const Instruction& instruction : triplet.further) further.push_back(instruction_json(instruction));
  for (const ChordSpan& span : clip.chords) chords.push_back({span.start_s, span.end_s, chord_label(span.chord)});
  for (const SoundOrigin& sound : clip.sounds) sounds.push_back({{"source", sound.source}, {"licence", sound.licence}});
  return {{"format", kFormat},
          {"sentence", triplet.sentence},
          {"instruction", instruction_json(triplet.instruction)},
          {"further", further},
          {"source_instruments", triplet.source_instruments},
          {"target_instruments", triplet.target_instruments},
          {"unnamed", triplet.unnamed},
          {"source_genre", triplet.source_genre},
          {"target_genre", triplet.target_genre},
          {"chords", chords},
          {"chord_classes", chord_classes_json(triplet)},
          {"key", key_label(clip.key)},
          {"tempo_bpm", clip.tempo_bpm},
          {"beats_per_bar", clip.beats_per_bar},
          {"song", {{"name", clip.song}, {"origin", clip.origin}, {"seed", clip.seed}, {"number", triplet.song}}},
          {"start_frame", triplet.start_frame},
          {"start_s", clip.start_s},
          {"sample_rate", sample_rate},
          {"frames", triplet.source.size()},
          {"bits", bits},
          {"scale", scale},
          {"sounds", sounds}};
}

struct Labels {
  LabelledTriplet example;
  int64_t frames = 0;
  int sample_rate = 0;
  double scale = 1;
};

void read_song(ConfigReader config, LabelledTriplet& example) {
  config.require("name", example.clip.song);
  config.require("origin", example.clip.origin);
  config.require("seed", example.clip.seed);
  config.require("number", example.triplet.song);
  config.finish();
}

Labels parse_labels(const json& value, const std::string& name) {
  Labels labels;
  Triplet& triplet = labels.example.triplet;
  ClipInfo& clip = labels.example.clip;
  ConfigReader config(value, name);
  std::string form, key;
  std::vector<int> classes;
  int bits = 0;
  config.require("format", form);
  if (form != kFormat) throw Error(ErrorKind::kInput, name + ": its format '" + form + "' is not known.");
  config.require("sentence", triplet.sentence);
  triplet.instruction = read_instruction(config.object("instruction"));
  for (const json& instruction : config.raw("further"))
    triplet.further.push_back(read_instruction(ConfigReader(instruction, name + ": further")));
  config.require("source_instruments", triplet.source_instruments);
  config.require("target_instruments", triplet.target_instruments);
  config.require("unnamed", triplet.unnamed);
  config.require("source_genre", triplet.source_genre);
  config.require("target_genre", triplet.target_genre);
  config.require("chord_classes", classes);
  config.require("key", key);
  config.require("tempo_bpm", clip.tempo_bpm);
  config.require("beats_per_bar", clip.beats_per_bar);
  read_song(config.object("song"), labels.example);
  config.require("start_frame", triplet.start_frame);
  config.require("start_s", clip.start_s);
  config.require("sample_rate", labels.sample_rate);
  config.require("frames", labels.frames);
  config.require("bits", bits);
  config.require("scale", labels.scale);
  for (const json& span : config.raw("chords"))
    clip.chords.push_back(
        {span.at(0).get<double>(), span.at(1).get<double>(), parse_chord_label(span.at(2).get<std::string>())});
  for (const json& sound : config.raw("sounds"))
    clip.sounds.push_back({sound.at("source").get<std::string>(), sound.at("licence").get<std::string>()});
  config.finish();
  clip.key = parse_key_label(key, name);
  triplet.chords = chord_matrix(classes, name);
  triplet.chord_frames = static_cast<int>(classes.size());
  if (labels.frames < 1 || !(labels.scale > 0) || labels.sample_rate < 1)
    throw Error(ErrorKind::kInput, name + ": frames, sample_rate and scale must be above 0.");
  return labels;
}

Labels read_labels(const std::string& text, const std::string& name) {
  try {
    return parse_labels(json::parse(text), name);
  } catch (const json::exception& error) {
    throw Error(ErrorKind::kInput, name + ": its labels cannot be read: " + error.what());
  } catch (const Error& error) {
    // The strict reader speaks of configurations; here the file is data.
    if (error.kind() == ErrorKind::kModel) throw Error(ErrorKind::kInput, error.what());
    throw;
  }
}

AudioBuffer scaled(const std::vector<float>& samples, int sample_rate, double scale) {
  AudioBuffer buffer = from_mono(samples, sample_rate);
  for (float& x : buffer.samples) x = static_cast<float>(x * scale);
  return buffer;
}

std::vector<float> decode(const std::string& bytes, const Labels& labels, const std::string& name) {
  AudioBuffer buffer = decode_flac(bytes, name);
  if (buffer.channels != 1 || buffer.frames() != labels.frames || buffer.sample_rate != labels.sample_rate)
    throw Error(ErrorKind::kInput, name + " does not have the length and rate that its labels say.");
  for (float& x : buffer.samples) x = static_cast<float>(x / labels.scale);
  return std::move(buffer.samples);
}

}  // namespace

std::map<std::string, std::string> encode_example(const LabelledTriplet& example, int sample_rate, int bits) {
  const Triplet& triplet = example.triplet;
  // Peaks may lie beyond full scale; a power of two moves them inside without another rounding.
  double scale = 1;
  while (std::max(peak(triplet.source), peak(triplet.target)) * scale > 1) scale /= 2;
  return {{"source.flac", encode_flac(scaled(triplet.source, sample_rate, scale), bits)},
          {"target.flac", encode_flac(scaled(triplet.target, sample_rate, scale), bits)},
          {"json", json_text(labels_json(example, sample_rate, bits, scale)) + "\n"}};
}

LabelledTriplet decode_example(const std::map<std::string, std::string>& files, const std::string& name) {
  const auto labels_file = files.find("json");
  if (labels_file == files.end()) throw Error(ErrorKind::kInput, name + " has no labels.");
  Labels labels = read_labels(labels_file->second, name);
  // Labels alone are read without sound.
  if (files.size() == 1) return std::move(labels.example);
  for (const auto& [file, samples] : {std::pair{"source.flac", &labels.example.triplet.source},
                                      std::pair{"target.flac", &labels.example.triplet.target}}) {
    const auto found = files.find(file);
    if (found == files.end()) throw Error(ErrorKind::kInput, name + " has no " + file + ".");
    *samples = decode(found->second, labels, name + "." + file);
  }
  return std::move(labels.example);
}

}  // namespace instructme
