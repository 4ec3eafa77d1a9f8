#include "instructme/synth/recorded_notes.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>

#include "instructme/audio/audio_file.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "riff.h"

namespace fs = std::filesystem;

namespace instructme {
namespace {

constexpr double kLongest_s = 8, kLoudest_s = 0.4;
constexpr size_t kGap = 46;      // zeros after each sample that the specification asks for
constexpr int kFarthest = 12;    // semitones by which a recording is transposed at most
constexpr double kPeak = 32000;  // of 16-bit samples

/// From the onset to where nothing is left; the last 50 ms fade.
std::vector<float> trimmed(const std::vector<float>& samples, int rate, const fs::path& file) {
  float peak = 0;
  for (const float x : samples) peak = std::max(peak, std::abs(x));
  if (!(peak > 1e-4f)) throw Error(ErrorKind::kInput, file.string() + " is silent; leave it out or record it again");
  const auto louder = [&](float share) { return [=](float x) { return std::abs(x) > share * peak; }; };
  const auto onset = std::find_if(samples.begin(), samples.end(), louder(0.01f)) - samples.begin();
  const auto rest = std::find_if(samples.rbegin(), samples.rend(), louder(0.001f)) - samples.rbegin();
  const auto before = static_cast<ptrdiff_t>(0.002 * rate);
  const ptrdiff_t first = std::max<ptrdiff_t>(0, onset - before);
  const ptrdiff_t last =
      std::min(static_cast<ptrdiff_t>(samples.size()) - rest, first + static_cast<ptrdiff_t>(kLongest_s * rate));
  std::vector<float> kept(samples.begin() + first, samples.begin() + last);
  const size_t fade = std::min(kept.size(), static_cast<size_t>(0.05 * rate));
  for (size_t i = 0; i < fade; ++i) kept[kept.size() - 1 - i] *= static_cast<float>(i) / static_cast<float>(fade);
  return kept;
}

/// RMS of the loudest 0.4 seconds.
double loudness(const RecordedNote& note) {
  const size_t window = std::min(note.samples.size(), static_cast<size_t>(kLoudest_s * note.sample_rate));
  double sum = 0, most = 0;
  for (size_t i = 0; i < note.samples.size(); ++i) {
    sum += static_cast<double>(note.samples[i]) * note.samples[i];
    if (i >= window) sum -= static_cast<double>(note.samples[i - window]) * note.samples[i - window];
    most = std::max(most, sum);
  }
  return std::sqrt(most / static_cast<double>(std::max<size_t>(1, window)));
}

/// Little-endian numbers and names one after the other.
class Bytes {
 public:
  Bytes& number(uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) text_ += static_cast<char>(value >> (8 * i) & 0xff);
    return *this;
  }
  Bytes& name(const std::string& name) {
    std::string field = name.substr(0, 19);
    field.resize(20, '\0');
    text_ += field;
    return *this;
  }
  Bytes& zeros(size_t count) {
    text_.append(count, '\0');
    return *this;
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

enum Generator { kReleaseVolume = 38, kInstrument = 41, kKeyRange = 43, kSampleId = 53 };

}  // namespace

std::optional<int> key_of_note(std::string_view name) {
  static constexpr int kSteps[] = {9, 11, 0, 2, 4, 5, 7};  // of A to G above C
  size_t at = 0;
  const auto next = [&] {
    return at < name.size() ? static_cast<char>(std::tolower(static_cast<unsigned char>(name[at]))) : '\0';
  };
  if (next() < 'a' || next() > 'g') return std::nullopt;
  int key = kSteps[next() - 'a'];
  ++at;
  const bool sharp = next() == '#' || next() == 's', flat = next() == 'b';
  if (sharp || flat) {
    key += sharp ? 1 : -1;
    ++at;
  }
  const bool below = next() == '-';
  if (below) ++at;
  if (next() < '0' || next() > '9') return std::nullopt;
  const int octave = (next() - '0') * (below ? -1 : 1);
  ++at;
  if (next() >= '0' && next() <= '9') return std::nullopt;
  key += 12 * (octave + 1);
  return key >= 0 && key <= 127 ? std::optional(key) : std::nullopt;
}

std::vector<RecordedNote> read_recorded_notes(const fs::path& folder) {
  std::error_code problem;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder, problem))
    if (entry.is_regular_file() && key_of_note(entry.path().stem().string())) files.push_back(entry.path());
  if (files.empty())
    throw Error(ErrorKind::kInput, folder.string() +
                                       (problem ? " cannot be read as a folder" : " holds no file named by a note") +
                                       "; wanted are sound files such as A3.wav, C#4.mp3, Bb2.flac");
  std::sort(files.begin(), files.end());
  std::map<int, RecordedNote> notes;
  for (const fs::path& file : files) {
    const int key = *key_of_note(file.stem().string());
    if (notes.count(key)) continue;
    const AudioBuffer audio = read_audio(file);
    notes[key] = {key, audio.sample_rate, trimmed(mix_to_mono(audio), audio.sample_rate, file)};
  }
  std::vector<RecordedNote> sorted;
  for (auto& [key, note] : notes) sorted.push_back(std::move(note));
  return sorted;
}

