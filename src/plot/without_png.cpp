// Stands in for the PNG encoder in a program that was built without libpng.
#include "instructme/base/error.h"
#include "instructme/plot/image.h"

namespace instructme {

bool can_write_png() { return false; }

void write_png(const std::filesystem::path& path, const Image&) {
  throw Error(ErrorKind::kMissing,
              "cannot write " + path.string() +
                  ": this instructme was built without libpng; install libpng-dev and build again");
}

}  // namespace instructme
