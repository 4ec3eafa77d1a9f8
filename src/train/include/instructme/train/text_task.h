#pragma once

#include <torch/nn/modules/linear.h>

#include "instructme/base/config_reader.h"
#include "instructme/models/text_encoder.h"
#include "instructme/text/instruction.h"
#include "instructme/train/task.h"

namespace instructme {

struct TextTaskOptions {
  int64_t batch = 64;
  double phrase_probability = 0.8;  ///< a phrasing of the lexicon; else the plain sentence
  int64_t validation_sentences = 500;

  static TextTaskOptions read(ConfigReader& config);  ///< throws kModel
};

/// What a sentence asks for as numbers in 0..1: operation (one of kOperations), then per instrument of the lexicon
/// whether it is named, whether it is a replacement, then genres and moods.
at::Tensor instruction_labels(const std::vector<Instruction>& instructions, const Lexicon& lexicon);

/// Teaches a fresh text encoder what sentences mean before any music is heard: from every token's embedding a linear
/// layer, thrown away afterwards, reads operation, instruments, genre and mood. An editor that starts with an
/// encoder of random weights finds it easier to ignore the words for thousands of steps. Stands in for the
/// pretraining of a published T5 (paper, section 3.1).
class TextTask : public TrainingTask {
 public:
  /// `text` and `lexicon` outlive the task.
  TextTask(TextEncoder& text, const Lexicon& lexicon, TextTaskOptions options);

  std::vector<Player> players() override;
  Batch make_batch(int64_t step, Rng rng) const override;
  LossValue loss(size_t player, const Batch& batch, int64_t step, at::Generator generator) override;
  /// "understood": share of other sentences of which everything is read off rightly.
  std::map<std::string, double> validate() override;
  /// A T5 folder.
  void export_model(const std::string& folder, int64_t step) override;

 private:
  struct Sentences {
    std::vector<std::string> sentences;
    at::Tensor labels;  ///< (N, P)
  };
  Sentences draw(Rng rng, int64_t count) const;
  /// What every token says: (N, L, P), and which tokens there are: (N, L).
  at::Tensor logits(const std::vector<std::string>& sentences, at::Tensor* mask);

  TextEncoder& text_;
  const Lexicon& lexicon_;
  TextTaskOptions options_;
  torch::nn::Linear head_{nullptr};
  std::shared_ptr<torch::nn::Module> trained_;
};

}  // namespace instructme
