#include "label_lines.h"

#include <array>
#include <charconv>
#include <cmath>
#include <sstream>

#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"

namespace instructme {
namespace {

// Files with times to the millisecond may overlap by their rounding.
constexpr double kRounding_s = 0.0015;

void refuse_utf16(const std::string& text, const std::string& name) {
  const bool utf16 = text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF") ||
                     text.substr(0, 2).find('\0') != std::string::npos;  // half of a digit, where there is no mark
  if (utf16) throw Error(ErrorKind::kInput, name + " is UTF-16 text; save it as UTF-8");
}

}  // namespace

std::vector<LabelLine> label_lines(const std::string& text, const std::string& name, const LabelForm& form) {
  std::vector<LabelLine> lines;
  refuse_utf16(text, name);
  std::istringstream rows{std::string(without_mark(text))};
  std::string row;
  for (int number = 1; std::getline(rows, row); ++number) {
    row = trim(row);
    if (row.empty() || row[0] == '#') continue;
    LabelLine line{format("%s, line %d", name.c_str(), number), {}};
    std::istringstream stream(row);
    for (std::string word; stream >> word;) line.words.push_back(word);
    if (line.words.size() != form.words)
      throw Error(ErrorKind::kInput, format("%s: wanted '%s', as in '%s', found '%s'", line.place.c_str(), form.names,
                                            form.example, row.substr(0, 80).c_str()));
    lines.push_back(std::move(line));
  }
  return lines;
}

std::vector<LabelLine> read_label_lines(const std::filesystem::path& path, const LabelForm& form) {
  return label_lines(read_text_file(path), path.string(), form);
}

double read_time(const LabelLine& line, size_t word) {
  const std::string& text = line.words[word];
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value) || value < 0)
    throw Error(ErrorKind::kInput, format("%s: '%s' is not a time in seconds such as 12.5", line.place.c_str(),
                                          text.substr(0, 40).c_str()));
  return value;
}

TimeSpan read_span(const LabelLine& line, double previous_end) {
  const TimeSpan span{read_time(line, 0), read_time(line, 1)};
  if (span.end_s <= span.start_s)
    throw Error(ErrorKind::kInput, format("%s: it ends at %g s, but must end after its start at %g s",
                                          line.place.c_str(), span.end_s, span.start_s));
  if (span.start_s < previous_end - kRounding_s)
    throw Error(ErrorKind::kInput, format("%s: it starts at %g s, before the line above ends at %g s",
                                          line.place.c_str(), span.start_s, previous_end));
  return span;
}

std::string time_text(double seconds) {
  std::array<char, 320> text;  // the largest number has 309 digits before the point
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), seconds, std::chars_format::fixed, 6);
  ensure(error == std::errc(), "a time has too many digits");
  return {text.data(), end};
}

}  // namespace instructme
