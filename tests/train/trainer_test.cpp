#include <torch/torch.h>
// The precompiled torch header comes first.
#include <atomic>
#include <cmath>
#include <limits>

#include "expect_error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"
#include "instructme/torchx/state_dict.h"
#include "instructme/train/trainer.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;
using at::Tensor;

struct SineNet : torch::nn::Module {
  explicit SineNet(int64_t width, bool extra = false) {
    first = register_module("first", torch::nn::Linear(3, width));
    second = register_module("second", torch::nn::Linear(width, 1));
    if (extra) register_parameter("extra", torch::zeros({2}));
    seen = register_buffer("seen", torch::zeros({1}));
  }
  torch::nn::Linear first{nullptr}, second{nullptr};
  Tensor seen;
};

/// y = sin of a sum, with a little noise from the trainer's generator.
class SineTask : public TrainingTask {
 public:
  explicit SineTask(int64_t width = 8, bool extra = false) {
    torch::manual_seed(1);
    net = std::make_shared<SineNet>(width, extra);
  }
  std::vector<Player> players() override { return {{"net", net, 1.0}}; }
  void move_to(at::Device, at::ScalarType type) override { type_of_others = type; }
  Batch make_batch(int64_t step, Rng rng) const override {
    if (step == fail_at_step) throw Error(ErrorKind::kInput, "the song is gone");
    Tensor x = torch::empty({16, 3});
    for (int64_t i = 0; i < x.numel(); ++i) x.data_ptr<float>()[i] = static_cast<float>(rng.normal());
    return {{{"x", x}, {"y", torch::sin(x.sum(1, true))}}, {}};
  }
  LossValue loss(size_t, const Batch& batch, int64_t step, at::Generator generator) override {
    const auto type = net->first->weight.scalar_type();
    net->seen.add_(1);
    const Tensor noise = 0.01 * torch::randn(batch.tensors.at("y").sizes(), generator);
    // From torch's own generator, as layers have it.
    const Tensor hidden = torch::dropout(torch::tanh(net->first(batch.tensors.at("x").to(type))), dropout, true);
    const Tensor y = net->second(hidden).to(at::kFloat);
    LossValue value;
    value.total = (y - batch.tensors.at("y") + noise).pow(2).mean();
    if (step == nan_at) value.total = value.total * std::numeric_limits<double>::quiet_NaN();
    if (step == bad_gradient_at) value.total = value.total + (y * 0.0).sum().sqrt();
    value.parts = {{"mean", y.detach().mean()}};
    losses.push_back(value.total.item<double>());
    return value;
  }
  std::map<std::string, double> validate() override {
    training_mode_in_validation = net->is_training();
    weight_in_validation = net->first->weight.detach().to(at::kFloat).clone();
    return {{"figure", 0.5}};
  }
  void export_model(const std::string& folder, int64_t step) override {
    make_folder(folder);
    write_file_atomically(fs::path(folder) / "steps", std::to_string(step));
  }

  std::shared_ptr<SineNet> net;
  double dropout = 0;
  int64_t nan_at = -1, bad_gradient_at = -1;
  int64_t fail_at_step = -1;
  std::vector<double> losses;
  bool training_mode_in_validation = true;
  Tensor weight_in_validation;
  at::ScalarType type_of_others = at::kDouble;
};

class TrainerTest : public testing::Test {
 protected:
  TrainerTest() {
    options_.steps = 20;
    options_.bfloat16 = false;
    options_.adamw.learning_rate = 0.02;
    options_.warmup_steps = 3;
    options_.log_every = 5;
    options_.validate_every = 0;
    options_.checkpoint_every_s = 1e9;
  }
  fs::path folder(const char* name = "run") const { return files_.path() / name; }
  static fs::path checkpoint(const fs::path& folder) { return folder / "checkpoint.safetensors"; }
  /// Goes on in the folder up to `steps` steps, stopped as by Ctrl-C if that is not the end.
  int64_t go(TrainingTask& task, const fs::path& where, int64_t steps = 1000) {
    Trainer trainer(task, options_, where);
    std::atomic<bool> stop = false;
    return trainer.run(CancelToken(&stop), [&](const Progress& progress) { stop = progress.done >= steps; });
  }
  int64_t go(const fs::path& where, int64_t steps = 1000) {
    SineTask task;
    return go(task, where, steps);
  }
  static std::vector<nlohmann::json> log(const fs::path& where) {
    std::vector<nlohmann::json> lines;
    for (const auto& line : split(read_text_file(where / "log.jsonl"), '\n'))
      if (!line.empty()) lines.push_back(nlohmann::json::parse(line));
    return lines;
  }
  static void expect_equal_checkpoints(const fs::path& a, const fs::path& b) {
    const TensorMap one = load_tensors(checkpoint(a)), two = load_tensors(checkpoint(b));
    ASSERT_EQ(one.size(), two.size());
    for (const auto& [name, tensor] : one) EXPECT_TRUE(torch::equal(tensor, two.at(name))) << name;
    EXPECT_EQ(read_text_file(checkpoint(a)), read_text_file(checkpoint(b)));
  }

