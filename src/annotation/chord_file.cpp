#include "instructme/annotation/chord_file.h"

#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "label_lines.h"

namespace instructme {

std::vector<ChordSpan> read_chord_file(const std::filesystem::path& path) {
  std::vector<ChordSpan> chords;
  double end = 0;
  for (const LabelLine& line : read_label_lines(path, 3, "start end chord")) {
    const TimeSpan span = read_span(line, end);
    end = span.end_s;
    if (line.words[2] == "X") continue;
    try {
      chords.push_back({span.start_s, span.end_s, parse_chord_label(line.words[2])});
    } catch (const Error& error) {
      throw Error(ErrorKind::kInput, line.place + ": " + error.what());
    }
  }
  return chords;
}

void write_chord_file(const std::filesystem::path& path, const std::vector<ChordSpan>& chords) {
  std::string text;
  for (const ChordSpan& span : chords)
    text += time_text(span.start_s) + "\t" + time_text(span.end_s) + "\t" + chord_label(span.chord) + "\n";
  write_file_atomically(path, text);
}

}  // namespace instructme
