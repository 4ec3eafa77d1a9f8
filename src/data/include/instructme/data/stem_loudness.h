#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "instructme/base/cancel.h"
#include "instructme/base/progress.h"
#include "instructme/data/song_set.h"

namespace instructme {

struct StemLoudness {
  int64_t stems = 0;
  double below_mix_lu = 0;  ///< median of the mix's loudness minus the stem's, LU
};

/// How loud stems are in their mixes, by the role that they play ("bass", …): integrated loudness (loudness_lufs) over
/// the whole song, of the first version of each song's first arrangement. Stems and mixes without loudness do not
/// count. Throws as SongSet::clip, kCancelled.
std::map<std::string, StemLoudness> stem_loudness(const SongSet& songs, const ProgressCallback& progress = {},
                                                  const CancelToken& cancel = {});

}  // namespace instructme
