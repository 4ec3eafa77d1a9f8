#pragma once

#include <span>
#include <vector>

namespace instructme {

/// A spectrogram to look at: levels in dB of full scale, [rows * columns] row by row; row r is the frequency
/// r * sample rate / window, column c the time c * hop samples.
struct Spectrogram {
  int rows = 0;
  int columns = 0;
  std::vector<float> levels_db;
};

/// Hann window of `window` samples (a power of two), every `hop` samples; a sine of amplitude 1 has 0 dB, and nothing
/// is below `floor_db`. Throws kInternal for another window or no hop.
Spectrogram spectrogram(std::span<const float> mono, int window = 1024, int hop = 256, double floor_db = -120);

}  // namespace instructme
