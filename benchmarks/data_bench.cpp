// How fast training examples are made: composing, rendering with all effects, drawing triplets, storing them.
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "instructme/base/strings.h"
#include "instructme/data/composer.h"
#include "instructme/data/shards.h"
#include "instructme/data/triplet_stream.h"
#include "instructme/score/mma_arranger.h"

namespace instructme {
namespace {

constexpr uint64_t kSeed = 2023;
constexpr int64_t kSongs = 3, kPluginSongs = 10;

std::shared_ptr<const Palette> palette() {
  static const auto shared = [] {
    PaletteOptions options;
    const char* fonts = std::getenv("INSTRUCTME_FONTS");
    for (const auto& path : split(fonts != nullptr ? fonts : "/usr/share/sounds/sf2:/usr/share/sounds/sf3", ':'))
      options.fonts.emplace_back(path);
    options.plugins = std::getenv("INSTRUCTME_PLUGINS") != nullptr;
    return std::make_shared<const Palette>(Palette::scan(options, Lexicon::builtin()));
  }();
  return shared;
}

Composer composer() {
  ComposerOptions options;
  options.mma = mma_available();
  return make_composer(options);
}

/// Seconds of processor time so far, with that of the program that composes.
double processor_s() {
  double seconds = 0;
  for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage usage{};
    ::getrusage(who, &usage);
    for (const timeval& time : {usage.ru_utime, usage.ru_stime})
      seconds += static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  }
  return seconds;
}

void compose(benchmark::State& state) {
  const Composer make = composer();
  uint64_t seed = kSeed;
  double seconds = 0;
  for (auto _ : state) seconds += make(seed++).arrangements.front().duration_s;
  state.counters["x_real_time"] = benchmark::Counter(seconds, benchmark::Counter::kIsRate);
}

void render(benchmark::State& state) {
  RenderOptions options;
  options.effects = static_cast<double>(state.range(0));
  options.bus_probability *= options.effects;
  SongRenderer renderer(options, composer(), palette(), Lexicon::builtin());
  uint64_t seed = kSeed;
  double seconds = 0, stem_seconds = 0;
  // SoundFonts are loaded and decoded when they are first used, which is not what is measured.
  for (int64_t i = 0; i < kSongs; ++i) renderer.render(seed + static_cast<uint64_t>(i));
  for (auto _ : state) {
    const RenderedSong song = renderer.render(seed++);
    const double length = static_cast<double>(song.info.frames) / options.sample_rate;
    seconds += length;
    for (const auto& arrangement : song.audio)
      for (const auto& version : arrangement) stem_seconds += length * static_cast<double>(version.size());
  }
  state.counters["song_s"] = benchmark::Counter(seconds, benchmark::Counter::kIsRate);
  state.counters["stem_s"] = benchmark::Counter(stem_seconds, benchmark::Counter::kIsRate);
}

// The same songs with and without LV2 effects on their stems; instruments may be plugins in both.
void plugin_effects(benchmark::State& state) {
  RenderOptions options;
  options.plugin_effect_probability = 0.01 * static_cast<double>(state.range(0));
  SongRenderer renderer(options, composer(), palette(), Lexicon::builtin());
  uint64_t seed = kSeed;
  for (int64_t i = 0; i < kPluginSongs; ++i) renderer.render(seed + static_cast<uint64_t>(i));
  int stems = 0, through_effect = 0;
  const double start = processor_s();
  for (auto _ : state) {
    const RenderedSong song = renderer.render(seed++);
    for (const auto& arrangement : song.info.arrangements)
      for (const auto& version : arrangement.versions)
        for (const auto& stem : version.stems) {
          ++stems;
          through_effect += !stem.effect_source.empty();
        }
  }
  state.counters["core_s_per_song"] = (processor_s() - start) / static_cast<double>(state.iterations());
  state.counters["stems"] = stems;
  state.counters["through_effect"] = through_effect;
}

// A minute of a plucked tone through one LV2 effect, starting it and resampling included.
void plugin_effect(benchmark::State& state, const PaletteEffect& effect) {
  constexpr int kRate = 24000;
  AudioBuffer stem{kRate, 1, std::vector<float>(60 * kRate)};
  for (size_t i = 0; i < stem.samples.size(); ++i)
    stem.samples[i] = static_cast<float>(0.14 * std::sin(0.03 * static_cast<double>(i)) *
                                         std::exp(-static_cast<double>(i % 12000) / 6000));
  Rng rng(kSeed);
  const PluginEffect through;
  const double start = processor_s();
  for (auto _ : state) {
    AudioBuffer buffer = stem;
    through.apply(effect.draw(rng), buffer);
  }
  state.counters["core_s_per_minute"] = (processor_s() - start) / static_cast<double>(state.iterations());
}

// Blocks of a stream: songs with all effects, and triplets from them. The first blocks load the SoundFonts.
void triplets(benchmark::State& state) {
  StreamOptions options;
  options.seed = kSeed;
  options.songs_per_block = 2;
  options.triplets_per_song = static_cast<int>(state.range(0));
  options.blocks_ahead = 0;
  TripletStream stream(options, rendered_songs({}, composer(), palette(), Lexicon::builtin()), Lexicon::builtin());
  int64_t block = 0;
  for (; block < 3; ++block) stream.at(block * stream.block_size());
  double seconds = 0;
  const double start = processor_s();
  for (auto _ : state) {
    benchmark::DoNotOptimize(stream.at(block++ * stream.block_size()));
    seconds += static_cast<double>(stream.block_size()) * options.triplets.seconds;
  }
  state.counters["triplet_s"] = benchmark::Counter(seconds, benchmark::Counter::kIsRate);
  // What one core makes when nothing else runs on it.
  state.counters["triplet_s_per_core_s"] = seconds / (processor_s() - start);
}

void encode(benchmark::State& state) {
  StreamOptions options;
  options.songs_per_block = 1;
  TripletStream stream(options, rendered_songs({}, composer(), palette(), Lexicon::builtin()), Lexicon::builtin());
  const LabelledTriplet example = stream.at(0);
  size_t bytes = 0;
  for (auto _ : state)
    for (const auto& [name, content] : encode_example(example, stream.sample_rate(), static_cast<int>(state.range(0))))
      bytes += content.size();
  const auto count = static_cast<double>(state.iterations());
  state.counters["triplet_s"] = benchmark::Counter(count * options.triplets.seconds, benchmark::Counter::kIsRate);
  state.counters["kB"] = static_cast<double>(bytes) / count / 1000;
}

}  // namespace
}  // namespace instructme

