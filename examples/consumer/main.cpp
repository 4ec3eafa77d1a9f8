// consumer SONG "SENTENCE" RESULT: edits a file with the installed library and its model.
#include <cstdio>

#include "instructme/audio/audio_file.h"
#include "instructme/base/error.h"
#include "instructme/edit/editor.h"
#include "instructme/torchx/runtime.h"

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: consumer SONG \"SENTENCE\" RESULT\n");
    return 2;
  }
  try {
    instructme::set_up_runtime(0);
    const instructme::AudioBuffer song = instructme::read_audio(argv[1]);
    instructme::Editor editor(DEFAULT_MODEL);
    const instructme::EditResult result = editor.edit(song, argv[2]);
    instructme::write_audio(argv[3], result.audio);
    std::printf("%s: %s\n", argv[3], instructme::plain_sentence(result.plan).c_str());
    return 0;
  } catch (const instructme::Error& error) {
    std::fprintf(stderr, "consumer: %s\n", error.what());
    return instructme::exit_code(error.kind());
  }
}
