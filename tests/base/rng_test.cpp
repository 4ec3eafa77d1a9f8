#include "instructme/base/rng.h"

#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "expect_error.h"

namespace instructme {
namespace {

TEST(Rng, EqualsThePublishedGenerator) {
  // First outputs of xoshiro256** from the state 1, 2, 3, 4, as its authors' C program prints them.
  Rng rng(0);
  rng.set_state(std::vector<uint64_t>{1, 2, 3, 4, 0});
  for (uint64_t wanted : {11520ULL, 0ULL, 1509978240ULL, 1215971899390074240ULL, 1216172134540287360ULL,
                          607988272756665600ULL, 16172922978634559625ULL, 8476171486693032832ULL})
    EXPECT_EQ(rng.next(), wanted);
  // The state is four outputs of splitmix64.
  EXPECT_EQ(Rng(0).state(), (std::vector<uint64_t>{0xe220a8397b1dcdafULL, 0x6e789e6aa1b965f4ULL, 0x06c45d188009454fULL,
                                                   0xf88bb8a8724c81ecULL, 0}));
}

TEST(Rng, UniformIsEvenAndInRange) {
  Rng rng(1);
  std::vector<int> counts(10);
  constexpr int kDraws = 100000;
  for (int i = 0; i < kDraws; ++i) {
    const double x = rng.uniform();
    ASSERT_GE(x, 0.0);
    ASSERT_LT(x, 1.0);
    ++counts[static_cast<size_t>(x * 10)];
  }
  // Standard deviation of a count is 95.
  for (int count : counts) EXPECT_NEAR(count, kDraws / 10, 480);
  for (int i = 0; i < 1000; ++i) {
    const double x = rng.uniform(-3, -2);
    ASSERT_GE(x, -3.0);
    ASSERT_LT(x, -2.0);
  }
}

TEST(Rng, IntegersIncludeBothEndsAndAreEven) {
  Rng rng(2);
  std::map<int64_t, int> counts;
  constexpr int kDraws = 60000;
  for (int i = 0; i < kDraws; ++i) ++counts[rng.integer(-2, 3)];
  ASSERT_EQ(counts.size(), 6u);
  EXPECT_EQ(counts.begin()->first, -2);
  EXPECT_EQ(counts.rbegin()->first, 3);
  for (const auto& [value, count] : counts) EXPECT_NEAR(count, kDraws / 6, 460) << value;
  EXPECT_EQ(rng.integer(5, 5), 5);
  EXPECT_NO_THROW(rng.integer(INT64_MIN, INT64_MAX));
  expect_error(ErrorKind::kInternal, "low <= high", [&] { rng.integer(1, 0); });
}

TEST(Rng, NormalHasMeanZeroAndDeviationOne) {
  Rng rng(3);
  constexpr int kDraws = 100000;
  double sum = 0, squares = 0, fourth = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double x = rng.normal();
    ASSERT_TRUE(std::isfinite(x));
    sum += x, squares += x * x, fourth += x * x * x * x;
  }
  EXPECT_NEAR(sum / kDraws, 0, 0.016);
  EXPECT_NEAR(squares / kDraws, 1, 0.023);
  EXPECT_NEAR(fourth / kDraws, 3, 0.16);
}

TEST(Rng, WeightedFollowsTheWeights) {
  Rng rng(4);
  const std::vector<double> weights{0, 1, 0, 3, 0};
  std::vector<int> counts(weights.size());
  for (int i = 0; i < 40000; ++i) ++counts[rng.weighted(weights)];
  EXPECT_EQ(counts[0] + counts[2] + counts[4], 0);
  EXPECT_NEAR(counts[1], 10000, 450);
  expect_error(ErrorKind::kInternal, "positive weight", [&] { rng.weighted(std::vector<double>{0, 0}); });
  expect_error(ErrorKind::kInternal, "positive weight", [&] { rng.weighted({}); });
}

TEST(Rng, ChancePickShuffle) {
  Rng rng(5);
  int hits = 0;
  for (int i = 0; i < 10000; ++i) hits += rng.chance(0.2);
  EXPECT_NEAR(hits, 2000, 200);
  EXPECT_FALSE(rng.chance(0));
  EXPECT_TRUE(rng.chance(1));
  expect_error(ErrorKind::kInternal, "empty list", [&] { rng.pick(std::vector<int>{}); });
  // All 6 orders of 3 things are equally likely.
  std::map<std::vector<int>, int> orders;
  for (int i = 0; i < 12000; ++i) {
    std::vector<int> items{1, 2, 3};
    rng.shuffle(items);
    ++orders[items];
  }
  ASSERT_EQ(orders.size(), 6u);
  for (const auto& [order, count] : orders) EXPECT_NEAR(count, 2000, 210);
}

TEST(Rng, SameSeedSameNumbersOtherSeedOthers) {
  Rng a(7), b(7), c(8);
  std::set<uint64_t> seen;
  for (int i = 0; i < 100; ++i) {
    const uint64_t x = a.next();
    EXPECT_EQ(x, b.next());
    seen.insert(x);
    seen.insert(c.next());
  }
  EXPECT_EQ(seen.size(), 200u);
}

TEST(Rng, ForksDependOnSeedAndNameOnly) {
  Rng parent(9);
  const uint64_t before = parent.fork("drums").next();
  for (int i = 0; i < 5; ++i) parent.next();
  EXPECT_EQ(parent.fork("drums").next(), before) << "drawing from a stream must not move its forks";
  Rng untouched(9), forked(9);
  forked.fork("drums");
  forked.fork(3);
  EXPECT_EQ(untouched.next(), forked.next()) << "forking must not advance the stream";

  std::set<uint64_t> firsts{Rng(9).next()};
  for (uint64_t i = 0; i < 1000; ++i) firsts.insert(parent.fork(i).next());
  for (const char* name : {"", "a", "b", "ab", "ba"}) firsts.insert(parent.fork(name).next());
  firsts.insert(parent.fork("a").fork("b").next());
  firsts.insert(parent.fork("b").fork("a").next());
  firsts.insert(Rng(10).fork("a").next());
  EXPECT_EQ(firsts.size(), 1u + 1000 + 5 + 3);
}

TEST(Rng, NeighbouringForksAreNotCorrelated) {
  constexpr int kDraws = 20000;
  const Rng parent(11);
  for (uint64_t k = 0; k < 4; ++k) {
    Rng a = parent.fork(k), b = parent.fork(k + 1);
    double product = 0;
    for (int i = 0; i < kDraws; ++i) product += (a.uniform() - 0.5) * (b.uniform() - 0.5);
    EXPECT_NEAR(product / kDraws * 12, 0, 0.035) << k;
  }
}

TEST(Rng, TheStateResumesExactly) {
  Rng a(12);
  for (int i = 0; i < 17; ++i) a.normal();
  Rng b(0);
  b.set_state(a.state());
  EXPECT_EQ(a.fork("x").next(), b.fork("x").next());
  for (int i = 0; i < 10; ++i) EXPECT_EQ(a.next(), b.next());
  expect_error(ErrorKind::kInternal, "5 numbers", [&] { b.set_state(std::vector<uint64_t>{1, 2}); });
}

}  // namespace
}  // namespace instructme
