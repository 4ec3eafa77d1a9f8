#pragma once

#include <string>
#include <vector>

#include "instructme/audio/audio_buffer.h"
#include "instructme/base/cancel.h"
#include "instructme/base/progress.h"
#include "instructme/models/mask_head.h"

namespace instructme {

/// At so many speeds the music is heard by who is thorough.
inline constexpr size_t kThoroughSpeeds = 3;

/// Takes instruments out of music by a ratio mask on the music's own spectrum: the mask head hears a mono mix at its
/// own rate, and its mask is laid over every channel at the rate of the source. So a stem has the phases and the width
/// of the source, and source minus stem is the rest exactly. Of music in stereo it hears each channel, and what it
/// hears is taken apart by place too, by a multichannel Wiener filter for the whole piece (Duong, Vincent and Gribonval
/// 2010). Music of any length goes through in stretches of 96 s, whose borders cannot be heard or measured: each is
/// heard with everything around it that can reach it. Memory: source and stems, that of one stretch, and for stereo
/// 0.2 MB for each second and stem. Not thread-safe.
/// When it is thorough, it hears the music at its own speed and a semitone slower and faster, and the shares of a bin
/// are as the geometric means of what it hears: what a network hears changes with the pitch by more than the music
/// does, and the mean is nearer to the truth. That takes kThoroughSpeeds times as long.
class StemExtractor {
 public:
  /// `model_rate` and `level_dbfs`: the rate in Hz and the RMS level of the music the mask head was trained on.
  StemExtractor(MaskHead mask, int model_rate, double level_dbfs, bool thorough = false);

  /// One stem per instrument (canonical names), each with the rate, channels and length of the source. The stems
  /// of several never claim more of a bin than all of it. A silent source gives silent stems.
  /// For an instrument that the mask head does not know, all of its family is taken that it does know.
  /// Throws kInput when there is none of the family, kCancelled.
  std::vector<AudioBuffer> extract(const AudioBuffer& source, const std::vector<std::string>& instruments,
                                   const ProgressCallback& progress = {}, const CancelToken& cancel = {});

 private:
  at::Tensor masks(const at::Tensor& wave, const std::vector<std::vector<int64_t>>& places, int64_t first, int64_t last,
                   const MaskHeadImpl::Step& step);
  at::Tensor masks_at(int64_t speed, const at::Tensor& wave, const std::vector<std::vector<int64_t>>& places,
                      int64_t first, int64_t last, const MaskHeadImpl::Step& step);

  MaskHead mask_;
  int model_rate_;
  double level_dbfs_;
  bool thorough_;
};

/// Places of an instrument among those of a mask head: its own, or those of its family (text/lexicon.h) when the mask
/// head does not know it; empty when it knows none of them.
std::vector<int64_t> mask_places(const MaskHeadImpl& mask, const std::string& instrument);

/// A mask (N, T, F) over bins of equal width up to `model_rate` / 2, for spectra with the same bin width and `bins`
/// bins: cut off, or continued upwards by the mean of the highest octave that the model hears undamped.
at::Tensor fit_mask(const at::Tensor& mask, int64_t bins);

/// A mask (N, T', F) of music that was played `ratio` times as fast, and so as high, as one of the music itself, of
/// its frames first..first + count - 1: (N, count, F). Between entries it is interpolated, beyond the last the last.
at::Tensor mask_at_own_speed(const at::Tensor& mask, double ratio, int64_t first, int64_t count);

}  // namespace instructme
