#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <vector>

#include "instructme/score/score.h"

namespace instructme {

/// Beats a minute, by the median distance of neighbours; nullopt for fewer than two.
std::optional<double> tempo_bpm(const std::vector<Beat>& beats);

/// The chord matrix p of section 3.2 for known chords: 1 for the chord at the middle of each frame, 0 else; no chord
/// where none is known. Frame i covers 80 ms from start_s + 0.08 i. -> (frames, kChordClasses)
at::Tensor chord_matrix(const std::vector<ChordSpan>& chords, double start_s, int64_t frames);
/// The most probable chord of each frame, neighbours joined: p (T_p, kChordClasses).
std::vector<ChordSpan> chord_spans(const at::Tensor& matrix);
/// The same probabilities where chords with tones outside of the key count a tenth.
at::Tensor in_key(const at::Tensor& matrix, const Key& key);

}  // namespace instructme
