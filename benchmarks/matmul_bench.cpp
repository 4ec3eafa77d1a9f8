#include <torch/torch.h>
// The precompiled torch header comes first.
#include "models.h"
#include "work_counter.h"

namespace instructme {

void register_matmul_benchmarks() {
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16})
    benchmark::RegisterBenchmark((std::string("matmul/1024/") + type_name(type)).c_str(),
                                 [type](benchmark::State& state) {
                                   torch::NoGradGuard no_grad;
                                   const at::Tensor a = torch::randn({1024, 1024}).to(type), b = a.t().contiguous();
                                   at::mm(a, b);
                                   measure(state, 0, [&] { benchmark::DoNotOptimize(at::mm(a, b)); });
                                 })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
}

}  // namespace instructme
