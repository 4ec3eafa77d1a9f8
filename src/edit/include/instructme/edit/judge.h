#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "instructme/edit/editor.h"

namespace instructme {

/// Says how well an edit came out in one respect, so that several can be ranked.
struct Judge {
  std::string name;  ///< e.g. "chords agree"
  /// 0 (bad) to 1 (good).
  std::function<double(const AudioBuffer& source, const EditResult& result)> score;
};

/// Share of the time in which the chords that `estimate_chords` hears in source and result are the same triads. The
/// editor must outlive it.
Judge chord_judge(Editor& editor);

/// The score of every judge by its name.
std::map<std::string, double> judged(const std::vector<Judge>& judges, const AudioBuffer& source,
                                     const EditResult& result);
/// Their mean; 0 without scores.
double mean_score(const std::map<std::string, double>& scores);

}  // namespace instructme
