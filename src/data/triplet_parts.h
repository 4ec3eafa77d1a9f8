#pragma once

// What the two halves of TripletSampler share: triplet.cpp draws clips and finishes examples,
// triplet_pairs.cpp makes source and target.
#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "instructme/audio/audio_buffer.h"
#include "instructme/data/triplet.h"
#include "instructme/text/pitched.h"

namespace instructme {

using Names = std::vector<std::string>;

// `count` different items, in random order.
inline Names draw(Names items, size_t count, Rng& rng) {
  rng.shuffle(items);
  items.resize(std::min(count, items.size()));
  return items;
}

inline size_t draw_size(size_t low, size_t high, Rng& rng) {
  return static_cast<size_t>(rng.integer(static_cast<int64_t>(low), static_cast<int64_t>(high)));
}

/// Operations that one sentence may ask for together: the second must not undo the first, and what has been
/// extracted has nothing more to give.
inline constexpr std::array<std::pair<Operation, Operation>, 7> kRequestPairs{{
    {Operation::kExtract, Operation::kAdd},
    {Operation::kRemove, Operation::kAdd},
    {Operation::kAdd, Operation::kRemove},
    {Operation::kRemove, Operation::kReplace},
    {Operation::kReplace, Operation::kRemove},
    {Operation::kAdd, Operation::kReplace},
    {Operation::kReplace, Operation::kAdd},
}};

/// Some stems added up.
struct Mix {
  std::vector<float> wave;
  std::vector<HeardStem> stems;
};

struct TripletSampler::Clip {
  size_t song = 0;
  int64_t start = 0, frames = 0;        // frames
  int64_t first_block = 0, blocks = 0;  // level blocks the clip touches
};

// What sounds in a clip of one version, by instrument, with the gain of every stem.
struct TripletSampler::Take {
  size_t arrangement = 0, version = 0;
  std::map<std::string, std::vector<size_t>> groups;
  std::vector<size_t> unnamed;  // stems without an instrument
  std::vector<double> gains;

  Names instruments() const {
    Names names;
    for (const auto& [name, stems] : groups) names.push_back(name);
    return names;
  }
};

// Adds stems up, reading each once.
class TripletSampler::Mixer {
 public:
  Mixer(const SongSet& songs, const Clip& clip, double silence_db)
      : songs_(songs),
        clip_(clip),
        silence_db_(silence_db),
        whole_blocks_(clip.start % songs.block_frames() == 0 && clip.frames % songs.block_frames() == 0) {}

  const Clip& clip() const { return clip_; }
  // Whether every instrument that was added sounds within the clip. That it sounds in the blocks which the clip touches
  // says so only of whole blocks: it may begin behind the clip's end.
  bool all_sound() const { return all_sound_; }

  void add(const Take& take, const std::vector<size_t>& stems, Mix& mix) {
    mix.wave.resize(static_cast<size_t>(clip_.frames));
    const auto& infos = songs_.info(clip_.song).arrangements[take.arrangement].versions[take.version].stems;
    bool sounds = whole_blocks_ || stems.empty();
    for (size_t stem : stems) {
      const std::array<size_t, 3> key{take.arrangement, take.version, stem};
      auto found = read_.find(key);
      if (found == read_.end())
        found = read_.emplace(key, songs_.clip(clip_.song, key[0], key[1], stem, clip_.start, clip_.frames)).first;
      sounds = sounds || rms_db(found->second) >= silence_db_;
      const auto gain = static_cast<float>(take.gains[stem]);
      for (size_t i = 0; i < mix.wave.size(); ++i) mix.wave[i] += gain * found->second[i];
      mix.stems.push_back({take.arrangement, take.version, stem, infos[stem].instrument, gain});
    }
    all_sound_ = all_sound_ && sounds;
  }
  void add(const Take& take, const Names& instruments, Mix& mix) {
    mix.wave.resize(static_cast<size_t>(clip_.frames));
    for (const std::string& name : instruments) add(take, take.groups.at(name), mix);
  }

 private:
  const SongSet& songs_;
  const Clip& clip_;
  double silence_db_;
  bool whole_blocks_, all_sound_ = true;
  std::map<std::array<size_t, 3>, std::vector<float>> read_;
};

// A mix: some of the instruments that sound in a version, in random order.
struct TripletSampler::Choice {
  Take all;
  Names chosen;          // empty when there is nothing to take apart
  bool unnamed = false;  // with the stems without an instrument
};

}  // namespace instructme
