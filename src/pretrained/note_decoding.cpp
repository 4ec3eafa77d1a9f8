#include "instructme/pretrained/note_decoding.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "instructme/base/error.h"
#include "instructme/pretrained/note_network.h"

namespace instructme {
namespace {

constexpr int64_t kKeys = NoteNetwork::kKeys;
constexpr int64_t kOverlapFrames = 9 * NotePosteriors::kFramesPerWindow;  // 15 s, of whole windows

/// Works on matrices [frame][key] of one piece.
class Decoder {
 public:
  Decoder(const NotePosteriors& posteriors, const NoteDecodingOptions& options)
      : options_(options),
        frames_(posteriors.note.size(0)),
        sounding_(values(posteriors.note)),
        onsets_(values(posteriors.onset)),
        left_(sounding_) {}

  std::vector<Note> decode() {
    if (options_.infer_onsets) infer_onsets();
    take_notes_with_onset();
    if (options_.without_onset) take_notes_without_onset();
    std::sort(notes_.begin(), notes_.end(),
              [](const Note& a, const Note& b) { return std::tie(a.onset_s, a.pitch) < std::tie(b.onset_s, b.pitch); });
    return std::move(notes_);
  }

 private:
  static std::vector<float> values(const at::Tensor& matrix) {
    const at::Tensor flat = matrix.to(at::kCPU, at::kFloat).contiguous();
    return {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()};
  }
  static size_t at(int64_t frame, int64_t key) { return static_cast<size_t>(frame * kKeys + key); }

  // A key that rises over both of the last two frames is struck; the steepest rise counts as the surest onset.
  void infer_onsets() {
    std::vector<float> rises(sounding_.size(), 0.0f);
    for (int64_t frame = 2; frame < frames_; ++frame)
      for (int64_t key = 0; key < kKeys; ++key) {
        const float now = sounding_[at(frame, key)];
        rises[at(frame, key)] =
            std::max(0.0f, std::min(now - sounding_[at(frame - 1, key)], now - sounding_[at(frame - 2, key)]));
      }
    if (rises.empty()) return;
    const float steepest = *std::max_element(rises.begin(), rises.end());
    if (steepest <= 0) return;
    const float factor = *std::max_element(onsets_.begin(), onsets_.end()) / steepest;
    for (size_t i = 0; i < rises.size(); ++i) onsets_[i] = std::max(onsets_[i], factor * rises[i]);
  }

  bool is_peak(int64_t frame, int64_t key) const {
    const float value = onsets_[at(frame, key)];
    return value > static_cast<float>(options_.onset_threshold) &&
           (frame == 0 || value > onsets_[at(frame - 1, key)]) &&
           (frame + 1 == frames_ || value > onsets_[at(frame + 1, key)]);
  }

  struct Edge {
    int64_t stop;  // the first frame that was not looked at
    int silent;    // how many of those before it were silent
  };
  /// Follows a note from `frame` in steps of `step` until it has been silent for long enough; `limit` is not looked at.
  Edge follow(int64_t frame, int64_t key, int step, int64_t limit) const {
    int silent = 0;
    for (; (limit - frame) * step > 0 && silent < options_.silent_frames; frame += step)
      silent = left_[at(frame, key)] < static_cast<float>(options_.frame_threshold) ? silent + 1 : 0;
    return {frame, silent};
  }

  void clear(int64_t first, int64_t end, int64_t key) {
    for (int64_t frame = first; frame < end; ++frame)
      for (int64_t near = std::max<int64_t>(0, key - 1); near <= std::min(kKeys - 1, key + 1); ++near)
        left_[at(frame, near)] = 0;
  }

  void add_note(int64_t first, int64_t end, int64_t key) {
    double sum = 0;
    for (int64_t frame = first; frame < end; ++frame) sum += sounding_[at(frame, key)];
    const double loudness = sum / static_cast<double>(end - first);
    const double onset = NotePosteriors::time_of(first);
    notes_.push_back({onset, NotePosteriors::time_of(end) - onset, static_cast<int>(key) + NoteNetwork::kLowestKey,
                      std::clamp(static_cast<int>(std::lround(127 * loudness)), 1, 127)});
  }

  void take_notes_with_onset() {
    for (int64_t frame = frames_ - 2; frame >= 0; --frame)
      for (int64_t key = kKeys - 1; key >= 0; --key) {
        if (!is_peak(frame, key)) continue;
        const Edge edge = follow(frame + 1, key, 1, frames_ - 1);
        const int64_t end = edge.stop - edge.silent;
        if (end - frame <= options_.shortest_frames) continue;
        clear(frame, end, key);
        add_note(frame, end, key);
      }
  }

