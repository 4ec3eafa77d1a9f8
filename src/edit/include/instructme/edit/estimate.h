#pragma once

#include "instructme/audio/audio_file.h"
#include "instructme/edit/editor.h"

namespace instructme {

/// What an edit will take, about.
struct EditEstimate {
  double seconds = 0;
  double memory_mb = 0;  ///< the most that the program holds at one time, libraries included
};

/// By the sizes of the model's networks, how often each of them runs, and the rate of float32 matrix products of this
/// machine in GFLOP/s (measure_matmul_gflops), of which every network reaches a share that was measured
/// (docs/editing.md says how). A range in bars without beats counts as all of the music.
EditEstimate estimate_edit(const Editor& editor, const Plan& plan, const AudioInfo& music, const EditOptions& options,
                           double gflops);

}  // namespace instructme
