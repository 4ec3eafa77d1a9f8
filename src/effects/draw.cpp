#include "instructme/effects/draw.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"

namespace instructme {
namespace {

struct Range {
  double low, high;
};

/// Habits of mixing for a family: chances at intensity 1, and what differs in the settings. They are the
/// author's judgement, wide on purpose: what is learnt from them should not depend on one way of mixing.
struct Habits {
  const char* family;
  double equaliser, compressor, saturation, amplifier, chorus, detune, wow, echo, room, plate, width;
  Range low_cut_hz;  ///< where a high-pass may lie
  Range attack_s;    ///< of the compressor
  Range decay_s;     ///< of the room
  Range drive_db;    ///< of the amplifier
};

// clang-format off
constexpr std::array<Habits, 14> kHabits{{
    //                   eq   comp sat  amp  chor det  wow  echo room plat wide  low cut    attack         decay        drive
    {"drums",            .80, .65, .30, .02, .00, .00, .02, .03, .45, .15, .25, {25, 60},  {.003, .04}, {.15, 0.9}, {0, 12}},
    {"percussion",       .70, .40, .20, .00, .02, .00, .02, .15, .50, .20, .25, {60, 200}, {.002, .03}, {.20, 1.2}, {0, 12}},
    {"bass",             .80, .75, .35, .15, .08, .05, .02, .01, .10, .03, .05, {20, 45},  {.008, .06}, {.15, 0.5}, {0, 18}},
    {"guitar",           .75, .45, .15, .05, .20, .08, .03, .15, .45, .25, .25, {60, 140}, {.004, .04}, {.20, 1.4}, {0, 12}},
    {"electric guitar",  .65, .35, .15, .60, .30, .08, .03, .30, .35, .30, .25, {70, 160}, {.004, .04}, {.20, 1.2}, {0, 24}},
    {"distorted guitar", .60, .20, .10, .75, .25, .05, .02, .25, .35, .20, .25, {70, 160}, {.004, .04}, {.20, 1.0}, {20, 46}},
    {"keys",             .70, .35, .20, .04, .20, .08, .08, .12, .40, .30, .30, {30, 120}, {.005, .05}, {.20, 1.6}, {0, 14}},
    {"strings",          .65, .20, .10, .01, .12, .08, .04, .06, .50, .45, .30, {40, 150}, {.010, .08}, {.50, 2.5}, {0, 8}},
    {"brass",            .70, .40, .20, .02, .08, .06, .02, .12, .50, .35, .20, {60, 160}, {.005, .05}, {.30, 1.8}, {0, 12}},
    {"wind",             .65, .35, .12, .02, .08, .06, .02, .12, .50, .40, .20, {80, 200}, {.005, .05}, {.30, 2.0}, {0, 10}},
    {"mallets",          .60, .25, .10, .00, .12, .04, .04, .20, .45, .40, .25, {60, 200}, {.003, .03}, {.30, 2.0}, {0, 8}},
    {"synth",            .70, .35, .35, .05, .35, .15, .06, .35, .30, .35, .40, {30, 150}, {.003, .05}, {.20, 2.0}, {0, 18}},
    {"voice",            .85, .75, .20, .02, .15, .05, .02, .25, .35, .50, .15, {80, 160}, {.003, .03}, {.20, 1.6}, {0, 12}},
    {"other",            .70, .40, .20, .03, .15, .08, .04, .15, .40, .30, .25, {40, 150}, {.004, .05}, {.20, 1.8}, {0, 14}},
}};
// clang-format on

const Habits& habits_of(const std::string& family) {
  for (const Habits& habits : kHabits)
    if (family == habits.family) return habits;
  throw Error(ErrorKind::kUsage, "no habits of mixing are known for '" + family + "'" +
                                     did_you_mean(family, effect_families()) + "; use 'other'");
}

void check_intensity(double intensity) {
  if (!(intensity >= 0 && intensity <= 2))
    throw Error(ErrorKind::kUsage, format("the intensity of effects is from 0 to 2, found %g", intensity));
}

/// Draws; `intensity` scales chances and depths.
class Dice {
 public:
  Dice(Rng& rng, double intensity) : rng_(rng), intensity_(intensity) {}

  bool chance(double usual) { return rng_.uniform() < std::min(usual * intensity_, 0.97); }
  bool coin(double probability) { return rng_.chance(probability); }
  double between(double low, double high) { return rng_.uniform(low, high); }
  double between(const Range& range) { return rng_.uniform(range.low, range.high); }
  /// Equally likely in every octave, for Hz and seconds.
  double octaves(double low, double high) { return low * std::pow(high / low, rng_.uniform()); }
  double octaves(const Range& range) { return octaves(range.low, range.high); }
  /// dB of change: half as deep at intensity 0, one and a half times at 2.
  double deep(double low, double high) { return between(low, high) * (0.5 + 0.5 * intensity_); }
  int whole(int low, int high) { return static_cast<int>(rng_.integer(low, high)); }

