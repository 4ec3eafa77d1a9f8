#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "expect_error.h"
#include "instructme/score/accompaniment.h"
#include "instructme/score/guitar.h"
#include "instructme/score/melody.h"
#include "score_checks.h"

namespace instructme {
namespace {

Chart chart_of(uint64_t seed, int beats = 4, const std::string& genre = "") {
  Rng rng(seed);
  return make_chart(rng, {.bars = 16, .beats_per_bar = beats, .genre = genre});
}

bool in_chord(const ChartChord& chord, int pitch) {
  return std::find(chord.tones.begin(), chord.tones.end(), pitch % 12) != chord.tones.end();
}

PartOptions exact() {
  PartOptions options;
  options.jitter_s = 0;
  return options;
}

TEST(Melody, StaysInRangeAndOnTheHarmony) {
  double strong = 0, strong_tones = 0, weak = 0, in_scale = 0, bars = 0, notes = 0, steps = 0, moves = 0;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const Chart chart = chart_of(seed, seed % 3 == 0 ? 3 : 4);
    PartOptions options = exact();
    options.low = 62;
    options.high = 79;
    Rng rng(seed);
    const Part part = make_melody(rng, chart, options);
    expect_sound_part(part, chart.duration_s());
    ASSERT_FALSE(part.notes.empty());
    bars += static_cast<double>(chart.bars.size());
    notes += static_cast<double>(part.notes.size());
    const auto scale = scale_pitch_classes(chart.key);
    int last = -1;
    for (const Note& note : part.notes) {
      EXPECT_GE(note.pitch, options.low);
      EXPECT_LE(note.pitch, options.high);
      const double beat = note.onset_s / chart.beat_seconds() + 1e-4;
      const ChartChord& chord = chart.chord_at(beat);
      if (std::fmod(beat, chart.beats_per_bar) < 0.01) {
        strong += 1;
        strong_tones += in_chord(chord, note.pitch);
      } else {
        weak += 1;
        in_scale +=
            in_chord(chord, note.pitch) || std::find(scale.begin(), scale.end(), note.pitch % 12) != scale.end();
      }
      if (last >= 0) {
        moves += 1;
        steps += std::abs(note.pitch - last) <= 4;
      }
      last = note.pitch;
    }
  }
  EXPECT_GT(strong_tones / strong, 0.9);
  EXPECT_GT(in_scale / weak, 0.9);
  EXPECT_GT(steps / moves, 0.7);
  EXPECT_GT(notes / bars, 1.5);
  EXPECT_LT(notes / bars, 8.0);
}

TEST(Melody, IsDeterministicAndVaried) {
  const Chart chart = chart_of(4);
  Rng a(1), b(1), c(2);
  const Part first = make_melody(a, chart, exact());
  EXPECT_TRUE(same_part(first, make_melody(b, chart, exact())));
  EXPECT_FALSE(same_part(first, make_melody(c, chart, exact())));
}

TEST(Melody, BreathesBetweenPhrases) {
  // Phrases end with a rest, so the part must be silent for at least half a beat now and then.
  for (uint64_t seed = 0; seed < 10; ++seed) {
    const Chart chart = chart_of(seed);
    Rng rng(seed);
    const Part part = make_melody(rng, chart, exact());
    int rests = 0;
    for (size_t i = 1; i < part.notes.size(); ++i)
      rests +=
          part.notes[i].onset_s - part.notes[i - 1].onset_s - part.notes[i - 1].duration_s > 0.4 * chart.beat_seconds();
    EXPECT_GE(rests, 3) << seed;
  }
}

TEST(Melody, SwingDelaysOffBeatsOnly) {
  const Chart chart = chart_of(12);
  PartOptions options = exact(), swung = options;
  swung.swing = 1;
  options.density = swung.density = 0.6;
  Rng a(3), b(3);
  const Part straight = make_melody(a, chart, options), late = make_melody(b, chart, swung);
  ASSERT_EQ(straight.notes.size(), late.notes.size());
  int moved = 0;
  for (size_t i = 0; i < straight.notes.size(); ++i) {
    const double beat = straight.notes[i].onset_s / chart.beat_seconds();
    const double shift = late.notes[i].onset_s / chart.beat_seconds() - beat;
    if (std::abs(beat - std::round(beat)) < 1e-6) {
      EXPECT_NEAR(shift, 0, 1e-6);
    }
    if (std::abs(beat - std::floor(beat) - 0.5) < 1e-6) {
      EXPECT_NEAR(shift, 1.0 / 6, 1e-6);
      ++moved;
    }
  }
  EXPECT_GT(moved, 0);
}

TEST(Melody, NarrowRangesAreRefused) {
  const Chart chart = chart_of(1);
  PartOptions options;
  options.low = 60;
  options.high = 70;
  Rng rng(1);
  expect_error(ErrorKind::kUsage, "60..70", [&] { make_melody(rng, chart, options); });
  expect_error(ErrorKind::kUsage, "60..70", [&] { make_pad(rng, chart, options); });
}

TEST(ActiveBars, SilenceTheOthers) {
  const Chart chart = chart_of(2);
  PartOptions options = exact();
  options.active_bars.assign(chart.bars.size(), false);
  for (size_t bar = 4; bar < 8; ++bar) options.active_bars[bar] = true;
  const double bar_s = chart.beats_per_bar * chart.beat_seconds();
  Rng rng(3);
  for (const Part& part :
       {make_melody(rng, chart, options), make_strum(rng, chart, options), make_pad(rng, chart, options),
        make_arpeggio(rng, chart, options), make_comping(rng, chart, options)}) {
    EXPECT_FALSE(part.notes.empty());
    for (const Note& note : part.notes) {
      EXPECT_GE(note.onset_s, 4 * bar_s - 1e-6);
      EXPECT_LT(note.onset_s, 8 * bar_s);
    }
  }
}

TEST(Generators, AreSoundForEveryMetre) {
  for (int beats = 2; beats <= 7; ++beats)
    for (uint64_t seed = 0; seed < 12; ++seed) {
      const Chart chart = chart_of(seed * 10 + static_cast<uint64_t>(beats), beats, seed % 2 ? "jazz" : "rock");
      Rng rng(seed);
      PartOptions options;
      options.low = 48;
      options.high = 79;
      options.density = rng.uniform();
      options.swing = seed % 3 == 0 ? 1 : 0;
      const Part melody = make_melody(rng, chart, options);
      PartOptions bass = options;
      bass.low = 28;
      bass.high = 48;
      std::vector<Part> parts = {melody,
                                 make_counter_melody(rng, chart, melody, options),
                                 make_riff(rng, chart, options),
                                 make_arpeggio(rng, chart, options),
                                 make_strum(rng, chart, options),
                                 make_picking(rng, chart, options),
                                 make_power_chords(rng, chart, options),
                                 make_pad(rng, chart, options),
                                 make_comping(rng, chart, options)};
      for (int style = 0; style <= static_cast<int>(BassStyle::kBossa); ++style) {
        parts.push_back(make_bass(rng, chart, static_cast<BassStyle>(style), bass));
        for (const Note& note : parts.back().notes) EXPECT_TRUE(note.pitch >= 28 && note.pitch <= 48);
      }
      for (size_t i = 0; i < parts.size(); ++i) {
        SCOPED_TRACE(i);
        expect_sound_part(parts[i], chart.duration_s());
        if (i != 1) {
          EXPECT_FALSE(parts[i].notes.empty());
        }
      }
    }
}

TEST(Guitar, GripsArePlayableAndSpellTheChord) {
  int thirds = 0, all = 0;
  for (const std::string& suffix : chord_suffixes())
    for (int root = 0; root < 12; ++root)
      for (const int near : {0, 5}) {
        const ChartChord chord = spell_chord(root, suffix, Key{0, Mode::kMajor});
        const GuitarVoicing grip = guitar_voicing(chord, near);
        int lowest = 99, highest = 0, sounding = 0, bottom = -1;
        std::set<int> heard;
        for (int s = 0; s < 6; ++s) {
          const int fret = grip.frets[static_cast<size_t>(s)];
          if (fret < 0) continue;
          ++sounding;
          const int pitch = grip.pitch(s);
          EXPECT_TRUE(in_chord(chord, pitch)) << chord.spelling;
          heard.insert(pitch % 12);
          if (bottom < 0) bottom = pitch;
          if (fret > 0) {
            lowest = std::min(lowest, fret);
            highest = std::max(highest, fret);
          }
        }
        EXPECT_GE(sounding, 3) << chord.spelling;
        EXPECT_LE(highest - lowest, 3) << chord.spelling;
        EXPECT_EQ(bottom % 12, chord.bass) << chord.spelling;
        ++all;
        thirds += heard.count(chord.tones[1]) > 0;
      }
  EXPECT_GT(thirds, 0.97 * all);
  const GuitarVoicing e = guitar_voicing(spell_chord(4, "", Key{4, Mode::kMajor}));
  EXPECT_EQ(e.frets, (std::array<int, 6>{0, 2, 2, 1, 0, 0}));
  const GuitarVoicing f = guitar_voicing(spell_chord(5, "", Key{0, Mode::kMajor}));
  EXPECT_EQ(f.frets, (std::array<int, 6>{1, 3, 3, 2, 1, 1}));
}

TEST(Guitar, StrumsSpreadTheStrings) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    const Chart chart = chart_of(seed, 4, "folk");
    Rng rng(seed);
    const Part part = make_strum(rng, chart, exact());
    // Notes of one stroke are nearer than 31 ms; strokes are further apart than that.
    int strokes = 0, spread = 0;
    for (size_t i = 0; i < part.notes.size();) {
      size_t end = i + 1;
      while (end < part.notes.size() && part.notes[end].onset_s - part.notes[end - 1].onset_s < 0.012) ++end;
      const double width = part.notes[end - 1].onset_s - part.notes[i].onset_s;
      strokes += end - i >= 2;  // one note is the bass between two chords
      spread += end - i >= 3 && width > 0.005 && width < 0.031;
      i = end;
    }
    EXPECT_GT(spread, 0.6 * strokes);
  }
}

