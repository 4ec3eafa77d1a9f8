// instructme-lv2-host JOB.json SOUND.f32 plays one LV2 instrument; instructme-lv2-host BUNDLE says what is in a bundle.
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string_view>

#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "plugin.h"

namespace {

int run(int argc, char** argv) {
  using namespace instructme;
  if (argc == 2) {
    std::fputs(lv2host::describe_bundle(argv[1]).c_str(), stdout);
    return 0;
  }
  if (argc != 3) throw Error(ErrorKind::kUsage, "usage: instructme-lv2-host JOB.json SOUND.f32 | BUNDLE");
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  const std::vector<float> sound = lv2host::play(lv2host::read_job(argv[1]));
  write_file_atomically(argv[2],
                        std::string_view(reinterpret_cast<const char*>(sound.data()), sound.size() * sizeof(float)));
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
