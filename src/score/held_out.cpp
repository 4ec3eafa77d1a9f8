#include "stable_hash.h"

#include "instructme/base/strings.h"

namespace instructme {

uint64_t stable_hash(std::string_view bytes) {
  uint64_t hash = 1469598103934665603ULL;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash ^ hash >> 32;
}

bool is_held_out(std::string_view name) { return stable_hash(name) % 10 == 3; }

std::string hash_text(uint64_t hash) { return format("%016llx", static_cast<unsigned long long>(hash)); }

}  // namespace instructme
