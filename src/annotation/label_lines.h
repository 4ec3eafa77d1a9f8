#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace instructme {

/// One line of a label file that says something.
struct LabelLine {
  std::string place;  ///< "song.lab, line 3", for messages
  std::vector<std::string> words;
};

/// The lines of a file without empty ones and those that begin with '#', in words. Throws kIo when it cannot be read,
/// kInput when a line has not `words` words; `form` says what a line looks like, e.g. "start end chord".
std::vector<LabelLine> read_label_lines(const std::filesystem::path& path, size_t words, const std::string& form);

/// A time in seconds, finite and not negative. Throws kInput.
double read_time(const LabelLine& line, size_t word);

/// The first two words as a span that begins at or after `previous_end`. Throws kInput.
struct TimeSpan {
  double start_s = 0, end_s = 0;
};
TimeSpan read_span(const LabelLine& line, double previous_end);

/// "12.345678": microseconds.
std::string time_text(double seconds);

}  // namespace instructme
