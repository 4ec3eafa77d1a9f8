#include "instructme/data/composer.h"

#include <cstdlib>
#include <set>

#include "data_test_support.h"
#include "expect_error.h"
#include "instructme/score/midi_file.h"
#include "instructme/score/mma_arranger.h"
#include "instructme/score/pattern_arranger.h"

namespace instructme {
namespace {

void expect_pair_of_one_chart(const ComposedSong& song, double seconds) {
  ASSERT_EQ(song.arrangements.size(), 2u);
  const Score &a = song.arrangements[0], &b = song.arrangements[1];
  EXPECT_NE(a.genre, b.genre);
  EXPECT_EQ(a.tempo_bpm, b.tempo_bpm);
  EXPECT_EQ(a.beats_per_bar, b.beats_per_bar);
  ASSERT_EQ(a.chords.size(), b.chords.size());
  for (size_t i = 0; i < a.chords.size(); ++i) {
    EXPECT_EQ(a.chords[i].chord, b.chords[i].chord);
    EXPECT_NEAR(a.chords[i].start_s, b.chords[i].start_s, 1e-6);
  }
  for (const Score* score : {&a, &b}) {
    EXPECT_GE(score->duration_s, seconds - 0.01);
    EXPECT_GE(score->parts.size(), 2u);
    EXPECT_FALSE(score->genre.empty());
  }
}

TEST(Composer, OwnPatternsMakeARemixPair) {
  ComposerOptions options;
  options.seconds = 20;
  options.mma = false;
  const Composer composer = make_composer(options);
  for (uint64_t seed = 0; seed < 5; ++seed) expect_pair_of_one_chart(composer(seed), options.seconds);
  EXPECT_EQ(composer(3).arrangements[0].parts[0].notes.size(), composer(3).arrangements[0].parts[0].notes.size());
  options.second_arrangement = false;
  EXPECT_EQ(make_composer(options)(1).arrangements.size(), 1u);
  options.seconds = 0;
  expect_error(ErrorKind::kUsage, "seconds", [&] { make_composer(options); });
}

TEST(Composer, PerformancesShareBeatsAndChordsAndZeroIsAsWritten) {
  ComposerOptions options;
  options.seconds = 60;
  options.mma = false;
  options.performance = 0;
  const Composer written = make_composer(options);
  options.performance = 2;
  const Composer performed = make_composer(options);
  int changed = 0;
  for (uint64_t seed = 0; seed < 12; ++seed) {
    const ComposedSong plain = written(seed), song = performed(seed);
    expect_pair_of_one_chart(song, options.seconds);
    ASSERT_EQ(song.arrangements[0].beats.size(), song.arrangements[1].beats.size());
    for (size_t i = 0; i < song.arrangements[0].beats.size(); ++i)
      EXPECT_EQ(song.arrangements[0].beats[i].time_s, song.arrangements[1].beats[i].time_s);
    EXPECT_EQ(song.arrangements[0].duration_s, song.arrangements[1].duration_s);
    changed += song.arrangements[0].duration_s != plain.arrangements[0].duration_s;
    // Written beats are even.
    const auto& beats = plain.arrangements[0].beats;
    for (size_t i = 1; i < beats.size(); ++i)
      EXPECT_NEAR(beats[i].time_s - beats[i - 1].time_s, 60 / plain.arrangements[0].tempo_bpm, 1e-9);
  }
  EXPECT_GT(changed, 2);
  options.performance = 3;
  expect_error(ErrorKind::kUsage, "performance", [&] { make_composer(options); });
}

void write_midi_files(const std::filesystem::path& folder, int count) {
  for (int i = 0; i < count; ++i) {
    Rng rng(static_cast<uint64_t>(i));
    Score score = pattern_song(make_chart(rng, {.bars = 24}), "rock", static_cast<uint64_t>(i));
    const auto bytes = write_midi(midi_of_score(score));
    write_file_atomically(folder / ("song" + std::to_string(i) + ".mid"), std::string(bytes.begin(), bytes.end()));
  }
}

TEST(Composer, TakesWindowsOfMidiFiles) {
  const TempDir folder;
  write_midi_files(folder.path(), 4);
  ComposerOptions options;
  options.seconds = 15;
  options.mma = false;
  options.midi = {folder.path()};
  const auto stock = load_music(options);
  const Composer composer = make_composer(options, GrooveLibrary::builtin(), stock);
  int midi = 0, own = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const ComposedSong song = composer(seed);
    if (!song.source.starts_with("MIDI file song")) {
      ++own;
      continue;
    }
    ++midi;
    ASSERT_EQ(song.arrangements.size(), 1u);
    const Score& score = song.arrangements[0];
    EXPECT_EQ(score.genre, "");
    EXPECT_GE(score.parts.size(), 2u);
    EXPECT_GE(score.duration_s, 14.99);
    const bool known = std::any_of(stock->midi[0].songs.begin(), stock->midi[0].songs.end(),
                                   [&](const MidiSong& s) { return song.source.find(s.hash) != std::string::npos; });
    EXPECT_TRUE(known) << song.source;
    EXPECT_EQ(composer(seed).arrangements[0].duration_s, score.duration_s);
  }
  EXPECT_GT(midi, 4);
  EXPECT_GT(own, 4);
  options.own_weight = 0;
  for (uint64_t seed = 0; seed < 5; ++seed)
    EXPECT_TRUE(make_composer(options, GrooveLibrary::builtin(), stock)(seed).source.starts_with("MIDI file"));
  options.midi_weight = 0;
  expect_error(ErrorKind::kUsage, "weight", [&] { make_composer(options); });
  options.midi_weight = -1;
  expect_error(ErrorKind::kUsage, "weight", [&] { make_composer(options); });
}

TEST(Composer, SongsOfMidiFilesAreRenderedAndReadBackWithoutAGenre) {
  SKIP_WITHOUT_SMALL_FONT();
  const TempDir folder;
  write_midi_files(folder.path(), 1);
  ComposerOptions options;
  options.seconds = 15;
  options.mma = false;
  options.own_weight = 0;
  options.midi = {folder.path()};
  SongRenderer renderer({}, make_composer(options), small_palette(), Lexicon::builtin());
  write_song(folder.path() / "song", renderer.render(1));
  const SongInfo info = read_song_info(folder.path() / "song");
  ASSERT_EQ(info.arrangements.size(), 1u);
  EXPECT_EQ(info.arrangements[0].genre, "");
  EXPECT_EQ(info.arrangements[0].versions.size(), 2u);
  EXPECT_TRUE(info.source.starts_with("MIDI file song0.mid"));
}

TEST(Composer, TheManifestTellsWhereMusicComesFrom) {
  const TempDir folder;
  write_midi_files(folder.path(), 3);
  ComposerOptions options;
  options.mma = false;
  EXPECT_FALSE(composer_json(options).contains("sources"));
  EXPECT_EQ(composer_json(options)["performance"], 1);
  options.midi = {folder.path()};
  const auto stock = load_music(options);
  const nlohmann::json json = composer_json(options, stock.get());
  ASSERT_EQ(json["sources"].size(), 2u);
  EXPECT_EQ(json["sources"][1]["songs"], 3);
  EXPECT_EQ(json["sources"][1]["hash"], stock->midi[0].hash);
  EXPECT_EQ(json["sources"][1]["name"], folder.path().filename().string());
  std::filesystem::remove(folder.path() / "song1.mid");
  EXPECT_NE(composer_json(options, load_music(options).get()), json);
  options.pop909 = "somewhere";
  expect_error(ErrorKind::kUsage, "POP909", [&] { make_composer(options); });
}

TEST(Composer, ArrangesSongsOfPop909) {
  const char* path = std::getenv("INSTRUCTME_POP909");
  if (path == nullptr || !mma_available()) GTEST_SKIP() << "needs mma, and INSTRUCTME_POP909 naming the collection";
  ComposerOptions options;
  options.seconds = 30;
  options.own_weight = 0;
  options.pop909 = path;
  std::vector<std::set<std::string>> names;
  for (GrooveSplit split : {GrooveSplit::kTrain, GrooveSplit::kHeldOut}) {
    options.split = split;
    const auto stock = load_music(options);
    names.emplace_back();
    for (const Pop909Song& song : stock->pop909.songs) names.back().insert(song.name);
    const Composer composer = make_composer(options, GrooveLibrary::builtin(), stock);
    for (uint64_t seed = 0; seed < 4; ++seed) {
      const ComposedSong song = composer(seed);
      EXPECT_TRUE(song.source.starts_with("POP909 song ")) << song.source;
      if (song.arrangements.size() == 2) expect_pair_of_one_chart(song, 25);
    }
  }
  for (const std::string& name : names[1]) EXPECT_FALSE(names[0].contains(name)) << name;
  EXPECT_EQ(names[0].size() + names[1].size(), 909u);
}

TEST(Composer, MmaMakesARemixPairFromTheSplitAskedFor) {
  if (!mma_available()) GTEST_SKIP() << "needs mma (apt install mma)";
  ComposerOptions options;
  options.seconds = 20;
  for (GrooveSplit split : {GrooveSplit::kTrain, GrooveSplit::kHeldOut}) {
    options.split = split;
    const std::vector<std::string> files = GrooveLibrary::builtin().split(split).files();
    const ComposedSong song = make_composer(options)(4);
    expect_pair_of_one_chart(song, options.seconds);
    for (const Score& score : song.arrangements)
      EXPECT_TRUE(std::any_of(files.begin(), files.end(), [&](const std::string& file) {
        return score.groove.starts_with(file + ":");
      })) << score.groove;
  }
}

}  // namespace
}  // namespace instructme
