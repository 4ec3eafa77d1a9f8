#pragma once

#include <array>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "instructme/analysis/analysis.h"
#include "instructme/plot/image.h"

namespace instructme {

/// A page for people: file, tempo, metre, key, instruments, notes, and the chords as a chart of bars. Ends with a
/// newline.
std::string analysis_summary(const Analysis& analysis);

/// Everything as JSON (docs/formats.md).
nlohmann::json to_json(const Analysis& analysis);

/// The notes as a type-1 file of one part. Its tempo and its bars follow the beats that were heard, so that beats fall
/// on beats; before the first of them time is divided evenly. 120 beats a minute without any.
std::vector<uint8_t> midi_of_analysis(const Analysis& analysis);

/// Waveform with beats, spectrogram, chord matrix and, where there are notes, pitch matrix over one time axis: the
/// paper's Figure 4(b). `music` is what was analysed.
Image analysis_figure(const Analysis& analysis, const AudioBuffer& music);

/// All files that an analysis may leave in a folder.
inline constexpr std::array kAnalysisFiles = {"analysis.json", "chords.lab", "beats.txt",
                                              "keys.txt",      "notes.mid",  "analysis.png"};

/// Writes those that there is something for to a folder, which is made when it does not exist; the figure unless
/// `figure` is null. Returns the names of the files. Throws kIo.
std::vector<std::string> write_analysis(const std::filesystem::path& folder, const Analysis& analysis,
                                        const AudioBuffer* figure);

}  // namespace instructme
