#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <vector>

#include "instructme/score/score.h"
#include "small_font.h"

namespace instructme {

inline Part make_part(int program, bool drums, std::vector<Note> notes) {
  Part part;
  part.program = program;
  part.drums = drums;
  part.role = drums ? Role::kDrums : Role::kChords;
  part.notes = std::move(notes);
  return part;
}

/// Two seconds: a piano chord, a bass line and a drum beat.
inline Score small_score() {
  Score score;
  score.duration_s = 2.0;
  score.parts.push_back(make_part(0, false, {{0.0, 1.5, 60, 90}, {0.0, 1.5, 64, 80}, {0.5, 1.0, 67, 80}}));
  score.parts.push_back(make_part(33, false, {{0.0, 0.5, 36, 100}, {0.5, 0.5, 43, 100}, {1.0, 0.9, 36, 100}}));
  score.parts.push_back(make_part(0, true, {{0.0, 0.1, 36, 110}, {0.5, 0.1, 38, 110}, {1.0, 0.1, 36, 110}}));
  return score;
}

/// How often a sound passes zero upwards between two samples: its frequency, when that is a second.
inline int rises(const std::vector<float>& samples, size_t from, size_t to) {
  int count = 0;
  for (size_t i = from + 1; i < to; ++i) count += samples[i - 1] < 0 && samples[i] >= 0;
  return count;
}

}  // namespace instructme
