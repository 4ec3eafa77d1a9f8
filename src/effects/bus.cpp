#include "instructme/effects/bus.h"

#include <algorithm>
#include <cmath>

#include "fields.h"
#include "instructme/base/strings.h"
#include "instructme/effects/saturation.h"

namespace instructme {
namespace {

// Calls f(settings) for each member of a bus, in order; `Bus` may be const.
void for_each_part(auto& bus, auto&& f) {
  f(bus.equaliser);
  f(bus.compressor);
  f(bus.tape);
  f(bus.band_limits);
  f(bus.codec);
  f(bus.limiter);
}

AudioBuffer sum_of(const std::vector<AudioBuffer>& stems) {
  AudioBuffer mix = stems.front();
  for (size_t i = 0; i < mix.samples.size(); ++i) {
    double sum = 0;
    for (const AudioBuffer& stem : stems) sum += stem.samples[i];
    mix.samples[i] = static_cast<float>(sum);
  }
  return mix;
}

void multiply(AudioBuffer& buffer, const std::vector<float>& gain) {
  const size_t each = buffer.samples.size() / std::max<size_t>(1, gain.size());
  float* sample = buffer.samples.data();
  for (const float g : gain)
    for (size_t c = 0; c < each; ++c) *sample++ *= g;
}

void equalise(AudioBuffer& buffer, const std::vector<EqualiserBand>& bands) {
  Equaliser equaliser({bands}, format_of(buffer));
  process_whole(equaliser, buffer);
}

void lose_treble_and_wobble(AudioBuffer& buffer, const TapeSettings& tape) {
  equalise(buffer, {{BandType::kHighShelf, tape.loss_hz, tape.loss_db, 0.7}});
  Wow wow(tape.wow, format_of(buffer));
  process_whole(wow, buffer);
}

void check_stem(const AudioBuffer& stem) {
  const Equaliser refuses_rates_and_channels({}, format_of(stem));
  if (!std::all_of(stem.samples.begin(), stem.samples.end(), [](float x) { return std::isfinite(x); }))
    throw Error(ErrorKind::kInput, "a bus needs finite samples, found NaN or infinite ones");
}

void check_bus(const BusSettings& bus) {
  for_each_part(bus, [](const auto& part) {
    if (part) effect_fields::check(*part);
  });
}

/// The share [S, frames] of each stem in every 20 ms.
class Shares {
 public:
  explicit Shares(const std::vector<AudioBuffer>& stems) : hop_(stems.front().sample_rate / 50) {
    const auto size = static_cast<size_t>((stems.front().frames() + hop_ - 1) / hop_);
    shares_.assign(stems.size(), std::vector<double>(size));
    std::vector<double> whole(stems.size());
    for (size_t s = 0; s < stems.size(); ++s) {
      const auto block = static_cast<size_t>(hop_ * stems[s].channels);
      for (size_t i = 0; i < stems[s].samples.size(); ++i)
        shares_[s][i / block] += static_cast<double>(stems[s].samples[i]) * stems[s].samples[i];
      for (const double energy : shares_[s]) whole[s] += energy;
    }
    // Silence in all stems of a song has no owner; any share will do then.
    if (std::all_of(whole.begin(), whole.end(), [](double e) { return e == 0; })) whole.assign(whole.size(), 1);
    for (size_t k = 0; k < size; ++k) {
      double sum = 0;
      for (const auto& share : shares_) sum += share[k];
      const bool silent = sum == 0;
      if (silent)
        for (const double energy : whole) sum += energy;
      for (size_t s = 0; s < shares_.size(); ++s) shares_[s][k] = (silent ? whole[s] : shares_[s][k]) / sum;
    }
  }

  double at(size_t stem, int64_t frame) const {
    const std::vector<double>& share = shares_[stem];
    const double place = (static_cast<double>(frame) + 0.5) / static_cast<double>(hop_) - 0.5;
    const auto k = place < 0 ? 0 : std::min(static_cast<size_t>(place), share.size() - 1);
    const double part = std::clamp(place - static_cast<double>(k), 0.0, 1.0);
    return share[k] + part * (share[std::min(k + 1, share.size() - 1)] - share[k]);
  }

