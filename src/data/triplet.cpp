#include "instructme/data/triplet.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"

namespace instructme {
namespace {

using Names = std::vector<std::string>;

constexpr int kClipsToTry = 200;
// A request for more than this many instruments is no sentence that anybody says.
constexpr size_t kMostNames = 5;

// `count` different items, in random order.
Names draw(Names items, size_t count, Rng& rng) {
  rng.shuffle(items);
  items.resize(std::min(count, items.size()));
  return items;
}

Names without(const Names& items, const Names& removed) {
  Names rest;
  for (const std::string& item : items)
    if (std::find(removed.begin(), removed.end(), item) == removed.end()) rest.push_back(item);
  return rest;
}

Names joined(Names a, const Names& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

size_t draw_size(size_t low, size_t high, Rng& rng) {
  return static_cast<size_t>(rng.integer(static_cast<int64_t>(low), static_cast<int64_t>(high)));
}

double rms(const std::vector<float>& x) {
  double sum = 0;
  for (float v : x) sum += static_cast<double>(v) * v;
  return std::sqrt(sum / static_cast<double>(std::max<size_t>(1, x.size())));
}

bool is_pitched(const Lexicon& lexicon, const std::string& instrument) {
  const InstrumentEntry* entry = lexicon.find_instrument(instrument);
  return entry == nullptr || (entry->family != "drums" && entry->family != "percussion");
}

std::vector<float> no_chords(int frames) {
  std::vector<float> matrix(static_cast<size_t>(frames) * kChordClasses);
  for (size_t i = 0; i < matrix.size(); i += kChordClasses) matrix[i] = 1.0f;  // class 0
  return matrix;
}

void scale(std::vector<float>& x, double gain) {
  for (float& v : x) v = static_cast<float>(v * gain);
}

}  // namespace

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
  Mixer(const SongSet& songs, const Clip& clip) : songs_(songs), clip_(clip) {}

  void add(const Take& take, const std::vector<size_t>& stems, std::vector<float>& mix) {
    mix.resize(static_cast<size_t>(clip_.frames));
    for (size_t stem : stems) {
      const std::array<size_t, 3> key{take.arrangement, take.version, stem};
      auto found = read_.find(key);
      if (found == read_.end())
        found = read_.emplace(key, songs_.clip(clip_.song, key[0], key[1], stem, clip_.start, clip_.frames)).first;
      const auto gain = static_cast<float>(take.gains[stem]);
      for (size_t i = 0; i < mix.size(); ++i) mix[i] += gain * found->second[i];
    }
  }
  void add(const Take& take, const Names& instruments, std::vector<float>& mix) {
    mix.resize(static_cast<size_t>(clip_.frames));
    for (const std::string& name : instruments) add(take, take.groups.at(name), mix);
  }

 private:
  const SongSet& songs_;
  const Clip& clip_;
  std::map<std::array<size_t, 3>, std::vector<float>> read_;
};

TripletSampler::TripletSampler(const SongSet& songs, const Lexicon& lexicon, TripletOptions options)
    : songs_(songs), lexicon_(lexicon), options_(std::move(options)) {
  frames_ = std::llround(options_.seconds * songs_.sample_rate());
  if (options_.seconds <= 0 || options_.chord_frame_rate <= 0 || options_.stem_gain_db < 0 || options_.siblings < 1 ||
      options_.mix_high_db < options_.mix_low_db)
    throw Error(ErrorKind::kUsage,
                "A triplet needs a length and a chord frame rate above 0, no negative range of gains, "
                "and at least 1 sibling.");
  Names names;
  for (int i = 0; i < kOperations; ++i) names.emplace_back(operation_name(static_cast<Operation>(i)));
  for (const auto& [name, weight] : options_.proportions) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end())
      throw Error(ErrorKind::kUsage, "'" + name + "' is no operation" + did_you_mean(name, names) + ".");
    if (!(weight >= 0) || !std::isfinite(weight))
      throw Error(ErrorKind::kUsage, format("The proportion of '%s' cannot be %g.", name.c_str(), weight));
    weights_[static_cast<size_t>(found - names.begin())] = weight;
  }
  if (*std::max_element(weights_.begin(), weights_.end()) <= 0)
    throw Error(ErrorKind::kUsage, "At least one operation needs a proportion above 0.");
  for (size_t i = 0; i < songs_.size(); ++i)
    if (songs_.info(i).frames >= frames_) long_songs_.push_back(i);
  if (long_songs_.empty())
    throw Error(ErrorKind::kInput, format("No song is as long as a clip of %g s.", options_.seconds));
}

