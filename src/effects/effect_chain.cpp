#include "instructme/effects/effect_chain.h"

#include <algorithm>
#include <cmath>

#include "fields.h"
#include "instructme/audio/loudness.h"
#include "instructme/base/strings.h"

namespace instructme {
namespace {

template <class S>
struct ProcessorOf;
#define INSTRUCTME_EFFECT(Settings, Type) \
  template <>                             \
  struct ProcessorOf<Settings> {          \
    using type = Type;                    \
  }
INSTRUCTME_EFFECT(GainSettings, StereoMatrix);
INSTRUCTME_EFFECT(EqualiserSettings, Equaliser);
INSTRUCTME_EFFECT(CompressorSettings, Compressor);
INSTRUCTME_EFFECT(LimiterSettings, Limiter);
INSTRUCTME_EFFECT(SaturationSettings, Saturator);
INSTRUCTME_EFFECT(AmplifierSettings, Amplifier);
INSTRUCTME_EFFECT(ChorusSettings, Chorus);
INSTRUCTME_EFFECT(DetuneSettings, Detune);
INSTRUCTME_EFFECT(WowSettings, Wow);
INSTRUCTME_EFFECT(EchoSettings, Echo);
INSTRUCTME_EFFECT(RoomSettings, RoomReverb);
INSTRUCTME_EFFECT(PlateSettings, PlateReverb);
INSTRUCTME_EFFECT(WidthSettings, StereoMatrix);
INSTRUCTME_EFFECT(PanSettings, StereoMatrix);
#undef INSTRUCTME_EFFECT

template <size_t I = 0>
void add_names(std::vector<std::string>& names) {
  if constexpr (I < std::variant_size_v<EffectSettings>) {
    names.emplace_back(std::variant_alternative_t<I, EffectSettings>::kName);
    add_names<I + 1>(names);
  }
}

template <size_t I = 0>
EffectSettings default_settings(size_t index) {
  if constexpr (I + 1 < std::variant_size_v<EffectSettings>)
    if (index != I) return default_settings<I + 1>(index);
  return std::variant_alternative_t<I, EffectSettings>{};
}

EffectSettings effect_from_json(const nlohmann::json& json, const std::string& context) {
  ConfigReader reader(json, context);
  std::string type;
  reader.require("type", type);
  std::vector<std::string> names;
  add_names(names);
  const auto found = std::find(names.begin(), names.end(), type);
  if (found == names.end())
    throw Error(ErrorKind::kModel, context + ": there is no effect '" + type + "'" + did_you_mean(type, names) +
                                       "; there are " + join(names, ", "));
  EffectSettings effect = default_settings(static_cast<size_t>(found - names.begin()));
  std::visit(
      [&](auto& settings) {
        effect_fields::visit(settings, effect_fields::JsonReader(reader));
        reader.finish();
        effect_fields::check(settings, ErrorKind::kModel, context);
      },
      effect);
  return effect;
}

std::string describe_one(const EffectSettings& effect) {
  if (const auto* room = std::get_if<RoomSettings>(&effect)) return format("room(%.1f s)", room->decay_s);
  if (const auto* plate = std::get_if<PlateSettings>(&effect)) return format("plate(%.1f s)", plate->decay_s);
  if (const auto* echo = std::get_if<EchoSettings>(&effect)) return format("delay(%.2f s)", echo->time_s);
  if (const auto* amplifier = std::get_if<AmplifierSettings>(&effect))
    return format("amplifier(%.0f dB)", amplifier->drive_db);
  if (const auto* saturation = std::get_if<SaturationSettings>(&effect))
    return format("saturation(%.0f dB)", saturation->drive_db);
  if (const auto* detune = std::get_if<DetuneSettings>(&effect)) return format("detune(%.0f cents)", detune->cents);
  return std::visit([](const auto& settings) { return std::string(settings.kName); }, effect);
}

void scale(AudioBuffer& buffer, double gain) {
  for (float& x : buffer.samples) x = static_cast<float>(x * gain);
}

}  // namespace

nlohmann::json to_json(const EffectChain& chain) {
  nlohmann::json effects = nlohmann::json::array();
  for (const EffectSettings& effect : chain.effects) {
    nlohmann::json json;
    std::visit(
        [&](const auto& settings) {
          json["type"] = settings.kName;
          effect_fields::visit(settings, effect_fields::JsonWriter(json));
        },
        effect);
    effects.push_back(std::move(json));
  }
  return {{"effects", std::move(effects)}};
}

EffectChain chain_from_json(const nlohmann::json& json, const std::string& context) {
  ConfigReader reader(json, context);
  const nlohmann::json effects = reader.raw("effects");
  reader.finish();
  EffectChain chain;
  if (!effects.is_array())
    throw Error(ErrorKind::kModel, context + ": effects must be a list, found " + effects.type_name());
  for (const nlohmann::json& effect : effects)
    chain.effects.push_back(effect_from_json(effect, context + format(": effect %zu", chain.effects.size() + 1)));
  return chain;
}

std::string describe(const EffectChain& chain) {
  std::vector<std::string> words;
  for (const EffectSettings& effect : chain.effects) words.push_back(describe_one(effect));
  return join(words, " ");
}

std::unique_ptr<Processor> make_processor(const EffectSettings& settings, const AudioFormat& format) {
  return std::visit(
      [&](const auto& s) -> std::unique_ptr<Processor> {
        return std::make_unique<typename ProcessorOf<std::decay_t<decltype(s)>>::type>(s, format);
      },
      settings);
}

ChainProcessor::ChainProcessor(const EffectChain& chain, const AudioFormat& format) : Processor(format) {
  int64_t late = 0;
  for (const EffectSettings& effect : chain.effects) {
    processors_.push_back(make_processor(effect, format));
    late += processors_.back()->latency();
  }
  set_latency(late);
}

void ChainProcessor::run(float* samples, int64_t frames) {
  for (const auto& processor : processors_)
    processor->process({samples, static_cast<size_t>(frames * format().channels)});
}

void apply_chain(const EffectChain& chain, AudioBuffer& buffer) {
  ChainProcessor processor(chain, format_of(buffer));
  if (!std::all_of(buffer.samples.begin(), buffer.samples.end(), [](float x) { return std::isfinite(x); }))
    throw Error(ErrorKind::kInput, "effects need finite samples, found NaN or infinite ones");
  process_whole(processor, buffer);
}

void apply_chain_at_level(const EffectChain& chain, AudioBuffer& buffer, double level) {
  const auto normalise = [&] {
    if (const double rms = active_rms(buffer); rms > 0) scale(buffer, level / rms);
  };
  if (!(level > 0 && level <= 1))
    throw Error(ErrorKind::kUsage, format("the working level of effects is above 0 and at most 1, found %g", level));
  normalise();
  apply_chain(chain, buffer);
  normalise();
}

}  // namespace instructme
