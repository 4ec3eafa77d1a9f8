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
  options.mode = EditMode::kDirect;
  options.steps = kSteps;
  options.guidance = kGuidance;
  EditResult last;
  measure(state, seconds, [&] { last = editor.edit(music, "remove the drums", options); });
  state.counters["encode_s"] = last.seconds_encode;
  state.counters["sample_s"] = last.seconds_sample;
  state.counters["decode_s"] = last.seconds_decode;
}

/// As the program edits when nothing else is said, with the sampling settings of the model.
void compose(benchmark::State& state, const std::string& sentence, at::ScalarType type, double seconds) {
  Editor editor(make_model(ModelKind::kDefault, at::kFloat), {.bfloat16 = type == at::kBFloat16});
  const Plan plan = parse_plan(sentence, Lexicon::builtin());
  if (!editor.can(EditMode::kCompose, plan.steps[0].instruction)) {
    state.SkipWithError("needs a model with a mask head: set INSTRUCTME_MODEL");
    return;
  }
  const AudioBuffer music = make_music(seconds);
  EditResult last;
  measure(state, seconds, [&] { last = editor.edit(music, plan); });
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
  for (const auto& [name, sentence] : {std::pair("remove", "remove the drums"), std::pair("add", "add a piano"),
                                       std::pair("replace", "replace the drums with a piano")})
    for (const at::ScalarType type : {at::kFloat, at::kBFloat16})
      for (const int seconds : {10, 60, 300})
        benchmark::RegisterBenchmark(format("compose/%s/%s/%ds", name, type_name(type), seconds).c_str(),
                                     [=](benchmark::State& state) { compose(state, sentence, type, seconds); })
            ->UseRealTime()
            ->Iterations(1)
            ->Unit(benchmark::kMillisecond);
}

}  // namespace instructme
