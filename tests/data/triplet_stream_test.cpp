#include "instructme/data/triplet_stream.h"

#include <atomic>
#include <set>
#include <thread>

#include "data_test_support.h"
#include "expect_error.h"

namespace instructme {
namespace {

class Stream : public testing::Test {
 protected:
  Stream() {
    options_.seed = 5;
    options_.songs_per_block = 3;
    options_.triplets_per_song = 4;
    options_.triplets.seconds = 2;
    options_.triplets.siblings = 3;
  }
  // Songs of sines; numbers for which `refuse_` holds cannot be made.
  SongSupply supply() {
    return {8000, [this]() -> SongSource {
              return [this](uint64_t number) {
                {
                  const std::lock_guard lock(mutex_);
                  asked_.push_back(number);
                }
                if (refuse_ && refuse_(number)) throw Error(ErrorKind::kInput, "no such song");
                if (fail_) throw Error(ErrorKind::kIo, "the disk is gone");
                std::vector<RenderedSong> songs{test_song(number)};
                return std::make_shared<const SongSet>(std::move(songs));
              };
            }};
  }
  TripletStream stream(int threads = 1, CancelToken cancel = {}) {
    options_.threads = threads;
    return TripletStream(options_, supply(), Lexicon::builtin(), cancel);
  }
  static void expect_same(const LabelledTriplet& a, const LabelledTriplet& b) {
    EXPECT_EQ(a.triplet.sentence, b.triplet.sentence);
    EXPECT_EQ(a.triplet.source, b.triplet.source);
    EXPECT_EQ(a.triplet.target, b.triplet.target);
    EXPECT_EQ(a.triplet.chords, b.triplet.chords);
    EXPECT_EQ(a.triplet.song, b.triplet.song);
    EXPECT_EQ(a.clip.seed, b.clip.seed);
    EXPECT_EQ(a.clip.start_s, b.clip.start_s);
  }

