#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace instructme {

/// Random numbers that are the same on every machine and compiler for the same seed (the standard
/// library's distributions are not). xoshiro256** seeded by splitmix64 (Blackman and Vigna, 2018).
/// Not thread-safe; give each thread its own by `fork`.
class Rng {
 public:
  explicit Rng(uint64_t seed);

  uint64_t next();
  /// Uniform in [0, 1).
  double uniform();
  /// Uniform in [low, high).
  double uniform(double low, double high);
  /// Uniform integer in [low, high], both included. Throws kInternal when low > high.
  int64_t integer(int64_t low, int64_t high);
  /// Uniform among `count` places, from 0 on. Throws kInternal when there are none.
  size_t index(size_t count) { return static_cast<size_t>(integer(0, static_cast<int64_t>(count) - 1)); }
  /// Normal with mean 0 and standard deviation 1 (Box-Muller).
  double normal();
  bool chance(double probability) { return uniform() < probability; }
  /// Index drawn in proportion to non-negative weights. Throws kInternal when all are 0.
  size_t weighted(std::span<const double> weights);

  template <class T>
  const T& pick(const std::vector<T>& items) {
    return items.at(index(items.size()));
  }
  template <class T>
  void shuffle(std::vector<T>& items) {
    for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[index(i)]);
  }

  /// An independent stream named by a word or number; does not advance this one, so that adding a
  /// use of one stream leaves the others as they were.
  Rng fork(std::string_view name) const;
  Rng fork(uint64_t index) const;

  /// The whole state, to stop and resume exactly.
  std::vector<uint64_t> state() const;
  void set_state(std::span<const uint64_t> state);

 private:
  uint64_t state_[4];
  uint64_t seed_;
};

}  // namespace instructme
