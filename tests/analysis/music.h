#pragma once

#include <cmath>
#include <initializer_list>
#include <numbers>

#include "instructme/analysis/analysis.h"
#include "instructme/audio/audio_buffer.h"
#include "instructme/base/rng.h"

namespace instructme {

/// Plucked tones of these MIDI pitches, struck twice a second, in every channel.
inline AudioBuffer struck_chord(std::initializer_list<int> pitches, double seconds, int rate = kAnalysisRate,
                                int channels = 1) {
  AudioBuffer buffer{rate, channels, {}};
  const auto frames = static_cast<int64_t>(std::llround(seconds * rate));
  for (int64_t i = 0; i < frames; ++i) {
    const double t = std::fmod(static_cast<double>(i) / rate, 0.5);
    double value = 0;
    for (const int pitch : pitches) {
      const double phase = 2 * std::numbers::pi * 440 * std::exp2((pitch - 69) / 12.0) * t;
      value += 0.1 * std::exp(-3 * t) * (std::sin(phase) + 0.5 * std::sin(2 * phase));
    }
    for (int c = 0; c < channels; ++c) buffer.samples.push_back(static_cast<float>(value));
  }
  return buffer;
}

/// Bursts of noise, four a second.
inline AudioBuffer noise_bursts(double seconds) {
  Rng rng(4);
  std::vector<float> samples;
  for (int64_t i = 0; i < static_cast<int64_t>(seconds * kAnalysisRate); ++i) {
    const double t = std::fmod(static_cast<double>(i) / kAnalysisRate, 0.25);
    samples.push_back(static_cast<float>(0.5 * std::exp(-40 * t) * rng.uniform(-1, 1)));
  }
  return from_mono(std::move(samples), kAnalysisRate);
}

/// What ears could have heard in eight seconds: two bars of four at 60 beats a minute behind an upbeat.
inline Analysis heard_by_hand() {
  Analysis analysis;
  analysis.name = "song.wav";
  analysis.file.sample_rate = 44100;
  analysis.file.channels = 2;
  analysis.level_db = -20;
  analysis.trained_ears = true;
  Hearing& hearing = analysis.hearing;
  hearing.duration_s = 9.6;
  for (int frame = 0; frame < 120; ++frame) {
    std::vector<float> row(kChordClasses, 0.1f / kChordClasses);
    const Chord chord = Chord::of(frame < 70 ? 0 : 7, ChordQuality::kMaj);
    row[static_cast<size_t>(chord_class(chord))] = 0.9f;
    hearing.chords.push_back(row);
  }
  hearing.chord_spans = {{0, 5.6, Chord::of(0, ChordQuality::kMaj)}, {5.6, 9.6, Chord::of(7, ChordQuality::kMaj)}};
  hearing.beats = {{0.6, 0, 3}};
  for (int beat = 0; beat < 8; ++beat) hearing.beats.push_back({1.6 + beat, 1 + beat / 4, beat % 4});
  hearing.tempo_bpm = 60;
  hearing.beats_per_bar = 4;
  hearing.beat_confidence = 0.8;
  hearing.keys = {{0, 9.6, {0, Mode::kMajor}, 0.7}};
  hearing.key = {0, Mode::kMajor};
  hearing.has_tagger = true;
  hearing.instruments = {{"piano", 0.9, 0.5, {0.9f, 0.9f, 0.1f, 0.1f, 0.1f, 0.1f, 0.1f, 0.1f, 0.8f, 0.8f}},
                         {"tuba", 0.2, 0.5, std::vector<float>(10, 0.1f)}};
  hearing.genres = {{"jazz", 0.7, 0.5, {}}};
  analysis.has_notes = true;
  analysis.chord_agreement = 0.75;
  analysis.notes = {{1.6, 0.5, 60, 90}, {2.6, 1.0, 76, 70}};
  analysis.keys.assign(120, std::vector<float>(88, 0.1f));
  analysis.note_chords = hearing.chord_spans;
  return analysis;
}

}  // namespace instructme
