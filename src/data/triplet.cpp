#include "instructme/data/triplet.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "instructme/audio/audio_buffer.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "triplet_parts.h"

namespace instructme {
namespace {

constexpr int kClipsToTry = 200;

double rms(const std::vector<float>& x) {
  double sum = 0;
  for (float v : x) sum += static_cast<double>(v) * v;
  return std::sqrt(sum / static_cast<double>(std::max<size_t>(1, x.size())));
}

std::vector<float> no_chords(int frames) {
  std::vector<float> matrix(static_cast<size_t>(frames) * kChordClasses);
  for (size_t i = 0; i < matrix.size(); i += kChordClasses) matrix[i] = 1.0f;  // class 0
  return matrix;
}

void scale(std::vector<float>& x, double gain) {
  for (float& v : x) v = static_cast<float>(v * gain);
}

void scale(std::vector<float>& x, std::vector<HeardStem>& stems, double gain) {
  scale(x, gain);
  for (HeardStem& stem : stems) stem.gain *= gain;
}

/// Stems of `a` that are not in `b`.
std::vector<HeardStem> difference(const std::vector<HeardStem>& a, const std::vector<HeardStem>& b) {
  std::vector<HeardStem> rest;
  for (const HeardStem& stem : a)
    if (std::none_of(b.begin(), b.end(), [&](const HeardStem& other) { return stem.is_same(other); }))
      rest.push_back(stem);
  return rest;
}

/// Operations by their weights, each once.
class OperationDraw {
 public:
  explicit OperationDraw(const std::array<double, kOperations>& weights) : weights_(weights) {}

  /// Nothing when all that have a weight were drawn.
  std::optional<Operation> next(Rng& rng) {
    if (*std::max_element(weights_.begin(), weights_.end()) <= 0) return std::nullopt;
    const size_t drawn = rng.weighted(weights_);
    weights_[drawn] = 0;
    return static_cast<Operation>(drawn);
  }

