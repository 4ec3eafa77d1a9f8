#include "sung_notes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace instructme {
namespace {

struct Vowel {
  std::array<float, 3> formant_hz;  // of a man; women's are taken from size and kWomanShift
  float weight;
};

// Near the means of Peterson and Barney (1952), and the round open and closed vowels that singers like.
constexpr std::array<Vowel, 9> kVowels{{{{730, 1090, 2440}, 3},      // ah
                                        {{660, 1720, 2410}, 1},      // ae
                                        {{530, 1840, 2480}, 2},      // eh
                                        {{390, 1990, 2550}, 1},      // ih
                                        {{270, 2290, 3010}, 2},      // ee
                                        {{570, 840, 2410}, 2},       // aw
                                        {{450, 1000, 2350}, 2},      // oh
                                        {{300, 870, 2240}, 1.5},     // oo
                                        {{640, 1190, 2390}, 1.5}}};  // uh
constexpr std::array<float, 3> kNeutral{500, 1400, 2450};
// Women's first and second formants are a little higher than shorter tracts alone make them.
constexpr std::array<float, 3> kWomanShift{1.06f, 1.04f, 1.0f};

enum class Manner { kStop, kVoicedStop, kFricative, kVoicedFricative, kNasal, kGlide };

struct Consonant {
  Manner manner;
  float hiss_hz, hiss_width_hz, hiss;
  std::array<float, 3> formant_hz;  // 0: those of the vowel
  float seconds;
  float weight;
};

constexpr std::array<Consonant, 18> kConsonants{{
    {Manner::kStop, 900, 1200, 0.5f, {300, 800, 2100}, 0.09f, 1},                // p
    {Manner::kStop, 4500, 3000, 0.8f, {300, 1750, 2700}, 0.09f, 2},              // t
    {Manner::kStop, 2000, 1200, 0.8f, {300, 2000, 2400}, 0.09f, 1.5f},           // k
    {Manner::kVoicedStop, 800, 1000, 0.2f, {220, 800, 2100}, 0.06f, 1},          // b
    {Manner::kVoicedStop, 4000, 3000, 0.3f, {220, 1750, 2700}, 0.06f, 1.5f},     // d
    {Manner::kVoicedStop, 1900, 1200, 0.3f, {220, 2000, 2400}, 0.06f, 1},        // g
    {Manner::kFricative, 7500, 3500, 1.0f, {320, 1500, 2500}, 0.13f, 2},         // s
    {Manner::kFricative, 3300, 2000, 0.9f, {320, 1800, 2500}, 0.12f, 1},         // sh
    {Manner::kFricative, 7000, 7000, 0.25f, {320, 1000, 2200}, 0.10f, 1},        // f
    {Manner::kFricative, 1500, 2500, 0.0f, {0, 0, 0}, 0.08f, 1},                 // h: breath alone
    {Manner::kVoicedFricative, 7500, 3500, 0.4f, {260, 1500, 2500}, 0.09f, 1},   // z
    {Manner::kVoicedFricative, 6000, 6000, 0.15f, {260, 1100, 2200}, 0.07f, 1},  // v
    {Manner::kNasal, 0, 1, 0, {260, 1000, 2200}, 0.08f, 1.5f},                   // m
    {Manner::kNasal, 0, 1, 0, {270, 1500, 2500}, 0.08f, 2},                      // n
    {Manner::kGlide, 0, 1, 0, {330, 1100, 2700}, 0.07f, 2},                      // l
    {Manner::kGlide, 0, 1, 0, {350, 1150, 1550}, 0.07f, 1},                      // r
    {Manner::kGlide, 0, 1, 0, {290, 650, 2200}, 0.06f, 1},                       // w
    {Manner::kGlide, 0, 1, 0, {270, 2200, 2900}, 0.06f, 1},                      // y
}};
constexpr size_t kS = 6, kN = 13, kL = 14;

constexpr double kPhraseGap_s = 0.25;  // longer rests end a phrase
constexpr double kLegato_s = 0.08;     // shorter rests are not sung
constexpr double kBlur_s = 0.02;       // of formants: the tongue is not faster

template <typename Table>
size_t draw_weighted(const Table& table, Rng& rng) {
  std::vector<double> weights;
  for (const auto& entry : table) weights.push_back(entry.weight);
  return rng.weighted(weights);
}

/// A one-pole low-pass there and back, so that nothing comes late.
template <typename Get>
void blur(std::vector<VoiceFrame>& frames, double frame_s, double seconds, Get get) {
  if (frames.empty()) return;
  const auto keep = static_cast<float>(std::exp(-frame_s / seconds));
  float state = get(frames.front());
  for (VoiceFrame& frame : frames) get(frame) = state = keep * state + (1 - keep) * get(frame);
  for (size_t i = frames.size(); i-- > 0;) get(frames[i]) = state = keep * state + (1 - keep) * get(frames[i]);
}

class Articulator {
 public:
  Articulator(const SingerTraits& traits, size_t frames, double frame_s, Rng rng)
      : traits_(traits), frame_s_(frame_s), rng_(rng), frames_(frames) {}