std::string make_sound_font(const std::vector<RecordedNote>& notes, const SoundFontRecipe& recipe) {
  if (notes.empty()) throw Error(ErrorKind::kUsage, "a SoundFont needs one note at least");
  if (recipe.program < 0 || recipe.program > 127 || !(recipe.release_s >= 0.001 && recipe.release_s <= 10))
    throw Error(ErrorKind::kUsage, "a SoundFont's program is 0 to 127, its release 0.001 to 10 seconds");
  std::vector<double> gains;
  for (const RecordedNote& note : notes) gains.push_back(1 / loudness(note));
  std::vector<double> sorted = gains;
  std::nth_element(sorted.begin(), sorted.begin() + static_cast<ptrdiff_t>(sorted.size() / 2), sorted.end());
  const double usual = sorted[sorted.size() / 2];
  double peak = 0;
  for (size_t i = 0; i < notes.size(); ++i) {
    gains[i] = 0.5 * (gains[i] + usual);
    for (const float x : notes[i].samples) peak = std::max(peak, std::abs(x) * gains[i]);
  }

  const auto release = static_cast<int16_t>(std::lround(1200 * std::log2(recipe.release_s)));  // timecents
  Bytes samples, headers, generators, bags;
  size_t place = 0, count = 0;
  for (size_t i = 0; i < notes.size(); ++i) {
    const RecordedNote& note = notes[i];
    for (const float x : note.samples)
      samples.number(static_cast<uint16_t>(static_cast<int16_t>(std::lround(x * gains[i] / peak * kPeak))), 2);
    samples.zeros(2 * kGap);
    const size_t end = place + note.samples.size();
    headers.name(format("%.12s %d", recipe.name.c_str(), note.key)).number(place, 4).number(end, 4).number(place, 4);
    headers.number(end - 1, 4)
        .number(static_cast<uint64_t>(note.sample_rate), 4)
        .number(static_cast<uint64_t>(note.key), 1);
    headers.number(0, 1).number(0, 2).number(1, 2);  // in tune, mono
    place = end + kGap;
    const int low = i == 0 ? 0 : (notes[i - 1].key + note.key) / 2 + 1;
    const int high = i + 1 == notes.size() ? 127 : (note.key + notes[i + 1].key) / 2;
    const int from = std::max(low, note.key - kFarthest), to = std::min(high, note.key + kFarthest);
    bags.number(count, 2).number(0, 2);
    // The range comes first and the sample last, as the specification wants.
    generators.number(kKeyRange, 2).number(static_cast<uint64_t>(from | to << 8), 2);
    generators.number(kReleaseVolume, 2).number(static_cast<uint16_t>(release), 2);
    generators.number(kSampleId, 2).number(i, 2);
    count += 3;
  }
  bags.number(count, 2).number(0, 2);
  generators.zeros(4);
  headers.name("EOS").zeros(26);

  const std::string modulators(10, '\0');
  const std::string info = "INFO" + riff::chunk("ifil", Bytes().number(2, 2).number(1, 2).text()) +
                           riff::chunk("isng", Bytes().name("EMU8000").text()) +
                           riff::chunk("INAM", Bytes().name(recipe.name).text());
  const std::string data = "sdta" + riff::chunk("smpl", samples.text());
  const std::string presets = Bytes()
                                  .name(recipe.name)
                                  .number(static_cast<uint64_t>(recipe.program), 2)
                                  .zeros(16)
                                  .name("EOP")
                                  .zeros(4)
                                  .number(1, 2)
                                  .zeros(12)
                                  .text();
  const std::string parts =
      "pdta" + riff::chunk("phdr", presets) + riff::chunk("pbag", Bytes().zeros(4).number(1, 2).number(0, 2).text()) +
      riff::chunk("pmod", modulators) + riff::chunk("pgen", Bytes().number(kInstrument, 2).zeros(6).text()) +
      riff::chunk("inst", Bytes().name(recipe.name).number(0, 2).name("EOI").number(notes.size(), 2).text()) +
      riff::chunk("ibag", bags.text()) + riff::chunk("imod", modulators) + riff::chunk("igen", generators.text()) +
      riff::chunk("shdr", headers.text());
  return riff::chunk("RIFF",
                     "sfbk" + riff::chunk("LIST", info) + riff::chunk("LIST", data) + riff::chunk("LIST", parts));
}

}  // namespace instructme
