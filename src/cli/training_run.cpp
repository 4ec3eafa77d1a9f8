#include "training_run.h"

#include <cstdio>

#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/torchx/runtime.h"
#include "instructme/train/trainer.h"
#include "terminal.h"

namespace instructme::cli {

void add_run_options(CLI::App* command, RunArguments& arguments, const char* example_recipe) {
  command->add_option("-c,--config", arguments.config, std::string("Recipe file, e.g. ") + example_recipe)->required();
  add_trainer_options(command, arguments,
                      "Folder of the run: checkpoint, log.jsonl, loss.png, export/. The same command again goes on "
                      "from its checkpoint");
}

void add_trainer_options(CLI::App* command, RunArguments& arguments, const std::string& out) {
  command->add_option("-o,--out", arguments.out, out)->required();
  command->add_option("--steps", arguments.steps, "Instead of the recipe's number of steps")
      ->check(CLI::Range(1, 1000000000))
      ->default_str("");
  command
      ->add_option("--limit", arguments.limit_s,
                   "Instead of the recipe's: stop with a checkpoint and an export after this many seconds; 0: no limit")
      ->check(CLI::Range(0.0, 1e9))
      ->default_str("");
  command->add_option("--device", arguments.device, "cpu or cuda, instead of the recipe's")
      ->check(CLI::IsMember({"cpu", "cuda"}));
}

TrainerOptions trainer_options(const RunArguments& arguments, TrainerOptions recipe) {
  if (arguments.steps > 0) recipe.steps = arguments.steps;
  if (arguments.limit_s >= 0) recipe.limit_s = arguments.limit_s;
  if (!arguments.device.empty()) recipe.device = arguments.device;
  if (recipe.bfloat16 && !multiplies_bfloat16(find_device(recipe.device))) {
    std::fputs("this processor does not multiply bfloat16: training in float32, which is faster here\n", stderr);
    recipe.bfloat16 = false;
  }
  return recipe;
}

int run_training(TrainingSession& session, const RunArguments& arguments, const TrainerOptions& options,
                 const CancelToken& cancel) {
  if (!session.note().empty()) std::fprintf(stderr, "%s\n", session.note().c_str());
  Trainer trainer(session.task(), options, arguments.out);
  // Not before it is known that the checkpoint there is of such a run.
  write_file_atomically(arguments.out + "/recipe.json", read_text_file(arguments.config));
  if (trainer.step() > 0) std::fprintf(stderr, "going on from step %lld\n", static_cast<long long>(trainer.step()));
  ProgressLine line("steps");
  const int64_t done = trainer.run(cancel, line.callback());
  line.finish();
  std::printf("%s: %lld of %lld steps done\n", arguments.out.c_str(), static_cast<long long>(done),
              static_cast<long long>(options.steps));
  return cancel.requested() ? exit_code(ErrorKind::kCancelled) : 0;
}

}  // namespace instructme::cli