TripletSampler::Clip TripletSampler::draw_clip(int64_t frames, Rng& rng) const {
  Clip clip;
  clip.song = rng.pick(long_songs_);
  clip.frames = frames;
  const int64_t block = songs_.block_frames(), total = songs_.info(clip.song).frames;
  clip.first_block = rng.integer(0, (total - frames) / block);
  clip.start = clip.first_block * block;
  clip.blocks = (frames + block - 1) / block;
  return clip;
}

TripletSampler::Take TripletSampler::take(const Clip& clip, size_t arrangement, size_t version, Rng& rng) const {
  Take take{arrangement, version, {}, {}, {}};
  const auto& stems = songs_.info(clip.song).arrangements[arrangement].versions[version].stems;
  for (size_t s = 0; s < stems.size(); ++s) {
    take.gains.push_back(std::pow(10.0, rng.uniform(-1, 1) * options_.stem_gain_db / 20));
    if (songs_.clip_level_db(clip.song, arrangement, version, s, clip.first_block, clip.blocks) >= options_.silence_db)
      (stems[s].instrument.empty() ? take.unnamed : take.groups[stems[s].instrument]).push_back(s);
  }
  return take;
}

// A mix: some of the instruments that sound in a version, in random order.
struct TripletSampler::Choice {
  Take all;
  Names chosen;          // empty when there is nothing to take apart
  bool unnamed = false;  // with the stems without an instrument
};

TripletSampler::Choice TripletSampler::choose(const Clip& clip, Rng& rng) const {
  const auto& arrangements = songs_.info(clip.song).arrangements;
  const size_t a = draw_size(0, arrangements.size() - 1, rng);
  Choice choice{take(clip, a, draw_size(0, arrangements[a].versions.size() - 1, rng), rng), {}, false};
  const Names audible = choice.all.instruments();
  const bool company = !choice.all.unnamed.empty();
  if (audible.size() < (company ? 1U : 2U)) return choice;
  choice.unnamed = company && (audible.size() < 2 || rng.chance(options_.unnamed_probability));
  choice.chosen = draw(audible, draw_size(choice.unnamed ? 1 : 2, audible.size(), rng), rng);
  return choice;
}

bool TripletSampler::subset_pair(Operation operation, const Clip& clip, const Choice& choice, const Names& named,
                                 Triplet& triplet) const {
  const Names& chosen = choice.chosen;
  const Names rest = without(chosen, named);
  std::vector<float> part, background, whole;
  Mixer mixer(songs_, clip);
  mixer.add(choice.all, named, part);
  mixer.add(choice.all, rest, background);
  if (choice.unnamed) mixer.add(choice.all, choice.all.unnamed, background);
  triplet.unnamed = choice.unnamed;
  whole.resize(part.size());
  for (size_t i = 0; i < whole.size(); ++i) whole[i] = part[i] + background[i];
  triplet.instruction.instruments = named;
  triplet.source_genre = triplet.target_genre = songs_.info(clip.song).arrangements[choice.all.arrangement].genre;
  const auto set = [&](std::vector<float>& source, const Names& before, std::vector<float>& target,
                       const Names& after) {
    triplet.source = std::move(source);
    triplet.source_instruments = before;
    triplet.target = std::move(target);
    triplet.target_instruments = after;
  };
  switch (operation) {
    case Operation::kExtract: set(whole, chosen, part, named); break;
    case Operation::kRemove: set(whole, chosen, background, rest); break;
    case Operation::kAdd: set(background, rest, whole, chosen); break;
    case Operation::kAccompany: set(background, rest, part, named); break;
    default: ensure(false, "an operation that is no subset pair");
  }
  return true;
}