 private:
  Rng& rng_;
  double intensity_;
};

EqualiserSettings draw_equaliser(Dice& dice, const Habits& habits) {
  EqualiserSettings result;
  auto& bands = result.bands;
  if (dice.coin(0.5)) bands.push_back({BandType::kHighPass, dice.octaves(habits.low_cut_hz), 0, 0.7071});
  if (dice.coin(0.5)) bands.push_back({BandType::kLowShelf, dice.octaves(80, 350), dice.deep(-6, 4.5), 0.7071});
  const int peaks = dice.whole(0, 3);
  for (int i = 0; i < peaks; ++i)
    bands.push_back({BandType::kPeak, dice.octaves(150, 6500), dice.deep(-6, 5), dice.octaves(0.5, 3)});
  if (dice.coin(0.6)) bands.push_back({BandType::kHighShelf, dice.octaves(2000, 9000), dice.deep(-7, 5), 0.7071});
  if (bands.empty() || dice.coin(0.1)) bands.push_back({BandType::kLowPass, dice.octaves(4500, 11000), 0, 0.7071});
  return result;
}

CompressorSettings draw_compressor(Dice& dice, const Habits& habits) {
  CompressorSettings c;
  // Against the working level of -20 dB RMS.
  c.threshold_db = dice.between(-26, -10);
  c.ratio = dice.octaves(1.5, 8);
  c.knee_db = dice.between(0, 12);
  c.attack_s = dice.octaves(habits.attack_s);
  c.release_s = dice.octaves(0.04, 0.4);
  c.detector_s = dice.coin(0.4) ? dice.octaves(0.003, 0.03) : 0;
  c.makeup_db = std::max(0.0, 0.3 * (-12 - c.threshold_db) * (1 - 1 / c.ratio));
  return c;
}

SaturationSettings draw_saturation(Dice& dice) {
  SaturationSettings s;
  const int kind = dice.whole(0, 9);
  s.curve = kind < 5 ? SaturationCurve::kTanh : kind < 9 ? SaturationCurve::kTube : SaturationCurve::kHardClip;
  s.drive_db = std::min(36.0, s.curve == SaturationCurve::kHardClip ? dice.deep(3, 10) : dice.deep(4, 18));
  s.bias = dice.between(0.1, 0.5);
  s.mix = dice.coin(0.5) ? 1 : dice.between(0.3, 0.9);
  s.oversampling = s.drive_db > 12 ? 4 : 2;
  return s;
}

AmplifierSettings draw_amplifier(Dice& dice, const Habits& habits) {
  AmplifierSettings a;
  a.drive_db = dice.between(habits.drive_db);
  a.tight_hz = std::string(habits.family) == "bass" ? dice.octaves(25, 60) : dice.octaves(70, 200);
  a.bass_db = dice.between(-4, 5);
  a.middle_db = dice.between(-8, 5);
  a.treble_db = dice.between(-4, 6);
  a.cabinet_low_hz = std::string(habits.family) == "bass" ? dice.octaves(35, 60) : dice.octaves(65, 120);
  a.cabinet_high_hz = dice.octaves(3500, 6500);
  a.presence_db = dice.between(1, 7);
  return a;
}

ChorusSettings draw_chorus(Dice& dice) {
  ChorusSettings c;
  if (dice.coin(0.4)) {  // a doubled take
    c.voices = 1;
    c.delay_s = dice.between(0.014, 0.028);
    c.depth_s = dice.between(0.0005, 0.003);
    c.rate_hz = dice.octaves(0.1, 0.8);
    c.wet_db = dice.deep(-9, -1);
  } else {
    c.voices = dice.whole(1, 4);
    c.delay_s = dice.between(0.006, 0.02);
    c.depth_s = std::min(0.8 * c.delay_s, dice.octaves(0.0005, 0.004));
    c.rate_hz = dice.octaves(0.15, 2.5);
    c.wet_db = dice.between(-12, 0);
  }
  c.phase = dice.between(0, 1);
  return c;
}

EchoSettings draw_echo(Dice& dice) {
  EchoSettings e;
  e.time_s = dice.octaves(0.07, 0.7);
  e.feedback = dice.between(0, 0.55);
  e.damping_hz = dice.octaves(1500, 9000);
  e.ping_pong = dice.coin(0.4);
  e.wet_db = dice.between(-24, -9);
  return e;
}

RoomSettings draw_room(Dice& dice, const Habits& habits) {
  RoomSettings r;
  r.decay_s = dice.octaves(habits.decay_s);
  r.size = std::clamp(r.decay_s * dice.octaves(0.7, 2), 0.3, 2.0);  // large rooms ring longer
  r.pre_delay_s = dice.between(0, 0.03);
  r.damping_hz = dice.octaves(1800, 9000);
  r.wet_db = dice.between(-26, -9);
  return r;
}

PlateSettings draw_plate(Dice& dice) {
  PlateSettings p;
  p.decay_s = dice.octaves(0.8, 4);
  p.size = std::clamp(p.decay_s * dice.octaves(0.4, 0.8), 0.4, 1.2);
  p.pre_delay_s = dice.between(0, 0.06);
  p.bandwidth_hz = dice.octaves(4000, 11000);
  p.damping_hz = dice.octaves(2000, 9000);
  p.modulation_hz = dice.between(0.3, 1.2);
  p.wet_db = dice.between(-28, -11);
  return p;
}

WowSettings draw_wow(Dice& dice, double most_cents) {
  WowSettings w;
  w.wow_cents = dice.between(0, most_cents);
  w.wow_hz = dice.octaves(0.3, 2);
  w.flutter_cents = dice.between(0, 0.5 * most_cents);
  w.flutter_hz = dice.octaves(5, 14);
  w.phase = dice.between(0, 1);
  return w;
}

}  // namespace

const std::vector<std::string>& effect_families() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const Habits& habits : kHabits) list.emplace_back(habits.family);
    return list;
  }();
  return names;
}

