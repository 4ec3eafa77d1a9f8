#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

namespace instructme::cli {

/// Each subcommand adds itself to the program and leaves in `run` what is to be done when it is called;
/// the return value is the exit code. Errors are thrown.
using Run = std::function<int()>;
void add_edit_command(CLI::App& app, Run& run);
void add_analyze_command(CLI::App& app, Run& run);
void add_session_command(CLI::App& app, Run& run);
void add_data_command(CLI::App& app, Run& run);
// Subcommands of `data`.
void add_render(CLI::App& data, Run& run);
void add_import(CLI::App& data, Run& run);
void add_palette(CLI::App& data, Run& run);
void add_soundfont(CLI::App& data, Run& run);
void add_shrink(CLI::App& data, Run& run);
void add_background(CLI::App& data, Run& run);
void add_shards(CLI::App& data, Run& run);
void add_report(CLI::App& data, Run& run);
void add_listen(CLI::App& data, Run& run);
void add_train_command(CLI::App& app, Run& run);
// Subcommands of `train`.
void add_train_ears(CLI::App& train, Run& run);
void add_train_all(CLI::App& train, Run& run);
void add_evaluate_command(CLI::App& app, Run& run);
void add_info_command(CLI::App& app, Run& run);

/// The model folder to use: `wanted` when given, else $INSTRUCTME_MODEL, else models/default beside the
/// program, in the installation, or under the current folder. Throws kMissing listing the places.
std::string find_model(const std::string& wanted);

/// A recipe's file: `wanted` when there is such a file, else `wanted`.json in configs/train in the same places.
/// Throws kMissing listing them.
std::string find_recipe(const std::string& wanted);

/// The weights of the note transcriber: `wanted` when given, else $INSTRUCTME_TRANSCRIBER, else model.json under
/// models/note-transcriber beside the program, in the installation, or under the current folder; "" when there are
/// none.
std::string find_transcriber(const std::string& wanted);

}  // namespace instructme::cli