bool TripletSampler::replace_same_part(const Clip& clip, Rng& rng, Triplet& triplet) const {
  const auto& arrangements = songs_.info(clip.song).arrangements;
  std::vector<size_t> choices;
  for (size_t a = 0; a < arrangements.size(); ++a)
    if (arrangements[a].versions.size() >= 2) choices.push_back(a);
  if (choices.empty()) return false;
  const size_t a = rng.pick(choices);
  std::vector<size_t> versions(arrangements[a].versions.size());
  for (size_t v = 0; v < versions.size(); ++v) versions[v] = v;
  rng.shuffle(versions);
  const Take before = take(clip, a, versions[0], rng), after = take(clip, a, versions[1], rng);
  const auto& stems_before = arrangements[a].versions[versions[0]].stems;
  const auto& stems_after = arrangements[a].versions[versions[1]].stems;

  // Groups all of whose parts another single instrument plays in the other version.
  struct Swap {
    std::string x, y;
    std::vector<size_t> stems;
  };
  std::vector<Swap> swaps;
  for (const auto& [x, group] : before.groups) {
    std::set<int> parts;
    for (size_t s : group) parts.insert(stems_before[s].part);
    for (const auto& [y, candidates] : after.groups) {
      Swap swap{x, y, {}};
      for (size_t s : candidates)
        if (parts.contains(stems_after[s].part)) swap.stems.push_back(s);
      if (y != x && swap.stems.size() == parts.size()) swaps.push_back(std::move(swap));
    }
  }
  if (swaps.empty()) return false;
  const Swap swap = rng.pick(swaps);
  const Names others = without(before.instruments(), {swap.x, swap.y});
  const Names context = draw(others, draw_size(others.empty() ? 0 : 1, others.size(), rng), rng);
  Mixer mixer(songs_, clip);
  mixer.add(before, joined(context, {swap.x}), triplet.source);
  mixer.add(before, context, triplet.target);
  mixer.add(after, swap.stems, triplet.target);
  mixer.add(before, before.unnamed, triplet.source);
  mixer.add(before, before.unnamed, triplet.target);
  triplet.unnamed = !before.unnamed.empty();
  triplet.instruction.instruments = {swap.x};
  triplet.instruction.replacements = {swap.y};
  triplet.source_instruments = joined(context, {swap.x});
  triplet.target_instruments = joined(context, {swap.y});
  triplet.source_genre = triplet.target_genre = arrangements[a].genre;
  return true;
}

bool TripletSampler::replace_other_part(const Clip& clip, Rng& rng, Triplet& triplet) const {
  const auto& arrangements = songs_.info(clip.song).arrangements;
  const size_t a = draw_size(0, arrangements.size() - 1, rng);
  const Take all = take(clip, a, draw_size(0, arrangements[a].versions.size() - 1, rng), rng);
  const Names pair = draw(all.instruments(), 2, rng);
  // Nobody replaces drums with a tune or the other way round.
  if (pair.size() < 2 || is_pitched(lexicon_, pair[0]) != is_pitched(lexicon_, pair[1])) return false;
  const Names others = without(all.instruments(), pair);
  const Names context = draw(others, draw_size(others.empty() ? 0 : 1, others.size(), rng), rng);
  Mixer mixer(songs_, clip);
  triplet.source_instruments = joined(context, {pair[0]});
  triplet.target_instruments = joined(context, {pair[1]});
  mixer.add(all, triplet.source_instruments, triplet.source);
  mixer.add(all, triplet.target_instruments, triplet.target);
  mixer.add(all, all.unnamed, triplet.source);
  mixer.add(all, all.unnamed, triplet.target);
  triplet.unnamed = !all.unnamed.empty();
  triplet.instruction.instruments = {pair[0]};
  triplet.instruction.replacements = {pair[1]};
  triplet.source_genre = triplet.target_genre = arrangements[a].genre;
  return true;
}

