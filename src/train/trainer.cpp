#include "instructme/train/trainer.h"

#include <torch/torch.h>

#include <charconv>
#include <chrono>
#include <cmath>
#include <numbers>

#include "batch_loader.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"
#include "instructme/torchx/runtime.h"
#include "instructme/torchx/state_dict.h"
#include "training_log.h"

namespace instructme {
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

constexpr int64_t kMostLoaderThreads = 1024;
constexpr const char* kCheckpointFormat = "instructme-checkpoint-1";

std::filesystem::path checkpoint_of(const std::filesystem::path& folder) { return folder / "checkpoint.safetensors"; }

std::string checkpoint_text(const SafetensorsFile& file, const std::filesystem::path& path, const std::string& key) {
  const auto found = file.metadata().find(key);
  if (found == file.metadata().end())
    throw Error(ErrorKind::kModel, path.string() + " is not a checkpoint of this task: it has no '" + key + "'");
  return found->second;
}

int64_t checkpoint_number(const SafetensorsFile& file, const std::filesystem::path& path, const std::string& key) {
  const std::string digits = checkpoint_text(file, path, key);
  int64_t value = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (failure != std::errc() || end != digits.data() + digits.size() || value < 0)
    throw Error(ErrorKind::kModel, path.string() + ": '" + key + "' is '" + digits + "', a number was expected");
  return value;
}

}  // namespace

TrainerOptions TrainerOptions::read(ConfigReader& config) {
  TrainerOptions o;
  config.read("steps", o.steps);
  config.read("seed", o.seed);
  config.read("bfloat16", o.bfloat16);
  config.read("learning_rate", o.adamw.learning_rate);
  config.read("beta1", o.adamw.beta1);
  config.read("beta2", o.adamw.beta2);
  config.read("weight_decay", o.adamw.weight_decay);
  config.read("ema_decay", o.adamw.ema_decay);
  config.read("warmup_steps", o.warmup_steps);
  config.read("final_rate", o.final_rate);
  config.read("gradient_clip", o.gradient_clip);
  config.read("log_every", o.log_every);
  config.read("validate_every", o.validate_every);
  config.read("checkpoint_every_s", o.checkpoint_every_s);
  config.read("limit_s", o.limit_s);
  config.read("loader_threads", o.loader_threads);
  config.read("device", o.device);
  config.finish();
  if (o.steps < 1 || o.log_every < 1 || !(o.gradient_clip > 0) || !(o.adamw.learning_rate > 0))
    throw Error(ErrorKind::kModel,
                config.context() + ": steps, log_every, gradient_clip and learning_rate must be positive");
  if (o.loader_threads < 1 || o.loader_threads > kMostLoaderThreads || !(o.final_rate >= 0 && o.final_rate <= 1))
    throw Error(ErrorKind::kModel,
                config.context() + format(": there are 1 to %d loader_threads, and final_rate lies in 0 to 1",
                                          static_cast<int>(kMostLoaderThreads)));
  const auto forgets = [](double beta) { return beta >= 0 && beta < 1; };
  if (!forgets(o.adamw.beta1) || !forgets(o.adamw.beta2) || !(o.adamw.ema_decay >= 0 && o.adamw.ema_decay <= 1) ||
      !(o.adamw.weight_decay >= 0))
    throw Error(ErrorKind::kModel, config.context() +
                                       ": beta1 and beta2 lie in 0 to below 1, ema_decay in 0 to 1, and weight_decay "
                                       "is not negative");
  return o;
}

double learning_rate_factor(const TrainerOptions& options, int64_t step) {
  if (step < options.warmup_steps) return static_cast<double>(step + 1) / static_cast<double>(options.warmup_steps);
  const double done = static_cast<double>(step - options.warmup_steps) /
                      static_cast<double>(std::max<int64_t>(1, options.steps - options.warmup_steps));
  const double cosine = 0.5 * (1 + std::cos(std::numbers::pi * std::min(1.0, done)));
  return options.final_rate + (1 - options.final_rate) * cosine;
}

struct Trainer::Log {
  TrainingLog lines;
  PhaseTimers timers;
};

