#include "instructme/nn/attention.h"

#include <limits>

#include "expect_error.h"
#include "instructme/nn/chunk.h"
#include "nn_test_util.h"

namespace instructme {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Attention of one head by its definition: q (T, D), k and v (S, D), bias (T, S).
at::Tensor naive_head(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& bias) {
  const at::Tensor scores = at::matmul(q, k.t()) / std::sqrt(static_cast<double>(q.size(1))) + bias;
  return at::matmul(at::softmax(scores, -1), v);
}

// Chunked attention as masked attention over the whole sequence: one pass per chunk, in which only
// frames of the chunk are seen; every frame averages the two passes of its chunks.
at::Tensor naive_chunk_attention(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values,
                                 const at::Tensor& table, int64_t heads, int64_t chunk) {
  const int64_t batch = queries.size(0);
  const int64_t frames = queries.size(1);
  const int64_t head_dim = queries.size(2) / heads;
  at::Tensor result = at::zeros_like(queries);
  const at::Tensor frame = at::arange(frames);
  for (int64_t n = 0; n < batch; ++n) {
    for (int64_t h = 0; h < heads; ++h) {
      const auto head = [&](const at::Tensor& x) { return x[n].narrow(1, h * head_dim, head_dim); };
      for (int64_t m = 0; m < chunk_count(frames, chunk); ++m) {
        const at::Tensor inside = frame.ge((m - 1) * chunk / 2).logical_and(frame.lt((m + 1) * chunk / 2));
        const at::Tensor distance = (frame.unsqueeze(0) - frame.unsqueeze(1)).clamp(1 - chunk, chunk - 1);
        const at::Tensor bias =
            table[h].index({distance + chunk - 1}).masked_fill(inside.logical_not().unsqueeze(0), -kInfinity);
        const at::Tensor out = naive_head(head(queries), head(keys), head(values), bias);
        result[n].narrow(1, h * head_dim, head_dim) += 0.5 * out * inside.unsqueeze(1);
      }
    }
  }
  return result;
}

AttentionOptions small(int64_t chunk, int64_t condition_dim = 0) {
  return {.channels = 8, .head_dim = 4, .chunk = chunk, .condition_dim = condition_dim, .output_gain = 1.0};
}

class SelfAttentionLengths : public testing::TestWithParam<int64_t> {};

TEST_P(SelfAttentionLengths, EqualsMaskedFullAttention) {
  torch::manual_seed(1);
  SelfAttention layer(small(6));
  layer->to(at::kDouble);
  randomise(*layer, 0.5);
  const at::NoGradGuard guard;
  const at::Tensor x = at::randn({2, GetParam(), 8}, at::kDouble);
  const auto parts = layer->query_key_value(x).chunk(3, 2);
  const at::Tensor wanted =
      layer->output(naive_chunk_attention(parts[0], parts[1], parts[2], layer->position_bias, 2, 6));
  EXPECT_LT(max_difference(layer(x), wanted), 1e-12);
  EXPECT_LT(max_difference(fuse_chunks(layer->forward_chunks(x), GetParam()), wanted), 1e-12);
}

TEST_P(SelfAttentionLengths, ChunkCrossAttentionEqualsMaskedFullAttention) {
  torch::manual_seed(2);
  ChunkCrossAttention layer(small(6, 5));
  layer->to(at::kDouble);
  randomise(*layer, 0.5);
  const at::NoGradGuard guard;
  const at::Tensor x = at::randn({2, GetParam(), 8}, at::kDouble);
  const at::Tensor condition = at::randn({2, GetParam(), 5}, at::kDouble);
  const auto parts = layer->key_value(condition).chunk(2, 2);
  const at::Tensor wanted =
      layer->output(naive_chunk_attention(layer->query(x), parts[0], parts[1], layer->position_bias, 2, 6));
  const ChunkKeyValue encoded = layer->encode(condition);
  EXPECT_LT(max_difference(layer(x, encoded), wanted), 1e-12);
  const at::Tensor chunks = layer->forward_chunks(split_chunks(x, 6), encoded, GetParam());
  EXPECT_LT(max_difference(fuse_chunks(chunks, GetParam()), wanted), 1e-12);
}

INSTANTIATE_TEST_SUITE_P(Attention, SelfAttentionLengths, testing::Values(1, 2, 3, 5, 6, 14, 15));

TEST(Attention, FullAttentionEqualsItsDefinitionAndIsRelative) {
  torch::manual_seed(3);
  SelfAttention layer(small(0));
  layer->to(at::kDouble);
  const at::NoGradGuard guard;
  const at::Tensor x = at::randn({1, 9, 8}, at::kDouble);
  const auto parts = layer->query_key_value(x).chunk(3, 2);
  const at::Tensor q = rotary(parts[0].unflatten(2, {2, 4}));
  const at::Tensor k = rotary(parts[1].unflatten(2, {2, 4}));
  std::vector<at::Tensor> heads;
  for (int64_t h = 0; h < 2; ++h)
    heads.push_back(naive_head(q[0].select(1, h), k[0].select(1, h), parts[2][0].narrow(1, 4 * h, 4),
                               at::zeros({9, 9}, at::kDouble)));
  EXPECT_LT(max_difference(layer(x)[0], layer->output(at::cat(heads, 1))), 1e-12);
  // Scores of rotated vectors depend on the distance only.
  const at::Tensor same = at::randn({1, 1, 1, 4}, at::kDouble).expand({1, 9, 1, 4});
  const at::Tensor other = at::randn({1, 1, 1, 4}, at::kDouble).expand({1, 9, 1, 4});
  const at::Tensor scores = at::matmul(rotary(same)[0].squeeze(1), rotary(other)[0].squeeze(1).t());
  EXPECT_LT(max_difference(scores.slice(0, 1).slice(1, 1), scores.slice(0, 0, -1).slice(1, 0, -1)), 1e-12);
  EXPECT_GT(max_difference(scores[0][0], scores[0][3]), 1e-6);
}

TEST(Attention, TextAttentionEqualsItsDefinition) {
  torch::manual_seed(4);
  TextAttention layer(small(6, 5));
  layer->to(at::kDouble);
  randomise(*layer, 0.5);
  const at::NoGradGuard guard;
  const at::Tensor x = at::randn({2, 7, 8}, at::kDouble);
  const at::Tensor text = at::randn({2, 3, 5}, at::kDouble);
  at::Tensor mask = at::zeros({2, 1, 1, 3}, at::kDouble);
  mask[1][0][0][2] = -kInfinity;
  const auto parts = layer->key_value(text).chunk(2, 2);
  at::Tensor wanted = at::empty_like(x);
  const at::Tensor queries = layer->query(x);
  for (int64_t n = 0; n < 2; ++n)
    for (int64_t h = 0; h < 2; ++h) {
      const auto head = [&](const at::Tensor& y) { return y[n].narrow(1, 4 * h, 4); };
      head(wanted).copy_(naive_head(head(queries), head(parts[0]), head(parts[1]), mask[n][0]));
    }
  EXPECT_LT(max_difference(layer(x, layer->encode(text, mask)), layer->output(wanted)), 1e-12);
}

TEST(Attention, MaskedTokensHaveNoInfluence) {
  torch::manual_seed(5);
  TextAttention layer(small(6, 5));
  const at::NoGradGuard guard;
  const at::Tensor x = at::randn({1, 7, 8});
  at::Tensor mask = at::zeros({1, 1, 1, 4});
  mask.slice(3, 2).fill_(-kInfinity);
  const at::Tensor text = at::randn({1, 4, 5});
  at::Tensor other = text.clone();
  other.slice(1, 2).add_(3.0);
  EXPECT_EQ(max_difference(layer(x, layer->encode(text, mask)), layer(x, layer->encode(other, mask))), 0.0);
  const at::Tensor shorter = layer(x, layer->encode(text.slice(1, 0, 2), mask.slice(3, 0, 2)));
  EXPECT_LT(max_difference(layer(x, layer->encode(text, mask)), shorter), 1e-6);
}

TEST(Attention, GradientsAreThoseOfFiniteDifferences) {
  torch::manual_seed(6);
  SelfAttention chunked(small(4));
  SelfAttention full(small(0));
  TextAttention text(small(4, 5));
  ChunkCrossAttention chords(small(4, 5));
  for (torch::nn::Module* layer :
       std::initializer_list<torch::nn::Module*>{chunked.get(), full.get(), text.get(), chords.get()}) {
    layer->to(at::kDouble);
    randomise(*layer, 0.5);
  }
  const at::Tensor x = at::randn({2, 7, 8}, at::kDouble);
  const at::Tensor mask = at::zeros({2, 1, 1, 3}, at::kDouble);
  expect_gradients([&](const auto& in) { return chunked(in[0]); }, {x});
  expect_gradients([&](const auto& in) { return full(in[0]); }, {x});
  expect_gradients([&](const auto& in) { return text(in[0], text->encode(in[1], mask)); },
                   {x, at::randn({2, 3, 5}, at::kDouble)});
  expect_gradients([&](const auto& in) { return chords(in[0], chords->encode(in[1])); },
                   {x, at::randn({2, 7, 5}, at::kDouble)});
  expect_gradients([&](const auto& in) { return relative_bias(in[0], 4); }, {at::randn({2, 7}, at::kDouble)});
  expect_gradients([&](const auto& in) { return rotary(in[0]); }, {at::randn({1, 3, 2, 4}, at::kDouble)});
}

TEST(Attention, BfloatIsCloseToFloatAndGivesGradients) {
  torch::manual_seed(7);
  SelfAttention layer(AttentionOptions{.channels = 64, .head_dim = 32, .chunk = 16});
  randomise(*layer, 0.1);
  const at::Tensor x = at::randn({2, 50, 64});
  const at::Tensor exact = layer(x).detach();
  layer->to(at::kBFloat16);
  const at::Tensor rounded = layer(x.to(at::kBFloat16));
  EXPECT_EQ(rounded.scalar_type(), at::kBFloat16);
  // Eight bits of mantissa: a few roundings of 0.4 % of the largest value.
  EXPECT_LT(max_difference(rounded.detach(), exact), 0.03 * exact.abs().max().item<double>());
  rounded.sum().backward();
  for (const auto& weight : layer->named_parameters()) {
    ASSERT_TRUE(weight->grad().defined()) << weight.key();
    EXPECT_TRUE(weight->grad().isfinite().all().item<bool>()) << weight.key();
  }
}

TEST(Attention, BadOptionsAreErrors) {
  expect_error(ErrorKind::kInternal, "multiple of head_dim",
               [] { SelfAttention layer(AttentionOptions{.channels = 10, .head_dim = 4}); });
  expect_error(ErrorKind::kInternal, "even number of frames", [] { SelfAttention layer(small(5)); });
  expect_error(ErrorKind::kInternal, "condition_dim", [] { TextAttention layer(small(4)); });
  expect_error(ErrorKind::kInternal, "no chunks", [] {
    SelfAttention(small(0))->forward_chunks(at::zeros({1, 4, 8}));
  });
}

}  // namespace
}  // namespace instructme