EffectChain draw_chain(Rng& rng, const std::string& family, double intensity) {
  check_intensity(intensity);
  const Habits& habits = habits_of(family);
  Dice dice(rng, intensity);
  EffectChain chain;
  auto& effects = chain.effects;
  if (dice.chance(habits.detune)) effects.emplace_back(DetuneSettings{dice.octaves(2, 15) * (dice.coin(0.5) ? 1 : -1)});
  if (dice.chance(habits.amplifier)) effects.emplace_back(draw_amplifier(dice, habits));
  // Some correct the sound before they compress it, others after.
  const bool compress_first = dice.coin(0.3);
  const auto compress = [&] {
    if (dice.chance(habits.compressor)) effects.emplace_back(draw_compressor(dice, habits));
  };
  if (compress_first) compress();
  if (dice.chance(habits.equaliser)) effects.emplace_back(draw_equaliser(dice, habits));
  if (!compress_first) compress();
  if (dice.chance(habits.saturation)) effects.emplace_back(draw_saturation(dice));
  if (dice.chance(habits.wow)) effects.emplace_back(draw_wow(dice, 8));
  if (dice.chance(habits.chorus)) effects.emplace_back(draw_chorus(dice));
  if (dice.chance(habits.echo)) effects.emplace_back(draw_echo(dice));
  if (dice.chance(habits.room))
    effects.emplace_back(draw_room(dice, habits));
  else if (dice.chance(habits.plate))
    effects.emplace_back(draw_plate(dice));
  if (dice.chance(habits.width)) effects.emplace_back(WidthSettings{dice.between(0.3, 1.6)});
  const double furthest = family == "bass" || family == "drums" || family == "voice" ? 0.12 : 0.6;
  if (dice.chance(0.4)) effects.emplace_back(PanSettings{dice.between(-furthest, furthest)});
  return chain;
}

BusSettings draw_bus(Rng& rng, double intensity) {
  check_intensity(intensity);
  Dice dice(rng, intensity);
  BusSettings bus;
  if (dice.chance(0.5)) {
    bus.equaliser.emplace();
    bus.equaliser->bands = {{BandType::kLowShelf, dice.octaves(60, 250), dice.deep(-3, 3), 0.7071},
                            {BandType::kPeak, dice.octaves(300, 4000), dice.deep(-2.5, 2.5), dice.octaves(0.4, 1)},
                            {BandType::kHighShelf, dice.octaves(3000, 9000), dice.deep(-4, 3), 0.7071}};
  }
  if (dice.chance(0.6)) {
    CompressorSettings& glue = bus.compressor.emplace();
    glue.threshold_db = dice.between(-20, -8);
    glue.ratio = dice.octaves(1.3, 4);
    glue.knee_db = dice.between(3, 15);
    glue.attack_s = dice.octaves(0.01, 0.06);
    glue.release_s = dice.octaves(0.1, 0.6);
    glue.detector_s = dice.octaves(0.005, 0.03);
  }
  if (dice.chance(0.2)) {
    TapeSettings& tape = bus.tape.emplace();
    tape.drive_db = dice.deep(-3, 9);
    tape.loss_hz = dice.octaves(5000, 10000);
    tape.loss_db = dice.deep(-8, -1);
    tape.wow = draw_wow(dice, 6);
  }
  if (dice.chance(0.2)) {
    BandLimitSettings& limits = bus.band_limits.emplace();
    if (dice.coin(0.25)) {  // telephone, old radio
      limits.low_hz = dice.octaves(100, 400);
      limits.high_hz = dice.octaves(3000, 6500);
    } else {
      limits.low_hz = dice.octaves(20, 70);
      limits.high_hz = dice.octaves(7000, 16000);
    }
  }
  if (dice.chance(0.15)) {
    CodecSettings& codec = bus.codec.emplace();
    codec.format = static_cast<CodecFormat>(dice.whole(0, 2));
    codec.quality = dice.between(0, 0.5);
  }
  if (dice.chance(0.7)) {
    LimiterSettings& limiter = bus.limiter.emplace();
    limiter.ceiling_db = dice.between(-3, -0.1);
    limiter.look_ahead_s = dice.octaves(0.001, 0.006);
    limiter.release_s = dice.octaves(0.03, 0.3);
  }
  return bus;
}

}  // namespace instructme
