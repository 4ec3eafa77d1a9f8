// What a triplet says about itself, checked against the stems it was made of: rendered songs through SoundFonts where
// the small font is installed, and songs of sines.
#include <algorithm>
#include <set>

#include "data_test_support.h"
#include "expect_error.h"
#include "instructme/data/triplet.h"

namespace instructme {
namespace {

using Names = std::vector<std::string>;

/// Sum of stems of a triplet's song, read again from the files.
std::vector<float> sum_of(const SongSet& songs, const Triplet& t, const std::vector<HeardStem>& stems) {
  std::vector<float> sum(t.source.size());
  for (const HeardStem& stem : stems) {
    const std::vector<float> x =
        songs.clip(t.song, stem.arrangement, stem.version, stem.stem, t.start_frame, static_cast<int64_t>(sum.size()));
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += static_cast<float>(stem.gain * x[i]);
  }
  return sum;
}

void expect_equal(const std::vector<float>& a, const std::vector<float>& b, const std::string& what) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], 1e-5) << what << " at " << i;
}

Names names_of(const std::vector<HeardStem>& stems) {
  std::set<std::string> names;
  for (const HeardStem& stem : stems)
    if (!stem.instrument.empty()) names.insert(stem.instrument);
  return {names.begin(), names.end()};
}

Names sorted(Names names) {
  std::sort(names.begin(), names.end());
  return names;
}

/// What a list of instruments becomes by instructions that name parts of it.
Names after(Names names, const std::vector<Instruction>& instructions) {
  std::set<std::string> left(names.begin(), names.end());
  for (const Instruction& instruction : instructions) {
    const Names& x = instruction.instruments;
    switch (instruction.operation) {
      case Operation::kExtract:
      case Operation::kAccompany: left = {x.begin(), x.end()}; break;
      case Operation::kRemove:
      case Operation::kReplace:
        for (const auto& name : x) EXPECT_EQ(left.erase(name), 1u) << name;
        break;
      case Operation::kAdd:
        for (const auto& name : x) EXPECT_TRUE(left.insert(name).second) << name;
        break;
      case Operation::kRemix: break;
    }
    for (const auto& name : instruction.replacements) EXPECT_TRUE(left.insert(name).second) << name;
  }
  return {left.begin(), left.end()};
}

/// Everything a triplet claims.
void expect_true(const SongSet& songs, const Triplet& t) {
  SCOPED_TRACE(t.sentence);
  const std::vector<Instruction> asked = t.instructions();
  EXPECT_EQ(parse_instructions(t.sentence, Lexicon::builtin()), asked);
  expect_equal(t.source, sum_of(songs, t, t.source_stems), "source");
  expect_equal(t.target, sum_of(songs, t, t.target_stems), "target");
  EXPECT_EQ(names_of(t.source_stems), t.source_instruments);
  EXPECT_EQ(names_of(t.target_stems), t.target_instruments);
  for (const auto* stems : {&t.source_stems, &t.target_stems})
    for (const HeardStem& stem : *stems) {
      const StemInfo& info =
          songs.info(t.song).arrangements[stem.arrangement].versions[stem.version].stems.at(stem.stem);
      EXPECT_EQ(info.instrument, stem.instrument);
      // Silent stems are dropped.
      const int64_t first = t.start_frame / songs.block_frames(),
                    end = (t.start_frame + static_cast<int64_t>(t.source.size()) + songs.block_frames() - 1) /
                          songs.block_frames();
      EXPECT_GE(songs.clip_level_db(t.song, stem.arrangement, stem.version, stem.stem, first, end - first), -50);
    }
  if (asked.front().operation == Operation::kRemix) {
    EXPECT_FALSE(t.removed_stems().empty());
    const Names& x = asked.front().instruments;
    if (!x.empty()) {
      EXPECT_EQ(sorted(x), t.target_instruments);
    }
    if (asked.front().genre) {
      EXPECT_EQ(*asked.front().genre, t.target_genre);
    }
    return;
  }
  EXPECT_EQ(after(t.source_instruments, asked), t.target_instruments);
  // source - target is what was removed less what was added: nothing else changes.
  const std::vector<float> removed = sum_of(songs, t, t.removed_stems()), added = sum_of(songs, t, t.added_stems());
  for (size_t i = 0; i < t.source.size(); ++i) ASSERT_NEAR(t.source[i] - t.target[i], removed[i] - added[i], 1e-5) << i;
  if (asked.front().operation == Operation::kAccompany) return;
  Names gone, come;
  for (const Instruction& instruction : asked) {
    if (instruction.operation == Operation::kExtract) return;  // all but the named is gone
    Names& named = instruction.operation == Operation::kAdd ? come : gone;
    named.insert(named.end(), instruction.instruments.begin(), instruction.instruments.end());
    come.insert(come.end(), instruction.replacements.begin(), instruction.replacements.end());
  }
  EXPECT_EQ(names_of(t.removed_stems()), sorted(gone));
  EXPECT_EQ(names_of(t.added_stems()), sorted(come));
}

/// `count` examples of every operation and of two requests, in turn.
void expect_all_true(const SongSet& songs, TripletOptions options, int count) {
  const TripletSampler sampler(songs, Lexicon::builtin(), options);
  std::set<std::pair<Operation, Operation>> pairs;
  for (int i = 0; i < count && !testing::Test::HasFailure(); ++i) {
    Rng rng = Rng(41).fork(static_cast<uint64_t>(i));
    const int kind = i % (kOperations + 1);
    const Triplet t =
        kind < kOperations ? sampler.sample(static_cast<Operation>(kind), rng) : sampler.sample_two_requests(rng);
    EXPECT_EQ(t.further.size(), kind < kOperations ? 0u : 1u);
    if (kind == kOperations) pairs.emplace(t.instruction.operation, t.further[0].operation);
    expect_true(songs, t);
  }
  EXPECT_GE(pairs.size(), 3u) << "different pairs of requests";
}

