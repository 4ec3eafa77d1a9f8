// Two LV2 effects that do what the tests of their host need: one is late and says so, and can be told to misbehave.
#include <lv2/core/lv2.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <limits>

namespace {

constexpr uint32_t kLate = 1000;  // frames, more than a block of the host

enum Port : uint32_t { kMode, kGain, kLatency, kFirstAudio };
enum Mode { kDelay, kCrash, kHang, kNaN };

struct Effect {
  uint32_t channels = 1;
  const float* mode = nullptr;
  const float* gain = nullptr;
  float* latency = nullptr;
  std::array<float*, 4> audio{};  // inputs, then outputs
  std::array<std::array<float, kLate>, 2> lines{};
  uint32_t at = 0;

  // One channel is late and louder by `gain`; two change sides besides.
  void run(uint32_t frames) {
    *latency = kLate;
    const int what = static_cast<int>(*mode);
    if (what == kCrash) std::raise(SIGSEGV);
    while (what == kHang) pause();
    for (uint32_t i = 0; i < frames; ++i) {
      for (uint32_t c = 0; c < channels; ++c) {
        float& late = lines[c][at];
        audio[channels + (channels - 1 - c)][i] = what == kNaN ? std::numeric_limits<float>::quiet_NaN() : late;
        late = *gain * audio[c][i];
      }
      at = (at + 1) % kLate;
    }
  }
};

void connect(LV2_Handle handle, uint32_t port, void* data) {
  auto& effect = *static_cast<Effect*>(handle);
  switch (port) {
    case kMode: effect.mode = static_cast<const float*>(data); break;
    case kGain: effect.gain = static_cast<const float*>(data); break;
    case kLatency: effect.latency = static_cast<float*>(data); break;
    default: effect.audio[port - kFirstAudio] = static_cast<float*>(data);
  }
}

template <uint32_t kChannels>
LV2_Handle create(const LV2_Descriptor*, double, const char*, const LV2_Feature* const*) {
  return new Effect{.channels = kChannels};
}
void run(LV2_Handle handle, uint32_t frames) { static_cast<Effect*>(handle)->run(frames); }
void destroy(LV2_Handle handle) { delete static_cast<Effect*>(handle); }

constexpr LV2_Descriptor kMono{"urn:instructme:mono", create<1>, connect, nullptr, run, nullptr, destroy, nullptr};
constexpr LV2_Descriptor kStereo{"urn:instructme:stereo", create<2>, connect, nullptr, run, nullptr, destroy, nullptr};

}  // namespace

extern "C" LV2_SYMBOL_EXPORT const LV2_Descriptor* lv2_descriptor(uint32_t index) {
  return index == 0 ? &kMono : index == 1 ? &kStereo : nullptr;
}
