#include <torch/torch.h>
// The precompiled torch header comes first.
#include <ATen/CPUGeneratorImpl.h>

#include "expect_error.h"
#include "instructme/base/files.h"
#include "instructme/train/text_task.h"
#include "instructme/train/trainer.h"
#include "tiny_pipeline.h"

namespace instructme {
namespace {

using at::Tensor;

const Lexicon& lexicon() { return Lexicon::builtin(); }

TEST(InstructionLabels, MarkOperationInstrumentsReplacementsGenreAndMood) {
  const auto instruments = static_cast<int64_t>(lexicon().instruments().size());
  const auto genres = static_cast<int64_t>(lexicon().genres().size());
  const auto& x = lexicon().instruments()[3].name;
  const auto& y = lexicon().instruments()[5].name;
  Instruction replace{Operation::kReplace, {x}, {y}, {}, {}};
  Instruction remix{Operation::kRemix, {}, {}, lexicon().genres()[1].name, lexicon().moods()[2].name};
  const Tensor labels = instruction_labels({replace, remix}, lexicon());
  EXPECT_EQ(labels.size(1), kOperations + 2 * instruments + genres + static_cast<int64_t>(lexicon().moods().size()));
  const auto marked = [&](int64_t row) {
    const Tensor places = labels[row].nonzero().squeeze(1);
    return std::vector<int64_t>(places.data_ptr<int64_t>(), places.data_ptr<int64_t>() + places.numel());
  };
  EXPECT_EQ(marked(0), (std::vector<int64_t>{3, kOperations + 3, kOperations + instruments + 5}));
  EXPECT_EQ(marked(1),
            (std::vector<int64_t>{4, kOperations + 2 * instruments + 1, kOperations + 2 * instruments + genres + 2}));
  remix.genre = "no such genre";
  expect_error(ErrorKind::kInternal, "not in the lexicon", [&] { instruction_labels({remix}, lexicon()); });
}

TEST(TextTask, LearnsWhatSentencesAskFor) {
  const TempDir folder;
  torch::manual_seed(2);
  T5EncoderOptions sizes = tiny_text();
  sizes.d_model = 48;
  TextEncoder text = TextEncoder::create(sizes, tokenizer_file());
  TextTaskOptions options;
  options.batch = 32;
  options.validation_sentences = 50;
  TextTask task(text, lexicon(), options);
  const auto loss = [&] {
    const torch::NoGradGuard no_grad;
    auto generator = at::make_generator<at::CPUGeneratorImpl>(1);
    return task.loss(0, task.make_batch(0, Rng(77)), 0, generator).total.item<double>();
  };
  TrainerOptions how;
  how.steps = 150;
  how.bfloat16 = false;
  how.adamw.learning_rate = 1e-2;
  how.warmup_steps = 5;
  how.validate_every = 0;
  const double before = loss();
  Trainer(task, how, folder.path()).run({}, {});
  EXPECT_LT(loss(), 0.15 * before) << before;
  // What it exports is a T5 folder with these weights.
  const TextEncoder exported = TextEncoder::load(folder.path() / "export");
  EXPECT_EQ(exported.options().d_model, 48);
  const auto figures = task.validate();
  EXPECT_GE(figures.at("understood"), 0.0);
  EXPECT_LE(figures.at("understood"), 1.0);
}

TEST(TextTask, ExamplesDependOnTheSeedAlone) {
  TextEncoder text = TextEncoder::create(tiny_text(), tokenizer_file());
  TextTask task(text, lexicon(), {});
  const Batch a = task.make_batch(0, Rng(1)), b = task.make_batch(0, Rng(1)), c = task.make_batch(0, Rng(2));
  EXPECT_EQ(a.sentences, b.sentences);
  EXPECT_TRUE(a.tensors.at("labels").equal(b.tensors.at("labels")));
  EXPECT_NE(a.sentences, c.sentences);
  // Labels are those of the sentences.
  std::vector<Instruction> read;
  for (const auto& sentence : a.sentences) read.push_back(parse_instruction(sentence, lexicon()));
  EXPECT_TRUE(instruction_labels(read, lexicon()).equal(a.tensors.at("labels")));
}

TEST(TextTask, BadOptionsAreErrors) {
  const nlohmann::json bad = {{"phrase_probability", 1.5}};
  ConfigReader config(bad, "recipe");
  expect_error(ErrorKind::kModel, "phrase_probability within 0 and 1", [&] { TextTaskOptions::read(config); });
}

}  // namespace
}  // namespace instructme
