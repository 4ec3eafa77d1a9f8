// Stands in for the reader of drum kits in a program that was built without pugixml.
#include "instructme/base/error.h"
#include "instructme/synth/drum_kit.h"

namespace instructme {

DrumKit read_drum_kit(const std::filesystem::path&) {
  throw Error(
      ErrorKind::kMissing,
      "this instructme was built without pugixml, so it cannot read drum kits; install libpugixml-dev and build "
      "again, or use SoundFonts");
}

}  // namespace instructme
