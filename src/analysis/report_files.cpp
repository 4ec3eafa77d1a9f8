#include <cmath>
#include <nlohmann/json.hpp>

#include "instructme/analysis/analysis_report.h"
#include "instructme/annotation/beat_file.h"
#include "instructme/annotation/chord_file.h"
#include "instructme/base/config_reader.h"
#include "instructme/base/files.h"

namespace instructme {
namespace {

using nlohmann::json;

// Milliseconds and thousandths are as fine as anything here is known.
double rounded(double value) { return std::round(value * 1000) / 1000; }

json tags_json(const std::vector<HeardTag>& tags) {
  json list = json::array();
  for (const HeardTag& tag : tags) {
    json entry = {{"name", tag.name},
                  {"probability", rounded(tag.probability)},
                  {"threshold", rounded(tag.threshold)},
                  {"present", tag.present()}};
    if (!tag.over_time.empty()) {
      json over_time = json::array();
      for (const float value : tag.over_time) over_time.push_back(rounded(value));
      entry["over_time"] = over_time;
    }
    list.push_back(entry);
  }
  return list;
}

json chords_json(const std::vector<ChordSpan>& spans) {
  json list = json::array();
  for (const ChordSpan& span : spans)
    list.push_back({rounded(span.start_s), rounded(span.end_s), chord_label(span.chord)});
  return list;
}

}  // namespace

json to_json(const Analysis& analysis) {
  const Hearing& hearing = analysis.hearing;
  json beats = json::array(), keys = json::array(), notes = json::array();
  for (const BeatChord& beat : chords_of_beats(hearing))
    beats.push_back({rounded(beat.beat.time_s), beat.beat.bar, beat.beat.position, chord_label(beat.chord)});
  for (const KeySpan& span : hearing.keys)
    keys.push_back({rounded(span.start_s), rounded(span.end_s), key_label(span.key), rounded(span.probability)});
  for (const Note& note : analysis.notes)
    notes.push_back({rounded(note.onset_s), rounded(note.duration_s), note.pitch, note.velocity});
  json result = {{"format", "instructme-analysis-1"},
                 {"file", analysis.name},
                 {"sample_rate", analysis.file.sample_rate},
                 {"channels", analysis.file.channels},
                 {"duration_s", rounded(hearing.duration_s)},
                 {"level_db", std::isfinite(analysis.level_db) ? json(rounded(analysis.level_db)) : json()},
                 {"silent", analysis.silent},
                 {"trained_ears", analysis.trained_ears},
                 {"key", hearing.keys.empty() ? json() : json(key_label(hearing.key))},
                 {"keys", keys},
                 {"chords", chords_json(hearing.chord_spans)},
                 {"missing", analysis.missing}};
  if (analysis.trained_ears) {
    result["tempo_bpm"] = hearing.tempo_bpm > 0 ? json(rounded(hearing.tempo_bpm)) : json();
    result["beats_per_bar"] = hearing.tempo_bpm > 0 ? json(hearing.beats_per_bar) : json();
    result["beat_confidence"] = rounded(hearing.beat_confidence);
    result["beats"] = beats;
    result["tag_window_s"] = hearing.tag_window_s;
    result["instruments"] = tags_json(hearing.instruments);
    result["genres"] = tags_json(hearing.genres);
  }
  if (analysis.has_notes) {
    result["notes"] = notes;
    result["note_chords"] = chords_json(analysis.note_chords);
    result["chord_agreement"] = analysis.chord_agreement ? json(rounded(*analysis.chord_agreement)) : json();
  }
  return result;
}

std::vector<std::string> write_analysis(const std::filesystem::path& folder, const Analysis& analysis,
                                        const AudioBuffer* figure) {
  make_folder(folder);
  std::vector<std::string> names;
  const auto place = [&](const char* name) {
    names.emplace_back(name);
    return folder / name;
  };
  write_json_file(place("analysis.json"), to_json(analysis));
  write_chord_file(place("chords.lab"), analysis.hearing.chord_spans);
  if (!analysis.hearing.beats.empty()) write_beat_file(place("beats.txt"), analysis.hearing.beats);
  if (!analysis.hearing.keys.empty()) write_key_file(place("keys.txt"), analysis.hearing.keys);
  if (analysis.has_notes) {
    const std::vector<uint8_t> midi = midi_of_analysis(analysis);
    write_file_atomically(place("notes.mid"), {reinterpret_cast<const char*>(midi.data()), midi.size()});
  }
  if (figure != nullptr) write_png(place("analysis.png"), analysis_figure(analysis, *figure));
  return names;
}

}  // namespace instructme
