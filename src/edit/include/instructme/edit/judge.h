#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "instructme/edit/editor.h"

namespace instructme {

/// Says how well an edit came out in one respect, so that several can be ranked.
struct Judge {
  std::string name;  ///< e.g. "chords agree"
  /// 0 (bad) to 1 (good); nothing where it cannot tell.
  std::function<std::optional<double>(const AudioBuffer& source, const EditResult& result)> score;
};

/// By the names of the judges.
using Scores = std::map<std::string, std::optional<double>>;

/// "chords agree": share of the time in which the chords that the ears hear in source and result are the same triads.
Judge chord_judge(Ears ears);
/// "beats agree": F-measure of the result's beats against those of the source, within 70 ms. Cannot tell where the
/// source has no beats.
Judge beat_judge(Ears ears);
/// "instrument heard": how surely instruments that were asked for are heard in the result, and those that were removed
/// (everywhere, and in full) are not; the mean over all of them, see tag_certainty. Cannot tell where the ears do not
/// know one of them.
Judge instrument_judge(Ears ears);

/// How surely an instrument is heard, 0..1, where 0.5 is the tagger's threshold. Nothing when the ears do not know it.
std::optional<double> tag_certainty(const Hearing& hearing, const std::string& instrument);
/// That of the surest instrument of its family, for people do not always tell these apart when they name one.
std::optional<double> family_certainty(const Hearing& hearing, const std::string& instrument);

/// All three, by the editor's ears as far as it has any. With the weights of a note transcriber (a file), chords are
/// heard by a second judge that shares nothing with the chords that the model is told (NoteChordJudge). A judge whose
/// network is not there never can tell. The editor must outlive them. Throws as NoteChordJudge.
std::vector<Judge> standard_judges(Editor& editor, const std::filesystem::path& transcriber = {});

Scores judged(const std::vector<Judge>& judges, const AudioBuffer& source, const EditResult& result);
/// Of the judges that could tell; 0 when there was none.
double mean_score(const Scores& scores);
/// Null for what could not be told.
nlohmann::json scores_json(const Scores& scores);

}  // namespace instructme
