#pragma once

#include <torch/nn/module.h>

#include <map>
#include <string>
#include <vector>

namespace instructme {

struct AdamWOptions {
  double learning_rate = 3e-4;  ///< peak; the trainer multiplies it by the schedule
  double beta1 = 0.9;
  double beta2 = 0.99;
  double epsilon = 1e-8;
  double weight_decay = 0.01;  ///< for matrices only; norms and biases are not decayed, whatever their shape
  double ema_decay = 0.999;    ///< exponential moving average of the weights; 0 keeps none
};

/// AdamW (Loshchilov and Hutter 2019) with float32 master weights: the module's own parameters may be
/// bfloat16, are read by forward and backward, and are written once per step. Keeps an exponential
/// moving average of the masters. One pass over memory per step on the CPU. Not thread-safe.
class AdamW {
 public:
  /// Takes the module's present values as float32 masters, then converts the module to `type`.
  AdamW(torch::nn::Module& module, AdamWOptions options, at::ScalarType type);

  /// Norm of all gradients together, after scaling them down to `max_norm` when larger.
  double clip_gradients(double max_norm);
  /// One update from the parameters' gradients at `learning_rate`.
  void step(double learning_rate);
  void zero_gradients();

  /// Exchanges the module's weights with the averaged ones (twice gives the original back).
  void swap_averaged();
  /// float32 masters, moments and averages by "master/<parameter>", "m/…", "v/…", "ema/…".
  std::map<std::string, at::Tensor> state() const;
  /// Throws kModel when a name or shape does not fit. `steps` is the number of updates done so far.
  void load_state(const std::map<std::string, at::Tensor>& state, int64_t steps, const std::string& file);
  int64_t steps() const { return steps_; }
  const AdamWOptions& options() const { return options_; }

 private:
  struct Slot {
    std::string name;
    at::Tensor parameter, master, m, v, ema;
    bool decayed;
  };
  /// All slots, wherever they are; the CPU has `update`, which goes over memory once.
  void update_together(double learning_rate, double correction1, double correction2, double ema_decay);
  void update(Slot& slot, double learning_rate, double correction1, double correction2, double ema_decay);

  AdamWOptions options_;
  std::vector<Slot> slots_;
  int64_t steps_ = 0;
  bool averaged_ = false;
};

}  // namespace instructme