Trainer::Trainer(TrainingTask& task, TrainerOptions options, std::filesystem::path folder)
    : task_(task),
      options_(options),
      folder_(std::move(folder)),
      device_(find_device(options.device)),
      players_(task.players()) {
  make_folder(folder_);
  // Two runs in one folder would write over each other's checkpoints.
  lock_ = std::make_unique<FolderLock>(folder_, "the training run");
  const at::ScalarType type = options_.bfloat16 ? at::kBFloat16 : at::kFloat;
  task_.move_to(device_, type);
  for (auto& player : players_) {
    player.module->to(device_);
    AdamWOptions adamw = options_.adamw;
    adamw.learning_rate *= player.learning_rate_scale;
    optimizers_.emplace_back(*player.module, adamw, type);
  }
  if (std::filesystem::exists(checkpoint_of(folder_))) load_checkpoint();
  log_ = std::make_unique<Log>(Log{TrainingLog(folder_, step_), {}});
}

Trainer::~Trainer() = default;

void Trainer::save_checkpoint() {
  const auto timer = log_->timers.time("checkpoint");
  TensorMap tensors;
  std::map<std::string, std::string> metadata = {
      {"format", kCheckpointFormat}, {"step", std::to_string(step_)}, {"exported", std::to_string(exported_)}};
  for (size_t i = 0; i < players_.size(); ++i) {
    for (const auto& [name, tensor] : optimizers_[i].state()) tensors[players_[i].name + "/" + name] = tensor;
    for (const auto& item : players_[i].module->named_buffers())
      tensors[players_[i].name + "/buffer/" + item.key()] = item.value();
    metadata[players_[i].name + "/updates"] = std::to_string(optimizers_[i].steps());
  }
  save_tensors(checkpoint_of(folder_), tensors, metadata);
}

void Trainer::load_checkpoint() {
  const auto path = checkpoint_of(folder_);
  const SafetensorsFile file(path);
  if (const std::string format = checkpoint_text(file, path, "format"); format != kCheckpointFormat)
    throw Error(ErrorKind::kModel, path.string() + ": unknown checkpoint format '" + format + "'");
  const TensorMap tensors = load_tensors(path);
  torch::NoGradGuard no_grad;
  for (size_t i = 0; i < players_.size(); ++i) {
    const std::string prefix = players_[i].name + "/";
    TensorMap own;
    for (const auto& [name, tensor] : tensors)
      if (name.starts_with(prefix)) own[name.substr(prefix.size())] = tensor;
    optimizers_[i].load_state(own, checkpoint_number(file, path, prefix + "updates"), path.string());
    for (auto& item : players_[i].module->named_buffers()) {
      const auto found = own.find("buffer/" + item.key());
      if (found == own.end() || found->second.sizes() != item.value().sizes())
        throw Error(ErrorKind::kModel, path.string() + ": the buffer '" + item.key() +
                                           "' is missing or has another shape; was the configuration changed?");
      item.value().copy_(found->second);
    }
  }
  step_ = checkpoint_number(file, path, "step");
  if (file.metadata().contains("exported")) exported_ = checkpoint_number(file, path, "exported");
}

int64_t Trainer::steps_done(const std::filesystem::path& folder) {
  const auto path = checkpoint_of(folder);
  return std::filesystem::exists(path) ? checkpoint_number(SafetensorsFile(path), path, "step") : 0;
}

int64_t Trainer::steps_exported(const std::filesystem::path& folder) {
  const auto path = checkpoint_of(folder);
  if (!std::filesystem::exists(path)) return 0;
  const SafetensorsFile file(path);
  return file.metadata().contains("exported") ? checkpoint_number(file, path, "exported") : 0;
}