  // The strongest of what is left is the middle of a note, until nothing is above the threshold. Energy only ever
  // vanishes, so one sorted list serves for all.
  void take_notes_without_onset() {
    std::vector<size_t> places;
    for (size_t i = 0; i < left_.size(); ++i)
      if (left_[i] > static_cast<float>(options_.frame_threshold)) places.push_back(i);
    std::stable_sort(places.begin(), places.end(), [this](size_t a, size_t b) { return left_[a] > left_[b]; });
    for (const size_t place : places) {
      if (left_[place] == 0) continue;
      const auto middle = static_cast<int64_t>(place) / kKeys, key = static_cast<int64_t>(place) % kKeys;
      left_[place] = 0;
      const Edge after = follow(middle + 1, key, 1, frames_ - 1), before = follow(middle - 1, key, -1, 0);
      const int64_t first = before.stop + 1 + before.silent, end = after.stop - 1 - after.silent;
      clear(before.stop + 1, after.stop, key);
      if (end - first > options_.shortest_frames) add_note(first, end, key);
    }
  }

  const NoteDecodingOptions& options_;
  int64_t frames_;
  std::vector<float> sounding_, onsets_;
  std::vector<float> left_;  // what no note has taken yet
  std::vector<Note> notes_;
};

}  // namespace

void NoteDecodingOptions::validate() const {
  const auto share = [](double value) { return value > 0 && value < 1; };
  if (!share(onset_threshold) || !share(frame_threshold) || shortest_frames < 0 || silent_frames < 1)
    throw Error(ErrorKind::kUsage,
                "notes are decoded with thresholds between 0 and 1, a shortest length of 0 frames or more, and 1 or "
                "more silent frames");
}

double NotePosteriors::time_of(int64_t frame) {
  const int64_t samples = frame / kFramesPerWindow * kWindowStep + frame % kFramesPerWindow * NoteNetwork::kHop;
  return static_cast<double>(samples) / NoteNetwork::kSampleRate;
}

std::vector<Note> decode_notes(const NotePosteriors& posteriors, const NoteDecodingOptions& options) {
  options.validate();
  ensure(posteriors.note.dim() == 2 && posteriors.note.size(1) == kKeys &&
             posteriors.onset.sizes() == posteriors.note.sizes(),
         "notes are decoded from probabilities of shape (T, 88)");
  return Decoder(posteriors, options).decode();
}

NoteCollector::NoteCollector(const NoteDecodingOptions& options, int64_t part_windows)
    : options_(options), part_frames_(part_windows * NotePosteriors::kFramesPerWindow) {
  options_.validate();
  ensure(part_frames_ > 2 * kOverlapFrames, "notes are decoded in parts of more than twice their overlap");
}

void NoteCollector::add(const NotePosteriors& posteriors) {
  note_.push_back(posteriors.note);
  onset_.push_back(posteriors.onset);
  held_ += posteriors.note.size(0);
  if (held_ >= part_frames_) decode_part(false, 0);
}

std::vector<Note> NoteCollector::finish(double duration_s) {
  if (held_ > 0) decode_part(true, duration_s);
  return std::move(notes_);
}

// Keeps the notes that begin inside; half of the overlap at its borders is what the neighbouring part sees better.
void NoteCollector::decode_part(bool last, double duration_s) {
  const NotePosteriors part{at::cat(note_), at::cat(onset_)};
  // Parts begin where windows do, as times count in windows; the last frames may be less than one.
  constexpr int64_t kWindowFrames = NotePosteriors::kFramesPerWindow;
  const int64_t advance = std::max<int64_t>(0, held_ - kOverlapFrames) / kWindowFrames * kWindowFrames;
  const double shift = NotePosteriors::time_of(start_);
  const double from = start_ == 0 ? 0.0 : NotePosteriors::time_of(start_ + kOverlapFrames / 2);
  const double to = last ? duration_s : NotePosteriors::time_of(start_ + advance + kOverlapFrames / 2);
  for (Note note : decode_notes(part, options_)) {
    note.onset_s += shift;
    if (note.onset_s < from || note.onset_s >= to) continue;
    if (last) note.duration_s = std::min(note.duration_s, duration_s - note.onset_s);
    notes_.push_back(note);
  }
  note_ = {part.note.slice(0, advance).clone()};
  onset_ = {part.onset.slice(0, advance).clone()};
  start_ += advance;
  held_ -= advance;
}

}  // namespace instructme
