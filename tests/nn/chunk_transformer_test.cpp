#include "instructme/nn/chunk_transformer.h"

#include "expect_error.h"
#include "instructme/nn/timestep_embedding.h"
#include "nn_test_util.h"

namespace instructme {
namespace {

ChunkTransformerBlockOptions block_options(ChunkFusion fusion) {
  ChunkTransformerBlockOptions options;
  options.channels = 8;
  options.head_dim = 4;
  options.chunk = 8;
  options.fusion = fusion;
  options.ffn_hidden = 16;
  options.text_dim = 5;
  options.chord_dim = 6;
  options.source_dim = 3;
  options.source_merge = SourceMerge::kConcatenate;
  return options;
}

class BlockTest : public testing::TestWithParam<ChunkFusion> {
 protected:
  BlockTest() : block(make()) {
    text = at::randn({2, 3, 5}, at::kDouble);
    mask = at::zeros({2, 1, 1, 3}, at::kDouble);
    modulation = 0.5 * at::randn({2, 6, 8}, at::kDouble);
  }
  static ChunkTransformerBlock make() {
    torch::manual_seed(11);
    ChunkTransformerBlock result(block_options(GetParam()));
    result->to(at::kDouble);
    randomise(*result, 0.3);
    return result;
  }
  at::Tensor run(const at::Tensor& x, const at::Tensor& chords, const at::Tensor& source) {
    return block(x, modulation, block->encode(text, mask, chords, source));
  }

