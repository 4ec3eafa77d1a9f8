#include <cstdio>
#include <filesystem>
#include <memory>

#include "command.h"
#include "instructme/audio/audio_file.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"
#include "instructme/edit/editor.h"
#include "terminal.h"

namespace instructme::cli {
namespace {

struct EditArguments {
  std::string file, sentence, output, model, mode = "auto";
  EditorOptions editor;
  EditOptions edit;
  bool overwrite = false, dry_run = false;
};

constexpr const char* kHelp =
    "\nWhat can be said:\n"
    "  extract the bass                     hear one instrument alone\n"
    "  remove the drums                     the same music without it\n"
    "  add an acoustic guitar               a new part that fits\n"
    "  replace the piano with a violin\n"
    "  remix this with bass, drums and strings\n"
    "  remix it to funk\n"
    "\n"
    "Files: WAV, AIFF, FLAC, OGG, Opus and MP3, up to 20 minutes. The result has the sample rate and\n"
    "number of channels of the source. What the sentence does not name stays as it is: stems are taken out of\n"
    "the source and put into it (compose mode). Remixes, and everything with --mode direct, are played anew by\n"
    "the model, in one channel at 24 kHz: the result is the same in all channels and has nothing above 12 kHz.";

std::string default_output(const EditArguments& arguments, const Instruction& instruction) {
  const std::filesystem::path source = arguments.file;
  return (source.parent_path() / (source.stem().string() + "_" + operation_name(instruction.operation) + ".flac"))
      .string();
}

int edit(EditArguments arguments) {
  const CancelToken cancel = cancel_on_signals();
  arguments.edit.mode = parse_edit_mode(arguments.mode);
  const Instruction instruction = parse_instruction(arguments.sentence, Lexicon::builtin());
  if (arguments.output.empty()) arguments.output = default_output(arguments, instruction);
  check_audio_target(arguments.output);
  std::error_code not_there;
  if (!arguments.overwrite &&
      (arguments.output == arguments.file || std::filesystem::equivalent(arguments.output, arguments.file, not_there)))
    throw Error(ErrorKind::kUsage, "the output would overwrite the source " + arguments.file +
                                       "; give another -o, or "
                                       "--overwrite if that is meant");
  std::fprintf(stderr, "understood: %s\n", plain_sentence(instruction).c_str());
  if (arguments.dry_run) return 0;

  // Refuses a place that cannot be written to before the work, not after it.
  { const AtomicFile place(arguments.output); }
  const AudioBuffer source = read_audio(arguments.file, {.max_seconds = Editor::max_seconds()});
  Editor editor(find_model(arguments.model), arguments.editor);
  ProgressLine line("steps");
  const EditResult result = editor.edit(source, arguments.sentence, arguments.edit, line.callback(), cancel);
  line.finish();
  cancel.check();
  const WriteResult written = write_audio(arguments.output, result.audio);
  // Extracting and removing in compose mode samples nothing.
  if (result.seconds_sample > 0)
    std::fprintf(stderr, "listening %.1f s, editing %.1f s (%lld steps), playing %.1f s\n", result.seconds_encode,
                 result.seconds_sample, static_cast<long long>(result.settings.sampler.steps), result.seconds_decode);
  else
    std::fprintf(stderr, "listening and editing %.1f s\n", result.seconds_encode);
  if (written.clipped_samples > 0)
    std::fprintf(stderr,
                 "%lld samples were louder than the file can hold and were cut; write a float WAV to keep them\n",
                 static_cast<long long>(written.clipped_samples));
  std::printf("%s\n", arguments.output.c_str());
  return 0;
}

}  // namespace

void add_edit_command(CLI::App& app, Run& run) {
  auto arguments = std::make_shared<EditArguments>();
  CLI::App* command = app.add_subcommand("edit", "Edit a piece of music by a sentence.");
  command->footer(kHelp);
  command->add_option("FILE", arguments->file, "The music")->required();
  command->add_option("SENTENCE", arguments->sentence, "What is to be done, in quotes")->required();
  command->add_option("-o,--output", arguments->output,
                      "Where to write; the ending chooses the format (default: beside FILE, e.g. song_remove.flac)");
  command->add_option("-m,--model", arguments->model, "Model folder (default: the one that came with the program)");
  command->add_option("--mode", arguments->mode, "compose, direct, or auto: compose where it can be done")
      ->check(CLI::IsMember({"auto", "compose", "direct"}));
  command->add_option("--seed", arguments->edit.seed,
                      "Another number, another version; the same number, the same bytes");
  command
      ->add_option("--steps", arguments->edit.steps, "Sampling steps: more is slower and richer; 0: as the model says")
      ->check(CLI::Range(0, 1000));
  command
      ->add_option("--guidance", arguments->edit.guidance,
                   "How hard to follow the sentence, 1 plain, 2 to 4 stronger; -1: as the model says")
      ->check(CLI::Range(-1.0, 30.0));
  command->add_flag("--bfloat16", arguments->editor.bfloat16, "Faster on processors with AMX or AVX512-BF16");
  command->add_option("--device", arguments->editor.device, "cpu or cuda")->check(CLI::IsMember({"cpu", "cuda"}));
  command->add_flag("--overwrite", arguments->overwrite, "Allow the output to replace FILE itself");
  command->add_flag("--dry-run", arguments->dry_run, "Only say what was understood");
  command->callback([arguments, &run] { run = [arguments] { return edit(*arguments); }; });
}

}  // namespace instructme::cli
