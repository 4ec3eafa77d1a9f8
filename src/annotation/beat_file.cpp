#include "instructme/annotation/beat_file.h"

#include <charconv>
#include <limits>

#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"
#include "label_lines.h"

namespace instructme {
namespace {

constexpr int kMostBeatsPerBar = 64;

int read_position(const LabelLine& line) {
  const std::string& text = line.words[1];
  int position = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), position);
  if (error != std::errc() || end != text.data() + text.size() || position < 1 || position > kMostBeatsPerBar)
    throw Error(ErrorKind::kInput, format("%s: '%s' is not a position in the bar, from 1 (the downbeat) to %d",
                                          line.place.c_str(), text.substr(0, 40).c_str(), kMostBeatsPerBar));
  return position;
}

std::vector<Beat> read_beats(const std::filesystem::path& path, double last_s) {
  std::vector<Beat> beats;
  for (const LabelLine& line : read_label_lines(path, {2, "time position", "0.52 1"})) {
    Beat beat{read_time(line, 0), 0, read_position(line) - 1};
    if (beat.time_s > last_s)
      throw Error(ErrorKind::kInput, format("%s: the beat at %g s is after the end of the music: the file belongs to "
                                            "other music, or the line must be taken out",
                                            line.place.c_str(), beat.time_s));
    if (!beats.empty()) {
      const Beat& before = beats.back();
      if (beat.time_s <= before.time_s)
        throw Error(ErrorKind::kInput, format("%s: the beat at %g s is not after the one above at %g s",
                                              line.place.c_str(), beat.time_s, before.time_s));
      if (beat.position != 0 && beat.position != before.position + 1)
        throw Error(ErrorKind::kInput,
                    format("%s: position %d follows position %d; wanted %d, or 1 for a new bar", line.place.c_str(),
                           beat.position + 1, before.position + 1, before.position + 2));
      beat.bar = before.bar + (beat.position == 0 ? 1 : 0);
    }
    beats.push_back(beat);
  }
  return beats;
}

}  // namespace

std::vector<Beat> read_beat_file(const std::filesystem::path& path) {
  return read_beats(path, std::numeric_limits<double>::infinity());
}

std::vector<Beat> read_beat_file(const std::filesystem::path& path, double music_s) {
  std::vector<Beat> beats = read_beats(path, music_s + kLengthTolerance_s);
  if (beats.empty())
    throw Error(ErrorKind::kInput,
                path.string() + " holds no beats: a line for each was wanted, as '0.52 1' for a downbeat");
  return beats;
}

void write_beat_file(const std::filesystem::path& path, const std::vector<Beat>& beats) {
  std::string text;
  for (const Beat& beat : beats) text += time_text(beat.time_s) + "\t" + std::to_string(beat.position + 1) + "\n";
  write_file_atomically(path, text);
}

}  // namespace instructme
