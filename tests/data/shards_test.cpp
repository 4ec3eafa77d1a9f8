#include "instructme/data/shards.h"

#include <atomic>
#include <fstream>

#include "data_test_support.h"
#include "expect_error.h"
#include "instructme/archive/tar.h"
#include "instructme/base/config_reader.h"
#include "instructme/data/song_identity.h"
#include "instructme/data/triplet_stream.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;

class Shards : public testing::Test {
 protected:
  Shards() {
    options_.folder = folder_.path() / "shards";
    options_.count = 10;
    options_.per_shard = 4;
    options_.how = {{"seed", 5}};
  }
  static std::unique_ptr<TripletStream> stream(int threads = 1, CancelToken cancel = {}) {
    StreamOptions options;
    options.seed = 5;
    options.songs_per_block = 2;
    options.triplets_per_song = 3;
    options.triplets.seconds = 2;
    options.threads = threads;
    const SongSupply supply{8000, []() -> SongSource {
                              return [](uint64_t number) {
                                std::vector<RenderedSong> songs{test_song(number)};
                                return std::make_shared<const SongSet>(std::move(songs));
                              };
                            }};
    return std::make_unique<TripletStream>(options, supply, Lexicon::builtin(), cancel);
  }
  ShardReport write(int threads = 1) { return write_shards(options_, *stream(threads)); }
  /// The first five of ten examples, in another folder, where the next call goes on with the others.
  void write_half(const std::string& name) {
    options_.folder = folder_.path() / name;
    options_.count = 5;
    write();
    options_.count = 10;
  }
  std::map<std::string, std::string> bytes() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::directory_iterator(options_.folder))
      files[entry.path().filename().string()] = read_text_file(entry.path());
    return files;
  }
  static void expect_same(const LabelledTriplet& a, const LabelledTriplet& b, double tolerance) {
    const Triplet &x = a.triplet, &y = b.triplet;
    EXPECT_EQ(x.instruction, y.instruction);
    EXPECT_EQ(x.sentence, y.sentence);
    EXPECT_EQ(x.chords, y.chords);
    EXPECT_EQ(x.chord_frames, y.chord_frames);
    EXPECT_EQ(x.song, y.song);
    EXPECT_EQ(x.start_frame, y.start_frame);
    EXPECT_EQ(x.source_instruments, y.source_instruments);
    EXPECT_EQ(x.target_instruments, y.target_instruments);
    EXPECT_EQ(x.unnamed, y.unnamed);
    EXPECT_EQ(x.source_genre, y.source_genre);
    EXPECT_EQ(x.target_genre, y.target_genre);
    EXPECT_EQ(a.clip.song, b.clip.song);
    EXPECT_EQ(a.clip.origin, b.clip.origin);
    EXPECT_EQ(a.clip.seed, b.clip.seed);
    EXPECT_EQ(a.clip.start_s, b.clip.start_s);
    EXPECT_EQ(a.clip.tempo_bpm, b.clip.tempo_bpm);
    EXPECT_EQ(key_label(a.clip.key), key_label(b.clip.key));
    EXPECT_EQ(a.clip.sounds, b.clip.sounds);
    ASSERT_EQ(a.clip.chords.size(), b.clip.chords.size());
    for (size_t i = 0; i < a.clip.chords.size(); ++i) {
      EXPECT_EQ(a.clip.chords[i].start_s, b.clip.chords[i].start_s);
      EXPECT_EQ(chord_label(a.clip.chords[i].chord), chord_label(b.clip.chords[i].chord));
    }
    for (const auto& [p, q] : {std::pair{&x.source, &y.source}, std::pair{&x.target, &y.target}}) {
      ASSERT_EQ(p->size(), q->size());
      double worst = 0;
      for (size_t i = 0; i < p->size(); ++i) worst = std::max<double>(worst, std::abs((*p)[i] - (*q)[i]));
      EXPECT_LE(worst, tolerance);
    }
  }
  TempDir folder_;
  ShardOptions options_;
};

TEST_F(Shards, GiveTheExamplesOfTheStreamBack) {
  for (const int bits : {16, 24}) {
    options_.bits = bits;
    options_.folder = folder_.path() / std::to_string(bits);
    const ShardReport report = write();
    EXPECT_EQ(report.written, 3);
    EXPECT_DOUBLE_EQ(report.hours, 20.0 / 3600);
    ShardSet set(options_.folder);
    ASSERT_EQ(set.size(), 10);
    EXPECT_EQ(set.sample_rate(), 8000);
    EXPECT_EQ(set.seconds(), 2);
    auto expected = stream();
    // Half a step, and what float adds to it.
    for (int64_t i = 0; i < 10; ++i) expect_same(set.at(i), expected->at(i), 1.01 * std::ldexp(1.0, -bits));
    EXPECT_EQ(set.labels(3).triplet.sentence, expected->at(3).triplet.sentence);
    EXPECT_TRUE(set.labels(3).triplet.source.empty());
    EXPECT_EQ(set.manifest().at("sounds"), nlohmann::json::parse(R"([{"source": "sines", "licence": ""}])"));
  }
}

