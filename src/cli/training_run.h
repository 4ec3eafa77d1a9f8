#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "instructme/train/recipe.h"

namespace instructme::cli {

/// What all training commands are told.
struct RunArguments {
  std::string config, out, device;
  int64_t steps = 0;
  double limit_s = -1;
};

void add_run_options(CLI::App* command, RunArguments& arguments, const char* example_recipe);
/// Those of them that are not about the recipe; `out` says what the folder is for.
void add_trainer_options(CLI::App* command, RunArguments& arguments, const std::string& out);
/// The trainer's options as the recipe and the command line have them.
TrainerOptions trainer_options(const RunArguments& arguments, TrainerOptions recipe);
/// Trains and reports; the exit code.
int run_training(TrainingSession& session, const RunArguments& arguments, const TrainerOptions& options,
                 const CancelToken& cancel);

}  // namespace instructme::cli