  std::vector<VoiceFrame> sing(const std::vector<Note>& notes) {
    for (size_t i = 0; i < notes.size(); ++i) {
      const bool starts = begins_phrase(notes, i);
      const bool ends = i + 1 == notes.size() || begins_phrase(notes, i + 1);
      syllable(notes[i], i == 0 ? 0 : notes[i - 1].onset_s + 0.5 * notes[i - 1].duration_s, starts, ends);
    }
    set_pitch(notes);
    for (int f = 0; f < 3; ++f)
      blur(frames_, frame_s_, kBlur_s, [f](VoiceFrame& frame) -> float& { return frame.formant_hz[f]; });
    blur(frames_, frame_s_, 0.008, [](VoiceFrame& frame) -> float& { return frame.voice; });
    blur(frames_, frame_s_, 0.012, [](VoiceFrame& frame) -> float& { return frame.breath; });
    blur(frames_, frame_s_, 0.003, [](VoiceFrame& frame) -> float& { return frame.hiss; });
    blur(frames_, frame_s_, 0.01, [](VoiceFrame& frame) -> float& { return frame.damping; });
    return std::move(frames_);
  }

 private:
  static bool begins_phrase(const std::vector<Note>& notes, size_t i) {
    return i == 0 || notes[i].onset_s - notes[i - 1].onset_s - notes[i - 1].duration_s > kPhraseGap_s;
  }

  size_t frame_at(double seconds) const {
    return static_cast<size_t>(std::clamp(seconds / frame_s_, 0.0, static_cast<double>(frames_.size())));
  }

  template <typename Set>
  void between(double from_s, double to_s, Set set) {
    for (size_t i = frame_at(from_s); i < frame_at(to_s); ++i) set(frames_[i]);
  }

  void set_formants(VoiceFrame& frame, const std::array<float, 3>& of_man) const {
    for (size_t f = 0; f < 3; ++f) {
      const double wide = kNeutral[f] + traits_.vowel_width * (of_man[f] - kNeutral[f]);
      const double shift = 1 + traits_.female * (kWomanShift[f] - 1);
      frame.formant_hz[f] = static_cast<float>(wide * shift / traits_.tract);
    }
  }

  void syllable(const Note& note, double earliest_s, bool starts, bool ends) {
    // Runs of notes on one vowel; "la la" where there are no words.
    const bool articulated = starts || rng_.chance(traits_.lyrics ? 0.85 : 0.4);
    if (articulated || !sung_) vowel_ = draw_weighted(kVowels, rng_);
    sung_ = true;
    const double end_s = note.onset_s + note.duration_s;
    const double loud = std::pow(note.velocity / 100.0, 1.2) * rng_.uniform(0.85, 1.15);
    const size_t first = frame_at(note.onset_s), last = frame_at(end_s);
    for (size_t i = first; i < last; ++i) {
      VoiceFrame& frame = frames_[i];
      const double part = static_cast<double>(i - first) / static_cast<double>(last - first);
      const double swell = 0.85 + 0.15 * std::sin(std::numbers::pi * std::min(1.0, 1.4 * part));
      frame.voice = static_cast<float>(loud * swell);
      frame.breath = static_cast<float>(loud * traits_.breath);
      set_formants(frame, kVowels[vowel_].formant_hz);
    }
    if (starts && note.onset_s > 0.5 && rng_.chance(0.4)) inhale(note.onset_s - 0.35, note.onset_s - 0.1);
    if (articulated && !(starts && rng_.chance(0.15))) {
      const size_t which = traits_.lyrics ? draw_weighted(kConsonants, rng_) : kL;
      consonant(kConsonants[which], note.onset_s, earliest_s, loud);
    }
    // The lips' next goal is taken up before a breath: an "n" or an "s" closes some phrases.
    if (ends && traits_.lyrics && note.duration_s > 0.3 && rng_.chance(0.35)) {
      const size_t which = rng_.chance(0.5) ? kN : kS;
      consonant(kConsonants[which], end_s, end_s - 0.2, 0.7 * loud);
    }
  }

