#include <torch/torch.h>
// The precompiled torch header comes first.
#include "expect_error.h"
#include "instructme/train/adamw.h"
#include "instructme/train/trainer.h"

namespace instructme {
namespace {

using at::Tensor;

struct Net : torch::nn::Module {
  Net() {
    first = register_module("first", torch::nn::Linear(5, 7));
    second = register_module("second", torch::nn::Linear(7, 3));
  }
  Tensor forward(const Tensor& x) { return second(torch::tanh(first(x))); }
  torch::nn::Linear first{nullptr}, second{nullptr};
};

std::shared_ptr<Net> net() {
  torch::manual_seed(4);
  return std::make_shared<Net>();
}

/// Puts a gradient into every parameter, the same in every call with the same `step`.
void put_gradients(torch::nn::Module& module, int step, double scale = 1.0) {
  torch::manual_seed(100 + static_cast<uint64_t>(step));
  for (auto& weight : module.parameters())
    weight.mutable_grad() = (torch::randn(weight.sizes()) * scale).to(weight.scalar_type());
}

double largest(const Tensor& x) { return x.abs().max().item<double>(); }

TEST(AdamW, EqualsTheOneOfTorch) {
  const auto ours = net(), theirs = net();
  AdamWOptions options;
  options.beta1 = 0.85;
  options.beta2 = 0.95;
  options.epsilon = 1e-6;
  options.weight_decay = 0.1;
  AdamW adamw(*ours, options, at::kFloat);
  // torch knows no rule for what is decayed; groups say it.
  const auto settings = [&](double decay) {
    return std::make_unique<torch::optim::AdamWOptions>(torch::optim::AdamWOptions(0.01)
                                                            .betas({options.beta1, options.beta2})
                                                            .eps(options.epsilon)
                                                            .weight_decay(decay));
  };
  const std::vector<torch::optim::OptimizerParamGroup> groups{
      {{theirs->first->weight, theirs->second->weight}, settings(0.1)},
      {{theirs->first->bias, theirs->second->bias}, settings(0.0)}};
  torch::optim::AdamW reference(groups, torch::optim::AdamWOptions(0.01));
  for (int step = 0; step < 12; ++step) {
    const double rate = 0.01 * (step + 1) / 12;
    for (auto& group : reference.param_groups()) static_cast<torch::optim::AdamWOptions&>(group.options()).lr(rate);
    put_gradients(*ours, step);
    put_gradients(*theirs, step);
    adamw.step(rate);
    reference.step();
    const auto a = ours->parameters(), b = theirs->parameters();
    for (size_t i = 0; i < a.size(); ++i) ASSERT_LT(largest(a[i] - b[i]), 1e-6) << "step " << step;
  }
  EXPECT_EQ(adamw.steps(), 12);
  EXPECT_GT(largest(ours->first->weight - net()->first->weight), 0.02);
}

TEST(AdamW, ParametersWithoutAGradientStay) {
  const auto ours = net();
  AdamW adamw(*ours, {}, at::kFloat);
  put_gradients(*ours, 0);
  ours->first->weight.mutable_grad() = Tensor();
  adamw.step(0.1);
  EXPECT_TRUE(torch::equal(ours->first->weight, net()->first->weight));
  EXPECT_FALSE(torch::equal(ours->second->weight, net()->second->weight));
  adamw.zero_gradients();
  for (const auto& weight : ours->parameters()) EXPECT_FALSE(weight.grad().defined());
}

TEST(AdamW, NormsAndBiasesAreNotDecayedWhateverTheirShape) {
  torch::nn::Module tables;
  for (const char* name : {"matrix", "norms", "position_bias"}) tables.register_parameter(name, torch::ones({3, 4}));
  AdamWOptions options;
  options.weight_decay = 0.1;
  AdamW adamw(tables, options, at::kFloat);
  for (auto& weight : tables.parameters()) weight.mutable_grad() = torch::zeros({3, 4});
  adamw.step(0.5);
  const auto after = tables.named_parameters();
  EXPECT_NEAR(after["matrix"].max().item<double>(), 0.95, 1e-6);
  EXPECT_EQ(after["norms"].min().item<double>(), 1.0);
  EXPECT_EQ(after["position_bias"].min().item<double>(), 1.0);
}

TEST(AdamW, TheAverageFollowsItsFormulaAndCanBeSwapped) {
  const auto ours = net();
  AdamWOptions options;
  options.ema_decay = 0.3;
  AdamW adamw(*ours, options, at::kFloat);
  Tensor average = ours->first->weight.detach().clone();
  for (int step = 1; step <= 8; ++step) {
    put_gradients(*ours, step);
    adamw.step(0.05);
    const double decay = std::min(0.3, (1.0 + step) / (10.0 + step));
    average = decay * average + (1 - decay) * ours->first->weight.detach();
  }
  const Tensor latest = ours->first->weight.detach().clone();
  EXPECT_LT(largest(adamw.state().at("ema/first.weight") - average), 1e-6);
  EXPECT_GT(largest(latest - average), 1e-3);
  adamw.swap_averaged();
  EXPECT_LT(largest(ours->first->weight - average), 1e-6);
  expect_error(ErrorKind::kInternal, "averaged weights are in place", [&] { adamw.step(0.05); });
  adamw.swap_averaged();
  EXPECT_TRUE(torch::equal(ours->first->weight, latest));
}

TEST(AdamW, Bfloat16ParametersAreTheRoundedMasters) {
  const auto half = net(), full = net();
  AdamW adamw(*half, {}, at::kBFloat16), reference(*full, {}, at::kFloat);
  for (int step = 0; step < 200; ++step) {
    // Small steps that bfloat16 alone would lose: 1e-5 of weights near 0.3.
    put_gradients(*half, 0);
    for (size_t i = 0; i < 4; ++i) full->parameters()[i].mutable_grad() = half->parameters()[i].grad().to(at::kFloat);
    adamw.step(1e-5);
    reference.step(1e-5);
  }
  const auto state = adamw.state();
  for (const auto& item : half->named_parameters()) {
    EXPECT_EQ(item.value().scalar_type(), at::kBFloat16);
    const Tensor master = state.at("master/" + item.key());
    EXPECT_EQ(master.scalar_type(), at::kFloat);
    EXPECT_TRUE(torch::equal(item.value(), master.to(at::kBFloat16)));
    EXPECT_LT(largest(master - full->named_parameters()[item.key()]), 1e-6);
    EXPECT_NEAR(largest(master - net()->named_parameters()[item.key()]), 2e-3, 2e-4);
  }
}

TEST(AdamW, ClippingKeepsTheDirection) {
  const auto ours = net();
  AdamW adamw(*ours, {}, at::kFloat);
  EXPECT_EQ(adamw.clip_gradients(1.0), 0.0) << "no gradients";
  const auto norm = [&] {
    double sum = 0;
    for (const auto& weight : ours->parameters()) sum += weight.grad().pow(2).sum().item<double>();
    return std::sqrt(sum);
  };
  put_gradients(*ours, 1, 10);
  const double before = norm();
  const Tensor direction = ours->first->weight.grad() / before;
  EXPECT_NEAR(adamw.clip_gradients(2.0), before, 1e-3);
  EXPECT_NEAR(norm(), 2.0, 1e-4);
  EXPECT_LT(largest(ours->first->weight.grad() / 2.0 - direction), 1e-5);
  put_gradients(*ours, 1, 1e-3);
  const Tensor small = ours->first->weight.grad().clone();
  adamw.clip_gradients(2.0);
  EXPECT_TRUE(torch::equal(ours->first->weight.grad(), small)) << "small gradients must not grow";
}

TEST(AdamW, TheStateResumesExactly) {
  const auto one = net(), two = net();
  AdamW first(*one, {}, at::kBFloat16);
  for (int step = 0; step < 3; ++step) put_gradients(*one, step), first.step(0.01);
  AdamW second(*two, {}, at::kBFloat16);
  second.load_state(first.state(), first.steps(), "file");
  for (int step = 3; step < 6; ++step) {
    put_gradients(*one, step), first.step(0.01);
    put_gradients(*two, step), second.step(0.01);
  }
  for (const auto& [name, tensor] : first.state()) EXPECT_TRUE(torch::equal(tensor, second.state().at(name))) << name;
  EXPECT_TRUE(torch::equal(one->first->weight, two->first->weight));
}

TEST(AdamW, AStateThatDoesNotFitChangesNothing) {
  const auto ours = net();
  AdamW adamw(*ours, {}, at::kFloat);
  const auto refused = [&](const char* part, const std::function<void(std::map<std::string, Tensor>&)>& change) {
    std::map<std::string, Tensor> state;
    for (const auto& [name, tensor] : adamw.state()) state[name] = tensor + 1;
    change(state);
    expect_error(ErrorKind::kModel, part, [&] { adamw.load_state(state, 5, "file"); });
  };
  refused("file: the optimizer state of 'v/second.bias'", [](auto& state) { state.erase("v/second.bias"); });
  refused("'ema/first.weight'", [](auto& state) { state["ema/first.weight"] = torch::zeros({7, 6}); });
  refused("'third.weight' is no parameter", [](auto& state) { state["master/third.weight"] = torch::zeros({2}); });
  EXPECT_EQ(adamw.steps(), 0);
  for (const auto& item : net()->named_parameters())
    EXPECT_TRUE(torch::equal(adamw.state().at("master/" + item.key()), item.value())) << item.key();
}

TEST(LearningRate, WarmUpThenCosine) {
  TrainerOptions options;
  options.steps = 110;
  options.warmup_steps = 10;
  options.final_rate = 0.1;
  EXPECT_DOUBLE_EQ(learning_rate_factor(options, 0), 0.1);
  EXPECT_DOUBLE_EQ(learning_rate_factor(options, 4), 0.5);
  EXPECT_DOUBLE_EQ(learning_rate_factor(options, 10), 1.0);
  EXPECT_DOUBLE_EQ(learning_rate_factor(options, 60), 0.55);
  EXPECT_DOUBLE_EQ(learning_rate_factor(options, 110), 0.1);
  EXPECT_DOUBLE_EQ(learning_rate_factor(options, 1000), 0.1);
  for (int64_t step = 1; step < 10; ++step)
    EXPECT_GT(learning_rate_factor(options, step), learning_rate_factor(options, step - 1));
  for (int64_t step = 11; step < 110; ++step)
    EXPECT_LT(learning_rate_factor(options, step), learning_rate_factor(options, step - 1));
  options.final_rate = 1;
  options.warmup_steps = 0;
  for (int64_t step : {0, 50, 109}) EXPECT_DOUBLE_EQ(learning_rate_factor(options, step), 1.0);
}

}  // namespace
}  // namespace instructme
