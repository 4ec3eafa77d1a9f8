#include <cstdio>
#include <memory>

#include "checks.h"
#include "command.h"
#include "edit_options.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"
#include "instructme/data/triplet.h"
#include "instructme/eval/ears_evaluation.h"
#include "instructme/eval/evaluation.h"
#include "instructme/pretrained/note_transcriber.h"
#include "part_options.h"
#include "terminal.h"

namespace instructme::cli {
namespace {

struct EvaluateArguments {
  std::string songs, clips, model, out, details, transcriber;
  std::vector<std::string> ears, modes;
  EvaluationOptions options;
  EditorOptions editor;
  PartFlags parts;
};

/// Throws kUsage for what would be told in vain, and kIo for places that the scores could not be written to after all
/// the work.
void check_evaluation(const CLI::App& command, const EvaluateArguments& arguments) {
  const std::vector<std::string> of_songs = {"--examples", "--operations", "--seconds", "--stereo"};
  const std::vector<std::string> of_edits = {"--modes", "--seed",       "--steps",  "--guidance",
                                             "--parts", "--part-notes", "--fonts",  "--thorough",
                                             "--quick", "--bfloat16",   "--details"};
  if (!arguments.clips.empty())
    refuse_given(command, of_songs, "is for the examples that are drawn from --songs; clips are edited as they are");
  if (!arguments.ears.empty()) {
    refuse_given(command, of_songs, "is for edits, which --ears does not make");
    refuse_given(command, of_edits, "is for edits, which --ears does not make");
  }
  arguments.parts.check();
  check_place(arguments.out);
  check_place(arguments.details);
}

int evaluate_listening(const EvaluateArguments& arguments, const CancelToken& cancel) {
  ProgressLine line("songs");
  const EarsReport report = evaluate_ears(find_model(arguments.model), {arguments.ears.begin(), arguments.ears.end()},
                                          find_transcriber(arguments.transcriber), line.callback(), cancel);
  line.finish();
  const std::string table = report.markdown();
  std::fputs(table.c_str(), stdout);
  if (!arguments.out.empty()) write_file_atomically(arguments.out, table);
  return 0;
}

int evaluate(const CLI::App& command, EvaluateArguments& arguments) {
  const CancelToken cancel = cancel_on_signals();
  check_evaluation(command, arguments);
  if (!arguments.ears.empty()) return evaluate_listening(arguments, cancel);
  if (arguments.songs.empty() == arguments.clips.empty())
    throw Error(ErrorKind::kUsage, "evaluate wants either --songs, --clips or --ears");
  if (!arguments.modes.empty()) arguments.options.modes.clear();
  for (const std::string& mode : arguments.modes) arguments.options.modes.push_back(parse_edit_mode(mode));
  arguments.options.edit.seed = arguments.options.seed;  // of clips; examples of songs count on from it
  arguments.options.edit.parts = arguments.parts.maker();
  arguments.options.edit.part_notes = arguments.parts.notes();
  arguments.editor.accompanist = arguments.parts.accompanist();
  const std::string transcriber = find_transcriber(arguments.transcriber);
  // The first edit that hears notes may be the last of many.
  if (!transcriber.empty()) const NoteTranscriber usable{transcriber};
  arguments.editor.transcribes = transcriber_of(transcriber);
  Editor editor(find_model(arguments.model), arguments.editor);
  ProgressLine line("examples");
  const EvaluationReport report =
      arguments.clips.empty() ? evaluate_songs(editor, arguments.songs, arguments.options, line.callback(), cancel)
                              : evaluate_clips(editor, arguments.clips, arguments.options, line.callback(), cancel);
  line.finish();
  const std::string table = report.markdown();
  std::fputs(table.c_str(), stdout);
  if (!arguments.out.empty()) write_file_atomically(arguments.out, table);
  if (!arguments.details.empty()) write_file_atomically(arguments.details, report.json_lines());
  return 0;
}

}  // namespace

void add_evaluate_command(CLI::App& app, Run& run) {
  auto arguments = std::make_shared<EvaluateArguments>();
  CLI::App* command = app.add_subcommand("evaluate", "Score a model's edits against the true results.");
  command->footer(
      "\nThe table gives log-mel distance and SI-SDR of the edits, beside those of the unedited source, of the VAE's\n"
      "own reconstruction of the true result (what direct mode can reach at best) and of the ideal ratio mask (what\n"
      "compose mode can), on songs made by 'data render' or on a folder of clips.");
  auto* songs = command->add_option("--songs", arguments->songs, "A folder made by 'data render --split held-out'");
  auto* clips = command->add_option("--clips", arguments->clips,
                                    "A folder with clips.tsv (clip, instruction) and for each clip NAME_source, "
                                    "NAME_target and outputs of other systems NAME_<system>, as FLAC or WAV");
  songs->excludes(clips);
  command
      ->add_option("--ears", arguments->ears,
                   "Folders made by 'data render': score instead how well the model hears chords, beats, keys and "
                   "instruments in their songs")
      ->excludes(songs)
      ->excludes(clips);
  command->add_option(
      "--transcriber", arguments->transcriber,
      "Weights of the note transcriber, for parts that play what they replace and, with --ears, for a second\n"
      "judge of chords (default: as analyze)");
  command->add_option("-m,--model", arguments->model, "Model folder");
  command->add_option("-n,--examples", arguments->options.examples, "Examples per operation (songs)")
      ->check(CLI::Range(1, 100000));
  command->add_option("--operations", arguments->options.operations, "Operations to score (songs)");
  command->add_option("--modes", arguments->modes, "Edit in these modes (default: direct and compose)")
      ->check(CLI::IsMember({"direct", "compose"}));
  command->add_option("--seconds", arguments->options.seconds, "Length of an example (songs)")
      ->check(CLI::Range(1.0, 120.0));
  command
      ->add_option("--stereo", arguments->options.stereo,
                   "Place the stems at random, up to this share of the way to a side, for extract and remove (songs)")
      ->check(CLI::Range(0.0, 1.0));
  command->add_option("--seed", arguments->options.seed, "Of the examples and of all noise");
  command->add_option("--steps", arguments->options.edit.steps, "Sampling steps; 0: as the model says")
      ->check(CLI::Range(0, 1000));
  command->add_option("--guidance", arguments->options.edit.guidance, "Guidance; -1: as the model says")
      ->check(CLI::Range(-1.0, 30.0));
  arguments->parts.add_to(*command);
  add_thorough(*command, arguments->options.edit);
  command->add_flag("--bfloat16", arguments->editor.bfloat16,
                    "Faster on processors with AMX or AVX512-BF16, and nothing on others");
  command->add_option("-o,--out", arguments->out, "Also write the table to this file");
  command->add_option("--details", arguments->details,
                      "Also write the scores of every example to this file (JSON lines)");
  command->callback(
      [arguments, command, &run] { run = [arguments, command] { return evaluate(*command, *arguments); }; });
}

}  // namespace instructme::cli
