#pragma once

#include <array>
#include <concepts>
#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>

#include "instructme/base/config_reader.h"
#include "instructme/base/error.h"
#include "instructme/effects/bus.h"
#include "instructme/effects/effect_chain.h"

namespace instructme::effect_fields {

/// The members of every settings struct with their ranges, listed once: the checks, the JSON and its reading
/// all visit them.

template <class S, class T>
concept Is = std::same_as<std::remove_const_t<S>, T>;

inline constexpr std::array kBandTypes{"low_shelf", "high_shelf", "peak", "high_pass", "low_pass"};
inline constexpr std::array kCurves{"tanh", "tube", "hard_clip"};
inline constexpr std::array kCodecs{"vorbis", "opus", "mp3"};

template <Is<GainSettings> S>
void visit(S& s, auto&& f) {
  f.number("gain_db", s.gain_db, -100, 40);
}

template <Is<EqualiserBand> S>
void visit(S& s, auto&& f) {
  f.choice("type", s.type, kBandTypes);
  f.number("frequency_hz", s.frequency_hz, 10, 96000);
  f.number("gain_db", s.gain_db, -40, 40);
  f.number("q", s.q, 0.1, 20);
}

template <Is<EqualiserSettings> S>
void visit(S& s, auto&& f) {
  f.list("bands", s.bands, 32);
}

template <Is<CompressorSettings> S>
void visit(S& s, auto&& f) {
  f.number("threshold_db", s.threshold_db, -80, 0);
  f.number("ratio", s.ratio, 1, 100);
  f.number("knee_db", s.knee_db, 0, 40);
  f.number("attack_s", s.attack_s, 0.00005, 1);
  f.number("release_s", s.release_s, 0.001, 5);
  f.number("detector_s", s.detector_s, 0, 0.5);
  f.number("makeup_db", s.makeup_db, -40, 40);
}

template <Is<LimiterSettings> S>
void visit(S& s, auto&& f) {
  f.number("ceiling_db", s.ceiling_db, -60, 0);
  f.number("look_ahead_s", s.look_ahead_s, 0.0002, 0.05);
  f.number("release_s", s.release_s, 0.001, 5);
}

template <Is<SaturationSettings> S>
void visit(S& s, auto&& f) {
  f.choice("curve", s.curve, kCurves);
  f.number("drive_db", s.drive_db, -20, 60);
  f.number("bias", s.bias, 0, 1);
  f.number("mix", s.mix, 0, 1);
  f.integer("oversampling", s.oversampling, 1, 4);
}

template <Is<AmplifierSettings> S>
void visit(S& s, auto&& f) {
  f.number("drive_db", s.drive_db, -10, 60);
  f.number("tight_hz", s.tight_hz, 20, 1000);
  f.number("bass_db", s.bass_db, -20, 20);
  f.number("middle_db", s.middle_db, -20, 20);
  f.number("treble_db", s.treble_db, -20, 20);
  f.number("cabinet_low_hz", s.cabinet_low_hz, 30, 300);
  f.number("cabinet_high_hz", s.cabinet_high_hz, 1000, 12000);
  f.number("presence_db", s.presence_db, 0, 15);
}

template <Is<ChorusSettings> S>
void visit(S& s, auto&& f) {
  f.integer("voices", s.voices, 1, 6);
  f.number("delay_s", s.delay_s, 0.001, 0.1);
  f.number("depth_s", s.depth_s, 0, 0.02);
  f.number("rate_hz", s.rate_hz, 0.01, 20);
  f.number("phase", s.phase, 0, 1);
  f.number("wet_db", s.wet_db, -100, 12);
  f.number("dry_db", s.dry_db, -100, 12);
}

template <Is<DetuneSettings> S>
void visit(S& s, auto&& f) {
  f.number("cents", s.cents, -200, 200);
}

template <Is<WowSettings> S>
void visit(S& s, auto&& f) {
  f.number("wow_cents", s.wow_cents, 0, 50);
  f.number("wow_hz", s.wow_hz, 0.2, 4);
  f.number("flutter_cents", s.flutter_cents, 0, 50);
  f.number("flutter_hz", s.flutter_hz, 4, 40);
  f.number("phase", s.phase, 0, 1);
}

template <Is<EchoSettings> S>
void visit(S& s, auto&& f) {
  f.number("time_s", s.time_s, 0.001, 5);
  f.number("feedback", s.feedback, 0, 0.95);
  f.number("damping_hz", s.damping_hz, 100, 96000);
  f.flag("ping_pong", s.ping_pong);
  f.number("wet_db", s.wet_db, -100, 12);
  f.number("dry_db", s.dry_db, -100, 12);
}

template <Is<RoomSettings> S>
void visit(S& s, auto&& f) {
  f.number("decay_s", s.decay_s, 0.05, 20);
  f.number("size", s.size, 0.25, 4);
  f.number("pre_delay_s", s.pre_delay_s, 0, 0.25);
  f.number("damping_hz", s.damping_hz, 200, 96000);
  f.number("wet_db", s.wet_db, -100, 12);
  f.number("dry_db", s.dry_db, -100, 12);
}

template <Is<PlateSettings> S>
void visit(S& s, auto&& f) {
  f.number("decay_s", s.decay_s, 0.1, 20);
  f.number("size", s.size, 0.25, 2);
  f.number("pre_delay_s", s.pre_delay_s, 0, 0.25);
  f.number("bandwidth_hz", s.bandwidth_hz, 200, 96000);
  f.number("damping_hz", s.damping_hz, 200, 96000);
  f.number("modulation_hz", s.modulation_hz, 0, 5);
  f.number("wet_db", s.wet_db, -100, 12);
  f.number("dry_db", s.dry_db, -100, 12);
}

template <Is<WidthSettings> S>
void visit(S& s, auto&& f) {
  f.number("width", s.width, 0, 2);
}

template <Is<PanSettings> S>
void visit(S& s, auto&& f) {
  f.number("pan", s.pan, -1, 1);
}

template <Is<TapeSettings> S>
void visit(S& s, auto&& f) {
  f.number("drive_db", s.drive_db, -20, 24);
  f.number("loss_hz", s.loss_hz, 1000, 96000);
  f.number("loss_db", s.loss_db, -40, 0);
  f.object("wow", s.wow);
}

template <Is<BandLimitSettings> S>
void visit(S& s, auto&& f) {
  f.number("low_hz", s.low_hz, 10, 2000);
  f.number("high_hz", s.high_hz, 500, 96000);
}

template <Is<CodecSettings> S>
void visit(S& s, auto&& f) {
  f.choice("format", s.format, kCodecs);
  f.number("quality", s.quality, 0, 1);
}

/// Throws `kind` with `where` in front for the first member out of its range.
class Checker {
 public:
  Checker(ErrorKind kind, std::string where) : kind_(kind), where_(std::move(where)) {}

