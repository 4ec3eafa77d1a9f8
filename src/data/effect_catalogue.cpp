#include "instructme/data/effect_catalogue.h"

#include <algorithm>
#include <cmath>

#include "catalogue_json.h"
#include "effect_catalogue_data.h"
#include "instructme/base/config_reader.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "instructme/effects/draw.h"

namespace instructme {
namespace {

using nlohmann::json;

void check_known(const std::string& name, const std::vector<std::string>& known, const char* what,
                 const std::string& context) {
  if (std::find(known.begin(), known.end(), name) == known.end())
    throw Error(ErrorKind::kModel, context + ": '" + name + "' is not a " + what + did_you_mean(name, known) + ".");
}

// 3, [1, 2], [100, 8000, "octaves"] or [0, 5, "whole"].
ControlRange read_range(const std::string& symbol, const json& value, const std::string& context) {
  ControlRange range{.symbol = symbol};
  bool good = true;
  if (value.is_number()) {
    range.low = range.high = value.get<double>();
  } else if (value.is_array() && (value.size() == 2 || value.size() == 3) && value[0].is_number() &&
             value[1].is_number()) {
    range.low = value[0].get<double>();
    range.high = value[1].get<double>();
    good = range.low < range.high;
    if (value.size() == 3 && value[2] == "octaves") {
      range.scale = ControlRange::Scale::kOctaves;
      good = good && range.low > 0;
    } else if (value.size() == 3) {
      range.scale = ControlRange::Scale::kWhole;
      good = good && value[2] == "whole";
    }
  } else {
    good = false;
  }
  if (!good)
    throw Error(ErrorKind::kModel, context + ": the control '" + symbol +
                                       "' needs a number or [low, high], with \"octaves\" (above 0) or \"whole\" after "
                                       "that where it applies, found " +
                                       value.dump() + ".");
  return range;
}

EffectSource read_effect(const json& value, const std::string& file) {
  const std::string context = entry_context(value, file);
  ConfigReader config(value, context);
  EffectSource effect;
  config.require("name", effect.name);
  config.require("kind", effect.kind);
  config.require("package", effect.package);
  config.require("licence", effect.licence);
  config.require("bundle", effect.bundle);
  config.require("plugin", effect.plugin);
  config.read("families", effect.families);
  const json controls = config.raw("controls");
  config.finish();
  check_known(effect.kind, effect_kinds(), "kind of effect", context);
  for (const std::string& family : effect.families) check_known(family, effect_families(), "family", context);
  if (!controls.is_object())
    throw Error(ErrorKind::kModel, context + ": 'controls' must be an object of ranges by symbol.");
  for (const auto& [symbol, range] : controls.items()) effect.controls.push_back(read_range(symbol, range, context));
  return effect;
}

}  // namespace

double ControlRange::draw(Rng& rng) const {
  if (low == high) return low;
  switch (scale) {
    case Scale::kOctaves: return low * std::pow(high / low, rng.uniform());
    case Scale::kWhole: return static_cast<double>(rng.integer(std::llround(low), std::llround(high)));
    case Scale::kLinear: break;
  }
  return rng.uniform(low, high);
}

bool EffectSource::suits(const std::string& family) const {
  return families.empty() || std::find(families.begin(), families.end(), family) != families.end();
}

PluginSettings EffectSource::draw(const std::filesystem::path& folder, Rng& rng) const {
  PluginSettings settings{.name = name, .bundle = folder, .plugin = plugin};
  for (const ControlRange& control : controls) settings.controls[control.symbol] = control.draw(rng);
  return settings;
}

const std::vector<std::string>& effect_kinds() {
  static const std::vector<std::string> kinds{
      "equaliser", "compressor", "transient shaper", "saturation", "distortion", "amplifier", "bit crusher",
      "exciter",   "wah",        "chorus",           "flanger",    "phaser",     "tremolo",   "rotary speaker",
      "delay",     "reverb"};
  return kinds;
}

EffectCatalogue EffectCatalogue::parse(const std::string& text, const std::string& context) {
  ConfigReader config(parse_catalogue_json(text, context), context);
  EffectCatalogue catalogue;
  for (const json& entry : config.raw("effects")) {
    EffectSource effect = read_effect(entry, context);
    for (const EffectSource& other : catalogue.effects_)
      if (other.name == effect.name)
        throw Error(ErrorKind::kModel, context + ": two effects are called '" + effect.name + "'.");
    catalogue.effects_.push_back(std::move(effect));
  }
  config.finish();
  return catalogue;
}

const EffectCatalogue& EffectCatalogue::builtin() {
  static const EffectCatalogue catalogue = parse(std::string(effect_catalogue_data()), "data/effects.json");
  return catalogue;
}

}  // namespace instructme
