#include "instructme/synth/smaller_sounds.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "instructme/audio/audio_file.h"
#include "instructme/audio/resample.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/process.h"
#include "instructme/base/strings.h"
#include "riff.h"

namespace instructme {

namespace fs = std::filesystem;

namespace {

constexpr double kFade_s = 0.25;
constexpr unsigned kLowestRate = 8000, kHighestRate = 192000;  // Hz, that audio files have
constexpr size_t kAfterLoop = 64;                              // samples that interpolation may look at
constexpr size_t kShortestLoop = 2;                            // FluidSynth takes shorter ones for none
constexpr float kFullScale = 32768, kHighest = 0.99f;
constexpr size_t kSampleHeader = 46, kInstrumentHeader = 22, kBag = 4, kGenerator = 4;
constexpr unsigned kVorbis = 0x10, kRom = 0x8000;
enum Generator : unsigned { kSampleId = 53, kSampleModes = 54 };

/// Whether a generator moves the start or end of a recording or of its loop by a number of samples.
bool is_offset(size_t kind) { return kind <= 4 || kind == 12 || kind == 45 || kind == 50; }

struct Sample {
  std::string_view header;
  size_t start, end, loop_start, loop_end;  // of bytes when it is compressed, the loop then from its beginning on
  unsigned rate, type;
};

Sample read_sample(std::string_view header) {
  return {header,
          riff::number(header, 20, 4),
          riff::number(header, 24, 4),
          riff::number(header, 28, 4),
          riff::number(header, 32, 4),
          static_cast<unsigned>(riff::number(header, 36, 4)),
          static_cast<unsigned>(riff::number(header, 44, 2))};
}

/// How instruments play the samples.
struct Uses {
  std::set<size_t> looped;  // in a loop
  std::set<size_t> offset;  // from, to or around other places than their headers say
};

Uses uses_of_samples(std::string_view instruments, std::string_view bags, std::string_view generators) {
  Uses uses;
  for (size_t i = 0; i + 2 * kInstrumentHeader <= instruments.size(); i += kInstrumentHeader) {
    const size_t first = riff::number(instruments, i + 20, 2);
    const size_t last = std::min(riff::number(instruments, i + kInstrumentHeader + 20, 2), bags.size() / kBag);
    bool usually = false, elsewhere = false;  // as the instrument's first zone says, where that plays nothing
    for (size_t zone = first; zone < last; ++zone) {
      bool plays = false, loops = usually, offset = elsewhere;
      size_t sample = 0;
      const size_t end = std::min(riff::number(bags, (zone + 1) * kBag, 2), generators.size() / kGenerator);
      for (size_t g = riff::number(bags, zone * kBag, 2); g < end; ++g) {
        const size_t kind = riff::number(generators, g * kGenerator, 2);
        const size_t amount = riff::number(generators, g * kGenerator + 2, 2);
        if (kind == kSampleModes) loops = (amount & 1) != 0;  // 1: for ever, 3: until the key is released
        if (kind == kSampleId) plays = true, sample = amount;
        if (is_offset(kind) && amount != 0) offset = true;
      }
      if (plays && loops) uses.looped.insert(sample);
      if (plays && offset) uses.offset.insert(sample);
      if (!plays && zone == first) usually = loops, elsewhere = offset;
    }
  }
  return uses;
}

void cut(std::vector<float>& samples, double rate, double seconds) {
  if (static_cast<double>(samples.size()) <= seconds * rate) return;
  const auto longest = std::max<size_t>(1, static_cast<size_t>(seconds * rate));
  samples.resize(longest);
  const auto fade = std::min(longest, static_cast<size_t>(kFade_s * rate));
  for (size_t i = 0; i < fade; ++i) samples[longest - 1 - i] *= static_cast<float>(i) / static_cast<float>(fade);
}

void keep_within_full_scale(std::vector<float>& samples) {
  float peak = 0;
  for (const float x : samples) peak = std::max(peak, std::abs(x));
  if (peak > kHighest)
    for (float& x : samples) x *= kHighest / peak;
}

/// One sample is left at least, because no audio file has fewer.
std::vector<float> resample_some(const std::vector<float>& samples, double from, double to) {
  std::vector<float> some = resample(samples, from, to);
  if (some.empty()) some.assign(1, 0.0f);
  return some;
}

/// What is in a file made of a piece of the SoundFont `name`.
std::vector<float> read_piece(const fs::path& file, const std::string& name) {
  try {
    return mix_to_mono(read_audio(file));
  } catch (const Error& error) {
    // Its sentence names a file that nobody knows.
    if (error.kind() != ErrorKind::kInput) throw;
    throw Error(ErrorKind::kInput, name + " holds a recording that cannot be decoded; get it again");
  }
}

/// `scratch` is a file that may be written anew each time.
std::vector<float> decode_sample(const Sample& sample, std::string_view data, const std::string& name,
                                 const fs::path& scratch) {
  if ((sample.type & kVorbis) != 0) {
    riff::require(sample.start < sample.end && sample.end <= data.size(), name);
    write_file_atomically(scratch, data.substr(sample.start, sample.end - sample.start));
    return read_piece(scratch, name);
  }
  riff::require(sample.start < sample.end && 2 * sample.end <= data.size(), name);
  std::vector<float> samples;
  for (size_t i = sample.start; i < sample.end; ++i)
    samples.push_back(static_cast<float>(static_cast<int16_t>(riff::number(data, 2 * i, 2))) / kFullScale);
  return samples;
}

/// Cuts and resamples; the header of the sample then tells where the loop is and how fast it is played.
void shrink_sample(Sample& sample, std::vector<float>& wave, bool looped, const SmallerSoundOptions& options) {
  const double rate = sample.rate;
  double factor = std::min(1.0, options.sample_rate / rate);
  const size_t loop = sample.loop_end - sample.loop_start;
  if (looped) {
    wave.resize(std::min(wave.size(), sample.loop_end + kAfterLoop));
    // Only where the loop is a whole number of samples it keeps its pitch.
    const double whole = std::round(static_cast<double>(loop) * factor);
    if (factor != 1) factor = std::max<double>(kShortestLoop, whole) / static_cast<double>(loop);
  } else {
    cut(wave, rate, options.seconds);
  }
  if (factor != 1) wave = resample_some(wave, rate, rate * factor);
  sample.rate = static_cast<unsigned>(std::lround(rate * factor));
  if (looped) {
    sample.loop_start = static_cast<size_t>(std::lround(static_cast<double>(sample.loop_start) * factor));
    sample.loop_end = sample.loop_start + static_cast<size_t>(std::lround(static_cast<double>(loop) * factor));
  } else {
    // Any loop would sound where the instrument asks for one that the recording never had.
    sample.loop_start = sample.loop_end = 0;
  }
}

/// The bytes of an Ogg Vorbis file. What it says of its rate does not count: the sample's header does.
std::string encode(std::vector<float> wave, unsigned rate, double quality, const fs::path& scratch) {
  keep_within_full_scale(wave);
  WriteOptions writing;
  writing.quality = quality;
  const auto said = static_cast<int>(std::clamp(rate, kLowestRate, kHighestRate));
  write_audio(scratch, from_mono(std::move(wave), said), writing);
  return read_text_file(scratch);
}

}  // namespace

void SmallerSoundOptions::check() const {
  if (sample_rate < 8000 || sample_rate > 192000 || !(seconds >= 0.5) || !(quality >= 0 && quality <= 1))
    throw Error(ErrorKind::kUsage,
                "sounds are made smaller to 8000 to 192000 Hz, at least half a second, and a quality of 0 to 1");
}

std::string smaller_sound_font(std::string_view font, const std::string& name, const SmallerSoundOptions& options) {
  options.check();
  if (font.size() < 12 || font.substr(0, 4) != "RIFF" || font.substr(8, 4) != "sfbk")
    throw Error(ErrorKind::kInput, name + " is not a SoundFont; wanted is an .sf2 or .sf3 file");
  const auto lists = riff::chunks(font.substr(12), name);
  std::string_view info, sounds, parts;
  for (const riff::Chunk& list : lists) {
    const std::string_view kind = list.data.substr(0, 4);
    if (kind == "INFO") info = list.data.substr(4);
    if (kind == "sdta") sounds = list.data.substr(4);
    if (kind == "pdta") parts = list.data.substr(4);
  }
  const auto pieces = riff::chunks(parts, name);
  const std::string_view data = riff::find(riff::chunks(sounds, name), "smpl", name);
  const std::string_view headers = riff::find(pieces, "shdr", name);
  riff::require(headers.size() >= kSampleHeader && headers.size() % kSampleHeader == 0, name);
  const Uses uses = uses_of_samples(riff::find(pieces, "inst", name), riff::find(pieces, "ibag", name),
                                    riff::find(pieces, "igen", name));

  const TempDir folder("instructme-shrink");
  const fs::path scratch = folder.path() / "sample.ogg";
  std::string encoded, table;
  const size_t count = headers.size() / kSampleHeader - 1;  // the last one is the end
  for (size_t i = 0; i < count; ++i) {
    Sample sample = read_sample(headers.substr(i * kSampleHeader, kSampleHeader));
    if ((sample.type & kRom) != 0 || sample.start >= sample.end || sample.rate == 0) {
      table += sample.header;  // nothing of it is in the file
      continue;
    }
    std::vector<float> wave = decode_sample(sample, data, name, scratch);
    const size_t origin = (sample.type & kVorbis) == 0 ? sample.start : 0;
    // Of a loop that reaches beyond the recording, what is inside is played.
    for (size_t* at : {&sample.loop_start, &sample.loop_end})
      *at = std::min(std::max(*at, origin) - origin, wave.size());
    const bool loops = uses.looped.count(i) != 0 && sample.loop_start + kShortestLoop <= sample.loop_end;
    if (uses.offset.count(i) == 0) shrink_sample(sample, wave, loops, options);
    const std::string bytes = encode(std::move(wave), sample.rate, options.quality, scratch);
    std::string header(sample.header);
    riff::put(header, 20, encoded.size(), 4);
    riff::put(header, 24, encoded.size() + bytes.size(), 4);
    riff::put(header, 28, sample.loop_start, 4);
    riff::put(header, 32, sample.loop_end, 4);
    riff::put(header, 36, sample.rate, 4);
    riff::put(header, 44, sample.type | kVorbis, 2);
    encoded += bytes;
    table += header;
  }
  table += headers.substr(count * kSampleHeader);

  std::string about = "INFO", rest = "pdta";
  for (const riff::Chunk& chunk : riff::chunks(info, name))  // compressed samples are of version 3
    about += riff::chunk(chunk.id, chunk.id == "ifil" ? std::string("\3\0\0\0", 4) : std::string(chunk.data));
  for (const riff::Chunk& chunk : pieces)
    rest += riff::chunk(chunk.id, chunk.id == "shdr" ? table : std::string(chunk.data));
  return riff::chunk("RIFF", "sfbk" + riff::chunk("LIST", about) +
                                 riff::chunk("LIST", "sdta" + riff::chunk("smpl", std::move(encoded))) +
                                 riff::chunk("LIST", rest));
}

void write_smaller_kit(const fs::path& kit, const fs::path& to, const SmallerSoundOptions& options) {
  options.check();
  std::error_code ignored;
  if (!fs::is_regular_file(kit / "drumkit.xml", ignored))
    throw Error(ErrorKind::kInput, kit.string() + " is not a drum kit of Hydrogen: it has no drumkit.xml");
  make_folder(to);
  for (const auto& entry : fs::directory_iterator(kit)) {
    if (!entry.is_regular_file()) continue;
    const fs::path target = to / entry.path().filename();
    const std::string extension = lower(entry.path().extension().string());
    if (extension != ".wav" && extension != ".flac" && extension != ".aif" && extension != ".aiff" &&
        extension != ".ogg") {
      if (extension == ".xml") write_file_atomically(target, read_text_file(entry.path()));
      continue;
    }
    const AudioBuffer audio = read_audio(entry.path());
    std::vector<float> wave = mix_to_mono(audio);
    const int rate = std::min(audio.sample_rate, options.sample_rate);
    cut(wave, audio.sample_rate, options.seconds);
    wave = resample_some(wave, audio.sample_rate, rate);
    keep_within_full_scale(wave);
    WriteOptions writing;
    if (extension != ".ogg") writing.encoding = AudioEncoding::kPcm16;
    writing.quality = options.quality;
    write_audio(target, from_mono(std::move(wave), rate), writing);
  }
}

}  // namespace instructme