 private:
  int64_t hop_;
  std::vector<std::vector<double>> shares_;
};

void deal_out_codec(std::vector<AudioBuffer>& stems, const CodecSettings& codec) {
  const AudioBuffer before = sum_of(stems), after = through_codec(before, codec);
  const Shares shares(stems);
  const int channels = before.channels;
  for (size_t s = 0; s < stems.size(); ++s)
    for (int64_t f = 0; f < before.frames(); ++f) {
      const double share = shares.at(s, f);
      for (int c = 0; c < channels; ++c) {
        const auto i = static_cast<size_t>(f * channels + c);
        stems[s].samples[i] = static_cast<float>(stems[s].samples[i] +
                                                 share * (static_cast<double>(after.samples[i]) - before.samples[i]));
      }
    }
}

}  // namespace

nlohmann::json to_json(const BusSettings& bus) {
  nlohmann::json json = nlohmann::json::object();
  for_each_part(bus, [&](const auto& part) {
    if (part) effect_fields::visit(*part, effect_fields::JsonWriter(json[part->kName]));
  });
  return json;
}

BusSettings bus_from_json(const nlohmann::json& json, const std::string& context) {
  BusSettings bus;
  ConfigReader reader(json, context);
  for_each_part(bus, [&]<class S>(std::optional<S>& part) {
    const nlohmann::json json_of_part = reader.raw(S::kName);
    if (json_of_part.is_null()) return;
    ConfigReader inner(json_of_part, context + ": " + S::kName);
    part.emplace();
    effect_fields::visit(*part, effect_fields::JsonReader(inner));
    inner.finish();
    effect_fields::check(*part, ErrorKind::kModel, context);
  });
  reader.finish();
  return bus;
}

std::string describe(const BusSettings& bus) {
  std::vector<std::string> words;
  for_each_part(bus, [&](const auto& part) {
    if (part) words.emplace_back(part->kName);
  });
  return join(words, " ");
}

BusResult process_bus(std::vector<AudioBuffer> stems, const BusSettings& bus) {
  ensure(!stems.empty(), "a bus needs at least one stem");
  check_bus(bus);
  for (const AudioBuffer& stem : stems) {
    check_stem(stem);
    ensure(stem.sample_rate == stems.front().sample_rate && stem.channels == stems.front().channels &&
               stem.samples.size() == stems.front().samples.size(),
           "the stems of a bus must be equal in rate, channels and length");
  }
  BusResult result;
  const auto multiply_all = [&](const std::vector<float>& gain) {
    for (AudioBuffer& stem : stems) multiply(stem, gain);
  };
  if (bus.equaliser)
    for (AudioBuffer& stem : stems) equalise(stem, bus.equaliser->bands);
  if (bus.compressor) multiply_all(result.gains.compressor = compressor_gain(sum_of(stems), *bus.compressor));
  if (bus.tape) {
    multiply_all(result.gains.tape = saturation_gain(sum_of(stems), bus.tape->drive_db));
    for (AudioBuffer& stem : stems) lose_treble_and_wobble(stem, *bus.tape);
  }
  if (bus.band_limits)
    for (AudioBuffer& stem : stems) equalise(stem, band_limits(bus.band_limits->low_hz, bus.band_limits->high_hz));
  if (bus.codec) deal_out_codec(stems, *bus.codec);
  if (bus.limiter) multiply_all(result.gains.limiter = limiter_gain(sum_of(stems), *bus.limiter));
  result.mix = sum_of(stems);
  result.stems = std::move(stems);
  return result;
}

void follow_bus(AudioBuffer& stem, const BusSettings& bus, const BusGains& gains) {
  check_bus(bus);
  check_stem(stem);
  const auto frames = static_cast<size_t>(stem.frames());
  ensure(gains.compressor.size() == (bus.compressor ? frames : 0) &&
             gains.tape.size() == (bus.tape ? stem.samples.size() : 0) &&
             gains.limiter.size() == (bus.limiter ? frames : 0),
         "the gains of a bus are of another bus or length");
  if (bus.equaliser) equalise(stem, bus.equaliser->bands);
  multiply(stem, gains.compressor);
  if (bus.tape) {
    multiply(stem, gains.tape);
    lose_treble_and_wobble(stem, *bus.tape);
  }
  if (bus.band_limits) equalise(stem, band_limits(bus.band_limits->low_hz, bus.band_limits->high_hz));
  multiply(stem, gains.limiter);
}

}  // namespace instructme
