#include "instructme/data/composer.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"
#include "instructme/score/pattern_arranger.h"
#include "instructme/score/performance.h"
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

ComposedSong compose_pop909(const ComposerOptions& options, const GrooveLibrary& library, const Pop909& pop909,
                            uint64_t seed) {
  Rng rng = Rng(seed).fork("pop909");
  const Pop909Song& whole = rng.pick(pop909.songs);
  const int bars = static_cast<int>(whole.chart.bars.size());
  const double bar_s = whole.chart.beats_per_bar * whole.chart.beat_seconds();
  const int count = std::min(bars, static_cast<int>(std::ceil(options.seconds / bar_s - 1e-9)));
  // Phrases mostly begin every four bars.
  const int first = 4 * static_cast<int>(rng.integer(0, (bars - count) / 4));
  const Pop909Song song = cut_bars(whole, first, count);
  const auto groove = groove_for(library, song.chart, seed, 1);
  if (!groove)
    throw Error(ErrorKind::kInput, format("No groove has the %d beats a bar of the song %s of POP909.",
                                          song.chart.beats_per_bar, song.name.c_str()));
  ArrangeOptions arrange_options;
  arrange_options.given = song.parts;
  const SongPlan plan{song.chart, *groove, seed};
  ComposedSong composed;
  composed.source = format("POP909 song %s, bars %d to %d, MMA grooves", song.name.c_str(), first + 1, first + count);
  composed.arrangements.push_back(arrange_again(plan, library, *groove, seed, arrange_options));
  if (options.second_arrangement)
    if (const auto other = other_groove(library, song.chart, *groove, seed))
      composed.arrangements.push_back(
          arrange_again(plan, library, *other, Rng(seed).fork("second").next(), arrange_options));
  for (Score& score : composed.arrangements) score.title = "POP909 " + song.name + ", " + score.title;
  return composed;
}

ComposedSong compose_midi(const ComposerOptions& options, const std::vector<MidiSongs>& folders, uint64_t seed) {
  Rng rng = Rng(seed).fork("midi");
  // A long file has more to give than a short one, but not in proportion: music repeats itself.
  std::vector<double> weights;
  std::vector<const MidiSong*> songs;
  for (const MidiSongs& folder : folders)
    for (const MidiSong& song : folder.songs) {
      songs.push_back(&song);
      weights.push_back(std::sqrt(song.seconds));
    }
  const MidiSong& song = *songs[rng.weighted(weights)];
  ComposedSong composed;
  composed.source = "MIDI file " + song.name + " (" + song.hash + ")";
  composed.arrangements.push_back(draw_midi_window(song, options.seconds, rng));
  composed.arrangements.front().seed = seed;
  return composed;
}

void perform_all(ComposedSong& song, double intensity, uint64_t seed) {
  if (intensity == 0) return;
  const PerformanceOptions options = PerformanceOptions::of(intensity);
  const Rng rng = Rng(seed).fork("performance");
  const Performance performance = draw_performance(rng.fork("piece"), song.arrangements.front(), options);
  for (size_t a = 0; a < song.arrangements.size(); ++a)
    perform(song.arrangements[a], performance, options, rng.fork("arrangement").fork(a));
}

bool has_midi(const MusicStock& stock) {
  return std::any_of(stock.midi.begin(), stock.midi.end(), [](const MidiSongs& m) { return !m.songs.empty(); });
}

void check(const ComposerOptions& options) {
  if (!(options.seconds >= 1 && options.seconds <= 1800))
    throw Error(ErrorKind::kUsage, format("A song can have 1 to 1800 seconds, not %g.", options.seconds));
  if (!(options.performance >= 0 && options.performance <= 2))
    throw Error(ErrorKind::kUsage, format("The intensity of a performance is 0 to 2, not %g.", options.performance));
  for (double weight : {options.own_weight, options.pop909_weight, options.midi_weight})
    if (!(weight >= 0 && weight <= 1e6))
      throw Error(ErrorKind::kUsage, format("The weight of a kind of song is 0 to 1000000, not %g.", weight));
  if (!options.pop909.empty() && !options.mma)
    throw Error(ErrorKind::kUsage, "Songs of POP909 are arranged by MMA; give either POP909 or no MMA.");
}

}  // namespace

