#include "instructme/data/part_clip.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"

namespace instructme {
namespace {

constexpr double kFewness = 1.3;  // exponent of the even number that a count of parts comes from
constexpr double kSounds_db = -60;
constexpr int kPlacesToTry = 6;

double power(double db) { return std::pow(10.0, db / 10.0); }

}  // namespace

std::string PartClipOptions::fault() const {
  if (seconds >= kLevelBlock_s / 2 && parts >= 1 && gain_db >= 0 && foreign >= 0 && foreign <= 1) return "";
  return "clips of parts last at least half a second and have at least one part; gain_db must not be negative and "
         "foreign lies in 0..1";
}

PartClipSampler::PartClipSampler(const SongSet& songs, PartClipOptions options)
    : songs_(songs), options_(options), blocks_(std::llround(options.seconds / kLevelBlock_s)) {
  if (const std::string fault = options_.fault(); !fault.empty()) throw Error(ErrorKind::kUsage, fault);
  std::map<std::string, std::vector<Place>> places;
  for (size_t i = 0; i < songs_.size(); ++i) {
    const SongInfo& info = songs_.info(i);
    if (info.frames < blocks_ * songs_.block_frames()) continue;
    long_songs_.push_back(i);
    for (size_t a = 0; a < info.arrangements.size(); ++a)
      for (size_t v = 0; v < info.arrangements[a].versions.size(); ++v) {
        const auto& stems = info.arrangements[a].versions[v].stems;
        for (size_t s = 0; s < stems.size(); ++s)
          if (!stems[s].instrument.empty()) places[stems[s].instrument].push_back({i, a, v, s});
      }
  }
  if (places.empty())
    throw Error(ErrorKind::kInput, format("no song with instruments is as long as a clip of %.1f s",
                                          static_cast<double>(blocks_) * kLevelBlock_s));
  double sum = 0;
  for (auto& [name, of_it] : places) {
    until_.push_back(sum += std::sqrt(static_cast<double>(of_it.size())));
    places_.push_back(std::move(of_it));
  }
}

LabelledClip PartClipSampler::empty_clip() const {
  LabelledClip clip;
  clip.wave.assign(static_cast<size_t>(blocks_ * songs_.block_frames()), 0.0f);
  return clip;
}

int64_t PartClipSampler::draw_parts(Rng& rng) const {
  const double count = static_cast<double>(options_.parts) * std::pow(rng.uniform(0, 1), kFewness);
  return std::min(options_.parts, 1 + static_cast<int64_t>(count));
}

int64_t PartClipSampler::last_block(size_t song) const {
  return songs_.info(song).frames / songs_.block_frames() - blocks_;
}

const PartClipSampler::Place& PartClipSampler::draw_place(Rng& rng) const {
  const double drawn = rng.uniform(0, until_.back());
  const auto found = std::lower_bound(until_.begin(), until_.end(), drawn);
  return rng.pick(places_[static_cast<size_t>(std::min(found, until_.end() - 1) - until_.begin())]);
}

void PartClipSampler::add(const Place& place, int64_t first_block, double gain_db, LabelledClip& clip) const {
  const StemInfo& stem =
      songs_.info(place.song).arrangements[place.arrangement].versions[place.version].stems[place.stem];
  const int64_t frames = songs_.block_frames();
  const std::vector<float> wave =
      songs_.clip(place.song, place.arrangement, place.version, place.stem, first_block * frames, blocks_ * frames);
  const auto gain = static_cast<float>(std::pow(10.0, gain_db / 20.0));
  for (size_t i = 0; i < wave.size(); ++i) clip.wave[i] += gain * wave[i];
  if (stem.instrument.empty()) {
    clip.unnamed = true;
    return;
  }
  auto known = std::find_if(clip.instruments.begin(), clip.instruments.end(),
                            [&](const InstrumentLevels& levels) { return levels.instrument == stem.instrument; });
  if (known == clip.instruments.end()) {
    clip.instruments.push_back({stem.instrument, std::vector<float>(static_cast<size_t>(blocks_), kSilence_db)});
    known = clip.instruments.end() - 1;
  }
  for (int64_t b = 0; b < blocks_; ++b) {
    const auto at = static_cast<size_t>(first_block + b);
    if (at >= stem.block_levels_db.size()) break;
    float& level = known->blocks_db[static_cast<size_t>(b)];
    level = static_cast<float>(10.0 * std::log10(power(level) + power(stem.block_levels_db[at] + gain_db)));
  }
}

LabelledClip PartClipSampler::sample_song(size_t song, Rng& rng) const {
  const SongInfo& info = songs_.info(song);
  ensure(last_block(song) >= 0, "a clip was wanted of a song that is shorter");
  const size_t arrangement = rng.index(info.arrangements.size());
  const auto& versions = info.arrangements[arrangement].versions;
  const size_t version = rng.index(versions.size());
  const int64_t first = rng.integer(0, last_block(song));
  std::vector<size_t> stems(versions[version].stems.size());
  std::iota(stems.begin(), stems.end(), size_t{0});
  const auto wanted = static_cast<size_t>(draw_parts(rng));
  LabelledClip clip = empty_clip();
  clip.song = song;
  clip.start_s = static_cast<double>(first * songs_.block_frames()) / info.sample_rate;
  clip.genre = info.arrangements[arrangement].genre;
  clip.key = info.key;
  clip.tempo_bpm = info.beats.empty() ? 0 : info.tempo_bpm;  // of recordings without beats nobody knows it
  clip.beats_per_bar = info.beats_per_bar;
  for (size_t i = 0; i < wanted && i < stems.size(); ++i) {
    std::swap(stems[i],
              stems[static_cast<size_t>(rng.integer(static_cast<int64_t>(i), static_cast<int64_t>(stems.size()) - 1))]);
    add({song, arrangement, version, stems[i]}, first, rng.uniform(-options_.gain_db, options_.gain_db), clip);
  }
  return clip;
}

LabelledClip PartClipSampler::sample(Rng& rng) const {
  if (!rng.chance(options_.foreign)) return sample_song(rng.pick(long_songs_), rng);
  LabelledClip clip = empty_clip();
  const int64_t wanted = draw_parts(rng);
  for (int64_t i = 0; i < wanted; ++i) {
    const Place& place = draw_place(rng);
    int64_t first = 0;
    for (int attempt = 0; attempt < kPlacesToTry; ++attempt) {
      first = rng.integer(0, last_block(place.song));
      if (songs_.clip_level_db(place.song, place.arrangement, place.version, place.stem, first, blocks_) > kSounds_db)
        break;
    }
    add(place, first, rng.uniform(-options_.gain_db, options_.gain_db), clip);
  }
  return clip;
}

}  // namespace instructme