bool TripletSampler::remix_to_genre(const Clip& clip, Rng& rng, Triplet& triplet) const {
  const auto& arrangements = songs_.info(clip.song).arrangements;
  if (arrangements.size() < 2) return false;
  std::vector<size_t> order(arrangements.size());
  for (size_t a = 0; a < order.size(); ++a) order[a] = a;
  rng.shuffle(order);
  const auto &from = arrangements[order[0]], &to = arrangements[order[1]];
  if (from.genre == to.genre || lexicon_.find_genre(to.genre) == nullptr) return false;
  const Take before = take(clip, order[0], draw_size(0, from.versions.size() - 1, rng), rng);
  const Take after = take(clip, order[1], draw_size(0, to.versions.size() - 1, rng), rng);
  const Names audible = before.instruments();
  if (audible.size() < 2 || after.groups.size() < 2) return false;
  // Most sources are whole pieces; some are what a musician starts from.
  triplet.source_instruments = rng.chance(0.7) ? audible : draw(audible, draw_size(1, audible.size(), rng), rng);
  triplet.target_instruments = after.instruments();
  Mixer mixer(songs_, clip);
  mixer.add(before, triplet.source_instruments, triplet.source);
  mixer.add(after, triplet.target_instruments, triplet.target);
  triplet.instruction.genre = to.genre;
  triplet.source_genre = from.genre;
  triplet.target_genre = to.genre;
  return true;
}

bool TripletSampler::remix_with_instruments(const Clip& clip, Rng& rng, Triplet& triplet) const {
  const auto& arrangements = songs_.info(clip.song).arrangements;
  std::vector<std::pair<size_t, size_t>> takes;
  for (size_t a = 0; a < arrangements.size(); ++a)
    for (size_t v = 0; v < arrangements[a].versions.size(); ++v) takes.emplace_back(a, v);
  if (takes.size() < 2) return false;
  rng.shuffle(takes);
  const Take before = take(clip, takes[0].first, takes[0].second, rng);
  const Take after = take(clip, takes[1].first, takes[1].second, rng);
  const Names audible = before.instruments(), possible = after.instruments();
  if (audible.empty() || possible.empty()) return false;
  const Names chosen = draw(possible, draw_size(1, std::min(kMostNames, possible.size()), rng), rng);
  triplet.source_instruments = rng.chance(0.5) ? audible : draw(audible, draw_size(1, audible.size(), rng), rng);
  triplet.target_instruments = chosen;
  Mixer mixer(songs_, clip);
  mixer.add(before, triplet.source_instruments, triplet.source);
  mixer.add(after, chosen, triplet.target);
  triplet.instruction.instruments = chosen;
  triplet.source_genre = arrangements[takes[0].first].genre;
  triplet.target_genre = arrangements[takes[1].first].genre;
  return true;
}

bool TripletSampler::finish(const Clip& clip, Rng& rng, Triplet& triplet) const {
  const double source = rms(triplet.source), target = rms(triplet.target);
  const double silence = std::pow(10.0, options_.silence_db / 20),
               wanted = std::pow(10.0, options_.source_level_db / 20);
  if (source < silence || target < silence) return false;
  const bool remix = triplet.instruction.operation == Operation::kRemix;
  if (!remix && target > source * std::pow(10.0, options_.most_rise_db / 20)) return false;
  scale(triplet.source, wanted / source);
  scale(triplet.target, wanted / (remix ? target : source));
  std::sort(triplet.source_instruments.begin(), triplet.source_instruments.end());
  std::sort(triplet.target_instruments.begin(), triplet.target_instruments.end());
  triplet.song = clip.song;
  triplet.start_frame = clip.start;
  triplet.chord_frames = static_cast<int>(std::llround(options_.seconds * options_.chord_frame_rate));
  const double start_s = static_cast<double>(clip.start) / songs_.sample_rate();
  // Drums alone have no chord to hear, whatever the chart says.
  const bool pitched =
      triplet.unnamed || std::any_of(triplet.source_instruments.begin(), triplet.source_instruments.end(),
                                     [&](const std::string& name) { return is_pitched(lexicon_, name); });
  triplet.chords = pitched ? songs_.chord_matrix(clip.song, start_s, triplet.chord_frames, options_.chord_frame_rate)
                           : no_chords(triplet.chord_frames);
  triplet.sentence = rng.chance(options_.phrase_probability) ? phrase_instruction(triplet.instruction, lexicon_, rng)
                                                             : plain_sentence(triplet.instruction);
  return true;
}

