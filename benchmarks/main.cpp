#include <cstdio>
#include <exception>

#include "instructme/torchx/runtime.h"
#include "models.h"
#include "report.h"
#include "work_counter.h"

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  instructme::set_up_runtime();
  try {
    std::fprintf(stderr, "%s\nmatrix products: %.0f GFLOP/s float32, %.0f GFLOP/s bfloat16\n",
                 instructme::describe_runtime().c_str(), instructme::float32_rate(), instructme::bfloat16_rate());
    instructme::register_matmul_benchmarks();
    instructme::register_mask_benchmarks();
    instructme::register_unet_benchmarks();
    instructme::register_vae_benchmarks();
    instructme::register_edit_benchmarks();
    instructme::register_analysis_benchmarks();
    instructme::Report report;
    benchmark::RunSpecifiedBenchmarks(&report);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "instructme_bench: %s\n", error.what());
    return 1;
  }
  benchmark::Shutdown();
  return 0;
}
