#include "instructme/train/adamw.h"

#include <torch/torch.h>

#include <cmath>

#include "adamw_kernel.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"

namespace instructme {

using at::Tensor;

namespace {

/// Norms and biases may be tables, as of several norms or of distances; their names tell.
bool is_decayed(const std::string& name, const Tensor& weight) {
  return weight.dim() >= 2 && name.find("norm") == std::string::npos && name.find("bias") == std::string::npos;
}

}  // namespace

AdamW::AdamW(torch::nn::Module& module, AdamWOptions options, at::ScalarType type) : options_(options) {
  torch::NoGradGuard no_grad;
  for (const auto& item : module.named_parameters()) {
    Slot slot;
    slot.name = item.key();
    slot.master = item.value().detach().to(at::kFloat).clone();
    slot.m = torch::zeros_like(slot.master);
    slot.v = torch::zeros_like(slot.master);
    slot.ema = slot.master.clone();
    slot.decayed = is_decayed(slot.name, slot.master);
    slots_.push_back(std::move(slot));
  }
  module.to(type);
  const auto parameters = module.named_parameters();
  for (auto& slot : slots_) slot.parameter = parameters[slot.name];
}

double AdamW::clip_gradients(double max_norm) {
  torch::NoGradGuard no_grad;
  std::vector<Tensor> gradients, squares;
  for (auto& slot : slots_)
    if (slot.parameter.grad().defined()) gradients.push_back(slot.parameter.grad());
  for (const Tensor& gradient : gradients)
    squares.push_back(at::linalg_vector_norm(gradient, 2, at::OptionalIntArrayRef{}, false, at::kFloat).square());
  if (squares.empty()) return 0;
  const double norm = std::sqrt(torch::stack(squares).sum().item<double>());
  if (norm > max_norm) at::_foreach_mul_(gradients, max_norm / norm);
  return norm;
}

void AdamW::update_together(double learning_rate, double correction1, double correction2, double ema_decay) {
  // On a GPU every operation has to be started, which takes longer than most of them do: all slots share each.
  for (const bool decayed : {false, true}) {
    std::vector<Tensor> gradient, master, m, v, ema;
    std::vector<Slot*> of;
    for (auto& slot : slots_) {
      if (slot.decayed != decayed || !slot.parameter.grad().defined()) continue;
      gradient.push_back(slot.parameter.grad().to(at::kFloat));
      master.push_back(slot.master);
      m.push_back(slot.m);
      v.push_back(slot.v);
      ema.push_back(slot.ema);
      of.push_back(&slot);
    }
    if (of.empty()) continue;
    at::_foreach_mul_(m, options_.beta1);
    at::_foreach_add_(m, gradient, 1 - options_.beta1);
    at::_foreach_mul_(v, options_.beta2);
    at::_foreach_addcmul_(v, gradient, gradient, 1 - options_.beta2);
    if (decayed) at::_foreach_mul_(master, 1 - learning_rate * options_.weight_decay);
    std::vector<Tensor> divisor = at::_foreach_sqrt(v);
    at::_foreach_div_(divisor, std::sqrt(correction2));
    at::_foreach_add_(divisor, options_.epsilon);
    at::_foreach_addcdiv_(master, m, divisor, -learning_rate / correction1);
    at::_foreach_mul_(ema, ema_decay);
    at::_foreach_add_(ema, master, 1 - ema_decay);
    for (Slot* slot : of) slot->parameter.copy_(slot->master);
  }
}

void AdamW::update(Slot& slot, double learning_rate, double correction1, double correction2, double ema_decay) {
  const Tensor gradient = slot.parameter.grad().to(at::kFloat).contiguous();
  const double decay = slot.decayed ? learning_rate * options_.weight_decay : 0.0;
  const AdamWStep step{static_cast<float>(options_.beta1),  static_cast<float>(options_.beta2),
                       static_cast<float>(1 - decay),       static_cast<float>(learning_rate / correction1),
                       static_cast<float>(1 / correction2), static_cast<float>(options_.epsilon),
                       static_cast<float>(1 - ema_decay)};
  at::parallel_for(0, slot.master.numel(), 1 << 15, [&](int64_t first, int64_t last) {
    adamw_update(gradient.data_ptr<float>() + first, slot.master.data_ptr<float>() + first,
                 slot.m.data_ptr<float>() + first, slot.v.data_ptr<float>() + first, slot.ema.data_ptr<float>() + first,
                 last - first, step);
  });
  slot.parameter.copy_(slot.master);
}

void AdamW::step(double learning_rate) {
  ensure(!averaged_, "AdamW::step while the averaged weights are in place");
  torch::NoGradGuard no_grad;
  ++steps_;
  const double n = static_cast<double>(steps_);
  // The average follows closely at first, so that it does not remember the random start.
  const double ema_decay = std::min(options_.ema_decay, (1 + n) / (10 + n));
  const double correction1 = 1 - std::pow(options_.beta1, n), correction2 = 1 - std::pow(options_.beta2, n);
  if (!slots_.empty() && !slots_.front().master.is_cpu()) {
    update_together(learning_rate, correction1, correction2, ema_decay);
    return;
  }
  for (auto& slot : slots_)
    if (slot.parameter.grad().defined()) update(slot, learning_rate, correction1, correction2, ema_decay);
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