TEST_F(Shards, LaterRoundsHaveTheSameExamplesInAnotherOrder) {
  write();
  ShardSet set(options_.folder);
  std::multiset<std::string> first, second;
  std::vector<std::string> order_a, order_b;
  for (int64_t i = 0; i < 10; ++i) {
    order_a.push_back(set.at(i).clip.song + set.at(i).triplet.sentence);
    order_b.push_back(set.at(20 + i).clip.song + set.at(20 + i).triplet.sentence);
  }
  first.insert(order_a.begin(), order_a.end());
  second.insert(order_b.begin(), order_b.end());
  EXPECT_EQ(first, second);
  EXPECT_NE(order_a, order_b);
}

TEST_F(Shards, HaveTheSameBytesForAnyNumberOfThreadsAndAfterAStop) {
  write(1);
  const auto expected = bytes();
  ASSERT_EQ(expected.size(), 5u);  // three archives, index, manifest
  options_.folder = folder_.path() / "again";
  std::atomic<bool> flag{false};
  const auto stop_at_six = [&](const Progress& p) { flag = p.done == 6; };
  expect_error(ErrorKind::kCancelled, "", [&] { write_shards(options_, *stream(3), stop_at_six, CancelToken(&flag)); });
  EXPECT_TRUE(fs::exists(options_.folder / "train-000000.tar"));
  EXPECT_FALSE(fs::exists(options_.folder / "train-000001.tar"));
  expect_error(ErrorKind::kInput, "not complete", [&] { ShardSet set(options_.folder); });
  const ShardReport report = write(2);
  EXPECT_EQ(report.kept, 1);
  EXPECT_EQ(report.written, 2);
  EXPECT_EQ(bytes(), expected);
  EXPECT_EQ(write(2).kept, 3);
  EXPECT_EQ(bytes(), expected);
}

TEST_F(Shards, MayGrow) {
  write();
  const auto expected = bytes();
  write_half("grows");
  EXPECT_EQ(write().kept, 1);  // the second had one example only
  EXPECT_EQ(bytes(), expected);
}

TEST_F(Shards, DoNotBecomeFewer) {
  write();
  const auto expected = bytes();
  for (const int64_t count : {9, 8, 3}) {  // an archive less full, one or two archives less
    options_.count = count;
    expect_error(ErrorKind::kUsage, "more than " + std::to_string(count) + " examples", [&] { write(); });
    EXPECT_EQ(bytes(), expected);
  }
}

TEST_F(Shards, GoOnWhereNamesAreNoUtf8) {
  options_.how = {{"songs", "Caf\xe9"}};  // Latin-1
  write();
  EXPECT_EQ(write().kept, 3);
}

TEST_F(Shards, RefuseAnArchiveWithTheExamplesOfAnother) {
  write();
  fs::copy_file(options_.folder / "train-000000.tar", options_.folder / "train-000001.tar",
                fs::copy_options::overwrite_existing);
  expect_error(ErrorKind::kInput, "'00000000' is where '00000004' should be", [&] { write(); });
}

TEST_F(Shards, AreIncompleteWhenGrowingStopsBehindAReplacedArchive) {
  write();
  const auto expected = bytes();
  write_half("grows");
  std::atomic<bool> flag{false};
  const auto stop_at_nine = [&](const Progress& p) { flag = p.done == 9; };
  expect_error(ErrorKind::kCancelled, "", [&] { write_shards(options_, *stream(), stop_at_nine, CancelToken(&flag)); });
  expect_error(ErrorKind::kInput, "not complete", [&] { ShardSet set(options_.folder); });
  EXPECT_EQ(write().kept, 2);
  EXPECT_EQ(bytes(), expected);
}

TEST_F(Shards, HoldWhatIsLouderThanFullScale) {
  LabelledTriplet example = stream()->at(0);
  example.triplet.target[7] = 2.5f;
  const auto files = encode_example(example, 8000, 24);
  ASSERT_EQ(files.size(), 3u);
  expect_same(decode_example(files, "x"), example, 4 * 1.01 * std::ldexp(1.0, -24));
}

