#include "instructme/synth/singer.h"

#include <algorithm>
#include <cmath>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "part_events.h"
#include "sung_notes.h"
#include "vocal_tract.h"

namespace instructme {
namespace {

const VoiceType& find_voice(const std::string& name) {
  std::vector<std::string> names;
  for (const VoiceType& type : voice_types()) {
    if (type.name == name) return type;
    names.push_back(type.name);
  }
  throw Error(ErrorKind::kUsage, "There is no voice '" + name + "'" + did_you_mean(name, names) + "; there are " +
                                     join(names, ", ") + ".");
}

// How many times one singer is recorded; pop lead vocals are often doubled.
int draw_takes(Rng& rng) {
  if (rng.chance(0.7)) return 1;
  return rng.chance(0.6) ? 2 : 3;
}

}  // namespace

const std::vector<VoiceType>& voice_types() {
  static const std::vector<VoiceType> kTypes{
      {"soprano", 0.83, 60, 81, 1}, {"mezzo-soprano", 0.86, 57, 77, 1}, {"alto", 0.89, 53, 74, 1},
      {"tenor", 0.97, 48, 69, 0},   {"baritone", 1.0, 43, 65, 0},       {"bass", 1.06, 38, 62, 0},
      {"child", 0.74, 60, 79, 0.7},
  };
  return kTypes;
}

Singer::Singer(const StemRendererOptions& options) : options_(options) { check_stem_options(options); }

std::vector<float> Singer::render(const Score& score, const Part& part, const VoiceSound& sound, uint64_t seed) const {
  const VoiceType& type = find_voice(sound.voice);
  const auto length = static_cast<size_t>(stem_frames(score, options_));
  std::vector<float> stem(length, 0.0f);
  const std::vector<Note> line = single_voice(part.notes, type.low, type.high);
  if (line.empty()) return stem;
  Rng rng = Rng(seed).fork("singer");
  SingerTraits traits = draw_traits(type, sound.lyrics, rng);
  const size_t frames = (length + kStemBlock - 1) / kStemBlock;
  const double frame_s = static_cast<double>(kStemBlock) / options_.sample_rate;
  const int takes = draw_takes(rng);
  for (int take = 0; take < takes; ++take) {
    // The words are the same in every take, and all else nearly.
    std::vector<Note> notes = line;
    if (take > 0) {
      Rng timing = rng.fork("take").fork(static_cast<uint64_t>(take));
      for (Note& note : notes) note.onset_s = std::max(0.0, note.onset_s + 0.012 * timing.normal());
      notes = single_voice(std::move(notes), type.low, type.high);
      traits.drift_cents += 6;
    }
    const std::vector<VoiceFrame> tract = articulate(notes, traits, frames, frame_s, rng.fork("words"));
    const std::vector<float> voice =
        sound_of_tract(tract, traits, options_.sample_rate, rng.fork("air").fork(static_cast<uint64_t>(take)));
    const float gain = take == 0 ? 1.0f : 0.6f;
    for (size_t i = 0; i < length; ++i) stem[i] += gain * voice[i];
  }
  fade_tail(stem, options_);
  return stem;
}

}  // namespace instructme