  TempDir files_;
  TrainerOptions options_;
};

TEST_F(TrainerTest, TheLossFalls) {
  options_.steps = 300;
  options_.log_every = 300;
  SineTask task;
  EXPECT_EQ(go(task, folder()), 300);
  const auto mean = [&](size_t first) {
    double sum = 0;
    for (size_t i = first; i < first + 20; ++i) sum += task.losses[i] / 20;
    return sum;
  };
  EXPECT_LT(mean(280), 0.3 * mean(0));
}

TEST_F(TrainerTest, DropoutIsTheSameAfterAStop) {
  const auto task = [] {
    auto made = std::make_unique<SineTask>();
    made->dropout = 0.3;
    return made;
  };
  const auto whole = task(), first = task(), rest = task();
  EXPECT_EQ(go(*whole, folder("whole")), 20);
  EXPECT_EQ(go(*first, folder("parts"), 10), 10);
  EXPECT_EQ(go(*rest, folder("parts")), 20);
  expect_equal_checkpoints(folder("whole"), folder("parts"));
}

TEST_F(TrainerTest, AStoppedRunEqualsAnUninterruptedOne) {
  for (const bool bfloat16 : {false, true}) {
    SCOPED_TRACE(bfloat16);
    options_.bfloat16 = bfloat16;
    const fs::path whole = folder(bfloat16 ? "whole16" : "whole"), parts = folder(bfloat16 ? "parts16" : "parts");
    EXPECT_EQ(go(whole), 20);
    EXPECT_EQ(go(parts, 10), 10);
    EXPECT_EQ(go(parts), 20);
    expect_equal_checkpoints(whole, parts);
    // The log too.
    const auto a = log(whole), b = log(parts);
    ASSERT_EQ(a.size(), 4u);
    ASSERT_EQ(b.size(), 4u);
    for (size_t i = 0; i < 4; ++i) {
      EXPECT_EQ(b[i].at("step"), 5 * (i + 1));
      EXPECT_EQ(a[i].at("net_loss"), b[i].at("net_loss"));
      EXPECT_EQ(a[i].at("learning_rate"), b[i].at("learning_rate"));
    }
  }
}

TEST_F(TrainerTest, AKilledRunEqualsAnUninterruptedOne) {
  options_.log_every = 1;
  go(folder("whole"));
  const fs::path killed = folder("killed");
  go(killed, 10);
  const std::string at_ten = read_text_file(checkpoint(killed));
  go(killed, 13);
  // What kill -9 in the middle of step 14 would leave when the last checkpoint was that of step 10.
  write_file_atomically(checkpoint(killed), at_ten);
  write_file_atomically(killed / "log.jsonl", read_text_file(killed / "log.jsonl") + "{\"step\": 14, \"net_lo");
  SineTask task;
  EXPECT_EQ(Trainer(task, options_, killed).step(), 10);
  EXPECT_EQ(go(killed), 20);
  expect_equal_checkpoints(folder("whole"), killed);
  const auto lines = log(killed);
  ASSERT_EQ(lines.size(), 20u);
  for (size_t i = 0; i < lines.size(); ++i) EXPECT_EQ(lines[i].at("step"), i + 1);
}

TEST_F(TrainerTest, ValidationDoesNotChangeTheTraining) {
  go(folder("without"));
  options_.validate_every = 3;
  options_.log_every = 1;
  SineTask task;
  go(task, folder("with"));
  EXPECT_EQ(read_text_file(folder("with") / "export/steps"), "20") << "also at the end";
  EXPECT_FALSE(task.training_mode_in_validation);
  EXPECT_EQ(log(folder("with")).at(2).at("valid_figure"), 0.5);
  EXPECT_EQ(log(folder("with")).at(3).count("valid_figure"), 0u);
  expect_equal_checkpoints(folder("without"), folder("with"));
  const TensorMap state = load_tensors(checkpoint(folder("with")));
  EXPECT_TRUE(torch::equal(task.weight_in_validation, state.at("net/ema/first.weight")));
  EXPECT_TRUE(torch::equal(task.net->first->weight, state.at("net/master/first.weight")));
}

TEST_F(TrainerTest, EveryValidationEndsItsLine) {
  options_.validate_every = 3;
  options_.log_every = 5;
  go(folder());
  std::vector<int64_t> lines, validations;
  for (const auto& line : log(folder())) {
    lines.push_back(line.at("step").get<int64_t>());
    if (line.contains("valid_figure")) validations.push_back(lines.back());
  }
  EXPECT_EQ(lines, (std::vector<int64_t>{3, 5, 6, 9, 10, 12, 15, 18, 20}));
  EXPECT_EQ(validations, (std::vector<int64_t>{3, 6, 9, 12, 15, 18, 20}));
}

