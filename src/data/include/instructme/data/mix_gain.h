#pragma once

#include <vector>

namespace instructme {

/// One factor for all stems of a song: their sum gets the active RMS `level_db`, dBFS, or less, so that neither it nor
/// a stem rises above 0.98 of full scale. The stems may differ in length. 0 when nothing sounds.
double mix_gain(const std::vector<std::vector<float>>& stems, double level_db, int sample_rate);

}  // namespace instructme
