// instructme-lv2-host JOB.json SOUND.f32 plays notes on one LV2 instrument, or sound through one LV2 effect;
// instructme-lv2-host BUNDLE says what is in a bundle.
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <string_view>

#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/raw_samples.h"
#include "plugin.h"

// The clock stands still for plugins, which take this function for the C library's: several seed their noise by the
// time of day, and the same notes are to give the same sound.
extern "C" time_t time(time_t* result) noexcept {
  constexpr time_t kSomeDay = 1000000000;
  if (result != nullptr) *result = kSomeDay;
  return kSomeDay;
}

namespace {

int run(int argc, char** argv) {
  using namespace instructme;
  if (argc == 2) {
    std::fputs(lv2host::describe_bundle(argv[1]).c_str(), stdout);
    return 0;
  }
  if (argc != 3) throw Error(ErrorKind::kUsage, "usage: instructme-lv2-host JOB.json SOUND.f32 | BUNDLE");
  // Some plugins bring a toolkit for their windows that wants a screen as soon as it is loaded.
  setenv("QT_QPA_PLATFORM", "offscreen", 1);
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  const std::vector<float> sound = lv2host::play(lv2host::read_job(argv[1]));
  write_file_atomically(argv[2], bytes_of(sound));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  int code = 0;
  try {
    code = run(argc, argv);
  } catch (const instructme::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    code = instructme::exit_code(error.kind());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    code = 70;
  }
  // Without the destructors of the plugin's library, some of which crash when all is done.
  std::fflush(nullptr);
  _exit(code);
}