TEST_F(Shards, FollowTheConventionOfWebDataset) {
  write();
  const TarReader archive(options_.folder / "train-000001.tar");
  std::vector<std::string> names;
  for (const TarEntry& entry : archive.entries()) names.push_back(entry.name);
  ASSERT_EQ(names.size(), 12u);
  EXPECT_EQ(names[0], "00000004.json");
  EXPECT_EQ(names[1], "00000004.source.flac");
  EXPECT_EQ(names[2], "00000004.target.flac");
  EXPECT_EQ(names[3], "00000005.json");
}

TEST_F(Shards, RefusesOtherOptionsInTheSameFolder) {
  write();
  options_.how = {{"seed", 6}};
  expect_error(ErrorKind::kUsage, "another 'how'", [&] { write(); });
  options_.how = {{"seed", 5}};
  options_.per_shard = 5;
  expect_error(ErrorKind::kUsage, "per_shard", [&] { write(); });
  options_.folder = folder_.path() / "other";
  fs::create_directory(options_.folder);
  write_file_atomically(options_.folder / "mine.tar", "?");
  expect_error(ErrorKind::kUsage, "mine.tar", [&] { write(); });
}

TEST_F(Shards, RefusesBadOptions) {
  const auto refuses = [&](const char* part, auto change) {
    ShardOptions options = options_;
    change(options);
    expect_error(ErrorKind::kUsage, part, [&] { write_shards(options, *stream()); });
  };
  refuses("examples", [](ShardOptions& o) { o.count = 0; });
  refuses("examples", [](ShardOptions& o) { o.per_shard = 0; });
  refuses("bits", [](ShardOptions& o) { o.bits = 8; });
  refuses("split", [](ShardOptions& o) { o.split = "a/b"; });
  options_.folder = "/proc/no/folder";
  expect_error(ErrorKind::kIo, "/proc/no/folder", [&] { write(); });
}

TEST_F(Shards, RefusesDamagedSets) {
  write();
  const auto good = bytes();
  const fs::path shard = options_.folder / "train-000001.tar";
  const auto restore = [&] {
    for (const auto& [name, content] : good) write_file_atomically(options_.folder / name, content);
  };
  const auto open = [&] { ShardSet set(options_.folder); };
  fs::resize_file(shard, 5000);
  expect_error(ErrorKind::kInput, "train-000001.tar' is truncated", open);
  fs::remove(shard);
  expect_error(ErrorKind::kIo, "train-000001.tar' is missing", open);
  restore();
  for (const int64_t offset : {0, 512, 3000, 20000}) {  // header, labels, sound
    std::string damaged = good.at("train-000001.tar");
    damaged.replace(static_cast<size_t>(offset), 64, 64, 'Z');
    write_file_atomically(shard, damaged);
    ShardSet set(options_.folder);
    expect_error(ErrorKind::kInput, "train-000001.tar", [&] {
      for (int64_t i = 4; i < 8; ++i) set.at(i);
    });
  }
  restore();
  write_file_atomically(options_.folder / "index.tsv", "key\tshard\toffset\tsong\n00000000\ttrain-000000.tar\tx\ty\n");
  expect_error(ErrorKind::kInput, "Line 2", open);
  write_file_atomically(options_.folder / "index.tsv",
                        "key\tshard\toffset\tsong\n00000000\ttrain-000000.tar\t99999999999999999999\ty\n");
  expect_error(ErrorKind::kInput, "Line 2", open);
  write_file_atomically(options_.folder / "index.tsv", "key\tshard\toffset\tsong\n");
  expect_error(ErrorKind::kInput, "index.tsv", open);
  write_file_atomically(options_.folder / "manifest.json", "{\"format\": \"other\"}");
  expect_error(ErrorKind::kInput, "manifest.json", open);
  write_file_atomically(options_.folder / "manifest.json", good.at("manifest.json").substr(0, 50));
  expect_error(ErrorKind::kInput, "manifest.json", open);
  expect_error(ErrorKind::kIo, "no manifest.json", [] { ShardSet set("/nowhere"); });
}

TEST_F(Shards, NameTheirSongs) {
  write();
  const ShardSet set(options_.folder);
  auto all = stream();
  for (int64_t i = 0; i < 10; ++i) EXPECT_TRUE(set.songs().contains(song_identity(all->at(i).clip)));
  EXPECT_EQ(set.songs().size(), 4u);  // five and more examples of three a song
}

}  // namespace
}  // namespace instructme
