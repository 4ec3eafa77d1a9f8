#include "wav_chunks.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>

#include "instructme/base/error.h"
#include "sound_file.h"

namespace instructme {
namespace {

/// Chunks that are written anew: the sound and its format, fillers, checks of the samples, and ID3 tags.
constexpr std::string_view kOwn[] = {"fmt ", "data", "fact", "PEAK", "JUNK", "junk", "PAD ", "FLLR", "ds64",
                                     "RIFF", "RIFX", "RF64", "WAVE", "id3 ", "ID3 ", "levl", "MD5 ", "slnt"};
constexpr uint64_t kHeader = 8;  // bytes of a name and a size

bool is_wav(const SF_INFO& info) {
  const int type = info.format & SF_FORMAT_TYPEMASK;
  return type == SF_FORMAT_WAV || type == SF_FORMAT_WAVEX || type == SF_FORMAT_RF64;
}

bool is_own(std::string_view name) {
  for (const std::string_view own : kOwn)
    if (name == own) return true;
  return false;
}

std::array<char, 4> little_endian(uint32_t number) {
  return {static_cast<char>(number), static_cast<char>(number >> 8), static_cast<char>(number >> 16),
          static_cast<char>(number >> 24)};
}

/// Calls use(name, data) for every chunk that is not written anew. `most`: bytes of the file, which a damaged one may
/// claim to exceed.
template <class Use>
void for_each_chunk(SNDFILE* file, uint64_t most, Use use) {
  for (SF_CHUNK_ITERATOR* at = sf_get_chunk_iterator(file, nullptr); at != nullptr; at = sf_next_chunk_iterator(at)) {
    SF_CHUNK_INFO chunk{};
    char none = 0;
    chunk.data = &none;  // the name comes with the first 0 bytes
    if (sf_get_chunk_data(at, &chunk) != SF_ERR_NO_ERROR) continue;
    const std::string name(chunk.id, 4);
    if (is_own(name) || sf_get_chunk_size(at, &chunk) != SF_ERR_NO_ERROR || chunk.datalen > most) continue;
    std::string data(chunk.datalen, '\0');
    chunk.data = data.data();
    if (sf_get_chunk_data(at, &chunk) == SF_ERR_NO_ERROR) use(name, data);
  }
}

/// Chunks one after the other, each filled up to an even number of bytes.
std::string other_chunks(SNDFILE* file, uint64_t most) {
  std::string all;
  for_each_chunk(file, most, [&](const std::string& name, const std::string& data) {
    if (all.size() + data.size() > most) return;
    const auto size = little_endian(static_cast<uint32_t>(data.size()));
    all.append(name).append(size.data(), size.size()).append(data);
    if (data.size() % 2 != 0) all += '\0';
  });
  return all;
}

}  // namespace

bool has_wav_info(const std::filesystem::path& path) {
  SF_INFO info{};
  const SoundFile file(sf_open(path.c_str(), SFM_READ, &info));
  bool found = false;
  if (file != nullptr && is_wav(info))
    for_each_chunk(file.get(), std::filesystem::file_size(path), [&](const std::string& name, const std::string& data) {
      found = found || (name == "LIST" && data.starts_with("INFO") && data.size() > 4);
    });
  return found;
}

void copy_wav_chunks(const std::filesystem::path& from, const std::filesystem::path& to) {
  SF_INFO info{};
  const SoundFile source(sf_open(from.c_str(), SFM_READ, &info));
  if (source == nullptr || !is_wav(info)) return;
  std::string chunks = other_chunks(source.get(), std::filesystem::file_size(from));
  if (chunks.empty()) return;
  const auto before = static_cast<uint64_t>(std::filesystem::file_size(to));
  if (before % 2 != 0) chunks.insert(0, 1, '\0');
  const uint64_t after = before + chunks.size();
  if (after > std::numeric_limits<uint32_t>::max()) return;
  std::fstream file(to, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(0, std::ios::end);
  file.write(chunks.data(), static_cast<std::streamsize>(chunks.size()));
  const auto size = little_endian(static_cast<uint32_t>(after - kHeader));
  file.seekp(4);
  file.write(size.data(), size.size());
  file.flush();
  if (!file) throw Error(ErrorKind::kIo, "cannot write " + to.string() + ": the disk refuses it");
}

}  // namespace instructme
