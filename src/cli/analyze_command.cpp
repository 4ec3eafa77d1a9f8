#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "checks.h"
#include "command.h"
#include "instructme/analysis/analysis_report.h"
#include "instructme/base/config_reader.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "terminal.h"

namespace fs = std::filesystem;

namespace instructme::cli {
namespace {

struct AnalyzeArguments {
  std::string file, output, model, transcriber;
  bool json = false, notes = true, figure = true, overwrite = false;
};

constexpr const char* kAnalyzeHelp =
    "\nWith -o, FOLDER receives analysis.json, chords.lab, beats.txt, keys.txt, notes.mid and the figure\n"
    "analysis.png, as far as there is something to write. The label files are plain text and can be edited by hand.\n"
    "\n"
    "Notes need the published weights of basic-pitch: scripts/get-transcriber fetches them once.\n"
    "\n"
    "Files: WAV, AIFF, FLAC, OGG, Opus and MP3, up to 3 hours, from 8 to 192 kHz and with up to 8 channels.";

/// What an earlier analysis left in the folder.
std::vector<fs::path> earlier_files(const std::string& folder) {
  std::vector<fs::path> files;
  if (folder.empty()) return files;
  for (const char* name : kAnalysisFiles)
    if (const fs::path file = fs::path(folder) / name; fs::exists(file)) files.push_back(file);
  return files;
}

/// The listener of a model folder; nothing when there is no model, or it has no ears.
Ears trained_ears(const std::string& wanted) {
  std::string model;
  try {
    model = find_model(wanted);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kMissing) return {};
    throw;
  }
  if (!fs::is_directory(model)) throw Error(ErrorKind::kModel, "there is no model folder " + model);
  return ears_of(model);
}

int analyze(const AnalyzeArguments& arguments) {
  const CancelToken cancel = cancel_on_signals();
  if (!arguments.notes && !arguments.transcriber.empty())
    throw Error(ErrorKind::kUsage, "--transcriber is for notes, and --no-notes wants none: leave one of them out");
  // The labels may have been corrected by hand since.
  const std::vector<fs::path> earlier = earlier_files(arguments.output);
  if (!earlier.empty() && !arguments.overwrite)
    throw Error(ErrorKind::kUsage, earlier.front().string() +
                                       " is there already; give another -o, or --overwrite to have this analysis in "
                                       "the place of the earlier one");
  const AudioInfo info = probe_audio(arguments.file);
  Analyzer analyzer(trained_ears(arguments.model), arguments.notes ? find_transcriber(arguments.transcriber) : "");
  const AudioBuffer music = read_for_analysis(arguments.file, cancel);
  if (!arguments.output.empty()) {
    make_folder(arguments.output);
    check_place((fs::path(arguments.output) / kAnalysisFiles.front()).string());
  }
  ProgressLine line("parts");
  Analysis analysis = analyzer.analyze(music, line.callback(), cancel);
  line.finish();
  analysis.name = fs::path(arguments.file).filename().string();
  analysis.file = info;
  if (arguments.json)
    std::printf("%s\n", json_text(to_json(analysis), 2).c_str());
  else
    std::fputs(analysis_summary(analysis).c_str(), stdout);
  if (arguments.output.empty()) return 0;
  const bool figure = arguments.figure && can_write_png();
  const auto written = write_analysis(arguments.output, analysis, figure ? &music : nullptr);
  for (const std::string& name : written) std::fprintf(stderr, "%s\n", (fs::path(arguments.output) / name).c_str());
  // Nothing of other music stays beside what was heard of this.
  for (const fs::path& file : earlier)
    if (std::find(written.begin(), written.end(), file.filename().string()) == written.end()) fs::remove(file);
  return 0;
}

}  // namespace

void add_analyze_command(CLI::App& app, Run& run) {
  auto arguments = std::make_shared<AnalyzeArguments>();
  CLI::App* command =
      app.add_subcommand("analyze", "Hear chords, key and notes, and beats and instruments where the model can.");
  command->footer(kAnalyzeHelp);
  command->add_option("FILE", arguments->file, "The music")->required();
  command->add_option("-m,--model", arguments->model, "Model folder (default: the one that came with the program)");
  command->add_option("-o,--output", arguments->output,
                      "Also write label files, MIDI, JSON and a figure to this folder");
  command->add_flag("--overwrite", arguments->overwrite, "Replace an earlier analysis in that folder");
  command->add_flag("--json", arguments->json, "Print JSON instead of a summary");
  command->add_option(
      "--transcriber", arguments->transcriber,
      "Weights of the note transcriber, nmp.onnx or model.json (default: $INSTRUCTME_TRANSCRIBER, or the\n"
      "ones that scripts/get-transcriber fetched)");
  command->add_flag("!--no-notes", arguments->notes, "Do not transcribe notes, which takes most of the time");
  command->add_flag("!--no-figure", arguments->figure, "Do not draw the figure");
  command->callback([arguments, &run] { run = [arguments] { return analyze(*arguments); }; });
}

}  // namespace instructme::cli
