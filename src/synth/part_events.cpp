#include "part_events.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"

namespace instructme {
namespace {

// Bank selects would change the preset, pan would change the level of the mono stem, and channel
// mode messages (120 and above) would stop notes.
bool is_ignored_controller(int controller) {
  return controller == 0 || controller == 32 || controller == 10 || controller >= 120;
}

int64_t block_of(double time_s, double sample_rate) {
  return std::llround(std::max(0.0, time_s) * sample_rate / kStemBlock);
}

}  // namespace

void append_part_events(const Part& part, int channel, double sample_rate, std::vector<PartEvent>& events) {
  for (const ControlChange& change : part.controls)
    if (!is_ignored_controller(change.controller))
      events.push_back({block_of(change.time_s, sample_rate), PartEvent::kControl, channel, change.controller,
                        std::clamp(change.value, 0, 127)});
  // A note ends at the latest where its key is struck again: a later note-off would cut the new one.
  std::array<std::vector<const Note*>, 128> notes_of_key;
  for (const Note& note : part.notes)
    if (note.pitch >= 0 && note.pitch < 128 && note.velocity > 0)
      notes_of_key[static_cast<size_t>(note.pitch)].push_back(&note);
  for (auto& notes : notes_of_key) {
    std::stable_sort(notes.begin(), notes.end(), [](const Note* a, const Note* b) { return a->onset_s < b->onset_s; });
    for (size_t i = 0; i < notes.size(); ++i) {
      const Note& note = *notes[i];
      const int64_t on = block_of(note.onset_s, sample_rate);
      int64_t off = std::max(on + 1, block_of(note.onset_s + note.duration_s, sample_rate));
      if (i + 1 < notes.size()) {
        const int64_t next = block_of(notes[i + 1]->onset_s, sample_rate);
        if (next == on) continue;  // the same key twice at once sounds once
        off = std::min(off, next);
      }
      events.push_back({on, PartEvent::kOn, channel, note.pitch, std::clamp(note.velocity, 1, 127)});
      events.push_back({off, PartEvent::kOff, channel, note.pitch, 0});
    }
  }
}

void sort_events(std::vector<PartEvent>& events) {
  std::stable_sort(events.begin(), events.end(), [](const PartEvent& a, const PartEvent& b) {
    return a.block != b.block ? a.block < b.block : a.kind < b.kind;
  });
}

void check_stem_options(const StemRendererOptions& o) {
  const auto require = [](bool good, const std::string& what) {
    if (!good) throw Error(ErrorKind::kUsage, what);
  };
  require(o.sample_rate >= 8000 && o.sample_rate <= 96000,
          format("The sample rate of a rendering must be 8000 to 96000 Hz, not %d.", o.sample_rate));
  require(o.gain > 0 && o.gain <= 10, format("The synthesizer's gain must be above 0 and at most 10, not %g.", o.gain));
  require(o.interpolation == 0 || o.interpolation == 1 || o.interpolation == 4 || o.interpolation == 7,
          format("The synthesizer's interpolation must be 0, 1, 4 or 7, not %d.", o.interpolation));
  require(o.polyphony >= 1 && o.polyphony <= 65535,
          format("The synthesizer's polyphony must be 1 to 65535, not %d.", o.polyphony));
  require(o.tail_s >= 0 && o.tail_s <= 60, format("The tail of a rendering must be 0 to 60 s, not %g.", o.tail_s));
}

int64_t stem_frames(const Score& score, const StemRendererOptions& options) {
  return std::llround((std::max(0.0, score.duration_s) + options.tail_s) * options.sample_rate);
}

void fade_tail(std::vector<float>& stem, const StemRendererOptions& options) {
  const auto total = static_cast<int64_t>(stem.size());
  const auto frames = std::min(static_cast<int64_t>(0.5 * options.tail_s * options.sample_rate), total);
  for (int64_t i = 0; i < frames; ++i)
    stem[static_cast<size_t>(total - frames + i)] *=
        static_cast<float>(0.5 + 0.5 * std::cos(M_PI * static_cast<double>(i + 1) / static_cast<double>(frames)));
}

}  // namespace instructme
