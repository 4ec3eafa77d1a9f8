#include "instructme/train/text_task.h"

#include <torch/torch.h>

#include <algorithm>

#include "instructme/base/error.h"
#include "instructme/nn/fused_ops.h"
#include "instructme/nn/linear.h"
#include "instructme/text/sentences.h"

namespace instructme {

using at::Tensor;

namespace {

struct TextNetworks : torch::nn::Module {
  TextNetworks(T5Encoder text, torch::nn::Linear head) {
    register_module("text", std::move(text));
    register_module("head", std::move(head));
  }
};

template <class Entry>
int64_t index_of(const std::vector<Entry>& entries, const std::string& name) {
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const Entry& e) { return e.name == name; });
  ensure(found != entries.end(), "'" + name + "' is not in the lexicon");
  return found - entries.begin();
}

int64_t label_count(const Lexicon& lexicon) {
  return kOperations +
         static_cast<int64_t>(2 * lexicon.instruments().size() + lexicon.genres().size() + lexicon.moods().size());
}

}  // namespace

TextTaskOptions TextTaskOptions::read(ConfigReader& config) {
  TextTaskOptions o;
  config.read("batch", o.batch);
  config.read("phrase_probability", o.phrase_probability);
  config.read("validation_sentences", o.validation_sentences);
  config.finish();
  if (o.batch < 1 || o.phrase_probability < 0 || o.phrase_probability > 1 || o.validation_sentences < 0)
    throw Error(ErrorKind::kModel, config.context() +
                                       ": batch must be at least 1, phrase_probability within 0 and 1, "
                                       "validation_sentences not negative");
  return o;
}

Tensor instruction_labels(const std::vector<Instruction>& instructions, const Lexicon& lexicon) {
  const auto instruments = static_cast<int64_t>(lexicon.instruments().size());
  const auto genres = static_cast<int64_t>(lexicon.genres().size());
  Tensor labels = torch::zeros({static_cast<int64_t>(instructions.size()), label_count(lexicon)});
  for (size_t i = 0; i < instructions.size(); ++i) {
    const Instruction& instruction = instructions[i];
    auto row = labels[static_cast<int64_t>(i)];
    row[static_cast<int64_t>(instruction.operation)] = 1.0;
    for (const auto& name : instruction.instruments) row[kOperations + index_of(lexicon.instruments(), name)] = 1.0;
    for (const auto& name : instruction.replacements)
      row[kOperations + instruments + index_of(lexicon.instruments(), name)] = 1.0;
    if (instruction.genre) row[kOperations + 2 * instruments + index_of(lexicon.genres(), *instruction.genre)] = 1.0;
    if (instruction.mood)
      row[kOperations + 2 * instruments + genres + index_of(lexicon.moods(), *instruction.mood)] = 1.0;
  }
  return labels;
}

TextTask::TextTask(TextEncoder& text, const Lexicon& lexicon, TextTaskOptions options)
    : text_(text),
      lexicon_(lexicon),
      options_(options),
      head_(make_linear(text.options().d_model, label_count(lexicon))) {
  trained_ = std::make_shared<TextNetworks>(text.module(), head_);
}

std::vector<Player> TextTask::players() { return {{"text", trained_, 1.0}}; }

TextTask::Sentences TextTask::draw(Rng rng, int64_t count) const {
  Sentences drawn;
  std::vector<Instruction> instructions;
  for (int64_t i = 0; i < count; ++i) {
    Rng own = rng.fork(static_cast<uint64_t>(i));
    instructions.push_back(random_instruction(lexicon_, own));
    drawn.sentences.push_back(own.chance(options_.phrase_probability)
                                  ? phrase_instruction(instructions.back(), lexicon_, own)
                                  : plain_sentence(instructions.back()));
  }
  drawn.labels = instruction_labels(instructions, lexicon_);
  return drawn;
}

Batch TextTask::make_batch(int64_t, Rng rng) const {
  Sentences drawn = draw(rng, options_.batch);
  return {{{"labels", drawn.labels}}, drawn.sentences};
}

Tensor TextTask::logits(const std::vector<std::string>& sentences, Tensor* mask) {
  const auto device = head_->weight.device();
  const TokenBatch tokens = text_.tokenize(sentences);
  *mask = tokens.mask.to(device);
  const Tensor embeddings = text_.module()->forward(tokens.ids.to(device), *mask);  // (N, L, D)
  // Normalised as the U-Net takes them.
  const Tensor unit = rms_norm(embeddings, torch::ones({embeddings.size(2)}, embeddings.options()));
  return head_(unit).to(at::kFloat);  // (N, L, P)
}

LossValue TextTask::loss(size_t, const Batch& batch, int64_t, at::Generator) {
  Tensor mask;
  const Tensor every = logits(batch.sentences, &mask);
  const Tensor wanted = batch.tensors.at("labels").unsqueeze(1).expand_as(every);
  const Tensor per_token = at::binary_cross_entropy_with_logits(every, wanted, {}, {}, at::Reduction::None).sum(2);
  LossValue value;
  value.total = per_token.masked_select(mask).mean();
  return value;
}

std::map<std::string, double> TextTask::validate() {
  if (options_.validation_sentences == 0) return {};
  torch::NoGradGuard no_grad;
  const Sentences drawn = draw(Rng(0).fork("validation"), options_.validation_sentences);
  Tensor mask;
  const Tensor every = logits(drawn.sentences, &mask);
  const Tensor weights = mask.to(at::kFloat).unsqueeze(2);
  const Tensor mean = ((every * weights).sum(1) / weights.sum(1)).cpu();  // (N, P)
  const Tensor right = mean.gt(0).eq(drawn.labels.gt(0.5)).all(1);
  return {{"understood", right.to(at::kDouble).mean().item<double>()}};
}

void TextTask::export_model(const std::string& folder, int64_t) { text_.save(folder); }

}  // namespace instructme