  void number(const char* key, double value, double low, double high) const;
  void integer(const char* key, int value, int low, int high) const { number(key, value, low, high); }
  void flag(const char*, bool) const {}
  template <class E, size_t N>
  void choice(const char* key, E value, const std::array<const char*, N>&) const {
    integer(key, static_cast<int>(value), 0, static_cast<int>(N) - 1);
  }
  template <class S>
  void list(const char* key, const std::vector<S>& items, int most) const {
    integer((std::string("number of ") + key).c_str(), static_cast<int>(items.size()), 0, most);
    for (const S& item : items) visit(item, *this);
  }
  template <class S>
  void object(const char*, const S& inner) const {
    visit(inner, *this);
  }

 private:
  ErrorKind kind_;
  std::string where_;
};

/// Relations between members that ranges do not express.
void check_relations(const auto&, ErrorKind, const std::string&) {}
void check_relations(const ChorusSettings& s, ErrorKind kind, const std::string& where);
void check_relations(const SaturationSettings& s, ErrorKind kind, const std::string& where);
void check_relations(const BandLimitSettings& s, ErrorKind kind, const std::string& where);

template <class S>
void check(const S& settings, ErrorKind kind = ErrorKind::kUsage, const std::string& context = "") {
  const std::string where = context + (context.empty() ? "" : ": ") + S::kName;
  visit(settings, Checker(kind, where));
  check_relations(settings, kind, where);
}

/// For the initialiser lists of processors, so that nothing is computed from values out of range.
template <class S>
const S& checked(const S& settings) {
  check(settings);
  return settings;
}

class JsonWriter {
 public:
  explicit JsonWriter(nlohmann::json& out) : out_(out) {}

  void number(const char* key, double value, double, double) const { out_[key] = value; }
  void integer(const char* key, int value, int, int) const { out_[key] = value; }
  void flag(const char* key, bool value) const { out_[key] = value; }
  template <class E, size_t N>
  void choice(const char* key, E value, const std::array<const char*, N>& names) const {
    out_[key] = names.at(static_cast<size_t>(value));
  }
  template <class S>
  void list(const char* key, const std::vector<S>& items, int) const {
    nlohmann::json array = nlohmann::json::array();
    for (const S& item : items) {
      nlohmann::json element;
      visit(item, JsonWriter(element));
      array.push_back(std::move(element));
    }
    out_[key] = std::move(array);
  }
  template <class S>
  void object(const char* key, const S& inner) const {
    visit(inner, JsonWriter(out_[key]));
  }

 private:
  nlohmann::json& out_;
};

class JsonReader {
 public:
  explicit JsonReader(ConfigReader& in) : in_(in) {}

  void number(const char* key, double& value, double, double) const { in_.read(key, value); }
  void integer(const char* key, int& value, int, int) const { in_.read(key, value); }
  void flag(const char* key, bool& value) const { in_.read(key, value); }
  template <class E, size_t N>
  void choice(const char* key, E& value, const std::array<const char*, N>& names) const {
    std::string name = names.at(static_cast<size_t>(value));
    in_.read(key, name);
    value = static_cast<E>(index_of(key, name, {names.begin(), names.end()}));
  }
  template <class S>
  void list(const char* key, std::vector<S>& items, int) const {
    if (!in_.has(key)) return;
    const nlohmann::json array = in_.raw(key);
    expect_array(key, array);
    items.clear();
    for (const nlohmann::json& element : array) {
      ConfigReader reader(element, in_.context() + ": " + key);
      visit(items.emplace_back(), JsonReader(reader));
      reader.finish();
    }
  }
  template <class S>
  void object(const char* key, S& inner) const {
    ConfigReader reader = in_.object(key);
    visit(inner, JsonReader(reader));
    reader.finish();
  }

 private:
  size_t index_of(const std::string& key, const std::string& name, const std::vector<std::string>& names) const;
  void expect_array(const std::string& key, const nlohmann::json& value) const;

  ConfigReader& in_;
};

}  // namespace instructme::effect_fields
