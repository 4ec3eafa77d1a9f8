// consumer SONG "SENTENCE" RESULT: edits a file with the installed library and its model, and says what was done.
#include <cstdio>

#include "instructme/audio/audio_file.h"
#include "instructme/base/error.h"
#include "instructme/edit/editor.h"
#include "instructme/edit/file_edit.h"
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
    instructme::EditOptions options;
    options.seed = 1;
    const auto show = [](const instructme::Progress& now) {
      std::fprintf(stderr, "\r%s %lld/%lld ", now.stage.c_str(), static_cast<long long>(now.done),
                   static_cast<long long>(now.total));
    };
    const instructme::EditResult result = editor.edit(song, argv[2], options, show);
    // With the format, bit depth and tags of the song; never cut off.
    for (const auto& note : instructme::write_like(argv[1], song, argv[3], result.audio).notes)
      std::fprintf(stderr, "%s\n", note.c_str());
    std::printf("%s: %s\n", argv[3], instructme::plain_sentence(result.plan).c_str());
    for (const auto& stem : result.stems)
      std::printf("  %s %s, peak %.3f\n", stem.added ? "added" : "taken out", stem.instrument.c_str(),
                  instructme::peak(stem.audio.samples));
    return 0;
  } catch (const instructme::Error& error) {
    std::fprintf(stderr, "consumer: %s\n", error.what());
    return instructme::exit_code(error.kind());
  }
}
