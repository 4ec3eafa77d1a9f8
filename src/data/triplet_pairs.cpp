// Source and target of one example, by the operation.
#include <array>
#include <set>
#include <utility>

#include "instructme/base/error.h"
#include "triplet_parts.h"

namespace instructme {
namespace {

// A request for more than this many instruments is no sentence that anybody says.
constexpr size_t kMostNames = 5;

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

Names sorted(Names names) {
  std::sort(names.begin(), names.end());
  return names;
}

void set_source(Triplet& triplet, Mix mix, Names instruments) {
  triplet.source = std::move(mix.wave);
  triplet.source_stems = std::move(mix.stems);
  triplet.source_instruments = std::move(instruments);
}

void set_target(Triplet& triplet, Mix mix, Names instruments) {
  triplet.target = std::move(mix.wave);
  triplet.target_stems = std::move(mix.stems);
  triplet.target_instruments = std::move(instruments);
}

Mix sum(const Mix& a, const Mix& b) {
  Mix out = a;
  for (size_t i = 0; i < out.wave.size(); ++i) out.wave[i] += b.wave[i];
  out.stems.insert(out.stems.end(), b.stems.begin(), b.stems.end());
  return out;
}

}  // namespace

bool TripletSampler::subset_pair(Operation operation, Mixer& mixer, const Choice& choice, const Names& named,
                                 Triplet& triplet) const {
  const Names& chosen = choice.chosen;
  const Names rest = without(chosen, named);
  Mix part, background;
  mixer.add(choice.all, named, part);
  mixer.add(choice.all, rest, background);
  if (choice.unnamed) mixer.add(choice.all, choice.all.unnamed, background);
  triplet.unnamed = choice.unnamed;
  triplet.instruction.instruments = named;
  triplet.source_genre = triplet.target_genre =
      songs_.info(mixer.clip().song).arrangements[choice.all.arrangement].genre;
  Mix whole = sum(part, background);
  if (names_source_stems(operation)) {
    set_source(triplet, std::move(whole), chosen);
    if (operation == Operation::kExtract)
      set_target(triplet, std::move(part), named);
    else
      set_target(triplet, std::move(background), rest);
  } else {
    ensure(operation == Operation::kAdd || operation == Operation::kAccompany, "an operation that is no subset pair");
    set_source(triplet, std::move(background), rest);
    if (operation == Operation::kAdd)
      set_target(triplet, std::move(whole), chosen);
    else
      set_target(triplet, std::move(part), named);
  }
  return mixer.all_sound();
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
  Mix source, target;
  Mixer mixer(songs_, clip, options_.silence_db);
  mixer.add(before, joined(context, {swap.x}), source);
  mixer.add(before, context, target);
  mixer.add(after, swap.stems, target);
  mixer.add(before, before.unnamed, source);
  mixer.add(before, before.unnamed, target);
  triplet.unnamed = !before.unnamed.empty();
  triplet.instruction.instruments = {swap.x};
  triplet.instruction.replacements = {swap.y};
  set_source(triplet, std::move(source), joined(context, {swap.x}));
  set_target(triplet, std::move(target), joined(context, {swap.y}));
  triplet.source_genre = triplet.target_genre = arrangements[a].genre;
  return mixer.all_sound();
}

bool TripletSampler::replace_other_part(const Clip& clip, Rng& rng, Triplet& triplet) const {
  const auto& arrangements = songs_.info(clip.song).arrangements;
  const size_t a = rng.index(arrangements.size());
  const Take all = take(clip, a, rng.index(arrangements[a].versions.size()), rng);
  const Names pair = draw(all.instruments(), 2, rng);
  // Nobody replaces drums with a tune or the other way round.
  if (pair.size() < 2 || is_pitched(lexicon_, pair[0]) != is_pitched(lexicon_, pair[1])) return false;
  const Names others = without(all.instruments(), pair);
  const Names context = draw(others, draw_size(others.empty() ? 0 : 1, others.size(), rng), rng);
  const Names names_before = joined(context, {pair[0]}), names_after = joined(context, {pair[1]});
  Mix source, target;
  Mixer mixer(songs_, clip, options_.silence_db);
  mixer.add(all, names_before, source);
  mixer.add(all, names_after, target);
  mixer.add(all, all.unnamed, source);
  mixer.add(all, all.unnamed, target);
  set_source(triplet, std::move(source), names_before);
  set_target(triplet, std::move(target), names_after);
  triplet.unnamed = !all.unnamed.empty();
  triplet.instruction.instruments = {pair[0]};
  triplet.instruction.replacements = {pair[1]};
  triplet.source_genre = triplet.target_genre = arrangements[a].genre;
  return mixer.all_sound();
}

bool TripletSampler::remix_to_genre(const Clip& clip, Rng& rng, Triplet& triplet) const {
  const auto& arrangements = songs_.info(clip.song).arrangements;
  if (arrangements.size() < 2) return false;
  std::vector<size_t> order(arrangements.size());
  for (size_t a = 0; a < order.size(); ++a) order[a] = a;
  rng.shuffle(order);
  const auto &from = arrangements[order[0]], &to = arrangements[order[1]];
  if (from.genre == to.genre || lexicon_.find_genre(to.genre) == nullptr) return false;
  const Take before = take(clip, order[0], rng.index(from.versions.size()), rng);
  const Take after = take(clip, order[1], rng.index(to.versions.size()), rng);
  const Names audible = before.instruments();
  if (audible.size() < 2 || after.groups.size() < 2) return false;
  // Most sources are whole pieces; some are what a musician starts from.
  const Names heard = rng.chance(0.7) ? audible : draw(audible, draw_size(1, audible.size(), rng), rng);
  const Names answer = after.instruments();
  Mix source, target;
  Mixer mixer(songs_, clip, options_.silence_db);
  mixer.add(before, heard, source);
  mixer.add(after, answer, target);
  set_source(triplet, std::move(source), heard);
  set_target(triplet, std::move(target), answer);
  triplet.instruction.genre = to.genre;
  if (options_.tags_probability > 0 && answer.size() <= kMostNames && rng.chance(options_.tags_probability))
    triplet.instruction.instruments = draw(answer, answer.size(), rng);
  triplet.source_genre = from.genre;
  triplet.target_genre = to.genre;
  return mixer.all_sound();
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
  const Names heard = rng.chance(0.5) ? audible : draw(audible, draw_size(1, audible.size(), rng), rng);
  if (sorted(heard) == sorted(chosen)) return false;  // what is asked for is there
  Mix source, target;
  Mixer mixer(songs_, clip, options_.silence_db);
  mixer.add(before, heard, source);
  mixer.add(after, chosen, target);
  set_source(triplet, std::move(source), heard);
  set_target(triplet, std::move(target), chosen);
  triplet.instruction.instruments = chosen;
  triplet.source_genre = arrangements[takes[0].first].genre;
  triplet.target_genre = arrangements[takes[1].first].genre;
  return mixer.all_sound();
}

bool TripletSampler::two_requests(const Clip& clip, Rng& rng, Triplet& triplet) const {
  std::vector<double> weights;
  for (const auto& [first, second] : kRequestPairs)
    weights.push_back(weights_[static_cast<size_t>(first)] * weights_[static_cast<size_t>(second)]);
  const auto& pair = kRequestPairs[rng.weighted(weights)];
  const auto& arrangements = songs_.info(clip.song).arrangements;
  const size_t a = rng.index(arrangements.size());
  const Take all = take(clip, a, rng.index(arrangements[a].versions.size()), rng);
  Names left = draw(all.instruments(), all.groups.size(), rng), before, after;
  const auto next = [&left] {
    const std::string name = left.empty() ? "" : left.back();
    if (!left.empty()) left.pop_back();
    return name;
  };
  for (const Operation operation : {pair.first, pair.second}) {
    Instruction request;
    request.operation = operation;
    request.instruments = {next()};
    (operation == Operation::kAdd ? after : before).push_back(request.instruments[0]);
    if (operation == Operation::kExtract) after.push_back(request.instruments[0]);
    if (operation == Operation::kReplace) {
      request.replacements = {next()};
      after.push_back(request.replacements[0]);
      if (is_pitched(lexicon_, request.instruments[0]) != is_pitched(lexicon_, request.replacements[0])) return false;
    }
    if (operation == pair.first)
      triplet.instruction = request;
    else
      triplet.further = {request};
  }
  if (std::count(before.begin(), before.end(), "") + std::count(after.begin(), after.end(), "") > 0) return false;
  const bool company = !all.unnamed.empty() && (left.empty() || rng.chance(options_.unnamed_probability));
  if (left.empty() && !company) return false;
  const Names context = draw(left, draw_size(left.empty() ? 0 : 1, left.size(), rng), rng);
  before = joined(before, context);
  // Extracting is asked for first: what else there was is gone.
  const bool kept = pair.first != Operation::kExtract;
  if (kept) after = joined(after, context);
  Mix source, target;
  Mixer mixer(songs_, clip, options_.silence_db);
  mixer.add(all, before, source);
  mixer.add(all, after, target);
  if (company) mixer.add(all, all.unnamed, source);
  if (company && kept) mixer.add(all, all.unnamed, target);
  triplet.unnamed = company;
  triplet.source_genre = triplet.target_genre = arrangements[a].genre;
  set_source(triplet, std::move(source), before);
  set_target(triplet, std::move(target), after);
  return mixer.all_sound();
}

}  // namespace instructme
