#include "instructme/score/single_part.h"

#include <gtest/gtest.h>

#include <cmath>

#include "instructme/score/chord.h"
#include "score_checks.h"

namespace instructme {
namespace {

TEST(SinglePart, EveryProgramPlaysItsRolesInEveryMetre) {
  for (int program = 0; program < 120; ++program)
    for (const Role role : {Role::kBass, Role::kChords, Role::kArpeggio, Role::kMelody, Role::kDrums}) {
      Rng rng(static_cast<uint64_t>(program));
      const Chart chart = make_chart(rng, {.bars = 5, .beats_per_bar = 2 + program % 6});
      const Part part = make_single_part(rng, chart, role, program);
      SCOPED_TRACE(program);
      expect_sound_part(part, chart.duration_s());
      EXPECT_FALSE(part.notes.empty());
      EXPECT_EQ(part.program, program);
      EXPECT_EQ(part.drums, role == Role::kDrums);
    }
}

TEST(SinglePart, ChordsAreThoseOfTheChart) {
  // C major for two bars, then F minor: a part may have passing notes, but it follows.
  Rng rng(3);
  Chart chart;
  for (int bar = 0; bar < 4; ++bar) chart.bars.push_back({spell_chord(bar < 2 ? 0 : 5, bar < 2 ? "" : "m", chart.key)});
  chart.sections = {{"A", 0, 4}};
  for (const int program : {0, 19, 25, 48, 88}) {
    const Part part = make_single_part(rng, chart, Role::kChords, program);
    double inside = 0, all = 0;
    for (const Note& note : part.notes) {
      const auto tones = chart.chord_at((note.onset_s + 0.05) / chart.beat_seconds()).tones;
      all += note.duration_s;
      if (std::find(tones.begin(), tones.end(), note.pitch % 12) != tones.end()) inside += note.duration_s;
    }
    EXPECT_GT(inside / all, 0.9) << program;
  }
}

TEST(SinglePart, HandPercussionHasNoDrumKit) {
  Rng rng(4);
  const Chart chart = make_chart(rng, {.bars = 16});
  for (const Note& note : make_hand_percussion(rng, chart).notes) EXPECT_GE(note.pitch, 54);
}

}  // namespace
}  // namespace instructme
