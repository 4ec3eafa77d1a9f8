#include <torch/torch.h>
// The precompiled torch header comes first.
#include <cstdlib>
#include <filesystem>

#include "instructme/analysis/analysis.h"
#include "instructme/audio/audio_file.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"
#include "instructme/ears/listener.h"
#include "models.h"
#include "work_counter.h"

namespace instructme {
namespace {

/// A file as `instructme analyze` hears it, with notes where INSTRUCTME_TRANSCRIBER names the weights for them.
void analyze(benchmark::State& state, double seconds) {
  const char* const model = std::getenv("INSTRUCTME_MODEL");
  const char* const transcriber = std::getenv("INSTRUCTME_TRANSCRIBER");
  if (model == nullptr || !std::filesystem::is_directory(std::filesystem::path(model) / "ears")) {
    state.SkipWithError("needs a model with ears: set INSTRUCTME_MODEL");
    return;
  }
  const TempDir folder;
  const std::filesystem::path music = folder.path() / "music.wav";
  write_audio(music, make_music(seconds));
  Analyzer analyzer(ears_of(model), transcriber == nullptr ? "" : transcriber);
  measure(state, seconds, [&] { analyzer.analyze(music); });
}

}  // namespace

void register_analysis_benchmarks() {
  for (const int seconds : {10, 60, 180})
    benchmark::RegisterBenchmark(format("analyze/%ds", seconds).c_str(),
                                 [=](benchmark::State& state) { analyze(state, seconds); })
        ->UseRealTime()
        ->Iterations(1)
        ->Unit(benchmark::kMillisecond);
}

}  // namespace instructme