TEST(VoiceLeading, MovesLittle) {
  double moved = 0, voices = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Chart chart = chart_of(seed, 4, "jazz");
    std::vector<int> previous;
    for (const ChartSpan& span : chart_spans(chart)) {
      const auto voicing = voice_lead(previous, *span.chord, 4, 52, 76);
      ASSERT_GE(voicing.size(), 3u);
      for (size_t i = 0; i < voicing.size(); ++i) {
        EXPECT_TRUE(in_chord(*span.chord, voicing[i]));
        EXPECT_TRUE(voicing[i] >= 52 && voicing[i] <= 76);
        if (i < previous.size()) {
          moved += std::abs(voicing[i] - previous[i]);
          voices += 1;
        }
      }
      previous = voicing;
    }
  }
  EXPECT_LT(moved / voices, 2.6);
}

TEST(Bass, PlaysTheBassOfTheChordWhenItEnters) {
  for (int style = 0; style <= static_cast<int>(BassStyle::kBossa); ++style) {
    const Chart chart = chart_of(30 + static_cast<uint64_t>(style));
    PartOptions options = exact();
    options.low = 28;
    options.high = 48;
    Rng rng(1);
    const Part part = make_bass(rng, chart, static_cast<BassStyle>(style), options);
    for (const ChartSpan& span : chart_spans(chart)) {
      const double at = span.start_beat * chart.beat_seconds();
      const auto note = std::find_if(part.notes.begin(), part.notes.end(),
                                     [&](const Note& n) { return std::abs(n.onset_s - at) < 1e-6; });
      ASSERT_NE(note, part.notes.end()) << style;
      EXPECT_EQ(note->pitch % 12, span.chord->bass);
    }
  }
}

}  // namespace
}  // namespace instructme