void Trainer::train_step(const Batch& batch) {
  const double factor = learning_rate_factor(options_, step_);
  for (size_t i = 0; i < players_.size(); ++i) {
    if (!task_.plays(i, step_)) continue;
    players_[i].module->train();
    // Dropout draws from torch's own generator, which a run that goes on must find as it would have been.
    torch::manual_seed(Rng(options_.seed).fork("dropout").fork(static_cast<uint64_t>(step_)).next());
    LossValue loss;
    {
      const auto timer = log_->timers.time("forward");
      auto generator =
          at::make_generator<at::CPUGeneratorImpl>(Rng(options_.seed).fork("noise").fork(uint64_t(step_)).next());
      loss = task_.loss(i, batch, step_, generator);
    }
    const auto require_number = [&](const char* what, double number) {
      if (!std::isfinite(number))
        throw Error(ErrorKind::kModel,
                    format("the %s of '%s' is not a number at step %lld; lower the learning rate and "
                           "start again from the last checkpoint in %s",
                           what, players_[i].name.c_str(), static_cast<long long>(step_), folder_.c_str()));
    };
    const double value = loss.total.item<double>();
    require_number("loss", value);
    {
      const auto timer = log_->timers.time("backward");
      // Every optimizer is cleared: a player's loss may reach the weights of another.
      for (auto& optimizer : optimizers_) optimizer.zero_gradients();
      loss.total.backward();
    }
    const auto timer = log_->timers.time("optimizer");
    const double norm = optimizers_[i].clip_gradients(options_.gradient_clip);
    // A finite loss may have an infinite gradient; the weights must not take it in.
    require_number("gradient", norm);
    log_->lines.add(players_[i].name + "_gradient", norm);
    optimizers_[i].step(optimizers_[i].options().learning_rate * factor);
    log_->lines.add(players_[i].name + "_loss", value);
    for (const auto& [name, part] : loss.parts) log_->lines.add(name, part.item<double>());
  }
  ++step_;
}

void Trainer::export_averaged(bool validate) {
  const auto timer = log_->timers.time("validation");
  torch::NoGradGuard no_grad;
  for (size_t i = 0; i < players_.size(); ++i) {
    optimizers_[i].swap_averaged();
    players_[i].module->eval();
  }
  const auto end = [this] {
    for (auto& optimizer : optimizers_) optimizer.swap_averaged();
  };
  try {
    if (validate)
      for (const auto& [name, value] : task_.validate()) log_->lines.add("valid_" + name, value);
    task_.export_model((folder_ / "export").string(), step_);
  } catch (...) {
    end();  // what is trained on is not the averages
    throw;
  }
  exported_ = step_;
  end();
}

int64_t Trainer::run(const CancelToken& cancel, const ProgressCallback& progress) {
  if (step_ >= options_.steps) {
    // A run that was stopped, and now is to have no more steps than it has.
    if (exported_ != step_ || !std::filesystem::exists(folder_ / "export")) {
      export_averaged(/*validate=*/false);
      save_checkpoint();
    }
    return step_;
  }
  BatchLoader loader(task_, options_.seed, step_, options_.steps, options_.loader_threads, device_);
  const auto start = Clock::now();
  auto saved = start, line_start = start;
  int64_t line_first = step_;
  while (step_ < options_.steps && !cancel.requested() &&
         (options_.limit_s <= 0 || seconds_since(start) < options_.limit_s)) {
    Batch batch;
    // A stream gives up waiting for its songs when it is asked to stop; what it waited for is left for the next run.
    const auto stopped_in = [&](const auto& work) {
      try {
        work();
      } catch (const Error& error) {
        if (error.kind() == ErrorKind::kCancelled && cancel.requested()) return true;
        save_checkpoint();
        throw;
      } catch (...) {  // no memory left, say
        save_checkpoint();
        throw;
      }
      return false;
    };
    if (stopped_in([&] {
          const auto timer = log_->timers.time("data");
          batch = loader.next();
        }))
      break;
    train_step(batch);
    const bool validated =
        step_ == options_.steps || (options_.validate_every > 0 && step_ % options_.validate_every == 0);
    if (validated && stopped_in([&] { export_averaged(/*validate=*/true); })) break;
    if (validated || step_ % options_.log_every == 0) {
      const double elapsed = seconds_since(line_start);
      log_->lines.write_line(
          step_,
          {{"learning_rate", options_.adamw.learning_rate * learning_rate_factor(options_, step_ - 1)},
           {"steps_per_s", static_cast<double>(step_ - line_first) / elapsed}},
          log_->timers, elapsed);
      log_->lines.write_chart();
      line_start = Clock::now();
      line_first = step_;
    }
    if (seconds_since(saved) >= options_.checkpoint_every_s) {
      save_checkpoint();
      saved = Clock::now();
    }
    if (progress)
      progress(
          {"training", step_, options_.steps, format("loss %.4f", log_->lines.last(players_.front().name + "_loss"))});
  }
  save_checkpoint();
  // Whoever sets a limit wants what has come of it by then.
  if (step_ < options_.steps && !cancel.requested()) {
    export_averaged(/*validate=*/false);
    save_checkpoint();  // which says so
  }
  return step_;
}

}  // namespace instructme