int main(int argc, char** argv) {
  using namespace instructme;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  try {
    // Wall clock: composing happens in another process, and streams work on threads of their own.
    benchmark::RegisterBenchmark("compose", compose)->UseRealTime()->Iterations(kSongs)->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark("render/effects", render)
        ->Arg(0)
        ->Arg(1)
        ->UseRealTime()
        ->Iterations(kSongs)
        ->Unit(benchmark::kMillisecond);
    if (!palette()->effects().empty())
      benchmark::RegisterBenchmark("render/plugin_effects_percent", plugin_effects)
          ->Arg(0)
          ->Arg(static_cast<int64_t>(100 * RenderOptions{}.plugin_effect_probability))
          ->UseRealTime()
          ->Iterations(kPluginSongs)
          ->Unit(benchmark::kMillisecond);
    for (const PaletteEffect& effect : palette()->effects())
      benchmark::RegisterBenchmark(("effect/" + effect.source->name).c_str(), plugin_effect, effect)
          ->UseRealTime()
          ->Iterations(1)
          ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark("triplets/per_song", triplets)
        ->Arg(32)
        ->UseRealTime()
        ->Iterations(3)
        ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark("encode/bits", encode)->Arg(16)->Arg(24)->UseRealTime()->Unit(benchmark::kMillisecond);
    benchmark::RunSpecifiedBenchmarks();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "data_bench: %s\n", error.what());
    return 1;
  }
  benchmark::Shutdown();
  return 0;
}
