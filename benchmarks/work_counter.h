#pragma once

#include <benchmark/benchmark.h>

#include <chrono>

namespace instructme {

/// Adds up the arithmetic of all matrix products that torch runs on this thread while it lives: 2 m n k
/// for each (m, k) x (k, n), from their shapes. Norms, filters over time, soft maxima and Fourier
/// transforms, a few percent of the models here, are not counted. Not nestable.
class WorkCounter {
 public:
  WorkCounter();
  ~WorkCounter();
  WorkCounter(const WorkCounter&) = delete;
  WorkCounter& operator=(const WorkCounter&) = delete;
  double gflop() const;

 private:
  unsigned long long callback_;
};

/// Rate of large bfloat16 (float32) matrix products on this machine, GFLOP/s, measured once.
double bfloat16_rate();
double float32_rate();

/// Forgets the peak of memory so far; false when the kernel does not allow it, and peak_megabytes() is
/// then that of the whole process.
bool reset_peak_memory();
double peak_megabytes();

/// Runs the loop of a benchmark and fills in its columns: GFLOP (one iteration), GFLOP/s, of_bf16 (that
/// rate as a fraction of bfloat16_rate()), peak_MB, and with `music_s` > 0 x_real_time (seconds of
/// music per second of work).
template <class Body>
void measure(benchmark::State& state, double music_s, Body&& body);

void set_columns(benchmark::State& state, double gflop, double seconds, double music_s);

template <class Body>
void measure(benchmark::State& state, double music_s, Body&& body) {
  reset_peak_memory();
  const WorkCounter counter;
  const auto start = std::chrono::steady_clock::now();
  for (auto _ : state) body();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const auto iterations = static_cast<double>(state.iterations());
  set_columns(state, counter.gflop() / iterations, seconds / iterations, music_s);
}

}  // namespace instructme
