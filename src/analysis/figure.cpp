#include <algorithm>
#include <cmath>

#include "instructme/analysis/analysis_report.h"
#include "instructme/audio/spectrogram.h"
#include "instructme/base/error.h"
#include "instructme/plot/heat_map.h"
#include "instructme/pretrained/note_network.h"

namespace instructme {
namespace {

constexpr int kWidth = 1600, kPanelHeight = 230;
constexpr int kMostColumns = 1800;  // finer than a pixel

HeatMap panel(const char* title, const char* y_label, int rows, int columns, double duration_s) {
  HeatMap map;
  map.title = title;
  map.y_label = y_label;
  map.rows = rows;
  map.columns = columns;
  map.values.assign(static_cast<size_t>(rows) * static_cast<size_t>(columns), 0.0f);
  map.x_low = 0;
  map.x_high = duration_s;
  return map;
}

// The envelope as a filled shape; beats as lines, downbeats over the whole height.
HeatMap waveform(const Analysis& analysis, const AudioBuffer& music) {
  constexpr int kRows = 161, kMiddle = kRows / 2;
  constexpr float kWave = 0.45f, kBeat = 0.75f, kDownbeat = 1.0f;
  HeatMap map = panel("waveform and beats", "amplitude", kRows, kMostColumns, music.seconds());
  map.y_low = -1;
  map.y_high = 1;
  map.low = 0;
  map.high = 1;
  map.greatest = true;  // else a line fades where it shares a pixel
  map.colours = ColourMap::kViridis;
  const auto cell = [&](int row, int column) -> float& {
    return map.values[static_cast<size_t>(row) * kMostColumns + static_cast<size_t>(column)];
  };
  const int64_t frames = music.frames();
  for (int column = 0; column < kMostColumns; ++column) {
    const int64_t first = column * frames / kMostColumns;
    const int64_t last = std::max(first + 1, (column + 1) * frames / kMostColumns);
    float low = 0, high = 0;
    for (int64_t i = first; i < std::min(last, frames); ++i) {
      low = std::min(low, music.samples[static_cast<size_t>(i)]);
      high = std::max(high, music.samples[static_cast<size_t>(i)]);
    }
    const auto row_of = [](float value) {
      return kMiddle + static_cast<int>(std::lround(std::clamp(value, -1.0f, 1.0f) * kMiddle));
    };
    for (int row = row_of(low); row <= row_of(high); ++row) cell(row, column) = kWave;
  }
  for (const Beat& beat : analysis.hearing.beats) {
    const auto column = static_cast<int>(beat.time_s / music.seconds() * kMostColumns);
    if (column < 0 || column >= kMostColumns) continue;
    const bool down = beat.position == 0;
    for (int row = 0; row < kRows; ++row)
      if (down || row < kRows / 6 || row >= kRows - kRows / 6) cell(row, column) = down ? kDownbeat : kBeat;
  }
  return map;
}

HeatMap spectrum(const AudioBuffer& music) {
  constexpr int kWindow = 2048;
  const int hop = static_cast<int>(std::max<int64_t>(kWindow / 4, music.frames() / kMostColumns + 1));
  const Spectrogram levels = spectrogram(music.samples, kWindow, hop);
  HeatMap map = panel("spectrogram (dB)", "kHz", levels.rows, levels.columns, music.seconds());
  map.values = levels.levels_db;
  map.y_high = kAnalysisRate / 2000.0;
  map.low = -110;
  map.high = -20;
  return map;
}

// frames[frame][row], averaged to at most kMostColumns columns.
HeatMap matrix(const char* title, const char* y_label, const std::vector<std::vector<float>>& frames, int rows,
               double rate, double duration_s) {
  const auto count = static_cast<int>(frames.size());
  HeatMap map = panel(title, y_label, rows, std::clamp(count, 1, kMostColumns), std::max(duration_s, count / rate));
  map.low = 0;
  map.high = 1;
  for (int column = 0; column < map.columns; ++column) {
    const int first = static_cast<int>(static_cast<int64_t>(column) * count / map.columns);
    const int last = static_cast<int>(static_cast<int64_t>(column + 1) * count / map.columns);
    for (int frame = first; frame < last; ++frame)
      for (int row = 0; row < rows; ++row)
        map.values[static_cast<size_t>(row) * static_cast<size_t>(map.columns) + static_cast<size_t>(column)] +=
            frames[static_cast<size_t>(frame)][static_cast<size_t>(row)] / static_cast<float>(last - first);
  }
  return map;
}

// Two roots of every quality; there is no room for more.
std::vector<HeatMap::Mark> chord_marks() {
  std::vector<HeatMap::Mark> marks;
  for (int c = 1; c < kChordClasses; c += 6) marks.push_back({c + 0.5, chord_label(chord_of_class(c))});
  return marks;
}

}  // namespace

Image analysis_figure(const Analysis& analysis, const AudioBuffer& music) {
  ensure(music.channels == 1 && music.frames() > 0, "a figure shows one channel of music");
  const Hearing& hearing = analysis.hearing;
  std::vector<HeatMap> panels = {waveform(analysis, music), spectrum(music)};
  panels.push_back(matrix("chord probabilities (no chord, then the 12 roots from C up of each quality)", "chord",
                          hearing.chords, kChordClasses, hearing.chord_rate, hearing.duration_s));
  panels.back().y_marks = chord_marks();
  if (analysis.has_notes) {
    panels.push_back(matrix("pitch probabilities", "MIDI pitch", analysis.keys, NoteNetwork::kKeys, hearing.chord_rate,
                            hearing.duration_s));
    panels.back().y_low = NoteNetwork::kLowestKey;
    panels.back().y_high = NoteNetwork::kLowestKey + NoteNetwork::kKeys;
  }
  panels.back().x_label = "seconds";
  return render_panels(panels, kWidth, kPanelHeight);
}

}  // namespace instructme