  ChunkTransformerBlock block;
  at::Tensor text;
  at::Tensor mask;
  at::Tensor modulation;
};

TEST_P(BlockTest, AFrameDependsOnThreeHalvesOfAChunk) {
  const int64_t frames = 41;
  const int64_t half = 4;
  const at::Tensor x = at::randn({2, frames, 8}, at::kDouble);
  const at::Tensor chords = at::randn({2, frames, 6}, at::kDouble);
  const at::Tensor source = at::randn({2, frames, 3}, at::kDouble);
  for (int64_t frame : {0, 3, 4, 17, 40}) {
    for (int input = 0; input < 3; ++input) {
      const auto change = frames_that_change(
          [&](const at::Tensor& y) {
            return run(input == 0 ? y : x, input == 1 ? y : chords, input == 2 ? y : source);
          },
          input == 0   ? x
          : input == 1 ? chords
                       : source,
          frame);
      for (int64_t t = 0; t < frames; ++t) {
        const bool near = std::abs(t / half - frame / half) <= 1;
        EXPECT_EQ(change[static_cast<size_t>(t)], near) << "input " << input << ", " << frame << " -> " << t;
      }
    }
  }
}

TEST_P(BlockTest, EveryFrameDependsOnEveryWordAndOnTime) {
  const at::Tensor x = at::randn({2, 30, 8}, at::kDouble);
  const at::Tensor chords = at::randn({2, 30, 6}, at::kDouble);
  const at::Tensor source = at::randn({2, 30, 3}, at::kDouble);
  const at::Tensor before = run(x, chords, source);
  for (int64_t word = 0; word < 3; ++word) {
    const at::Tensor kept = text.clone();
    text.select(1, word).add_(1.0);
    EXPECT_GT((run(x, chords, source) - before).abs().amax(2).min().item<double>(), 1e-9);
    text = kept;
  }
  modulation = modulation + 0.1;
  EXPECT_GT((run(x, chords, source) - before).abs().amax(2).min().item<double>(), 1e-9);
}

TEST_P(BlockTest, TheMiddleOfALongerSequenceIsTheSame) {
  const at::Tensor x = at::randn({2, 32, 8}, at::kDouble);
  const at::Tensor chords = at::randn({2, 32, 6}, at::kDouble);
  const at::Tensor source = at::randn({2, 32, 3}, at::kDouble);
  const auto surround = [](const at::Tensor& y) {
    const at::Tensor before = at::randn({2, 20, y.size(2)}, at::kDouble);
    return at::cat({before, y, at::randn({2, 13, y.size(2)}, at::kDouble)}, 1);
  };
  const at::Tensor alone = run(x, chords, source);
  const at::Tensor inside = run(surround(x), surround(chords), surround(source)).narrow(1, 20, 32);
  EXPECT_LT(max_difference(alone.narrow(1, 4, 24), inside.narrow(1, 4, 24)), 1e-12);
  EXPECT_GT(max_difference(alone, inside), 1e-6);
}

TEST_P(BlockTest, GradientsAreThoseOfFiniteDifferences) {
  const at::Tensor x = at::randn({2, 11, 8}, at::kDouble);
  const at::Tensor chords = at::randn({2, 11, 6}, at::kDouble);
  const at::Tensor source = at::randn({2, 11, 3}, at::kDouble);
  expect_gradients([&](const auto& in) { return block(in[0], in[1], block->encode(in[2], mask, in[3], in[4])); },
                   {x, modulation, text, chords, source}, 6);
  block->zero_grad();
  run(x, chords, source).sum().backward();
  for (const auto& weight : block->named_parameters()) {
    ASSERT_TRUE(weight->grad().defined()) << weight.key();
    EXPECT_GT(weight->grad().abs().max().item<double>(), 0.0) << weight.key();
  }
}

TEST_P(BlockTest, ClosedGatesLeaveTheInput) {
  const at::NoGradGuard guard;
  block->modulation_offset.zero_();
  block->text_attention->output->weight.zero_();
  block->text_attention->output->bias.zero_();
  block->chord_attention->output->weight.zero_();
  block->chord_attention->output->bias.zero_();
  torch::nn::init::eye_(block->merge->weight);
  modulation = at::zeros({2, 6, 8}, at::kDouble);
  const at::Tensor x = at::randn({2, 19, 8}, at::kDouble);
  const at::Tensor source = at::randn({2, 19, 3}, at::kDouble);
  const at::Tensor wanted = x + block->source_input(source);
  EXPECT_LT(max_difference(run(x, at::randn({2, 19, 6}, at::kDouble), source), wanted), 1e-12);
}

INSTANTIATE_TEST_SUITE_P(Fusion, BlockTest, testing::Values(ChunkFusion::kAttention, ChunkFusion::kBlock));

TEST(ChunkTransformerBlock, FullAttentionSeesEverything) {
  torch::manual_seed(12);
  ChunkTransformerBlockOptions options = block_options(ChunkFusion::kAttention);
  options.full_attention = true;
  options.chord_dim = options.source_dim = options.text_dim = 0;
  ChunkTransformerBlock block(options);
  block->to(at::kDouble);
  const at::Tensor modulation = at::zeros({1, 6, 8}, at::kDouble);
  const auto change = frames_that_change([&](const at::Tensor& y) { return block(y, modulation, BlockCondition()); },
                                         at::randn({1, 50, 8}, at::kDouble), 3);
  EXPECT_EQ(std::count(change.begin(), change.end(), true), 50);
}

TEST(ChunkTransformerBlock, FullAttentionHasNoChunksToFuseLater) {
  ChunkTransformerBlockOptions options = block_options(ChunkFusion::kBlock);
  options.full_attention = true;
  expect_error(ErrorKind::kInternal, "no chunks to fuse", [&] { ChunkTransformerBlock block(options); });
}

TEST(ChunkTransformerBlock, CloneIsIndependent) {
  ChunkTransformerBlock block(block_options(ChunkFusion::kAttention));
  const auto copy = std::dynamic_pointer_cast<ChunkTransformerBlockImpl>(block->clone());
  ASSERT_TRUE(copy);
  const at::NoGradGuard guard;
  block->modulation_offset.fill_(7.0);
  EXPECT_FALSE(copy->modulation_offset.eq(7.0).any().item<bool>());
  EXPECT_EQ(copy->named_parameters().keys(), block->named_parameters().keys());
}

TEST(FeedForward, EqualsItsDefinition) {
  FeedForward layer(FeedForwardOptions{6, 10});
  layer->to(at::kDouble);
  const at::Tensor x = at::randn({2, 3, 6}, at::kDouble);
  const auto parts = layer->input(x).chunk(2, 2);
  EXPECT_LT(max_difference(layer(x), layer->output(at::silu(parts[0]) * parts[1])), 1e-12);
  expect_gradients([&](const auto& in) { return layer(in[0]); }, {x});
}

TEST(TimestepEmbedding, SinusoidsAreThePublishedOnes) {
  const at::Tensor wave = sinusoidal_embedding(at::tensor({0.0, 2.5}, at::kDouble), 8);
  for (int64_t i = 0; i < 4; ++i) {
    const double frequency = std::pow(10000.0, -static_cast<double>(i) / 4.0);
    EXPECT_NEAR(wave[0][i].item<double>(), 1.0, 1e-12);
    EXPECT_NEAR(wave[0][4 + i].item<double>(), 0.0, 1e-12);
    EXPECT_NEAR(wave[1][i].item<double>(), std::cos(2.5 * frequency), 1e-12);
    EXPECT_NEAR(wave[1][4 + i].item<double>(), std::sin(2.5 * frequency), 1e-12);
  }
  expect_error(ErrorKind::kInternal, "even", [] { sinusoidal_embedding(at::zeros({1}), 7); });
}

TEST(TimestepEmbedding, FractionsMatterAndBfloatWeightsKeepThem) {
  TimestepEmbedding layer(TimestepEmbeddingOptions{32, 16});
  layer->to(at::kBFloat16);
  // 901 and 903 are the same number in bfloat16.
  const at::Tensor out = layer(at::tensor({901.0f, 903.0f}));
  EXPECT_EQ(out.scalar_type(), at::kBFloat16);
  EXPECT_GT(max_difference(out[0], out[1]), 0.01);
}

}  // namespace
}  // namespace instructme
