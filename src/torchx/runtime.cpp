#include "instructme/torchx/runtime.h"

#include <malloc.h>
#include <sched.h>
#include <sys/resource.h>
#include <torch/torch.h>

#include <chrono>
#include <cstdlib>
#include <new>
#include <string_view>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"

namespace instructme {

void set_up_runtime(int threads) {
  // More than 32 MiB is refused by some versions of the C library.
  if (mallopt(M_MMAP_THRESHOLD, 1 << 30) != 1) mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 2000 << 20);
  mallopt(M_TOP_PAD, 64 << 20);
  if (threads <= 0) {
    if (std::getenv("OMP_NUM_THREADS")) return;  // libtorch has heeded it
    cpu_set_t cores;
    CPU_ZERO(&cores);
    threads = ::sched_getaffinity(0, sizeof cores, &cores) == 0 ? CPU_COUNT(&cores) : 1;
  }
  at::set_num_threads(threads);
}

std::string describe_runtime() {
  std::string gpu = torch::cuda::is_available() ? format("%zu GPU(s)", torch::cuda::device_count()) : "no GPU";
  return format("libtorch %d.%d, %d thread(s), %s", TORCH_VERSION_MAJOR, TORCH_VERSION_MINOR, at::get_num_threads(),
                gpu.c_str());
}

double measure_matmul_gflops(bool bfloat16) {
  torch::NoGradGuard no_grad;
  const auto type = bfloat16 ? at::kBFloat16 : at::kFloat;
  const int64_t size = 1024;
  const auto a = torch::randn({size, size}).to(type), b = torch::randn({size, size}).to(type);
  at::mm(a, b);
  double best = 1e30;
  for (int i = 0; i < 5; ++i) {
    const auto start = std::chrono::steady_clock::now();
    at::mm(a, b);
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return 2e-9 * static_cast<double>(size * size * size) / best;
}

bool multiplies_bfloat16(c10::Device device) {
#if defined(__x86_64__)
  return !device.is_cpu() || __builtin_cpu_supports("avx512bf16");  // and so has whatever has AMX
#else
  return true;
#endif
}

bool is_out_of_memory(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return true;
  const std::string_view text = error.what();
  const auto says = [&](std::string_view words) { return text.find(words) != std::string_view::npos; };
  return says("can't allocate memory") || says("out of memory");
}

long peak_memory_bytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * 1024;
}

c10::Device find_device(const std::string& name) {
  if (name == "cpu") return at::kCPU;
  if (name != "cuda")
    throw Error(ErrorKind::kUsage, "unknown device '" + name + "'" + did_you_mean(name, {"cpu", "cuda"}));
  if (!torch::cuda::is_available())
    throw Error(ErrorKind::kMissing, "device 'cuda' was asked for, but this libtorch sees no GPU; use 'cpu'");
  return c10::Device(at::kCUDA, 0);
}

}  // namespace instructme
