#include "instructme/data/triplet_sequence.h"

#include <algorithm>
#include <set>

namespace instructme {
namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

ClipInfo clip_info(const SongSet& songs, const Triplet& triplet) {
  const SongInfo& song = songs.info(triplet.song);
  ClipInfo clip;
  clip.song = songs.name(triplet.song);
  clip.origin = song.source;
  clip.seed = song.seed;
  clip.start_s = static_cast<double>(triplet.start_frame) / song.sample_rate;
  clip.tempo_bpm = song.tempo_bpm;
  clip.beats_per_bar = song.beats_per_bar;
  clip.key = song.key;
  const double length_s = static_cast<double>(triplet.source.size()) / song.sample_rate;
  for (const ChordSpan& span : song.chords) {
    const double start = std::max(0.0, span.start_s - clip.start_s),
                 end = std::min(length_s, span.end_s - clip.start_s);
    if (start < end) clip.chords.push_back({start, end, span.chord});
  }
  std::set<SoundOrigin> sounds;
  for (const ArrangementInfo& arrangement : song.arrangements)
    for (const VersionInfo& version : arrangement.versions)
      for (const StemInfo& stem : version.stems)
        if (stem.instrument.empty() ? triplet.unnamed
                                    : contains(triplet.source_instruments, stem.instrument) ||
                                          contains(triplet.target_instruments, stem.instrument)) {
          sounds.insert({stem.source, stem.licence});
          if (!stem.effect_source.empty()) sounds.insert({stem.effect_source, stem.effect_licence});
        }
  clip.sounds.assign(sounds.begin(), sounds.end());
  return clip;
}

}  // namespace instructme
