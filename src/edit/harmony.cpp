#include "instructme/edit/harmony.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <sstream>

#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"
#include "instructme/models/chord_extractor.h"

namespace instructme {

using at::Tensor;

namespace {

constexpr double kFrameSeconds = static_cast<double>(kChordHop) / kChordSampleRate;

/// Calls `read` with the words of every line that is not empty; it says what is wrong, or "".
void for_each_line(const std::string& text, const std::string& name,
                   const std::function<std::string(const std::vector<std::string>&)>& read) {
  size_t number = 0;
  for (const std::string& line : split(text, '\n')) {
    ++number;
    std::istringstream in(line);
    std::vector<std::string> words;
    for (std::string word; in >> word;) words.push_back(word);
    if (words.empty() || words.front().starts_with("#")) continue;
    if (const std::string wrong = read(words); !wrong.empty())
      throw Error(ErrorKind::kInput, name + format(", line %zu: ", number) + wrong);
  }
}

bool read_number(const std::string& text, double& value) {
  char* end = nullptr;
  value = std::strtod(text.c_str(), &end);
  return end == text.c_str() + text.size() && std::isfinite(value);
}

}  // namespace

std::vector<ChordSpan> read_chord_file(const std::filesystem::path& path, double seconds) {
  return parse_chords(read_text_file(path), path.string(), seconds);
}

std::vector<ChordSpan> parse_chords(const std::string& text, const std::string& name, double seconds) {
  std::vector<ChordSpan> chords;
  for_each_line(text, name, [&](const std::vector<std::string>& words) -> std::string {
    ChordSpan span;
    if (words.size() != 3 || !read_number(words[0], span.start_s) || !read_number(words[1], span.end_s))
      return "start, end and chord were wanted, as in '0.00 1.85 C:maj'";
    if (span.end_s <= span.start_s || span.start_s < (chords.empty() ? 0 : chords.back().end_s - 0.001))
      return "the chord ends before it begins, or begins before the one above ends";
    try {
      span.chord = parse_chord_label(words[2]);
    } catch (const Error& error) {
      return error.what();
    }
    chords.push_back(span);
    return "";
  });
  if (chords.empty()) throw Error(ErrorKind::kInput, name + " holds no chords");
  if (std::abs(chords.back().end_s - seconds) > 1)
    throw Error(ErrorKind::kInput,
                name + format(" ends at %.2f s, but the music at %.2f s: it belongs to other music, or "
                              "the last chord must be made to end there",
                              chords.back().end_s, seconds));
  return chords;
}

std::string chord_file_text(const std::vector<ChordSpan>& chords) {
  std::string text;
  for (const ChordSpan& span : chords)
    text += format("%.3f\t%.3f\t", span.start_s, span.end_s) + chord_label(span.chord) + "\n";
  return text;
}

std::vector<Beat> read_beat_file(const std::filesystem::path& path, double seconds) {
  std::vector<Beat> beats;
  int bar = -1;
  for_each_line(read_text_file(path), path.string(), [&](const std::vector<std::string>& words) -> std::string {
    Beat beat;
    double position = 0;
    if (words.size() != 2 || !read_number(words[0], beat.time_s) || !read_number(words[1], position) || position < 1 ||
        position != std::floor(position) || position > 64)
      return "a time in seconds and a place in the bar (1 is the downbeat) were wanted, as in '0.52 1'";
    if (beat.time_s < 0 || (!beats.empty() && beat.time_s <= beats.back().time_s))
      return "the beat is not later than the one above";
    if (beat.time_s > seconds) return format("the beat is after the end of the music (%.2f s)", seconds);
    beat.position = static_cast<int>(position) - 1;
    if (beat.position == 0) ++bar;
    beat.bar = bar;
    beats.push_back(beat);
    return "";
  });
  if (beats.empty()) throw Error(ErrorKind::kInput, path.string() + " holds no beats");
  return beats;
}

std::optional<double> tempo_bpm(const std::vector<Beat>& beats) {
  std::vector<double> gaps;
  for (size_t i = 1; i < beats.size(); ++i) gaps.push_back(beats[i].time_s - beats[i - 1].time_s);
  if (gaps.empty()) return std::nullopt;
  std::nth_element(gaps.begin(), gaps.begin() + static_cast<std::ptrdiff_t>(gaps.size() / 2), gaps.end());
  return 60 / gaps[gaps.size() / 2];
}

Key parse_key(const std::string& text) {
  static const std::string kLetters = "c d ef g a b";  // at its pitch class
  static const std::vector<std::pair<std::string, Mode>> kModes = {
      {"", Mode::kMajor},        {"maj", Mode::kMajor},
      {"major", Mode::kMajor},   {"m", Mode::kMinor},
      {"min", Mode::kMinor},     {"minor", Mode::kMinor},
      {"dorian", Mode::kDorian}, {"phrygian", Mode::kPhrygian},
      {"lydian", Mode::kLydian}, {"mixolydian", Mode::kMixolydian}};
  const std::string said = lower(trim(text));
  const size_t tonic = said.empty() ? std::string::npos : kLetters.find(said.front());
  if (tonic != std::string::npos && said.front() != ' ') {
    Key key;
    size_t at = 1;
    int pitch = static_cast<int>(tonic);
    for (; at < said.size() && (said[at] == '#' || said[at] == 'b'); ++at) pitch += said[at] == '#' ? 1 : -1;
    while (at < said.size() && (said[at] == ' ' || said[at] == ':')) ++at;
    key.tonic = ((pitch % 12) + 12) % 12;
    for (const auto& [name, mode] : kModes)
      if (said.substr(at) == name) {
        key.mode = mode;
        return key;
      }
  }
  throw Error(ErrorKind::kUsage, "'" + text + "' is no key: write it like C, F# minor, Bbm or D dorian");
}

Tensor chord_matrix(const std::vector<ChordSpan>& chords, double start_s, int64_t frames) {
  const Tensor matrix = torch::zeros({frames, kChordClasses});
  auto rows = matrix.accessor<float, 2>();
  size_t at = 0;
  for (int64_t i = 0; i < frames; ++i) {
    const double time = start_s + (static_cast<double>(i) + 0.5) * kFrameSeconds;
    while (at < chords.size() && chords[at].end_s <= time) ++at;
    const bool known = at < chords.size() && chords[at].start_s <= time;
    rows[i][known ? chord_class(chords[at].chord) : 0] = 1;
  }
  return matrix;
}

std::vector<ChordSpan> chord_spans(const Tensor& matrix) {
  const Tensor best = matrix.argmax(1).to(at::kLong).contiguous();
  std::vector<ChordSpan> spans;
  for (int64_t i = 0; i < best.size(0); ++i) {
    const Chord chord = chord_of_class(static_cast<int>(best.data_ptr<int64_t>()[i]));
    const double end = static_cast<double>(i + 1) * kFrameSeconds;
    if (!spans.empty() && spans.back().chord == chord)
      spans.back().end_s = end;
    else
      spans.push_back({end - kFrameSeconds, end, chord});
  }
  return spans;
}

Tensor in_key(const Tensor& matrix, const Key& key) {
  constexpr float kForeign = 0.1f;
  const std::vector<int> scale = scale_pitch_classes(key);
  const Tensor weight = torch::ones({kChordClasses});
  for (int i = 0; i < kChordClasses; ++i)
    for (const int tone : chord_pitch_classes(chord_of_class(i)))
      if (std::find(scale.begin(), scale.end(), tone) == scale.end()) weight[i] = kForeign;
  const Tensor weighted = matrix * weight.to(matrix.device());
  return weighted / weighted.sum(1, /*keepdim=*/true).clamp_min(1e-9);
}

}  // namespace instructme
