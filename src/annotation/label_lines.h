#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "instructme/score/heard_chart.h"

namespace instructme {

/// One line of a label file that says something.
struct LabelLine {
  std::string place;  ///< "song.lab, line 3", for messages
  std::vector<std::string> words;
};

/// What a line looks like, e.g. "start end chord" as in "0.00 1.85 C:maj".
struct LabelForm {
  size_t words = 0;
  const char* names = "";
  const char* example = "";
};

/// How far labels may end before or after the music that they are for, seconds.
inline constexpr double kLengthTolerance_s = 1;

/// The lines of a file called `name` without empty ones and those that begin with '#', in words. The text is UTF-8,
/// with or without a byte-order mark. Throws kInput when a line has not the words of `form`, and for UTF-16.
std::vector<LabelLine> label_lines(const std::string& text, const std::string& name, const LabelForm& form);
/// The same for a file that is read first. Throws kIo as well.
std::vector<LabelLine> read_label_lines(const std::filesystem::path& path, const LabelForm& form);

/// A time in seconds, finite and not negative. Throws kInput.
double read_time(const LabelLine& line, size_t word);

/// The first two words as a span that begins at or after `previous_end`. Throws kInput.
TimeSpan read_span(const LabelLine& line, double previous_end);

/// "12.345678": microseconds, with a point in every locale.
std::string time_text(double seconds);

}  // namespace instructme
