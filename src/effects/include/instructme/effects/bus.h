#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "instructme/effects/codec.h"
#include "instructme/effects/dynamics.h"
#include "instructme/effects/equaliser.h"
#include "instructme/effects/modulation.h"

namespace instructme {

struct TapeSettings {
  static constexpr const char* kName = "tape";
  double drive_db = 3;    ///< -20 to 24, into the tanh curve of `Saturator`
  double loss_hz = 9000;  ///< 1000 to 96000, middle of the high shelf
  double loss_db = -3;    ///< -40 to 0
  WowSettings wow = {};
};

struct BandLimitSettings {
  static constexpr const char* kName = "band_limits";
  double low_hz = 60;     ///< 10 to 2000
  double high_hz = 6000;  ///< 500 to 96000
};

/// What happens to a mix, in this order; what is absent is left out.
struct BusSettings {
  std::optional<EqualiserSettings> equaliser;
  std::optional<CompressorSettings> compressor;  ///< "glue"
  std::optional<TapeSettings> tape;
  std::optional<BandLimitSettings> band_limits;
  std::optional<CodecSettings> codec;
  std::optional<LimiterSettings> limiter;
};

/// {"compressor": {…}, …}: the keys are the members. Strict as `chain_from_json`.
nlohmann::json to_json(const BusSettings& bus);
BusSettings bus_from_json(const nlohmann::json& json, const std::string& context);
/// As `describe` for chains.
std::string describe(const BusSettings& bus);

/// The factors by which a bus multiplied its mix, at the times of the input; empty for what is absent.
struct BusGains {
  std::vector<float> compressor;  ///< [F]
  std::vector<float> tape;        ///< [F * C], f(x)/x of the saturation
  std::vector<float> limiter;     ///< [F]
};

struct BusResult {
  AudioBuffer mix;                 ///< the sum of `stems`
  std::vector<AudioBuffer> stems;  ///< what each stem contributes to the mix
  BusGains gains;
};

/// Sends the sum of `stems` through a bus and says what each of them contributes, although a bus is not linear:
///  - linear parts (equaliser, tape loss, wow, band limits) are applied to every stem;
///  - dynamics and tape saturation give a gain signal that is computed from the mix and applied to every stem;
///  - what the codec adds to the mix, output minus input, is dealt out to the stems in proportion to their energy
///    within frames of 20 ms, faded linearly from frame to frame; where all stems are silent, in proportion to
///    their whole energy.
/// The stems add up to the mix to within the rounding of float, and a silent stem stays silent. Length and time
/// stay. The limiter comes last, so the mix is never beyond its ceiling.
/// Throws kUsage for values or formats out of range, kInput for NaN or infinite samples, kInternal when there is no
/// stem or stems differ in rate, channels or length. Thread-safe.
BusResult process_bus(std::vector<AudioBuffer> stems, const BusSettings& bus);

/// Another stem of the same length through the linear parts and the recorded gains, in place, e.g. a stem that is
/// to replace one of the mix without a change of the others; the codec is left out. Throws as `process_bus`, and
/// kInternal when the gains do not belong to such a bus.
void follow_bus(AudioBuffer& stem, const BusSettings& bus, const BusGains& gains);

}  // namespace instructme