std::vector<std::string> MusicStock::refused() const {
  std::vector<std::string> all = pop909.refused;
  for (const MidiSongs& folder : midi) all.insert(all.end(), folder.refused.begin(), folder.refused.end());
  return all;
}

std::shared_ptr<const MusicStock> load_music(const ComposerOptions& options, const ProgressCallback& progress,
                                             const CancelToken& cancel) {
  auto stock = std::make_shared<MusicStock>();
  if (!options.pop909.empty()) stock->pop909 = load_pop909(options.pop909, options.split);
  for (const auto& folder : options.midi)
    stock->midi.push_back(find_midi_songs(folder, options.split, progress, cancel));
  return stock;
}

Composer make_composer(const ComposerOptions& options, const GrooveLibrary& library,
                       std::shared_ptr<const MusicStock> stock) {
  check(options);
  if (options.mma && !mma_available())
    throw Error(ErrorKind::kMissing,
                "Composing needs the program 'mma', which is not installed; install it (apt install mma).");
  if (!stock) stock = load_music(options);
  const std::array<double, 3> weights = {options.own_weight, stock->pop909.songs.empty() ? 0.0 : options.pop909_weight,
                                         has_midi(*stock) ? options.midi_weight : 0.0};
  if (weights[0] + weights[1] + weights[2] <= 0)
    throw Error(ErrorKind::kUsage, "All kinds of songs that there are have the weight 0; give one a weight above 0.");
  const GrooveLibrary chosen = options.split ? library.split(*options.split) : library;
  return [options, chosen, stock, weights](uint64_t seed) {
    Rng kind = Rng(seed).fork("kind of song");
    ComposedSong song;
    switch (kind.weighted(weights)) {
      case 0:
        song = options.mma ? compose_with_mma(options, chosen, seed) : compose_from_patterns(options, seed);
        break;
      case 1: song = compose_pop909(options, chosen, stock->pop909, seed); break;
      default: song = compose_midi(options, stock->midi, seed);
    }
    perform_all(song, options.performance, seed);
    return song;
  };
}

nlohmann::json composer_json(const ComposerOptions& options, const MusicStock* stock) {
  const char* split = !options.split ? "all" : *options.split == GrooveSplit::kTrain ? "train" : "held-out";
  nlohmann::json out = {{"name", options.mma ? "mma" : "patterns"},
                        {"seconds", options.seconds},
                        {"grooves", split},
                        {"second_arrangement", options.second_arrangement},
                        {"performance", options.performance}};
  if (options.pop909.empty() && options.midi.empty()) return out;
  ensure(stock != nullptr, "a manifest of other people's music needs the music");
  nlohmann::json sources = nlohmann::json::array();
  sources.push_back({{"kind", "own charts"}, {"weight", options.own_weight}});
  const auto add = [&](const char* kind, const std::filesystem::path& path, size_t songs, const std::string& hash,
                       double weight) {
    // The name alone: a set may go on on another machine.
    sources.push_back({{"kind", kind}, {"name", own_name(path)}, {"songs", songs}, {"hash", hash}, {"weight", weight}});
  };
  if (!options.pop909.empty())
    add("POP909", options.pop909, stock->pop909.songs.size(), stock->pop909.hash, options.pop909_weight);
  for (size_t i = 0; i < stock->midi.size(); ++i)
    add("MIDI files", options.midi[i], stock->midi[i].songs.size(), stock->midi[i].hash, options.midi_weight);
  out["sources"] = sources;
  return out;
}

}  // namespace instructme