class TripletStems : public testing::Test {
 protected:
  void SetUp() override {
    for (uint64_t seed = 1; seed <= 3; ++seed) write_song(folder_.path() / std::to_string(seed), test_song(seed));
  }
  static TripletOptions options(double seconds = 2) {
    TripletOptions options;
    options.seconds = seconds;
    return options;
  }
  TempDir folder_;
};

TEST_F(TripletStems, AccountForEverySampleOfSines) {
  TripletOptions o = options();
  o.tags_probability = 0.5;
  expect_all_true(SongSet(folder_.path()), o, 210);
}

TEST(RenderedTripletStems, AccountForEverySampleOfRenderedSongs) {
  SKIP_WITHOUT_SMALL_FONT();
  TempDir folder;
  SongRenderer renderer({}, compose_test_song, small_palette(), Lexicon::builtin());
  for (uint64_t seed = 1; seed <= 3; ++seed) write_song(folder.path() / std::to_string(seed), renderer.render(seed));
  TripletOptions options;
  options.seconds = 1.5;
  expect_all_true(SongSet(folder.path()), options, 210);
}

TEST_F(TripletStems, TwoRequestsComeAsOftenAsAskedFor) {
  TripletOptions o = options();
  o.requests = 0.3;
  const SongSet songs(folder_.path());
  const TripletSampler sampler(songs, Lexicon::builtin(), o);
  Rng rng(1), group(1);
  int two = 0, two_in_groups = 0;
  const int n = 300;
  for (int i = 0; i < n; ++i) {
    two += sampler.sample(rng).further.empty() ? 0 : 1;
    two_in_groups += sampler.sample_group(group).front().further.empty() ? 0 : 1;
  }
  EXPECT_NEAR(two, 0.3 * n, 5 * std::sqrt(n * 0.21));
  EXPECT_NEAR(two_in_groups, 0.3 * n, 5 * std::sqrt(n * 0.21));
}

TEST_F(TripletStems, TwoRequestsFollowTheProportions) {
  TripletOptions o = options();
  o.proportions = {{"remove", 1}, {"add", 1}};
  const SongSet songs(folder_.path());
  const TripletSampler sampler(songs, Lexicon::builtin(), o);
  Rng rng(2);
  for (int i = 0; i < 30; ++i) {
    const Triplet t = sampler.sample_two_requests(rng);
    const std::set<Operation> operations{t.instruction.operation, t.further.at(0).operation};
    EXPECT_EQ(operations, (std::set<Operation>{Operation::kRemove, Operation::kAdd})) << t.sentence;
  }
  o.proportions = {{"remove", 1}, {"remix", 1}};
  expect_error(ErrorKind::kInput, "Two requests",
               [&] { TripletSampler(songs, Lexicon::builtin(), o).sample_two_requests(rng); });
  o.requests = 1.5;
  expect_error(ErrorKind::kUsage, "within 0 and 1", [&] { TripletSampler(songs, Lexicon::builtin(), o); });
}

TEST_F(TripletStems, SeparateClipsDoNotOverlap) {
  for (const double seconds : {2.0, 1.7}) {  // a whole number of level blocks, and none
    TripletOptions o = options(seconds);
    o.separate_clips = true;
    const SongSet songs(folder_.path());
    const TripletSampler sampler(songs, Lexicon::builtin(), o);
    Rng rng(3);
    std::set<int64_t> starts;
    for (int i = 0; i < 200; ++i) {
      const Triplet t = sampler.sample(rng);
      EXPECT_EQ(t.start_frame % sampler.frames(), 0);
      EXPECT_LE(t.start_frame + sampler.frames(), songs.info(t.song).frames);
      starts.insert(t.start_frame);
      if (i < 20) expect_true(songs, t);
    }
    EXPECT_GE(starts.size(), 3u);
  }
}

TEST_F(TripletStems, RemixesMayHaveBothTags) {
  TripletOptions o = options();
  o.genre_probability = o.tags_probability = 1;
  const SongSet songs(folder_.path());
  const TripletSampler sampler(songs, Lexicon::builtin(), o);
  Rng rng(4);
  for (int i = 0; i < 20; ++i) {
    const Triplet t = sampler.sample(Operation::kRemix, rng);
    EXPECT_EQ(t.instruction.genre, t.target_genre);
    EXPECT_EQ(sorted(t.instruction.instruments), t.target_instruments) << t.sentence;
  }
}

TEST_F(TripletStems, ReplacesInTheGivenProportion) {
  TripletOptions o = options();
  o.part_probability = 0.5;
  const SongSet songs(folder_.path());
  const TripletSampler sampler(songs, Lexicon::builtin(), o);
  int same_part = 0;
  const int n = 300;
  for (int i = 0; i < n; ++i) {
    Rng rng = Rng(5).fork(static_cast<uint64_t>(i));
    const Triplet t = sampler.sample(Operation::kReplace, rng);
    // The same part on another instrument is of another version.
    same_part += t.added_stems().front().version != t.removed_stems().front().version ? 1 : 0;
  }
  EXPECT_GT(same_part, n / 5);
  EXPECT_LT(same_part, n * 4 / 5);
}

}  // namespace
}  // namespace instructme
