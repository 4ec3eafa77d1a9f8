#include "instructme/score/song_maker.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"

namespace instructme {
namespace {

// Even over genres, then over style files, then over grooves, so that files with many variants do not dominate.
const GrooveInfo& draw_groove(Rng& rng, const std::vector<const GrooveInfo*>& from) {
  std::map<std::string, std::map<std::string, std::vector<const GrooveInfo*>>> tree;
  for (const GrooveInfo* groove : from) tree[groove->genre][groove->file].push_back(groove);
  std::vector<double> weights;
  std::vector<std::string> genres;
  for (const auto& [genre, files] : tree) {
    genres.push_back(genre);
    // A genre of one or two styles would repeat itself; the root keeps it rarer than a rich one.
    weights.push_back(std::sqrt(std::min<double>(static_cast<double>(files.size()), 16.0)));
  }
  const auto& files = tree[genres[rng.weighted(weights)]];
  auto file = files.begin();
  std::advance(file, rng.integer(0, static_cast<int64_t>(files.size()) - 1));
  return *rng.pick(file->second);
}

bool at_usual_tempo(const GrooveInfo& groove, const Chart& chart) {
  const TempoRange range = genre_tempo(groove.genre, groove.beats_per_bar);
  return chart.tempo_bpm >= range.low * 0.85 && chart.tempo_bpm <= range.high * 1.15;
}

}  // namespace

SongPlan plan_song(const GrooveLibrary& library, uint64_t seed, const SongOptions& options) {
  if (!(options.seconds >= 1 && options.seconds <= 1800))
    throw Error(ErrorKind::kUsage,
                format("A song of %.1f seconds cannot be made; ask for 1 to 1800.", options.seconds));
  const Rng root(seed);
  std::vector<const GrooveInfo*> fitting;
  for (const GrooveInfo& groove : library.grooves())
    if ((!options.genre || groove.genre == *options.genre) &&
        (!options.beats_per_bar || groove.beats_per_bar == *options.beats_per_bar) &&
        groove.melodic_tracks >= options.min_melodic_tracks)
      fitting.push_back(&groove);
  if (fitting.empty())
    throw Error(ErrorKind::kUsage, format("No groove fits the song that was asked for%s; the genres are %s.",
                                          options.genre ? did_you_mean(*options.genre, library.genres()).c_str() : "",
                                          join(library.genres(), ", ").c_str()));
  SongPlan plan;
  plan.seed = seed;
  Rng choice = root.fork("groove");
  plan.groove = draw_groove(choice, fitting);
  Rng composing = root.fork("chart");
  ChartOptions chart;
  chart.beats_per_bar = plan.groove.beats_per_bar;
  chart.genre = plan.groove.genre;
  const TempoRange range = genre_tempo(chart.genre, chart.beats_per_bar);
  const double tempo = std::round(composing.uniform(range.low, range.high));
  chart.tempo_low = chart.tempo_high = tempo;
  chart.bars = std::max(1, static_cast<int>(std::ceil(options.seconds * tempo / 60.0 / chart.beats_per_bar)));
  plan.chart = make_chart(composing, chart);
  return plan;
}

Score make_song(const GrooveLibrary& library, uint64_t seed, const SongOptions& options) {
  const SongPlan plan = plan_song(library, seed, options);
  return arrange(plan.chart, library, plan.groove, plan.seed, options.arrange);
}

std::optional<GrooveInfo> other_groove(const GrooveLibrary& library, const Chart& chart, const GrooveInfo& groove,
                                       uint64_t seed, const std::optional<std::string>& genre) {
  std::vector<const GrooveInfo*> fitting, slow_or_fast;
  for (const GrooveInfo& other : library.grooves()) {
    if (other.beats_per_bar != chart.beats_per_bar) continue;
    if (genre ? other.genre != *genre : other.genre == groove.genre) continue;
    (at_usual_tempo(other, chart) ? fitting : slow_or_fast).push_back(&other);
  }
  // A genre that was asked for by name is given at any tempo.
  if (fitting.empty() && genre) fitting = slow_or_fast;
  if (fitting.empty()) return std::nullopt;
  Rng rng = Rng(seed).fork("other groove");
  return draw_groove(rng, fitting);
}

std::optional<GrooveInfo> groove_for(const GrooveLibrary& library, const Chart& chart, uint64_t seed,
                                     int min_melodic_tracks) {
  std::vector<const GrooveInfo*> fitting, slow_or_fast;
  for (const GrooveInfo& groove : library.grooves())
    if (groove.beats_per_bar == chart.beats_per_bar && groove.melodic_tracks >= min_melodic_tracks)
      (at_usual_tempo(groove, chart) ? fitting : slow_or_fast).push_back(&groove);
  if (fitting.empty()) fitting = slow_or_fast;
  if (fitting.empty()) return std::nullopt;
  Rng rng = Rng(seed).fork("groove");
  return draw_groove(rng, fitting);
}

Score arrange_again(const SongPlan& plan, const GrooveLibrary& library, const GrooveInfo& groove, uint64_t seed,
                    ArrangeOptions options) {
  if (!options.melody_seed) options.melody_seed = plan.seed;
  return arrange(plan.chart, library, groove, seed, options);
}

}  // namespace instructme