  void inhale(double from_s, double to_s) {
    const auto loud = static_cast<float>(rng_.uniform(0.02, 0.08));
    between(std::max(0.0, from_s), to_s, [&](VoiceFrame& frame) {
      frame.breath = loud;
      set_formants(frame, kNeutral);
    });
  }

  // Ends at `end_s`, where the vowel begins.
  void consonant(const Consonant& kind, double end_s, double earliest_s, double loud) {
    const double from_s = std::max({0.0, earliest_s, end_s - kind.seconds * rng_.uniform(0.7, 1.3)});
    if (end_s - from_s < 0.02) return;
    const auto level = static_cast<float>(loud * traits_.consonants * rng_.uniform(0.6, 1.2));
    const auto voiced = static_cast<float>(loud);
    const double burst_s = kind.manner == Manner::kStop ? end_s - 0.035 : end_s - 0.012;
    between(from_s, end_s, [&](VoiceFrame& frame) {
      const double now_s = static_cast<double>(&frame - frames_.data()) * frame_s_;
      if (kind.formant_hz[0] > 0)
        set_formants(frame, kind.formant_hz);
      else
        set_formants(frame, kVowels[vowel_].formant_hz);
      frame.hiss_hz = static_cast<float>(kind.hiss_hz / std::sqrt(traits_.tract));
      frame.hiss_width_hz = kind.hiss_width_hz;
      frame.voice = frame.breath = frame.hiss = 0;
      switch (kind.manner) {
        case Manner::kStop:
          if (now_s >= burst_s && now_s < burst_s + 0.012) frame.hiss = level * kind.hiss;
          if (now_s >= burst_s) frame.breath = 0.25f * level;
          break;
        case Manner::kVoicedStop:
          frame.voice = 0.15f * voiced;
          if (now_s >= burst_s) frame.hiss = level * kind.hiss;
          break;
        case Manner::kFricative:
          frame.hiss = level * kind.hiss;
          if (kind.hiss == 0) frame.breath = 0.3f * level;
          break;
        case Manner::kVoicedFricative:
          frame.voice = 0.35f * voiced;
          frame.hiss = level * kind.hiss;
          break;
        case Manner::kNasal:
          frame.voice = 0.4f * voiced;
          frame.damping = 2.2f;
          break;
        case Manner::kGlide: frame.voice = 0.75f * voiced; break;
      }
    });
  }

