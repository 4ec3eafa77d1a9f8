#pragma once

#include "instructme/data/dataset_renderer.h"

namespace instructme {

/// What rendering a data set will take.
struct DatasetEstimate {
  int64_t songs = 0;
  double music_hours = 0;   ///< songs one after the other, each once
  double stem_hours = 0;    ///< of audio in all stem files
  double gigabytes = 0;     ///< 1e9 bytes on disk
  double hours = 0;         ///< of rendering
  double song_seconds = 0;  ///< of work for one song on one thread, without the loading of fonts
  int measured = 0;         ///< songs that were made to find out
};

/// Makes the first `samples` songs of the set in a temporary folder, throws them away, and multiplies. Songs that are
/// there already count as if they were not; a song that cannot be made is skipped. Time is divided by the threads, at
/// most as many as the machine has processors. Throws kUsage for bad options, kInput when none of the samples can be
/// made, and what render_dataset throws.
DatasetEstimate estimate_dataset(const DatasetOptions& options, const Composer& composer, const Lexicon& lexicon,
                                 int samples = 3, const CancelToken& cancel = {});

}  // namespace instructme
