#include "instructme/base/hash.h"

#include <algorithm>
#include <vector>

#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"

namespace fs = std::filesystem;

namespace instructme {

uint64_t stable_hash(std::string_view bytes) {
  uint64_t hash = 1469598103934665603ULL;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash ^ hash >> 32;
}

std::string hash_text(uint64_t hash) { return format("%016llx", static_cast<unsigned long long>(hash)); }

std::string folder_hash(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code code;
  for (fs::recursive_directory_iterator at(folder, code), end; !code && at != end; at.increment(code))
    if (at->is_regular_file(code)) files.push_back(at->path());
  if (code) throw Error(ErrorKind::kIo, "cannot read the folder " + folder.string() + ": " + code.message());
  std::sort(files.begin(), files.end());
  std::string all;
  for (const fs::path& file : files)
    all += file.lexically_relative(folder).string() + "\n" + hash_text(stable_hash(read_text_file(file))) + "\n";
  return hash_text(stable_hash(all));
}

}  // namespace instructme
