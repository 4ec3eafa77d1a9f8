#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "instructme/edit/editor.h"

namespace instructme {

/// What is told of an edit beside what is in its result.
struct ReportContext {
  std::string sentence;
  EditOptions options;
  std::filesystem::path model_folder;  ///< empty when the model came from nowhere
  std::vector<ChordSpan> chords;       ///< given or heard
  std::vector<Beat> beats;             ///< the same
};

/// A report for programs: plan, seed, versions, hash of the model, chords, key and tempo where known, levels, and what
/// changed: samples outside of the ranges, and by frequency band. docs/formats.md has the keys.
nlohmann::json edit_report(const AudioBuffer& source, const EditResult& result, const ReportContext& context);

/// Writes `folder`/`name` so that reading it gives the same samples: FLAC of 24 bits where that holds all of them, else
/// WAV of floats. Returns the file's name, with "_" for blanks and slashes. Throws kIo.
std::string write_exactly(const std::filesystem::path& folder, const std::string& name, const AudioBuffer& audio);

/// Writes what a part plays as a MIDI file beside its sound, with the same name but for ".mid", which it returns.
/// Throws kIo.
std::string write_notes(const std::filesystem::path& sound, const Part& notes, double duration_s, double tempo_bpm);

/// Writes every stem and the residual into a folder, sample-aligned: "1_violin_added.flac", "residual.flac". Those
/// marked `in_result` and the residual add up to the result. FLAC of 24 bits where that holds all of a stem, else WAV
/// of floats. Returns what the report says of them. Throws kIo.
nlohmann::json write_stems(const std::filesystem::path& folder, const EditResult& result);
/// Removes what an earlier write_stems left in the folder, by the report.json there, and `stems`, as it returns them,
/// does not name, so that whoever adds up all files gets the result. Files that are `needed`, and all others, stay.
/// Throws kIo.
void remove_other_stems(const std::filesystem::path& folder, const nlohmann::json& stems,
                        const std::vector<std::filesystem::path>& needed);
/// Whether a name without its ending is such as write_stems gives.
bool is_stem_name(const std::string& name);

}  // namespace instructme
