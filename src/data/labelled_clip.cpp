#include "instructme/data/labelled_clip.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"

namespace instructme {
namespace {

double power(double db) { return std::pow(10.0, db / 10.0); }

/// Blocks as they would be with chords only where something with a pitch sounds.
void silence_chords(std::vector<ChordSpan>& chords, const std::vector<char>& pitched) {
  std::vector<ChordSpan> kept;
  const auto add = [&](double start, double end, const Chord& chord) {
    if (end <= start) return;
    if (!kept.empty() && kept.back().end_s == start && kept.back().chord == chord)
      kept.back().end_s = end;
    else
      kept.push_back({start, end, chord});
  };
  for (const ChordSpan& span : chords) {
    double from = span.start_s;
    while (from < span.end_s) {
      const auto block = static_cast<size_t>(from / kLevelBlock_s);
      const double to = std::min(span.end_s, static_cast<double>(block + 1) * kLevelBlock_s);
      const bool heard = block < pitched.size() && pitched[block] != 0;
      add(from, to, heard ? span.chord : Chord::no_chord());
      from = to;
    }
  }
  chords = std::move(kept);
}

}  // namespace

std::string LabelledClipOptions::fault() const {
  const auto share = [](double probability) { return probability >= 0 && probability <= 1; };
  if (seconds >= kLevelBlock_s / 2 && stem_gain_db >= 0 && share(thin_probability) && share(drop_probability) &&
      share(mixed_probability))
    return "";
  return "clips must last at least half a second, gains must not be negative and probabilities lie in 0..1";
}

LabelledClipSampler::LabelledClipSampler(const SongSet& songs, LabelledClipOptions options)
    : songs_(songs), options_(options) {
  if (const std::string fault = options_.fault(); !fault.empty()) throw Error(ErrorKind::kUsage, fault);
  blocks_ = std::llround(options_.seconds / kLevelBlock_s);
  for (size_t i = 0; i < songs_.size(); ++i)
    if (songs_.info(i).frames >= blocks_ * songs_.block_frames()) long_songs_.push_back(i);
  if (long_songs_.empty())
    throw Error(ErrorKind::kInput,
                format("no song is as long as a clip of %.1f s", static_cast<double>(blocks_) * kLevelBlock_s));
}

LabelledClip LabelledClipSampler::mix(size_t song, const std::string& genre, const std::vector<Part>& parts,
                                      int64_t first_block, int64_t blocks) const {
  const SongInfo& info = songs_.info(song);
  const int64_t block_frames = songs_.block_frames();
  const int64_t start = first_block * block_frames;
  const int64_t frames = std::min(blocks * block_frames, info.frames - start);
  LabelledClip clip;
  clip.song = song;
  clip.start_s = static_cast<double>(start) / info.sample_rate;
  clip.key = info.key;
  clip.tempo_bpm = info.tempo_bpm;
  clip.beats_per_bar = info.beats_per_bar;
  clip.genre = genre;
  clip.wave.assign(static_cast<size_t>(frames), 0.0f);
  std::map<std::string, std::vector<double>> powers;
  std::vector<char> pitched(static_cast<size_t>(blocks), 0);
  for (const Part& part : parts) {
    const StemInfo& stem = info.arrangements.at(part.arrangement).versions.at(part.version).stems.at(part.stem);
    const auto gain = static_cast<float>(std::pow(10.0, part.gain_db / 20.0));
    const std::vector<float> wave = songs_.clip(song, part.arrangement, part.version, part.stem, start, frames);
    for (size_t i = 0; i < wave.size(); ++i) clip.wave[i] += gain * wave[i];
    if (stem.instrument.empty()) clip.unnamed = true;
    auto& levels = powers[stem.instrument];
    levels.resize(static_cast<size_t>(blocks), 0.0);
    for (int64_t b = 0; b < blocks; ++b) {
      const auto at = static_cast<size_t>(first_block + b);
      if (at >= stem.block_levels_db.size()) break;
      const double level = stem.block_levels_db[at] + part.gain_db;
      levels[static_cast<size_t>(b)] += power(level);
      if (stem.role != Role::kDrums && level >= options_.silence_db)
        for (int64_t near = b - 1; near <= b + 1; ++near)
          if (near >= 0 && near < blocks) pitched[static_cast<size_t>(near)] = 1;
    }
  }
  for (const auto& [name, levels] : powers) {
    if (name.empty()) continue;
    InstrumentLevels heard{name, {}};
    for (const double p : levels)
      heard.blocks_db.push_back(std::max(kSilence_db, static_cast<float>(10.0 * std::log10(p + 1e-13))));
    clip.instruments.push_back(std::move(heard));
  }
  const double end = static_cast<double>(frames) / info.sample_rate;
  for (const ChordSpan& span : info.chords) {
    const double from = std::max(0.0, span.start_s - clip.start_s), to = std::min(end, span.end_s - clip.start_s);
    if (to > from) clip.chords.push_back({from, to, span.chord});
  }
  if (!info.chords.empty()) clip.labelled_s = std::clamp(info.chords.back().end_s - clip.start_s, 0.0, end);
  silence_chords(clip.chords, pitched);
  for (const Beat& beat : info.beats)
    if (beat.time_s >= clip.start_s && beat.time_s < clip.start_s + end)
      clip.beats.push_back({beat.time_s - clip.start_s, beat.bar, beat.position});
  return clip;
}

LabelledClipSampler::Part LabelledClipSampler::any_like(const Part& part, const SongInfo& info, Rng& rng) const {
  const Role role = info.arrangements[part.arrangement].versions[part.version].stems[part.stem].role;
  Part other = part;
  other.arrangement = rng.index(info.arrangements.size());
  const auto& versions = info.arrangements[other.arrangement].versions;
  other.version = rng.index(versions.size());
  const auto& stems = versions[other.version].stems;
  std::vector<size_t> alike;
  for (size_t i = 0; i < stems.size(); ++i)
    if (stems[i].role == role) alike.push_back(i);
  if (alike.empty()) return part;
  other.stem = rng.pick(alike);
  return other;
}

LabelledClip LabelledClipSampler::sample(Rng& rng) const {
  const size_t song = rng.pick(long_songs_);
  const SongInfo& info = songs_.info(song);
  const size_t arrangement = rng.index(info.arrangements.size());
  const auto& versions = info.arrangements[arrangement].versions;
  const size_t version = rng.index(versions.size());
  const int64_t last = info.frames / songs_.block_frames() - blocks_;
  const int64_t first = rng.integer(0, std::max<int64_t>(0, last));
  const bool thin = rng.chance(options_.thin_probability), mixed = rng.chance(options_.mixed_probability);
  std::vector<Part> parts;
  const auto& stems = versions[version].stems;
  for (size_t i = 0; i < stems.size(); ++i) {
    Part part{arrangement, version, i, rng.uniform(-options_.stem_gain_db, options_.stem_gain_db)};
    if (thin && rng.chance(options_.drop_probability)) continue;
    if (mixed) part = any_like(part, info, rng);
    if (std::none_of(parts.begin(), parts.end(), [&](const Part& other) { return part.is_same(other); }))
      parts.push_back(part);
  }
  if (parts.empty() && !stems.empty()) parts.push_back({arrangement, version, rng.index(stems.size())});
  return mix(song, mixed ? "" : info.arrangements[arrangement].genre, parts, first, blocks_);
}

LabelledClip LabelledClipSampler::full_mix(size_t song, size_t arrangement, size_t version, double start_s,
                                           double seconds) const {
  const SongInfo& info = songs_.info(song);
  const int64_t all = (info.frames + songs_.block_frames() - 1) / songs_.block_frames();
  const int64_t first = std::clamp<int64_t>(std::llround(start_s / kLevelBlock_s), 0, all - 1);
  const int64_t blocks = std::clamp<int64_t>(std::llround(seconds / kLevelBlock_s), 1, all - first);
  std::vector<Part> parts;
  for (size_t i = 0; i < info.arrangements.at(arrangement).versions.at(version).stems.size(); ++i)
    parts.push_back({arrangement, version, i});
  return mix(song, info.arrangements[arrangement].genre, parts, first, blocks);
}

}  // namespace instructme
