#include "checks.h"

#include "instructme/base/error.h"
#include "instructme/base/files.h"

namespace instructme::cli {

void refuse_given(const CLI::App& command, const std::vector<std::string>& options, const std::string& why) {
  for (const std::string& option : options)
    if (command.count(option) > 0) throw Error(ErrorKind::kUsage, option + " " + why);
}

void check_place(const std::string& file) {
  if (!file.empty()) const AtomicFile place{file};
}

void require_songs(int64_t there, const std::vector<std::string>& refused, const std::string& done) {
  if (there > 0) return;
  if (refused.empty()) throw Error(ErrorKind::kInput, "no song could be " + done + ", as all were left out");
  throw Error(ErrorKind::kInput, "no song could be " + done + "; the first that was refused: " + refused.front());
}

}  // namespace instructme::cli
