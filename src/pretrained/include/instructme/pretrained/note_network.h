#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <memory>

#include "instructme/dsp/constant_q.h"

namespace instructme {

/// The published note-transcription network of basic-pitch (Bittner et al., "A Lightweight Instrument-Agnostic Model
/// for Polyphonic Note Transcription and Multipitch Estimation", ICASSP 2022; weights by Spotify, Apache-2.0), computed
/// with torch. The weights are read from the published files; they do not come with this project. Thread-safe. Letters:
/// N windows, T = 172 frames, 88 piano keys from A0 (MIDI 21), 264 thirds of a semitone.
class NoteNetwork {
 public:
  static constexpr int kSampleRate = 22050;
  static constexpr int64_t kHop = 256;                        ///< samples per frame
  static constexpr int64_t kWindow = 2 * kSampleRate - kHop;  ///< samples per window: 43844
  static constexpr int64_t kFrames = kWindow / kHop + 1;      ///< frames per window: 172
  static constexpr int kKeys = 88, kLowestKey = 21, kBinsPerKey = 3;

  /// `path` is nmp.onnx of the basic-pitch repository, or model/model.json of the npm package @spotify/basic-pitch.
  /// Throws kIo when it cannot be read, kModel when the file is damaged or holds another network.
  explicit NoteNetwork(const std::filesystem::path& path);
  ~NoteNetwork();
  NoteNetwork(NoteNetwork&&) noexcept;

  struct Output {
    at::Tensor contour;  ///< (N, T, 264): pitches that sound
    at::Tensor note;     ///< (N, T, 88): keys that sound
    at::Tensor onset;    ///< (N, T, 88): keys that are struck
  };
  /// windows (N, 43844) float, 22 050 Hz mono in [-1, 1] -> probabilities, float.
  Output forward(const at::Tensor& windows) const;

 private:
  struct Weights;
  std::unique_ptr<Weights> weights_;
};

}  // namespace instructme