TEST_F(TrainerTest, OtherNetworksAreToHaveTheTypeOfTheWeights) {
  for (const bool bfloat16 : {false, true}) {
    options_.bfloat16 = bfloat16;
    SineTask task;
    const Trainer trainer(task, options_, folder(bfloat16 ? "half" : "single"));
    EXPECT_EQ(task.type_of_others, bfloat16 ? at::kBFloat16 : at::kFloat);
  }
}

TEST_F(TrainerTest, TheLossIsToldFromTheFirstStep) {
  SineTask task;
  std::vector<std::string> told;
  Trainer(task, options_, folder()).run({}, [&](const Progress& progress) { told.push_back(progress.detail); });
  EXPECT_EQ(told.at(0), format("loss %.4f", task.losses.at(0)));
}

TEST_F(TrainerTest, TheNumberOfLoaderThreadsDoesNotMatter) {
  go(folder("one"));
  options_.loader_threads = 3;
  go(folder("three"));
  expect_equal_checkpoints(folder("one"), folder("three"));
}

TEST_F(TrainerTest, TheSeedMatters) {
  go(folder("one"));
  options_.seed = 2;
  go(folder("two"));
  EXPECT_NE(read_text_file(checkpoint(folder("one"))), read_text_file(checkpoint(folder("two"))));
}

TEST_F(TrainerTest, CancelAndTimeLimitLeaveACheckpoint) {
  SineTask task;
  const std::atomic<bool> stop = true;
  EXPECT_EQ(Trainer(task, options_, folder("cancelled")).run(CancelToken(&stop), {}), 0);
  EXPECT_TRUE(fs::exists(checkpoint(folder("cancelled"))));
  options_.limit_s = 1e-9;
  EXPECT_LT(go(folder("limit")), 20);
  EXPECT_TRUE(fs::exists(checkpoint(folder("limit"))));
  EXPECT_TRUE(fs::exists(folder("limit") / "export" / "steps"));  // whoever sets a limit wants what has come of it
  options_.limit_s = 0;
  go(folder("whole"));
  go(folder("limit"));
  expect_equal_checkpoints(folder("whole"), folder("limit"));
}

TEST_F(TrainerTest, AFinishedRunStaysAsItIs) {
  go(folder());
  const std::string before = read_text_file(checkpoint(folder())), log_before = read_text_file(folder() / "log.jsonl");
  EXPECT_EQ(go(folder()), 20);
  EXPECT_EQ(read_text_file(checkpoint(folder())), before);
  EXPECT_EQ(read_text_file(folder() / "log.jsonl"), log_before);
}

TEST_F(TrainerTest, AStoppedRunThatIsToEndThereIsExported) {
  const fs::path exported = folder() / "export/steps";
  go(folder(), 10);
  EXPECT_FALSE(fs::exists(exported));
  options_.steps = 10;
  EXPECT_EQ(go(folder()), 10);
  EXPECT_EQ(read_text_file(exported), "10");
  // One of older weights is made anew, and one that is up to date is not.
  options_.steps = 20;
  options_.validate_every = 12;
  go(folder(), 14);
  EXPECT_EQ(read_text_file(exported), "12");
  options_.steps = 13;
  EXPECT_EQ(go(folder()), 14);
  EXPECT_EQ(read_text_file(exported), "14");
  write_file_atomically(exported, "as it was");
  go(folder());
  EXPECT_EQ(read_text_file(exported), "as it was");
  fs::remove_all(folder() / "export");
  go(folder());
  EXPECT_EQ(read_text_file(exported), "14");
  EXPECT_EQ(Trainer::steps_exported(folder()), 14);
}

TEST_F(TrainerTest, NotANumberKeepsTheLastCheckpoint) {
  go(folder(), 5);
  const std::string before = read_text_file(checkpoint(folder()));
  options_.checkpoint_every_s = 0;
  for (const bool gradient : {false, true}) {
    write_file_atomically(checkpoint(folder()), before);
    SineTask task;
    (gradient ? task.bad_gradient_at : task.nan_at) = 5;
    expect_error(ErrorKind::kModel,
                 gradient ? "the gradient of 'net' is not a number at step 5" : "the loss of 'net' is not a number",
                 [&] { go(task, folder()); });
    EXPECT_EQ(read_text_file(checkpoint(folder())), before);
  }
  EXPECT_EQ(go(folder()), 20);
}

