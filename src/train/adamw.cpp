#include "instructme/train/adamw.h"

#include <torch/torch.h>

#include <cmath>

#include "adamw_kernel.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"

namespace instructme {

using at::Tensor;

AdamW::AdamW(torch::nn::Module& module, AdamWOptions options, at::ScalarType type) : options_(options) {
  torch::NoGradGuard no_grad;
  for (const auto& item : module.named_parameters()) {
    Slot slot;
    slot.name = item.key();
    slot.master = item.value().detach().to(at::kFloat).clone();
    slot.m = torch::zeros_like(slot.master);
    slot.v = torch::zeros_like(slot.master);
    slot.ema = slot.master.clone();
    slot.decayed = slot.master.dim() >= 2;
    slots_.push_back(std::move(slot));
  }
  module.to(type);
  const auto parameters = module.named_parameters();
  for (auto& slot : slots_) slot.parameter = parameters[slot.name];
}

double AdamW::clip_gradients(double max_norm) {
  torch::NoGradGuard no_grad;
  std::vector<Tensor> squares;
  for (auto& slot : slots_)
    if (slot.parameter.grad().defined()) squares.push_back(slot.parameter.grad().to(at::kFloat).pow(2).sum());
  if (squares.empty()) return 0;
  const double norm = std::sqrt(torch::stack(squares).sum().item<double>());
  if (norm > max_norm)
    for (auto& slot : slots_)
      if (slot.parameter.grad().defined()) slot.parameter.grad().mul_(max_norm / norm);
  return norm;
}

void AdamW::update(Slot& slot, double learning_rate, double correction1, double correction2, double ema_decay) {
  const Tensor gradient = slot.parameter.grad().to(at::kFloat).contiguous();
  const double decay = slot.decayed ? learning_rate * options_.weight_decay : 0.0;
  if (!slot.master.is_cpu()) {
    slot.m.lerp_(gradient, 1 - options_.beta1);
    slot.v.mul_(options_.beta2).addcmul_(gradient, gradient, 1 - options_.beta2);
    slot.master.mul_(1 - decay);
    slot.master.addcdiv_(slot.m, (slot.v / correction2).sqrt_().add_(options_.epsilon), -learning_rate / correction1);
    slot.ema.lerp_(slot.master, 1 - ema_decay);
  } else {
    const AdamWStep step{static_cast<float>(options_.beta1),  static_cast<float>(options_.beta2),
                         static_cast<float>(1 - decay),       static_cast<float>(learning_rate / correction1),
                         static_cast<float>(1 / correction2), static_cast<float>(options_.epsilon),
                         static_cast<float>(1 - ema_decay)};
    at::parallel_for(0, slot.master.numel(), 1 << 15, [&](int64_t first, int64_t last) {
      adamw_update(gradient.data_ptr<float>() + first, slot.master.data_ptr<float>() + first,
                   slot.m.data_ptr<float>() + first, slot.v.data_ptr<float>() + first,
                   slot.ema.data_ptr<float>() + first, last - first, step);
    });
  }
  slot.parameter.copy_(slot.master);
}

void AdamW::step(double learning_rate) {
  ensure(!averaged_, "AdamW::step while the averaged weights are in place");
  torch::NoGradGuard no_grad;
  ++steps_;
  const double n = static_cast<double>(steps_);
  // The average follows closely at first, so that it does not remember the random start.
  const double ema_decay = std::min(options_.ema_decay, (1 + n) / (10 + n));
  for (auto& slot : slots_)
    if (slot.parameter.grad().defined())
      update(slot, learning_rate, 1 - std::pow(options_.beta1, n), 1 - std::pow(options_.beta2, n), ema_decay);
}

void AdamW::zero_gradients() {
  for (auto& slot : slots_) slot.parameter.mutable_grad() = Tensor();
}

void AdamW::swap_averaged() {
  torch::NoGradGuard no_grad;
  averaged_ = !averaged_;
  for (auto& slot : slots_) slot.parameter.copy_(averaged_ ? slot.ema : slot.master);
}

std::map<std::string, Tensor> AdamW::state() const {
  std::map<std::string, Tensor> out;
  for (const auto& slot : slots_) {
    out["master/" + slot.name] = slot.master;
    out["m/" + slot.name] = slot.m;
    out["v/" + slot.name] = slot.v;
    out["ema/" + slot.name] = slot.ema;
  }
  return out;
}

void AdamW::load_state(const std::map<std::string, Tensor>& state, int64_t steps, const std::string& file) {
  torch::NoGradGuard no_grad;
  const auto own = this->state();
  for (const auto& [name, tensor] : own) {
    const auto found = state.find(name);
    if (found == state.end() || found->second.sizes() != tensor.sizes())
      throw Error(ErrorKind::kModel, file + ": the optimizer state of '" + name +
                                         "' is missing or has another shape; was the configuration changed?");
  }
  for (const auto& item : state)
    if (item.first.starts_with("master/") && own.count(item.first) == 0)
      throw Error(ErrorKind::kModel, file + ": '" + item.first.substr(7) +
                                         "' is no parameter of this model; was the configuration changed?");
  for (const auto& [name, tensor] : own) tensor.copy_(state.at(name));
  steps_ = steps;
  for (auto& slot : slots_) slot.parameter.copy_(slot.master);
}

}  // namespace instructme
