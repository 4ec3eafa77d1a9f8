#include "instructme/data/composer.h"

#include <array>
#include <cmath>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "instructme/score/pattern_arranger.h"
#include "instructme/score/song_maker.h"

namespace instructme {
namespace {

// The genre of the lexicon that each of the project's own feels sounds like.
constexpr std::array<std::pair<const char*, const char*>, 4> kFeels{
    {{"rock", "rock"}, {"funk", "funk"}, {"bossa", "latin"}, {"ballad", "ballad"}}};

ComposedSong compose_from_patterns(const ComposerOptions& options, uint64_t seed) {
  Rng rng = Rng(seed).fork("pattern composer");
  std::vector<size_t> order{0, 1, 2, 3};
  rng.shuffle(order);
  ChartOptions chart_options;
  chart_options.genre = kFeels[order[0]].second;
  const TempoRange range = genre_tempo(chart_options.genre, chart_options.beats_per_bar);
  const double tempo = std::round(rng.uniform(range.low, range.high));
  chart_options.tempo_low = chart_options.tempo_high = tempo;
  chart_options.bars =
      std::max(1, static_cast<int>(std::ceil(options.seconds * tempo / 60 / chart_options.beats_per_bar)));
  const Chart chart = make_chart(rng, chart_options);
  ComposedSong song;
  song.source = "own chart, own patterns";
  for (size_t a = 0; a < (options.second_arrangement ? 2u : 1u); ++a) {
    song.arrangements.push_back(pattern_song(chart, kFeels[order[a]].first, seed + a));
    song.arrangements.back().genre = kFeels[order[a]].second;
  }
  return song;
}

ComposedSong compose_with_mma(const ComposerOptions& options, const GrooveLibrary& library, uint64_t seed) {
  SongOptions song_options;
  song_options.seconds = options.seconds;
  song_options.min_melodic_tracks = 1;
  const SongPlan plan = plan_song(library, seed, song_options);
  ComposedSong song;
  song.source = "own chart, MMA grooves";
  song.arrangements.push_back(arrange_again(plan, library, plan.groove, plan.seed, song_options.arrange));
  if (options.second_arrangement)
    if (const auto other = other_groove(library, plan.chart, plan.groove, seed))
      song.arrangements.push_back(
          arrange_again(plan, library, *other, Rng(seed).fork("second").next(), song_options.arrange));
  return song;
}

}  // namespace

Composer make_composer(const ComposerOptions& options, const GrooveLibrary& library) {
  if (!(options.seconds >= 1 && options.seconds <= 1800))
    throw Error(ErrorKind::kUsage, format("A song can have 1 to 1800 seconds, not %g.", options.seconds));
  if (!options.mma) return [options](uint64_t seed) { return compose_from_patterns(options, seed); };
  if (!mma_available())
    throw Error(ErrorKind::kMissing,
                "Composing needs the program 'mma', which is not installed; install it (apt install mma).");
  const GrooveLibrary chosen = options.split ? library.split(*options.split) : library;
  return [options, chosen](uint64_t seed) { return compose_with_mma(options, chosen, seed); };
}

nlohmann::json composer_json(const ComposerOptions& options) {
  const char* split = !options.split ? "all" : *options.split == GrooveSplit::kTrain ? "train" : "held-out";
  return {{"name", options.mma ? "mma" : "patterns"},
          {"seconds", options.seconds},
          {"grooves", split},
          {"second_arrangement", options.second_arrangement}};
}

}  // namespace instructme
