#include "instructme/nn/chunk.h"

#include "expect_error.h"
#include "nn_test_util.h"

namespace instructme {
namespace {

using Lengths = testing::TestWithParam<std::tuple<int64_t, int64_t>>;

TEST_P(Lengths, FuseInvertsSplit) {
  const auto [frames, chunk] = GetParam();
  const at::Tensor x = at::randn({2, frames, 3});
  const at::Tensor chunks = split_chunks(x, chunk);
  EXPECT_EQ(chunks.sizes(), at::IntArrayRef({2, chunk_count(frames, chunk), chunk, 3}));
  EXPECT_EQ(max_difference(fuse_chunks(chunks, frames), x), 0.0);
}

TEST_P(Lengths, EveryFrameIsInTwoChunksAndTheRestIsZero) {
  const auto [frames, chunk] = GetParam();
  const at::Tensor chunks = split_chunks(at::arange(1, frames + 1).view({1, frames, 1}), chunk).flatten();
  const at::Tensor mask = chunk_mask(frames, chunk).flatten();
  EXPECT_TRUE(at::equal(chunks.gt(0), mask));
  const at::Tensor counts = at::bincount(chunks);
  EXPECT_TRUE(counts.slice(0, 1).eq(2).all().item<bool>());
}

TEST_P(Lengths, ChunksAreTheSpansTheHeaderNames) {
  const auto [frames, chunk] = GetParam();
  const at::Tensor x = at::randn({1, frames, 2});
  const at::Tensor chunks = split_chunks(x, chunk);
  for (int64_t m = 0; m < chunks.size(1); ++m) {
    for (int64_t k = 0; k < chunk; ++k) {
      const int64_t frame = (m - 1) * chunk / 2 + k;
      const at::Tensor wanted = frame >= 0 && frame < frames ? x[0][frame] : at::zeros({2});
      ASSERT_TRUE(at::equal(chunks[0][m][k], wanted)) << m << " " << k;
    }
  }
}

TEST_P(Lengths, HeadLayoutIsThePlainLayoutPermuted) {
  const auto [frames, chunk] = GetParam();
  const int64_t heads = 2;
  const int64_t head_dim = 3;
  const at::Tensor x = at::randn({2, frames, 3 * heads * head_dim});
  const auto parts = split_chunk_heads(x, 3, heads, chunk);
  ASSERT_EQ(parts.size(), 3u);
  for (int64_t p = 0; p < 3; ++p) {
    const at::Tensor plain = split_chunks(x.narrow(2, p * heads * head_dim, heads * head_dim), chunk);
    const at::Tensor wanted = plain.unflatten(3, {heads, head_dim}).transpose(2, 3);
    EXPECT_EQ(max_difference(parts[static_cast<size_t>(p)], wanted), 0.0);
    EXPECT_EQ(max_difference(fuse_chunk_heads(wanted, frames), fuse_chunks(plain, frames)), 0.0);
  }
}

TEST_P(Lengths, GradientsAreThoseOfFiniteDifferences) {
  const auto [frames, chunk_value] = GetParam();
  const int64_t chunk = chunk_value;
  const int64_t length = frames;
  const int64_t count = chunk_count(length, chunk);
  const auto options = at::kDouble;
  expect_gradients([&](const auto& in) { return split_chunks(in[0], chunk); }, {at::randn({2, length, 3}, options)});
  expect_gradients([&](const auto& in) { return fuse_chunks(in[0], length); },
                   {at::randn({2, count, chunk, 3}, options)});
  expect_gradients(
      [&](const auto& in) {
        const auto parts = split_chunk_heads(in[0], 2, 2, chunk);
        return parts[0] * parts[1];
      },
      {at::randn({2, length, 12}, options)});
  expect_gradients([&](const auto& in) { return fuse_chunk_heads(in[0], length); },
                   {at::randn({2, count, 2, chunk, 3}, options)});
}

INSTANTIATE_TEST_SUITE_P(Chunk, Lengths,
                         testing::Values(std::tuple(1, 2), std::tuple(1, 8), std::tuple(3, 8), std::tuple(4, 8),
                                         std::tuple(5, 8), std::tuple(8, 8), std::tuple(37, 8), std::tuple(40, 10)));

TEST(Chunk, AnUnusedPartHasNoInfluenceOnTheGradient) {
  const at::Tensor x = at::randn({1, 5, 6}, at::kDouble).set_requires_grad(true);
  split_chunk_heads(x, 3, 1, 4)[1].sum().backward();
  EXPECT_TRUE(x.grad().narrow(2, 2, 2).eq(2.0).all().item<bool>());
  EXPECT_TRUE(x.grad().narrow(2, 0, 2).eq(0.0).all().item<bool>());
  EXPECT_TRUE(x.grad().narrow(2, 4, 2).eq(0.0).all().item<bool>());
}

TEST(Chunk, BadSizesAreErrors) {
  expect_error(ErrorKind::kInternal, "even number of frames", [] { split_chunks(at::zeros({1, 4, 1}), 3); });
  expect_error(ErrorKind::kInternal, "even number of frames", [] { chunk_count(4, 0); });
  expect_error(ErrorKind::kInternal, "do not belong", [] { fuse_chunks(at::zeros({1, 3, 4, 1}), 100); });
}

}  // namespace
}  // namespace instructme