bool TripletSampler::try_sample(Operation operation, Rng& rng, Triplet& triplet) const {
  triplet = {};
  triplet.instruction.operation = operation;
  const Clip clip = draw_clip(frames_, rng);
  bool made = false;
  if (operation == Operation::kReplace)
    made = rng.chance(options_.part_probability) ? replace_same_part(clip, rng, triplet)
                                                 : replace_other_part(clip, rng, triplet);
  else if (operation == Operation::kRemix)
    made = rng.chance(options_.genre_probability) ? remix_to_genre(clip, rng, triplet)
                                                  : remix_with_instruments(clip, rng, triplet);
  else if (const Choice choice = choose(clip, rng); !choice.chosen.empty())
    made = subset_pair(
        operation, clip, choice,
        draw(choice.chosen,
             choice.chosen.size() + (choice.unnamed ? 1 : 0) > 2 && rng.chance(options_.pair_probability) ? 2 : 1, rng),
        triplet);
  return made && finish(clip, rng, triplet);
}

std::vector<Triplet> TripletSampler::sample_group(Rng& rng) const {
  const auto operation = static_cast<Operation>(rng.weighted(weights_));
  std::vector<Triplet> group;
  if (!names_source_stems(operation) || options_.siblings < 2) {
    group.push_back(sample(operation, rng));
    return group;
  }
  const double extract = weights_[static_cast<size_t>(Operation::kExtract)];
  const double extract_share = extract / (extract + weights_[static_cast<size_t>(Operation::kRemove)]);
  for (int attempt = 0; attempt < kClipsToTry; ++attempt) {
    const Clip clip = draw_clip(frames_, rng);
    const Choice choice = choose(clip, rng);
    const int64_t members = std::min<int64_t>(options_.siblings, static_cast<int64_t>(choice.chosen.size()));
    for (int64_t i = 0; i < members; ++i) {
      Triplet triplet;
      triplet.instruction.operation = rng.chance(extract_share) ? Operation::kExtract : Operation::kRemove;
      const Names named{choice.chosen[static_cast<size_t>(i)]};
      if (subset_pair(triplet.instruction.operation, clip, choice, named, triplet) && finish(clip, rng, triplet))
        group.push_back(std::move(triplet));
    }
    if (!group.empty()) return group;
  }
  group.push_back(sample(operation, rng));  // throws, saying why
  return group;
}

Triplet TripletSampler::sample(Operation operation, Rng& rng) const {
  Triplet triplet;
  for (int i = 0; i < kClipsToTry; ++i)
    if (try_sample(operation, rng, triplet)) return triplet;
  throw Error(ErrorKind::kInput, format("None of %d clips of the %zu songs allows '%s': too few instruments sound "
                                        "together, or there are no versions to go between.",
                                        kClipsToTry, songs_.size(), operation_name(operation)));
}

Triplet TripletSampler::sample(Rng& rng) const { return sample(static_cast<Operation>(rng.weighted(weights_)), rng); }

std::vector<float> TripletSampler::sample_mix(Rng& rng, double seconds) const {
  const int64_t frames = std::llround(seconds * songs_.sample_rate());
  ensure(frames > 0 && frames <= frames_, "a mix must be above 0 s and no longer than the sampler's clips");
  for (int attempt = 0; attempt < kClipsToTry; ++attempt) {
    const Clip clip = draw_clip(frames, rng);
    const auto& arrangements = songs_.info(clip.song).arrangements;
    const size_t a = draw_size(0, arrangements.size() - 1, rng);
    const Take all = take(clip, a, draw_size(0, arrangements[a].versions.size() - 1, rng), rng);
    const Names audible = all.instruments();
    if (audible.empty() && all.unnamed.empty()) continue;
    const double kind = rng.uniform();
    const size_t count = audible.empty() || kind >= 0.65 ? audible.size()
                         : kind < 0.3                    ? 1
                                                         : draw_size(1, audible.size(), rng);
    std::vector<float> mix;
    Mixer mixer(songs_, clip);
    mixer.add(all, draw(audible, count, rng), mix);
    // What has no name is heard in whole mixes.
    if (count == audible.size() && kind >= 0.3) mixer.add(all, all.unnamed, mix);
    const double level = rms(mix);
    if (level <= 0) continue;
    scale(mix, std::pow(10.0, rng.uniform(options_.mix_low_db, options_.mix_high_db) / 20) / level);
    return mix;
  }
  throw Error(ErrorKind::kInput, format("None of %d clips of the %zu songs sounds.", kClipsToTry, songs_.size()));
}

}  // namespace instructme