  StreamOptions options_;
  std::function<bool(uint64_t)> refuse_;
  bool fail_ = false;
  std::mutex mutex_;
  std::vector<uint64_t> asked_;
};

TEST_F(Stream, IsTheSameForAnyThreadsAndAnyOrder) {
  auto one = stream(1);
  std::vector<LabelledTriplet> examples;
  for (int64_t i = 0; i < 40; ++i) examples.push_back(one.at(i));
  auto three = stream(3);
  for (int64_t i = 0; i < 40; ++i) expect_same(three.at(i), examples[static_cast<size_t>(i)]);
  auto backwards = stream(2);
  for (int64_t i = 39; i >= 0; i -= 7) expect_same(backwards.at(i), examples[static_cast<size_t>(i)]);
  options_.seed = 6;
  EXPECT_NE(stream().at(0).triplet.source, examples[0].triplet.source);
}

TEST_F(Stream, SeveralConsumersMayShareIt) {
  auto alone = stream(1), shared = stream(2);
  std::vector<LabelledTriplet> examples(48);
  std::atomic<int64_t> next{0};
  const auto consume = [&] {
    for (int64_t i = next++; i < 48; i = next++) examples[static_cast<size_t>(i)] = shared.at(i);
  };
  std::thread a(consume), b(consume);
  a.join();
  b.join();
  for (int64_t i = 0; i < 48; ++i) expect_same(examples[static_cast<size_t>(i)], alone.at(i));
}

TEST_F(Stream, ABlockHasTripletsOfAllItsSongsMixed) {
  auto s = stream();
  ASSERT_EQ(s.block_size(), 12);
  std::map<size_t, int> songs;
  size_t changes = 0, last = 99;
  for (int64_t i = 12; i < 24; ++i) {
    const LabelledTriplet example = s.at(i);
    ++songs[example.triplet.song];
    changes += example.triplet.song != last ? 1 : 0;
    last = example.triplet.song;
    EXPECT_EQ(example.clip.origin, "test");
    EXPECT_EQ(example.clip.song, song_folder_name(example.clip.seed));
    EXPECT_EQ(example.clip.start_s * 8000, static_cast<double>(example.triplet.start_frame));
    ASSERT_FALSE(example.clip.chords.empty());
    EXPECT_EQ(example.clip.chords.front().start_s, 0);
    EXPECT_EQ(example.clip.sounds, (std::vector<SoundOrigin>{{"sines", ""}}));
  }
  EXPECT_EQ(songs, (std::map<size_t, int>{{3, 4}, {4, 4}, {5, 4}}));
  EXPECT_GT(changes, 3u);
}

TEST_F(Stream, AskingForAnExampleMakesOnlyItsBlock) {
  options_.blocks_ahead = 0;
  {
    auto s = stream();
    s.at(12 * 1000 + 5);
    EXPECT_EQ(s.songs_made(), 3);
    EXPECT_GT(s.waited_s(), 0);
    const double waited = s.waited_s();
    s.at(12 * 1000 + 6);
    EXPECT_EQ(s.waited_s(), waited);
  }
  EXPECT_EQ(asked_.size(), 3u);
}

TEST_F(Stream, MemoryIsBounded) {
  options_.blocks_ahead = 1;
  {
    auto s = stream(2);
    for (int64_t i = 0; i < 60; ++i) s.at(i);
  }
  // Five blocks were read, one is made ahead; nothing was made twice.
  EXPECT_LE(asked_.size(), 18u);
  EXPECT_EQ(std::set<uint64_t>(asked_.begin(), asked_.end()).size(), asked_.size());
}

TEST_F(Stream, ASongThatCannotBeMadeIsReplacedByTheNext) {
  options_.blocks_ahead = 0;
  stream().at(0);
  const std::vector<uint64_t> usual = asked_;
  asked_.clear();
  refuse_ = [&](uint64_t number) { return number == usual[1] || number == usual[1] + 1; };
  std::vector<LabelledTriplet> examples;
  {
    auto s = stream();
    for (int64_t i = 0; i < 12; ++i) examples.push_back(s.at(i));
    EXPECT_EQ(s.songs_refused(), 2);
  }
  EXPECT_EQ(asked_, (std::vector<uint64_t>{usual[0], usual[1], usual[1] + 1, usual[1] + 2, usual[2]}));
  auto again = stream(3);
  for (int64_t i = 0; i < 12; ++i) expect_same(again.at(i), examples[static_cast<size_t>(i)]);
  refuse_ = [](uint64_t) { return true; };
  auto hopeless = stream(2);
  expect_error(ErrorKind::kInput, "no such song", [&] { hopeless.at(0); });
}

TEST_F(Stream, PassesFailuresOnAndStops) {
  fail_ = true;
  {
    auto s = stream(2);
    expect_error(ErrorKind::kIo, "disk is gone", [&] { s.at(0); });
    expect_error(ErrorKind::kIo, "disk is gone", [&] { s.at(3); });
  }
  fail_ = false;
  std::atomic<bool> flag{true};
  auto cancelled = stream(2, CancelToken(&flag));
  expect_error(ErrorKind::kCancelled, "", [&] { cancelled.at(0); });
  options_.triplets_per_song = 0;
  expect_error(ErrorKind::kUsage, "at least one", [&] { stream(); });
  options_.triplets_per_song = 1;
  expect_error(ErrorKind::kUsage, "threads", [&] { stream(0); });
  options_.triplets.proportions = {{"juggle", 1.0}};
  auto wrong = stream(1);
  expect_error(ErrorKind::kUsage, "juggle", [&] { wrong.at(0); });
}

TEST_F(Stream, RenderedSongsAreThoseOfTheRenderer) {
  SKIP_WITHOUT_SMALL_FONT();
  options_.songs_per_block = 2;
  options_.triplets_per_song = 2;
  options_.blocks_ahead = 0;
  const RenderOptions render;
  const auto make = [&](int threads) {
    options_.threads = threads;
    return TripletStream(options_, rendered_songs(render, compose_test_song, small_palette(), Lexicon::builtin()),
                         Lexicon::builtin());
  };
  auto one = make(1), two = make(2);
  EXPECT_EQ(one.sample_rate(), 24000);
  for (int64_t i = 3; i >= 0; --i) expect_same(one.at(i), two.at(i));
}

TEST_F(Stream, RecordingsWithoutVersionsAreNotGivenUp) {
  RenderedSong song = test_song(1);
  song.info.arrangements.resize(1), song.audio.resize(1);
  song.info.arrangements[0].versions.resize(1), song.audio[0].resize(1);
  options_.songs_per_block = 1;
  options_.triplets_per_song = 32;  // of which remixes would be nearly half
  options_.blocks_ahead = 0;
  std::vector<RenderedSong> songs{std::move(song)};
  TripletStream s(options_, stored_songs(std::make_shared<const SongSet>(std::move(songs))), Lexicon::builtin());
  for (int64_t i = 0; i < 32; ++i) EXPECT_NE(s.at(i).triplet.instruction.operation, Operation::kRemix);
  EXPECT_EQ(s.songs_refused(), 0);
}

TEST_F(Stream, StoredSongsAreDrawnAsTheSamplerDrawsThem) {
  std::vector<RenderedSong> songs{test_song(1), test_song(2)};
  TripletStream s(options_, stored_songs(std::make_shared<const SongSet>(std::move(songs))), Lexicon::builtin());
  std::set<uint64_t> seeds;
  for (int64_t i = 0; i < 24; ++i) seeds.insert(s.at(i).clip.seed);
  EXPECT_EQ(seeds, (std::set<uint64_t>{1, 2}));
}

}  // namespace
}  // namespace instructme