  void set_pitch(const std::vector<Note>& notes) {
    // What is held between notes is the pitch of the next one, so that consonants are sung towards it.
    size_t done = 0;
    for (const Note& note : notes) {
      const size_t end = frame_at(note.onset_s + note.duration_s);
      for (; done < end; ++done) frames_[done].pitch = static_cast<float>(note.pitch);
    }
    for (; done < frames_.size() && !notes.empty(); ++done)
      frames_[done].pitch = static_cast<float>(notes.back().pitch);
    blur(frames_, frame_s_, traits_.glide_s, [](VoiceFrame& frame) -> float& { return frame.pitch; });
    double drift = 0, phase = rng_.uniform(0, 1);
    for (size_t i = 0; i < notes.size(); ++i) {
      const Note& note = notes[i];
      const bool starts = begins_phrase(notes, i);
      const double scoop = starts && rng_.chance(traits_.scoop) ? rng_.uniform(0.5, 2.5) : 0;
      const double rate = rng_.uniform(0.95, 1.05), depth = rng_.uniform(0.5, 1.2);
      const double next_s = i + 1 < notes.size() ? notes[i + 1].onset_s : note.onset_s + note.duration_s;
      between(note.onset_s - (starts ? 0.1 : 0), next_s, [&](VoiceFrame& frame) {
        const double now_s = static_cast<double>(&frame - frames_.data()) * frame_s_ - note.onset_s;
        drift += frame_s_ / 0.3 * (-drift) + std::sqrt(frame_s_) * rng_.normal() * 2.5;
        phase += frame_s_ * traits_.vibrato_hz * rate;
        const double in = std::clamp((now_s - traits_.vibrato_delay_s) / 0.25, 0.0, 1.0);
        const double cents =
            traits_.vibrato_cents * depth * in * std::sin(2 * std::numbers::pi * phase) + traits_.drift_cents * drift;
        frame.pitch += static_cast<float>(cents / 100 - scoop * std::exp(-std::max(0.0, now_s) / 0.06));
        // The throat moves with the pitch, and loudness with it.
        frame.voice *= static_cast<float>(1 + 0.12 * depth * in * std::sin(2 * std::numbers::pi * phase + 0.7));
      });
    }
  }

  const SingerTraits& traits_;
  double frame_s_;
  Rng rng_;
  std::vector<VoiceFrame> frames_;
  size_t vowel_ = 0;
  bool sung_ = false;
};

}  // namespace

SingerTraits draw_traits(const VoiceType& type, bool lyrics, Rng& rng) {
  SingerTraits traits;
  traits.tract = type.tract * rng.uniform(0.95, 1.05);
  traits.female = type.female;
  traits.effort = rng.uniform(0.35, 1.15);
  traits.breath = rng.chance(0.3) ? rng.uniform(0.08, 0.25) : rng.uniform(0.01, 0.07);
  traits.vibrato_hz = rng.uniform(4.6, 6.6);
  traits.vibrato_cents = rng.chance(0.25) ? rng.uniform(0, 10) : rng.uniform(10, 70);
  traits.vibrato_delay_s = rng.uniform(0.05, 0.5);
  traits.glide_s = rng.uniform(0.012, 0.06);
  traits.scoop = rng.uniform(0, 0.7);
  traits.drift_cents = rng.uniform(3, 14);
  traits.consonants = rng.uniform(0.5, 1.6);
  traits.vowel_width = rng.uniform(0.75, 1.1);
  traits.lyrics = lyrics;
  return traits;
}

std::vector<Note> single_voice(std::vector<Note> notes, int low, int high) {
  std::stable_sort(notes.begin(), notes.end(), [](const Note& a, const Note& b) {
    return a.onset_s != b.onset_s ? a.onset_s < b.onset_s : a.pitch > b.pitch;
  });
  std::vector<Note> line;
  double sum = 0;
  for (const Note& note : notes) {
    constexpr double kTogether_s = 0.03;
    if (!line.empty() && note.onset_s - line.back().onset_s < kTogether_s) {
      if (note.pitch <= line.back().pitch) continue;
      sum -= line.back().pitch;
      line.pop_back();
    }
    if (!line.empty()) {
      Note& last = line.back();
      const double until_next_s = note.onset_s - last.onset_s;
      if (last.duration_s > until_next_s - kLegato_s) last.duration_s = until_next_s;
    }
    line.push_back(note);
    sum += note.pitch;
  }
  if (line.empty()) return line;
  const double mean = sum / static_cast<double>(line.size());
  const int octaves = static_cast<int>(std::lround(((low + high) / 2.0 - mean) / 12));
  for (Note& note : line) {
    note.pitch += 12 * octaves;
    while (note.pitch > high + 5) note.pitch -= 12;
    while (note.pitch < low - 5) note.pitch += 12;
  }
  return line;
}

std::vector<VoiceFrame> articulate(const std::vector<Note>& notes, const SingerTraits& traits, size_t frames,
                                   double frame_s, Rng rng) {
  return Articulator(traits, frames, frame_s, rng).sing(notes);
}

}  // namespace instructme
