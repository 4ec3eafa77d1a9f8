#include "instructme/models/unet.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "expect_error.h"

namespace instructme {
namespace {

UNetOptions small_options() {
  UNetOptions options;
  options.latent_channels = 4;
  options.channels = {8, 12, 16};
  options.down_blocks = {1, 2, 1};
  options.up_blocks = {1, 1, 2};
  options.bottleneck_blocks = 1;
  options.head_dim = 4;
  options.chunk = {8, 6, 4};
  options.text_dim = 6;
  options.chord_classes = 5;
  options.source_channels = {6, 5, 7};
  options.time_channels = 9;
  return options;
}

UNetOptions audit_options() {
  UNetOptions options = small_options();
  options.source = SourceInput::kConcatenate;
  options.full_attention = true;
  options.chord_classes = 0;
  options.skip = Skip::kAdd;
  return options;
}

UNetOptions paper_options() {
  UNetOptions options = small_options();
  options.fusion = ChunkFusion::kBlock;
  options.source_merge = SourceMerge::kConcatenate;
  options.text_in_bottleneck = false;
  options.source_blocks = 2;
  options.source_gate = 11;
  options.text_in_time = true;
  options.source_mel = 3;
  return options;
}

UNet random_unet(const UNetOptions& options, at::ScalarType dtype = at::kDouble) {
  torch::manual_seed(5);
  UNet net(options);
  const at::NoGradGuard guard;
  for (const auto& weight : net->named_parameters()) {
    // Also what starts as zero; norms stay around one.
    if (weight.value().dim() == 1 && weight.key().find("norm") != std::string::npos) continue;
    weight.value().add_(at::randn_like(weight.value()) * 0.1);
  }
  net->to(dtype);
  return net;
}

struct Inputs {
  at::Tensor z_t, t, z_s, text, mask, chords;
};

Inputs random_inputs(const UNetOptions& options, int64_t batch, int64_t frames, at::ScalarType dtype = at::kDouble) {
  const auto random = at::TensorOptions().dtype(dtype);
  return {at::randn({batch, frames, options.latent_channels}, random),
          at::rand({batch}, at::kFloat) * 1000,
          at::randn({batch, frames, options.latent_channels + options.source_mel}, random),
          at::randn({batch, 3, options.text_dim}, random),
          at::ones({batch, 3}, at::kBool),
          at::softmax(at::randn({batch, frames, std::max<int64_t>(1, options.chord_classes)}, random), -1)};
}

at::Tensor run(UNet& net, const Inputs& in, const at::Tensor& drop = {}) {
  return net(in.z_t, in.t, net->encode_condition(in.z_s, in.text, in.mask, in.chords, drop));
}

double max_difference(const at::Tensor& a, const at::Tensor& b) {
  EXPECT_EQ(a.sizes(), b.sizes());
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

int64_t real_parameters(const UNetOptions& options) {
  UNet net(options);
  int64_t count = 0;
  for (const at::Tensor& weight : net->parameters()) count += weight.numel();
  return count;
}

UNetOptions shipped(const std::string& name) {
  const std::string path = std::string(INSTRUCTME_SOURCE_DIR) + "/configs/unet/" + name + ".json";
  return read_unet_options(ConfigReader(read_json_file(path), path));
}

class Variants : public testing::TestWithParam<int> {
 protected:
  static UNetOptions options() {
    return GetParam() == 0 ? small_options() : GetParam() == 1 ? audit_options() : paper_options();
  }
};

TEST_P(Variants, KeepsShapeAtAnyLength) {
  UNet net = random_unet(options());
  const at::NoGradGuard guard;
  for (int64_t frames : {1, 2, 3, 4, 7, 37, 40}) {
    const at::Tensor out = run(net, random_inputs(options(), 2, frames));
    EXPECT_EQ(out.sizes(), at::IntArrayRef({2, frames, 4}));
    EXPECT_TRUE(out.isfinite().all().item<bool>()) << frames;
  }
}

TEST_P(Variants, StartsAsZeroAndLearns) {
  UNet net(options());
  const Inputs in = random_inputs(options(), 2, 21, at::kFloat);
  EXPECT_EQ(run(net, in).abs().max().item<double>(), 0.0);
  torch::optim::AdamW optimizer(net->parameters(), torch::optim::AdamWOptions(3e-3));
  double loss = 0.0;
  for (int step = 0; step < 60; ++step) {
    optimizer.zero_grad();
    const at::Tensor error = (run(net, in) - in.z_s.narrow(2, 0, 4)).pow(2).mean();
    error.backward();
    optimizer.step();
    loss = error.item<double>();
  }
  EXPECT_LT(loss, 0.3);
}

TEST_P(Variants, EveryWeightAndConditionHasAGradient) {
  UNet net = random_unet(options());
  Inputs in = random_inputs(options(), 2, 21);
  for (at::Tensor* input : {&in.z_t, &in.z_s, &in.text, &in.chords}) input->requires_grad_();
  run(net, in, torch::tensor({true, false})).sum().backward();
  for (const auto& weight : net->named_parameters()) {
    ASSERT_TRUE(weight->grad().defined()) << weight.key();
    EXPECT_GT(weight->grad().abs().max().item<double>(), 0.0) << weight.key();
  }
  EXPECT_GT(in.z_t.grad().abs().amax({0, 2}).min().item<double>(), 0.0);
  EXPECT_GT(in.z_s.grad().abs().amax({0, 2}).min().item<double>(), 0.0);
  EXPECT_EQ(in.text.grad()[0].abs().max().item<double>(), 0.0);
  EXPECT_GT(in.text.grad()[1].abs().min().item<double>(), 0.0);
  if (options().chord_classes > 0) {
    EXPECT_GT(in.chords.grad().abs().amax({0, 2}).min().item<double>(), 0.0);
  }
}

TEST_P(Variants, GradientOfTheLatentIsThatOfFiniteDifferences) {
  UNet net = random_unet(options());
  Inputs in = random_inputs(options(), 1, 9);
  in.z_t.requires_grad_();
  const at::Tensor weights = at::randn_like(in.z_t);
  (run(net, in) * weights).sum().backward();
  const at::NoGradGuard guard;
  for (int64_t frame : {0, 4, 8}) {
    const double step = 1e-5;
    const at::Tensor value = in.z_t.detach()[0][frame][1];
    value.add_(step);
    const double above = (run(net, in) * weights).sum().item<double>();
    value.sub_(2 * step);
    const double below = (run(net, in) * weights).sum().item<double>();
    value.add_(step);
    EXPECT_NEAR(in.z_t.grad()[0][frame][1].item<double>(), (above - below) / (2 * step), 1e-6);
  }
}

TEST_P(Variants, BatchMembersAreIndependentAndConditionsConcatenate) {
  UNet net = random_unet(options());
  const at::NoGradGuard guard;
  const Inputs a = random_inputs(options(), 1, 21);
  Inputs b = random_inputs(options(), 2, 21);
  b.text = at::randn({2, 5, options().text_dim}, at::kDouble);  // another number of tokens
  b.mask = at::ones({2, 5}, at::kBool);
  const UNetCondition condition_a = net->encode_condition(a.z_s, a.text, a.mask, a.chords);
  const UNetCondition condition_b = net->encode_condition(b.z_s, b.text, b.mask, b.chords);
  const UNetCondition both = concatenate(condition_a, condition_b);
  EXPECT_EQ(both.batch(), 3);
  const at::Tensor together = net(at::cat({a.z_t, b.z_t}), at::cat({a.t, b.t}), both);
  EXPECT_LT(max_difference(together.narrow(0, 0, 1), net(a.z_t, a.t, condition_a)), 1e-12);
  EXPECT_LT(max_difference(together.narrow(0, 1, 2), net(b.z_t, b.t, condition_b)), 1e-12);
}

TEST_P(Variants, AConditionServesManySteps) {
  UNet net = random_unet(options());
  const at::NoGradGuard guard;
  Inputs in = random_inputs(options(), 2, 21);
  const UNetCondition condition = net->encode_condition(in.z_s, in.text, in.mask, in.chords);
  for (int step = 0; step < 3; ++step) {
    in.z_t = at::randn_like(in.z_t);
    in.t = at::rand({2}) * 1000;
    EXPECT_EQ(max_difference(net(in.z_t, in.t, condition), run(net, in)), 0.0);
  }
}

TEST_P(Variants, MaskedWordsAndDroppedTextsHaveNoInfluence) {
  UNet net = random_unet(options());
  const at::NoGradGuard guard;
  Inputs in = random_inputs(options(), 2, 13);
  in.mask = torch::tensor({true, true, false, true, false, false}).view({2, 3});
  const at::Tensor before = run(net, in);
  Inputs other = in;
  other.text = in.text.clone();
  other.text.masked_fill_(in.mask.logical_not().unsqueeze(2), std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(max_difference(run(net, other), before), 0.0);
  other.text = in.text + at::randn({1, 1, options().text_dim}, at::kDouble);
  EXPECT_GT(max_difference(run(net, other), before), 1e-6);
  const at::Tensor all = at::ones({2}, at::kBool);
  EXPECT_EQ(max_difference(run(net, other, all), run(net, in, all)), 0.0);
  EXPECT_GT(max_difference(run(net, in, all), before), 1e-6);
  other.mask = at::zeros({2, 3}, at::kBool);  // a text without tokens is the null text
  EXPECT_EQ(max_difference(run(net, other), run(net, in, all)), 0.0);
}

TEST_P(Variants, RunsInBothDtypes) {
  UNet net = random_unet(options(), at::kFloat);
  const at::NoGradGuard guard;
  const Inputs in = random_inputs(options(), 2, 21, at::kFloat);
  const at::Tensor exact = run(net, in);
  net->to(at::kBFloat16);
  const at::Tensor rounded = run(net, in);
  EXPECT_EQ(rounded.scalar_type(), at::kFloat);  // that of z_t
  EXPECT_EQ(net->features(in.z_t, in.t, net->encode_condition(in.z_s, in.text, in.mask, in.chords)).scalar_type(),
            at::kBFloat16);
  // Eight bits of mantissa through some ten layers.
  EXPECT_LT((rounded - exact).norm().item<double>(), 0.05 * exact.norm().item<double>());
}

TEST_P(Variants, CountedParametersAreTheRealOnes) {
  EXPECT_EQ(count_parameters(options()), real_parameters(options()));
}

TEST_P(Variants, OptionsSurviveJson) {
  const nlohmann::json json = to_json(options());
  EXPECT_EQ(to_json(read_unet_options(ConfigReader(json, "test"))), json);
}

INSTANTIATE_TEST_SUITE_P(UNet, Variants, testing::Values(0, 1, 2), [](const auto& variant) {
  return std::string(variant.param == 0 ? "Default" : variant.param == 1 ? "Audit" : "Paper");
});

TEST(UNet, MiddleOfALongerPieceIsTheSame) {
  UNetOptions options = small_options();
  options.chunk = {4, 4, 4};
  options.down_blocks = options.up_blocks = {1, 1, 1};
  UNet net = random_unet(options);
  const at::NoGradGuard guard;
  const Inputs in = random_inputs(options, 1, 256);
  Inputs longer = in;
  // Surroundings of whole chunks of the lowest level keep the grid of chunks.
  const auto surround = [](const at::Tensor& x) {
    const at::Tensor more = at::randn({1, 64, x.size(2)}, at::kDouble);
    return at::cat({more, x, more.flip(1)}, 1);
  };
  longer.z_t = surround(in.z_t);
  longer.z_s = surround(in.z_s);
  longer.chords = surround(in.chords);
  const at::Tensor alone = run(net, in);
  const at::Tensor inside = run(net, longer).narrow(1, 64, 256);
  EXPECT_LT(max_difference(alone.narrow(1, 96, 64), inside.narrow(1, 96, 64)), 1e-12);
  EXPECT_GT(max_difference(alone, inside), 1e-6);
}

TEST(UNet, ChordsMayHaveAnotherFrameRate) {
  UNet net = random_unet(small_options());
  const at::NoGradGuard guard;
  Inputs in = random_inputs(small_options(), 1, 40);
  // One chord per 8 latent frames, given at three frame rates.
  const at::Tensor coarse = at::softmax(3 * at::randn({1, 5, 5}, at::kDouble), -1);
  in.chords = coarse;
  const at::Tensor slow = run(net, in);
  in.chords = coarse.repeat_interleave(2, 1);
  const at::Tensor exact = run(net, in);
  in.chords = coarse.repeat_interleave(16, 1);
  EXPECT_LT(max_difference(run(net, in), exact), 1e-12);
  EXPECT_LT(max_difference(slow, exact), 1e-12);
  in.chords = coarse.flip(1);
  EXPECT_GT(max_difference(run(net, in), exact), 1e-6);
}

TEST(UNet, CloneGivesTheSameOutput) {
  UNet net = random_unet(small_options());
  UNet copy(std::dynamic_pointer_cast<UNetImpl>(net->clone()));
  const at::NoGradGuard guard;
  const Inputs in = random_inputs(small_options(), 1, 10);
  EXPECT_EQ(max_difference(run(net, in), run(copy, in)), 0.0);
}

TEST(UNet, ASourceGateOfOneReturnsTheSource) {
  UNetOptions options = small_options();
  options.source_gate = 7;
  UNet net(options);
  // Rows beyond the strongest seven are left out; these seven span all four channels.
  const at::Tensor basis = at::cat({at::randn({7, 4}), at::randn({5, 4}) * 1e-3});
  net->initialise_source_gate(basis);
  const Inputs in = random_inputs(options, 2, 9, at::kFloat);
  const at::NoGradGuard guard;
  EXPECT_EQ(run(net, in).abs().max().item<double>(), 0.0);
  net->gate->bias.fill_(1.0);
  EXPECT_LT(max_difference(run(net, in), in.z_s), 1e-5);
  expect_error(ErrorKind::kInternal, "another size", [&] { net->initialise_source_gate(at::randn({6, 4})); });
  UNet plain(small_options());
  expect_error(ErrorKind::kInternal, "no gate", [&] { plain->initialise_source_gate(basis); });
}

TEST(UNet, WrongShapesAreErrors) {
  UNet net(small_options());
  const Inputs in = random_inputs(small_options(), 2, 8, at::kFloat);
  const auto encode = [&](const Inputs& x) { return net->encode_condition(x.z_s, x.text, x.mask, x.chords); };
  const UNetCondition condition = encode(in);
  Inputs bad = in;
  bad.z_s = at::zeros({2, 8, 5});
  expect_error(ErrorKind::kModel, "z_s of shape (N, T, 4), but got (2, 8, 5)", [&] { encode(bad); });
  bad = in;
  bad.text = at::zeros({2, 3, 7});
  expect_error(ErrorKind::kModel, "text embedding of shape (N, L, 6)", [&] { encode(bad); });
  bad = in;
  bad.mask = at::ones({2, 4}, at::kBool);
  expect_error(ErrorKind::kModel, "text mask of shape (N, L)", [&] { encode(bad); });
  bad = in;
  bad.chords = at::Tensor();
  expect_error(ErrorKind::kModel, "chords of shape (N, T_p, 5), but got nothing", [&] { encode(bad); });
  expect_error(ErrorKind::kModel, "encoded for 2 x 8 frames, but z_t has 2 x 9", [&] {
    net(at::zeros({2, 9, 4}), in.t, condition);
  });
  expect_error(ErrorKind::kModel, "z_t of shape (N, T, 4)", [&] { net(at::zeros({2, 8, 3}), in.t, condition); });
  const UNetCondition other = encode(random_inputs(small_options(), 2, 9, at::kFloat));
  expect_error(ErrorKind::kInternal, "same length", [&] { concatenate(condition, other); });
}

TEST(UNetOptions, MistakesAreErrorsThatNameTheField) {
  const auto read = [](const std::string& key, const nlohmann::json& value) {
    nlohmann::json json = to_json(small_options());
    json[key] = value;
    read_unet_options(ConfigReader(json, "my.json"));
  };
  expect_error(ErrorKind::kModel, "chanels", [&] { read("chanels", 3); });
  expect_error(ErrorKind::kModel, "\"source\" is \"mix\", but must be one of \"aggregate\", \"concatenate\"",
               [&] { read("source", "mix"); });
  expect_error(ErrorKind::kModel, "\"chunk\" has 2 values, but \"channels\" has 3", [&] { read("chunk", {8, 8}); });
  expect_error(ErrorKind::kModel, "chunks must be even", [&] { read("chunk", {8, 7, 4}); });
  expect_error(ErrorKind::kModel, "not a multiple of \"head_dim\"", [&] { read("head_dim", 5); });
  expect_error(ErrorKind::kModel, "bottleneck", [&] { read("bottleneck_blocks", 0); });
  expect_error(ErrorKind::kModel, "ffn_ratio", [&] { read("ffn_ratio", -1); });
  expect_error(ErrorKind::kModel, "fusion", [] {
    UNetOptions options = audit_options();
    options.fusion = ChunkFusion::kBlock;
    options.validate();
  });
}

TEST(UNetConfigs, HaveTheirSizes) {
  EXPECT_LT(count_parameters(shipped("tiny")), 500'000);
  EXPECT_GT(count_parameters(shipped("default")), 9'000'000);
  EXPECT_LT(count_parameters(shipped("default")), 11'000'000);
  EXPECT_NEAR(static_cast<double>(count_parameters(shipped("paper"))), 967e6, 967e6 * 0.05);
  EXPECT_EQ(shipped("paper").fusion, ChunkFusion::kBlock);
  for (const char* name : {"tiny", "default", "audit", "no_chords", "no_aggregation"})
    EXPECT_EQ(count_parameters(shipped(name)), real_parameters(shipped(name))) << name;
}

TEST(UNetConfigs, BaselineAndAblationsDifferFromTheDefaultOnlyInWhatTheyName) {
  nlohmann::json wanted = to_json(shipped("default"));
  wanted["chord_classes"] = 0;
  EXPECT_EQ(to_json(shipped("no_chords")), wanted);
  wanted["source"] = "concatenate";
  wanted["self_attention"] = "full";
  EXPECT_EQ(to_json(shipped("audit")), wanted);
  wanted = to_json(shipped("default"));
  wanted["source"] = "concatenate";
  EXPECT_EQ(to_json(shipped("no_aggregation")), wanted);
}

}  // namespace
}  // namespace instructme
