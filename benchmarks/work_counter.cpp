#include <torch/torch.h>
// The precompiled torch header comes first.
#include <ATen/record_function.h>
#include <malloc.h>

#include <cstring>
#include <fstream>
#include <string>

#include "instructme/torchx/runtime.h"
#include "work_counter.h"

namespace instructme {
namespace {

// Callbacks of torch are plain functions, so their sum is kept per thread.
thread_local double counted_gflop = 0;

double product(const at::Tensor& a, const at::Tensor& b) {
  // (…, m, k) x (…, k, n)
  return 2e-9 * static_cast<double>(a.numel()) * static_cast<double>(b.size(-1));
}

std::unique_ptr<at::ObserverContext> count(const at::RecordFunction& function) {
  const char* name = function.name();
  // The products that others, such as linear and matmul, end in; the added term comes first.
  size_t first;
  if (std::strcmp(name, "aten::mm") == 0 || std::strcmp(name, "aten::bmm") == 0) {
    first = 0;
  } else if (std::strcmp(name, "aten::addmm") == 0 || std::strcmp(name, "aten::baddbmm") == 0) {
    first = 1;
  } else {
    return nullptr;
  }
  const auto inputs = function.inputs();
  if (inputs.size() > first + 1 && inputs[first].isTensor() && inputs[first + 1].isTensor())
    counted_gflop += product(inputs[first].toTensor(), inputs[first + 1].toTensor());
  return nullptr;
}

}  // namespace

WorkCounter::WorkCounter() {
  counted_gflop = 0;
  callback_ = at::addThreadLocalCallback(
      at::RecordFunctionCallback(&count).needsInputs(true).scopes({at::RecordScope::FUNCTION}));
}

WorkCounter::~WorkCounter() { at::removeCallback(callback_); }

double WorkCounter::gflop() const { return counted_gflop; }

double bfloat16_rate() {
  static const double rate = measure_matmul_gflops(true);
  return rate;
}

double float32_rate() {
  static const double rate = measure_matmul_gflops(false);
  return rate;
}

bool reset_peak_memory() {
  ::malloc_trim(0);
  std::ofstream file("/proc/self/clear_refs");
  return static_cast<bool>(file << "5" << std::flush);
}

double peak_megabytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::stod(line.substr(6)) / 1024;
  return static_cast<double>(peak_memory_bytes()) / (1024.0 * 1024.0);
}

// Plain numbers: Google Benchmark's own rates are printed with "/s" and prefixes, fractions too.
void set_columns(benchmark::State& state, double gflop, double seconds, double music_s) {
  state.counters["GFLOP"] = gflop;
  state.counters["GFLOP/s"] = gflop / seconds;
  state.counters["of_bf16"] = gflop / seconds / bfloat16_rate();
  state.counters["peak_MB"] = peak_megabytes();
  if (music_s > 0) state.counters["x_real_time"] = music_s / seconds;
}

}  // namespace instructme
