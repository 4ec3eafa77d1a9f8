#include "instructme/base/rng.h"

#include <bit>
#include <cmath>
#include <numbers>

#include "instructme/base/error.h"

namespace instructme {
namespace {

uint64_t splitmix64(uint64_t& x) {
  uint64_t z = (x += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

}  // namespace

Rng::Rng(uint64_t seed) : seed_(seed) {
  uint64_t x = seed;
  for (auto& word : state_) word = splitmix64(x);
}

uint64_t Rng::next() {
  const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

double Rng::uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

double Rng::uniform(double low, double high) { return low + (high - low) * uniform(); }

int64_t Rng::integer(int64_t low, int64_t high) {
  ensure(low <= high, "Rng::integer needs low <= high (an empty list was picked from?)");
  const uint64_t range = static_cast<uint64_t>(high) - static_cast<uint64_t>(low) + 1;
  if (range == 0) return static_cast<int64_t>(next());
  // Rejection keeps every value equally likely.
  const uint64_t limit = UINT64_MAX - UINT64_MAX % range;
  uint64_t x = next();
  while (x >= limit) x = next();
  return static_cast<int64_t>(static_cast<uint64_t>(low) + x % range);
}

double Rng::normal() {
  const double u = 1.0 - uniform();
  return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * uniform());
}

size_t Rng::weighted(std::span<const double> weights) {
  double sum = 0;
  for (double w : weights) sum += w;
  ensure(sum > 0, "Rng::weighted needs a positive weight");
  double x = uniform() * sum;
  size_t last = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] <= 0) continue;
    last = i;
    x -= weights[i];
    if (x < 0) return i;
  }
  return last;
}

Rng Rng::fork(std::string_view name) const {
  uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a
  for (unsigned char c : name) hash = (hash ^ c) * 0x100000001b3ULL;
  return fork(hash);
}

Rng Rng::fork(uint64_t index) const {
  uint64_t x = seed_ ^ std::rotl(index * 0x9e3779b97f4a7c15ULL, 31);
  splitmix64(x);
  return Rng(splitmix64(x));
}

std::vector<uint64_t> Rng::state() const { return {state_[0], state_[1], state_[2], state_[3], seed_}; }

void Rng::set_state(std::span<const uint64_t> state) {
  ensure(state.size() == 5, "Rng state must hold 5 numbers");
  for (size_t i = 0; i < 4; ++i) state_[i] = state[i];
  seed_ = state[4];
}

}  // namespace instructme
