#pragma once

#include <filesystem>
#include <string>

#include "instructme/base/files.h"

namespace instructme {

/// A host program that does what a plugin might do to it: a shell script in which $1 is the job and $2 the sound file.
class FakeHost {
 public:
  explicit FakeHost(const std::string& body) {
    write_file_atomically(path(), "#!/bin/sh\n" + body + "\n");
    std::filesystem::permissions(path(), std::filesystem::perms::owner_all);
  }
  std::filesystem::path path() const { return folder_.path() / "host"; }

 private:
  TempDir folder_;
};

}  // namespace instructme
