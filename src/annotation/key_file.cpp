#include "instructme/annotation/key_file.h"

#include "instructme/base/files.h"
#include "instructme/score/key_label.h"
#include "label_lines.h"

namespace instructme {

std::vector<KeySpan> read_key_file(const std::filesystem::path& path) {
  std::vector<KeySpan> keys;
  double end = 0;
  for (const LabelLine& line : read_label_lines(path, {3, "start end key", "0.0 12.5 Eb:minor"})) {
    const TimeSpan span = read_span(line, end);
    end = span.end_s;
    keys.push_back({span.start_s, span.end_s, parse_key_label(line.words[2], line.place), 1.0});
  }
  return keys;
}

void write_key_file(const std::filesystem::path& path, const std::vector<KeySpan>& keys) {
  std::string text;
  for (const KeySpan& span : keys)
    text += time_text(span.start_s) + "\t" + time_text(span.end_s) + "\t" + key_label(span.key) + "\n";
  write_file_atomically(path, text);
}

}  // namespace instructme
