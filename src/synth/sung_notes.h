#pragma once

#include <vector>

#include "instructme/base/rng.h"
#include "instructme/synth/singer.h"

namespace instructme {

/// What a singer is like, beside the kind of voice.
struct SingerTraits {
  double tract = 1;  ///< length of the vocal tract, see VoiceType
  double female = 0;
  double effort = 0.5;   ///< 0 soft and dark .. 1 loud and bright; more: shrill
  double breath = 0.05;  ///< noise of breath beside the voice, amplitude
  double vibrato_hz = 5.5;
  double vibrato_cents = 30;
  double vibrato_delay_s = 0.3;
  double glide_s = 0.05;  ///< from note to note
  double scoop = 0.3;     ///< probability that a phrase begins below its first note
  double drift_cents = 8;
  double consonants = 1;   ///< strength
  double vowel_width = 1;  ///< 1: vowels apart as in speech; less: all nearer to "uh"
  bool lyrics = true;
};

SingerTraits draw_traits(const VoiceType& type, bool lyrics, Rng& rng);

/// What the vocal tract does in one block of kStemBlock samples.
struct VoiceFrame {
  float pitch = 60;      ///< MIDI number
  float voice = 0;       ///< amplitude of the vocal folds
  float breath = 0;      ///< amplitude of noise that passes the formants
  float hiss = 0;        ///< amplitude of noise that does not: s, f, bursts
  float hiss_hz = 5000;  ///< its centre
  float hiss_width_hz = 2000;
  float formant_hz[3] = {500, 1500, 2500};
  float damping = 1;  ///< of the formants: their bandwidths times this
};

/// The notes of one voice, one after the other: the highest of those that begin together, moved by octaves so that
/// their mean is near the middle of the range, each ending where the next begins.
std::vector<Note> single_voice(std::vector<Note> notes, int low, int high);

/// Syllables, glides, vibrato and breath of a voice that sings `notes` (from single_voice); as many frames as asked
/// for, of `frame_s` seconds.
std::vector<VoiceFrame> articulate(const std::vector<Note>& notes, const SingerTraits& traits, size_t frames,
                                   double frame_s, Rng rng);

}  // namespace instructme