TEST_F(TrainerTest, AFailureOfTheDataReachesTheCaller) {
  for (const int64_t threads : {1, 3}) {
    options_.loader_threads = threads;
    SineTask task;
    task.fail_at_step = 7;
    const fs::path run = folder(threads == 1 ? "one" : "three");
    expect_error(ErrorKind::kInput, "the song is gone", [&] { go(task, run); });
    EXPECT_EQ(Trainer::steps_done(run), 7) << "what was trained before is kept";
    EXPECT_EQ(Trainer::steps_exported(run), 0);
  }
}

TEST_F(TrainerTest, TheCheckpointHoldsBuffersAndProgress) {
  go(folder());
  const SafetensorsFile file(checkpoint(folder()));
  EXPECT_EQ(file.metadata().at("step"), "20");
  EXPECT_EQ(file.metadata().at("net/updates"), "20");
  EXPECT_EQ(load_tensors(checkpoint(folder())).at("net/buffer/seen").item<float>(), 20.0f);
  EXPECT_TRUE(fs::exists(folder() / "loss.png"));
}

TEST_F(TrainerTest, AFolderHasOneRunAtATime) {
  SineTask one, other;
  const Trainer first(one, options_, folder());
  expect_error(ErrorKind::kInput, "is in use by another process", [&] { Trainer(other, options_, folder()); });
}

TEST_F(TrainerTest, CheckpointsThatDoNotFit) {
  go(folder(), 5);
  const std::string good = read_text_file(checkpoint(folder()));
  const auto refused = [&](const char* part, SineTask&& task) {
    SCOPED_TRACE(part);
    expect_error(ErrorKind::kModel, part, [&] { Trainer(task, options_, folder()); });
  };
  refused("was the configuration changed?", SineTask(9));
  refused("was the configuration changed?", SineTask(8, true));
  {
    SineTask extra(8, true);
    go(extra, folder("extra"), 2);
    SineTask plain;
    expect_error(ErrorKind::kModel, "'extra' is no parameter", [&] { Trainer(plain, options_, folder("extra")); });
  }
  for (const double share : {0.0, 0.1, 0.9}) {
    write_file_atomically(checkpoint(folder()), good.substr(0, static_cast<size_t>(share * double(good.size()))));
    refused("checkpoint.safetensors", SineTask());
  }
  save_tensors(checkpoint(folder()), {{"a", torch::zeros({2})}});
  refused("is not a checkpoint of this task: it has no 'format'", SineTask());
  save_tensors(checkpoint(folder()), {{"a", torch::zeros({2})}}, {{"format", "other"}});
  refused("unknown checkpoint format 'other'", SineTask());
  write_file_atomically(checkpoint(folder()), good);
  const TensorMap tensors = load_tensors(checkpoint(folder()));
  save_tensors(checkpoint(folder()), tensors,
               {{"format", "instructme-checkpoint-1"}, {"step", "many"}, {"net/updates", "5"}});
  refused("'step' is 'many'", SineTask());
}

TEST_F(TrainerTest, Devices) {
  SineTask task;
  options_.device = "cpuu";
  expect_error(ErrorKind::kUsage, "unknown device 'cpuu' (did you mean 'cpu'",
               [&] { Trainer(task, options_, folder()); });
}

TEST(TrainerOptions, ReadsAndRefuses) {
  const auto read = [](nlohmann::json recipe) {
    ConfigReader config(std::move(recipe), "recipe.json: trainer");
    return TrainerOptions::read(config);
  };
  const TrainerOptions options = read({{"steps", 7}, {"learning_rate", 0.5}, {"seed", 3}, {"ema_decay", 0.9}});
  EXPECT_EQ(options.steps, 7);
  EXPECT_EQ(options.adamw.learning_rate, 0.5);
  EXPECT_EQ(options.seed, 3u);
  EXPECT_EQ(options.adamw.ema_decay, 0.9);
  expect_error(ErrorKind::kModel, "'learning_rte' (did you mean 'learning_rate'", [&] { read({{"learning_rte", 1}}); });
  expect_error(ErrorKind::kModel, "1 to 1024 loader_threads", [&] { read({{"loader_threads", 100000}}); });
  expect_error(ErrorKind::kModel, "final_rate lies in 0 to 1", [&] { read({{"final_rate", -0.5}}); });
  for (const char* key : {"steps", "log_every", "gradient_clip", "learning_rate"})
    expect_error(ErrorKind::kModel, "must be positive", [&] { read({{key, 0}}); });
  for (const auto& [key, value] :
       {std::pair{"beta1", 1.0}, {"beta2", 1.0}, {"beta1", -0.1}, {"ema_decay", 1.5}, {"weight_decay", -0.1}})
    expect_error(ErrorKind::kModel, "beta1 and beta2 lie in 0 to below 1", [&, k = key, v = value] { read({{k, v}}); });
}

}  // namespace
}  // namespace instructme