 private:
  std::array<double, kOperations> weights_;
};

}  // namespace

std::vector<Instruction> Triplet::instructions() const {
  std::vector<Instruction> all{instruction};
  all.insert(all.end(), further.begin(), further.end());
  return all;
}

std::vector<HeardStem> Triplet::removed_stems() const { return difference(source_stems, target_stems); }

std::vector<HeardStem> Triplet::added_stems() const { return difference(target_stems, source_stems); }

void keep_within_full_scale(Triplet& triplet) {
  const double loudest = std::max(peak(triplet.source), peak(triplet.target));
  if (loudest <= 1) return;
  scale(triplet.source, triplet.source_stems, 1 / loudest);
  scale(triplet.target, triplet.target_stems, 1 / loudest);
}

namespace {

Names operation_names() {
  Names names;
  for (int i = 0; i < kOperations; ++i) names.emplace_back(operation_name(static_cast<Operation>(i)));
  return names;
}

/// kOperations when there is none of that name.
size_t place_of(const std::string& operation) {
  const Names names = operation_names();
  return static_cast<size_t>(std::find(names.begin(), names.end(), operation) - names.begin());
}

}  // namespace

std::string TripletOptions::fault() const {
  for (const double share : {phrase_probability, pair_probability, part_probability, genre_probability,
                             tags_probability, unnamed_probability, requests})
    if (!(share >= 0 && share <= 1))
      return format("A probability of triplets must be within 0 and 1, found %g.", share);
  if (!(seconds > 0) || !(chord_frame_rate > 0) || !(stem_gain_db >= 0) || !(mix_low_db <= mix_high_db) || siblings < 1)
    return "A triplet needs a length of a sample or more, a chord frame rate above 0, no negative range of gains, "
           "levels of mixes "
           "from low to high, and at least 1 sibling.";
  double most = 0;
  for (const auto& [name, weight] : proportions) {
    if (place_of(name) == kOperations)
      return "'" + name + "' is no operation" + did_you_mean(name, operation_names()) + ".";
    if (!(weight >= 0) || !std::isfinite(weight))
      return format("The proportion of '%s' cannot be %g.", name.c_str(), weight);
    most = std::max(most, weight);
  }
  return most > 0 ? "" : "At least one operation needs a proportion above 0.";
}

TripletSampler::TripletSampler(const SongSet& songs, const Lexicon& lexicon, TripletOptions options)
    : songs_(songs), lexicon_(lexicon), options_(std::move(options)) {
  if (const std::string fault = options_.fault(); !fault.empty()) throw Error(ErrorKind::kUsage, fault);
  frames_ = std::llround(options_.seconds * songs_.sample_rate());
  if (frames_ < 1) throw Error(ErrorKind::kUsage, "A triplet needs a length of a sample or more.");
  for (const auto& [name, weight] : options_.proportions) weights_[place_of(name)] = weight;
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
  clip.start = options_.separate_clips ? rng.integer(0, total / frames - 1) * frames
                                       : rng.integer(0, (total - frames) / block) * block;
  clip.first_block = clip.start / block;
  clip.blocks = (clip.start + frames + block - 1) / block - clip.first_block;
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

TripletSampler::Choice TripletSampler::choose(const Clip& clip, Rng& rng) const {
  const auto& arrangements = songs_.info(clip.song).arrangements;
  const size_t a = rng.index(arrangements.size());
  Choice choice{take(clip, a, rng.index(arrangements[a].versions.size()), rng), {}, false};
  const Names audible = choice.all.instruments();
  const bool company = !choice.all.unnamed.empty();
  if (audible.size() < (company ? 1U : 2U)) return choice;
  choice.unnamed = company && (audible.size() < 2 || rng.chance(options_.unnamed_probability));
  choice.chosen = draw(audible, draw_size(choice.unnamed ? 1 : 2, audible.size(), rng), rng);
  return choice;
}

bool TripletSampler::finish(const Clip& clip, Rng& rng, Triplet& triplet) const {
  const double source = rms(triplet.source), target = rms(triplet.target);
  const double silence = std::pow(10.0, options_.silence_db / 20),
               wanted = std::pow(10.0, options_.source_level_db / 20);
  if (source < silence || target < silence) return false;
  const bool remix = triplet.instruction.operation == Operation::kRemix;
  if (!remix && target > source * std::pow(10.0, options_.most_rise_db / 20)) return false;
  scale(triplet.source, triplet.source_stems, wanted / source);
  scale(triplet.target, triplet.target_stems, wanted / (remix ? target : source));
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
  triplet.sentence = rng.chance(options_.phrase_probability)
                         ? phrase_instructions(triplet.instructions(), lexicon_, rng)
                         : plain_sentence(triplet.instructions());
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
  else if (const Choice choice = choose(clip, rng); !choice.chosen.empty()) {
    Mixer mixer(songs_, clip, options_.silence_db);
    made = subset_pair(
        operation, mixer, choice,
        draw(choice.chosen,
             choice.chosen.size() + (choice.unnamed ? 1 : 0) > 2 && rng.chance(options_.pair_probability) ? 2 : 1, rng),
        triplet);
  }
  return made && finish(clip, rng, triplet);
}

// False when none of many clips allows the operation.
bool TripletSampler::find(Operation operation, Rng& rng, Triplet& triplet) const {
  for (int i = 0; i < kClipsToTry; ++i)
    if (try_sample(operation, rng, triplet)) return true;
  return false;
}

// Empty when none of many clips allows the operation.
std::vector<Triplet> TripletSampler::find_group(Operation operation, Rng& rng) const {
  std::vector<Triplet> group;
  if (names_source_stems(operation) && options_.siblings >= 2) {
    const double extract = weights_[static_cast<size_t>(Operation::kExtract)];
    const double extract_share = extract / (extract + weights_[static_cast<size_t>(Operation::kRemove)]);
    for (int attempt = 0; attempt < kClipsToTry; ++attempt) {
      const Clip clip = draw_clip(frames_, rng);
      const Choice choice = choose(clip, rng);
      Mixer mixer(songs_, clip, options_.silence_db);  // reads every stem once for all of them
      const int64_t members = std::min<int64_t>(options_.siblings, static_cast<int64_t>(choice.chosen.size()));
      for (int64_t i = 0; i < members; ++i) {
        Triplet triplet;
        triplet.instruction.operation = rng.chance(extract_share) ? Operation::kExtract : Operation::kRemove;
        const Names named{choice.chosen[static_cast<size_t>(i)]};
        if (subset_pair(triplet.instruction.operation, mixer, choice, named, triplet) && finish(clip, rng, triplet))
          group.push_back(std::move(triplet));
      }
      if (!group.empty()) return group;
    }
  }
  Triplet triplet;
  if (find(operation, rng, triplet)) group.push_back(std::move(triplet));
  return group;
}

void TripletSampler::refuse(const std::string& what) const {
  throw Error(ErrorKind::kInput, format("None of %d clips of the %zu songs allows %s: too few instruments sound "
                                        "together, or there are no versions to go between.",
                                        kClipsToTry, songs_.size(), what.c_str()));
}

std::vector<Triplet> TripletSampler::sample_group(Rng& rng) const {
  if (options_.requests > 0 && rng.chance(options_.requests)) return {sample_two_requests(rng)};
  for (OperationDraw operations(weights_); const auto operation = operations.next(rng);)
    if (std::vector<Triplet> group = find_group(*operation, rng); !group.empty()) return group;
  refuse("any of the operations");
}

Triplet TripletSampler::sample(Operation operation, Rng& rng) const {
  Triplet triplet;
  if (!find(operation, rng, triplet)) refuse(std::string("'") + operation_name(operation) + "'");
  return triplet;
}

Triplet TripletSampler::sample_or_another(Operation operation, Rng& rng) const {
  Triplet triplet;
  return find(operation, rng, triplet) ? triplet : sample(rng);
}

Triplet TripletSampler::sample(Rng& rng) const {
  if (options_.requests > 0 && rng.chance(options_.requests)) return sample_two_requests(rng);
  Triplet triplet;
  for (OperationDraw operations(weights_); const auto operation = operations.next(rng);)
    if (find(*operation, rng, triplet)) return triplet;
  refuse("any of the operations");
}

Triplet TripletSampler::sample_two_requests(Rng& rng) const {
  const bool possible = std::any_of(kRequestPairs.begin(), kRequestPairs.end(), [&](const auto& pair) {
    return weights_[static_cast<size_t>(pair.first)] * weights_[static_cast<size_t>(pair.second)] > 0;
  });
  for (int i = 0; possible && i < kClipsToTry; ++i) {
    Triplet triplet;
    const Clip clip = draw_clip(frames_, rng);
    if (two_requests(clip, rng, triplet) && finish(clip, rng, triplet)) return triplet;
  }
  throw Error(ErrorKind::kInput,
              possible
                  ? format("None of %d clips of the %zu songs allows two requests in one sentence: too few "
                           "instruments sound together.",
                           kClipsToTry, songs_.size())
                  : std::string("Two requests in one sentence need proportions above 0 for two of extract, remove, "
                                "add and replace."));
}

std::vector<float> TripletSampler::sample_mix(Rng& rng, double seconds) const {
  const int64_t frames = std::llround(seconds * songs_.sample_rate());
  ensure(frames > 0 && frames <= frames_, "a mix must be above 0 s and no longer than the sampler's clips");
  for (int attempt = 0; attempt < kClipsToTry; ++attempt) {
    const Clip clip = draw_clip(frames, rng);
    const auto& arrangements = songs_.info(clip.song).arrangements;
    const size_t a = rng.index(arrangements.size());
    const Take all = take(clip, a, rng.index(arrangements[a].versions.size()), rng);
    const Names audible = all.instruments();
    if (audible.empty() && all.unnamed.empty()) continue;
    const double kind = rng.uniform();
    const size_t count = audible.empty() || kind >= 0.65 ? audible.size()
                         : kind < 0.3                    ? 1
                                                         : draw_size(1, audible.size(), rng);
    Mix mix;
    Mixer mixer(songs_, clip, options_.silence_db);
    mixer.add(all, draw(audible, count, rng), mix);
    // What has no name is heard in whole mixes.
    if (count == audible.size() && kind >= 0.3) mixer.add(all, all.unnamed, mix);
    const double level = rms(mix.wave);
    if (level <= 0) continue;
    scale(mix.wave, std::pow(10.0, rng.uniform(options_.mix_low_db, options_.mix_high_db) / 20) / level);
    return std::move(mix.wave);
  }
  throw Error(ErrorKind::kInput, format("None of %d clips of the %zu songs sounds.", kClipsToTry, songs_.size()));
}

}  // namespace instructme
