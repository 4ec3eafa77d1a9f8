#include <torch/torch.h>
// The precompiled torch header comes first.
#include "instructme/base/strings.h"
#include "instructme/edit/editor.h"
#include "models.h"
#include "work_counter.h"

namespace instructme {
namespace {

// One setting for all models, so that they can be compared.
constexpr int64_t kSteps = 20;
constexpr double kGuidance = 2;

void edit(benchmark::State& state, ModelKind kind, at::ScalarType type, double seconds) {
  Editor editor(make_model(kind, at::kFloat), {.bfloat16 = type == at::kBFloat16});
  const AudioBuffer music = make_music(seconds);
  EditOptions options;
  options.steps = kSteps;
  options.guidance = kGuidance;
  EditResult last;
  measure(state, seconds, [&] { last = editor.edit(music, "remove the drums", options); });
  state.counters["encode_s"] = last.seconds_encode;
  state.counters["sample_s"] = last.seconds_sample;
  state.counters["decode_s"] = last.seconds_decode;
}

}  // namespace

void register_edit_benchmarks() {
  for (const ModelKind kind : {ModelKind::kDefault, ModelKind::kAudit})
    for (const at::ScalarType type : {at::kFloat, at::kBFloat16})
      for (const int seconds : {10, 60})
        benchmark::RegisterBenchmark(format("edit/%s/%s/%ds", model_name(kind), type_name(type), seconds).c_str(),
                                     [=](benchmark::State& state) { edit(state, kind, type, seconds); })
            ->UseRealTime()
            ->Iterations(1)
            ->Unit(benchmark::kMillisecond);
}

}  // namespace instructme
