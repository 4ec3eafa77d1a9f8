#include <algorithm>
#include <cmath>
#include <optional>

#include "instructme/analysis/analysis_report.h"
#include "instructme/base/strings.h"

namespace instructme {
namespace {

// "3:05", or "1:03:05".
std::string clock(double seconds) {
  const auto whole = static_cast<long>(seconds);
  return whole < 3600 ? format("%ld:%02ld", whole / 60, whole % 60)
                      : format("%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
}

std::string note_name(int pitch) {
  const std::string label = chord_label(Chord::of(pitch % 12, ChordQuality::kMaj));
  return label.substr(0, label.find(':')) + std::to_string(pitch / 12 - 1);
}

std::string line(const char* what, const std::string& text) { return format("%-12s %s\n", what, text.c_str()); }

std::string key_text(const Hearing& hearing) {
  if (hearing.keys.size() == 1) {
    const double probability = hearing.keys[0].probability;
    return key_label(hearing.key) + (probability > 0 ? format(" (%.2f)", probability) : "");
  }
  std::vector<std::string> parts;
  for (const KeySpan& span : hearing.keys) parts.push_back(clock(span.start_s) + " " + key_label(span.key));
  return key_label(hearing.key) + " (" + join(parts, ", ") + ")";
}

// When an instrument plays, with pauses of less than five seconds left out: "0:10-1:20, 2:00-3:05".
std::string times_of(const HeardTag& tag, double window_s, double duration_s) {
  constexpr double kShortPause_s = 5;
  std::vector<std::pair<double, double>> spans;
  for (size_t i = 0; i < tag.over_time.size(); ++i) {
    if (tag.over_time[i] < tag.threshold) continue;
    const double start = static_cast<double>(i) * window_s, end = std::min(duration_s, start + window_s);
    if (!spans.empty() && start - spans.back().second < kShortPause_s)
      spans.back().second = end;
    else
      spans.push_back({start, end});
  }
  std::vector<std::string> parts;
  for (const auto& [start, end] : spans) parts.push_back(clock(start) + "-" + clock(end));
  return join(parts, ", ");
}

std::string tags_text(const std::vector<HeardTag>& tags, size_t most) {
  std::vector<std::string> parts;
  for (const HeardTag& tag : tags)
    if (tag.present() && parts.size() < most) parts.push_back(format("%s (%.2f)", tag.name.c_str(), tag.probability));
  return parts.empty() ? "none surely" : join(parts, ", ");
}

// Four bars to a line; a dot is a beat on which the chord goes on.
std::string chart_of_bars(const Hearing& hearing) {
  constexpr int kBarsPerLine = 4;
  std::string text;
  int bars = 0, bar = -1;
  std::optional<Chord> sounding;
  for (const BeatChord& beat : chords_of_beats(hearing)) {
    if (beat.beat.bar != bar) {
      if (bars > 0 && bars % kBarsPerLine == 0) text += " |\n";
      if (bars % kBarsPerLine == 0) text += format("  %7s", clock(beat.beat.time_s).c_str());
      text += " |";
      bar = beat.beat.bar;
      ++bars;
    }
    const bool goes_on = sounding == beat.chord && (bars % kBarsPerLine != 1 || beat.beat.position > 0);
    text += " " + (goes_on ? "." : chord_label(beat.chord));
    sounding = beat.chord;
  }
  return text.empty() ? text : text + " |\n";
}

std::string chords_in_seconds(const std::vector<ChordSpan>& spans) {
  std::string text;
  for (const ChordSpan& span : spans)
    text += format("  %7s  %-8s %.1f s\n", clock(span.start_s).c_str(), chord_label(span.chord).c_str(),
                   span.end_s - span.start_s);
  return text;
}

}  // namespace

std::string analysis_summary(const Analysis& analysis) {
  const Hearing& hearing = analysis.hearing;
  std::string text =
      line("file", format("%s, %s, %d Hz, %d channel(s)", analysis.name.c_str(), clock(hearing.duration_s).c_str(),
                          analysis.file.sample_rate, analysis.file.channels));
  text += line("level", analysis.silent ? "silence" : format("%.1f dB RMS", analysis.level_db));
  if (hearing.tempo_bpm > 0) {
    const auto bars = static_cast<int>(
        std::count_if(hearing.beats.begin(), hearing.beats.end(), [](const Beat& beat) { return beat.position == 0; }));
    text += line("tempo", format("%.1f beats per minute (%.2f)", hearing.tempo_bpm, hearing.beat_confidence));
    text += line("metre", format("%d beats per bar, %d bars", hearing.beats_per_bar, bars));
  } else if (analysis.trained_ears) {
    text += line("tempo", "no pulse is heard");
  }
  text += line("key", hearing.keys.empty() ? "none is heard" : key_text(hearing));
  if (hearing.has_tagger)
    text += line("instruments",
                 hearing.instruments.empty() ? "none" : tags_text(hearing.instruments, hearing.instruments.size()));
  for (const HeardTag& tag : hearing.instruments)
    if (tag.present() && !tag.over_time.empty())
      text += format("  %-20s %s\n", tag.name.c_str(), times_of(tag, hearing.tag_window_s, hearing.duration_s).c_str());
  if (!hearing.genres.empty()) text += line("genre", tags_text(hearing.genres, 3));
  if (analysis.has_notes) {
    const auto lower = [](const Note& a, const Note& b) { return a.pitch < b.pitch; };
    const auto range = std::minmax_element(analysis.notes.begin(), analysis.notes.end(), lower);
    text += line("notes", analysis.notes.empty()
                              ? "none are heard"
                              : format("%zu, from %s to %s", analysis.notes.size(),
                                       note_name(range.first->pitch).c_str(), note_name(range.second->pitch).c_str()));
    text +=
        line("judges", analysis.chord_agreement ? format("the chords of the notes are the same in %.0f %% of the time",
                                                         100 * *analysis.chord_agreement)
                                                : "whether the chords of the notes are the same cannot be told");
  }
  const std::string chart = chart_of_bars(hearing);
  text += line("chords", analysis.trained_ears ? "" : "(by templates)");
  text += chart.empty() ? chords_in_seconds(hearing.chord_spans) : chart;
  for (const std::string& missing : analysis.missing) text += line("not heard", missing);
  return text;
}

}  // namespace instructme
