#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "instructme/score/score.h"

namespace instructme {

/// Chords of music as a person may write and correct them, one per line: start and end in seconds and a label of
/// Harte's syntax, apart by blanks or tabs ("0.00 1.85 C:maj"; "N" is no chord). Throws kIo; kInput naming the line for
/// what is no such line, out of order, or does not end within a second of the music's `seconds`.
std::vector<ChordSpan> read_chord_file(const std::filesystem::path& path, double seconds);
/// The text of such a file, read without one.
std::vector<ChordSpan> parse_chords(const std::string& text, const std::string& name, double seconds);
std::string chord_file_text(const std::vector<ChordSpan>& chords);

/// Beats, one per line: time in seconds and place in the bar from 1, the downbeat, apart by blanks or tabs. Throws kIo;
/// kInput naming the line for what is no such line, out of order, or later than the music's end.
std::vector<Beat> read_beat_file(const std::filesystem::path& path, double seconds);

/// Beats a minute, by the median distance of neighbours; nullopt for fewer than two.
std::optional<double> tempo_bpm(const std::vector<Beat>& beats);

/// "C", "F# minor", "Bbm", "D:dorian". Throws kUsage.
Key parse_key(const std::string& text);

/// The chord matrix p of section 3.2 for known chords: 1 for the chord at the middle of each frame, 0 else; no chord
/// where none is known. Frame i covers 80 ms from start_s + 0.08 i. -> (frames, kChordClasses)
at::Tensor chord_matrix(const std::vector<ChordSpan>& chords, double start_s, int64_t frames);
/// The most probable chord of each frame, neighbours joined: p (T_p, kChordClasses).
std::vector<ChordSpan> chord_spans(const at::Tensor& matrix);
/// The same probabilities where chords with tones outside of the key count a tenth.
at::Tensor in_key(const at::Tensor& matrix, const Key& key);

}  // namespace instructme
