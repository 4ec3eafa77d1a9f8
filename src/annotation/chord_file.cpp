#include "instructme/annotation/chord_file.h"

#include <cmath>

#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"
#include "label_lines.h"

namespace instructme {
namespace {

/// Chords, and where the last line ends, whatever its label is.
struct ReadChords {
  std::vector<ChordSpan> chords;
  double end_s = 0;
};

// A shorter time without a line is a matter of rounding.
constexpr double kShortestGap_s = 0.1;

enum class Gaps { kAllowed, kRefused };

ReadChords read_chords(const std::string& text, const std::string& name, Gaps gaps) {
  ReadChords read;
  for (const LabelLine& line : label_lines(text, name, {3, "start end chord", "0.00 1.85 C:maj"})) {
    const TimeSpan span = read_span(line, read.end_s);
    if (gaps == Gaps::kRefused && read.end_s > 0 && span.start_s > read.end_s + kShortestGap_s)
      throw Error(ErrorKind::kInput,
                  format("%s: it starts at %g s, but the line above ends at %g s: a line between them "
                         "is missing, with the chord N where there is none",
                         line.place.c_str(), span.start_s, read.end_s));
    read.end_s = span.end_s;
    if (line.words[2] == "X") continue;
    try {
      read.chords.push_back({span.start_s, span.end_s, parse_chord_label(line.words[2])});
    } catch (const Error& error) {
      throw Error(ErrorKind::kInput, line.place + ": " + error.what());
    }
  }
  return read;
}

}  // namespace

std::vector<ChordSpan> parse_chords(const std::string& text, const std::string& name) {
  return read_chords(text, name, Gaps::kAllowed).chords;
}

std::vector<ChordSpan> read_chord_file(const std::filesystem::path& path) {
  return parse_chords(read_text_file(path), path.string());
}

std::vector<ChordSpan> read_chord_file(const std::filesystem::path& path, double music_s) {
  ReadChords read = read_chords(read_text_file(path), path.string(), Gaps::kRefused);
  if (read.chords.empty())
    throw Error(ErrorKind::kInput,
                path.string() + " holds no chords: a line for each was wanted, as '0.00 1.85 C:maj'");
  if (std::abs(read.end_s - music_s) > kLengthTolerance_s)
    throw Error(ErrorKind::kInput,
                path.string() + format(" ends at %.2f s, but the music at %.2f s: it belongs to other "
                                       "music, or its last chord must be made to end there",
                                       read.end_s, music_s));
  return std::move(read.chords);
}

std::string chord_text(const std::vector<ChordSpan>& chords) {
  std::string text;
  for (const ChordSpan& span : chords)
    text += time_text(span.start_s) + "\t" + time_text(span.end_s) + "\t" + chord_label(span.chord) + "\n";
  return text;
}

void write_chord_file(const std::filesystem::path& path, const std::vector<ChordSpan>& chords) {
  write_file_atomically(path, chord_text(chords));
}

}  // namespace instructme
