#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <variant>
#include <vector>

#include "instructme/effects/dynamics.h"
#include "instructme/effects/equaliser.h"
#include "instructme/effects/modulation.h"
#include "instructme/effects/reverb.h"
#include "instructme/effects/saturation.h"
#include "instructme/effects/stereo.h"

namespace instructme {

using EffectSettings = std::variant<GainSettings, EqualiserSettings, CompressorSettings, LimiterSettings,
                                    SaturationSettings, AmplifierSettings, ChorusSettings, DetuneSettings, WowSettings,
                                    EchoSettings, RoomSettings, PlateSettings, WidthSettings, PanSettings>;

/// What happens to one stem, in this order. Plain data; an empty chain changes nothing.
struct EffectChain {
  std::vector<EffectSettings> effects;
};

/// {"effects": [{"type": "compressor", "ratio": 4, …}, …]}; `type` is the kName of the settings, the other keys
/// are their members. Absent keys keep their defaults. Reading throws kModel, with `context` in front, for unknown
/// types and keys, wrong types and values out of range.
nlohmann::json to_json(const EffectChain& chain);
EffectChain chain_from_json(const nlohmann::json& json, const std::string& context);

/// A few words for a song's record, e.g. "equaliser compressor room(0.4 s)"; "" for an empty chain.
std::string describe(const EffectChain& chain);

/// Throws kUsage for values out of range.
std::unique_ptr<Processor> make_processor(const EffectSettings& settings, const AudioFormat& format);

/// All effects of a chain as one processor; the latencies add up.
class ChainProcessor final : public Processor {
 public:
  ChainProcessor(const EffectChain& chain, const AudioFormat& format);

 private:
  void run(float* samples, int64_t frames) override;

  std::vector<std::unique_ptr<Processor>> processors_;
};

/// A whole stem through a chain, in place; length and time stay. Thread-safe for different buffers.
/// Throws kUsage for values or formats out of range, kInput for NaN or infinite samples.
void apply_chain(const EffectChain& chain, AudioBuffer& buffer);

/// The same at a working level: the stem is brought to an `active_rms` of `level` before, because thresholds and
/// drives are relative to full scale, and again after. Silence stays silence.
void apply_chain_at_level(const EffectChain& chain, AudioBuffer& buffer, double level = 0.1);

}  // namespace instructme
