#pragma once

#include <c10/core/Device.h>

#include <exception>
#include <string>

namespace instructme {

/// Sets up the process for tensor work; call first thing in main, before other threads start.
/// Keeps freed memory in the process (glibc otherwise returns every large tensor to the kernel, and
/// page faults then cost 10 to 30 times the arithmetic) and sets the number of threads
/// (`threads` 0: OMP_NUM_THREADS where that is set, else one per core this process may use).
void set_up_runtime(int threads = 0);

/// What this machine offers, for logs: torch version, threads, GPU.
std::string describe_runtime();

/// Measured float32 and bfloat16 matrix-product rate of this machine in GFLOP/s (about 0.3 s).
/// A float32 rate under 20 means the reference BLAS: install libopenblas0.
double measure_matmul_gflops(bool bfloat16);

/// Whether it multiplies bfloat16 itself (AVX512-BF16, AMX, a GPU). Where it does not, libtorch does so some 20 times
/// slower than float32.
bool multiplies_bfloat16(c10::Device device);

/// "cpu" or "cuda" (the first GPU). Throws kUsage for other names, kMissing when libtorch sees no GPU.
c10::Device find_device(const std::string& name);

/// Whether an exception says that memory ran out, of the processor or of a GPU; libtorch has no type of its own for it.
bool is_out_of_memory(const std::exception& error);

/// Largest resident memory of this process so far, bytes.
long peak_memory_bytes();

}  // namespace instructme
