#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "checks.h"
#include "command.h"
#include "edit_options.h"
#include "instructme/audio/audio_file.h"
#include "instructme/base/config_reader.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"
#include "instructme/edit/batch.h"
#include "instructme/edit/estimate.h"
#include "instructme/edit/file_edit.h"
#include "instructme/torchx/runtime.h"
#include "terminal.h"

namespace fs = std::filesystem;

namespace instructme::cli {
namespace {

struct EditArguments {
  EditFlags flags;
  std::string file, output, format, manifest, shard = "1/1", stems, report;
  std::optional<std::string> sentence;
  int variations = 1;
  bool overwrite = false, dry_run = false, json = false;
};

constexpr const char* kHelp =
    "\nWhat can be said:\n"
    "  extract the bass                     hear one instrument alone\n"
    "  remove the drums                     the same music without it\n"
    "  add an acoustic guitar               a new part that fits\n"
    "  replace the piano with a violin\n"
    "  remix this with bass, drums and strings\n"
    "  remix it to funk                     (moods, and genres without a band here, by the model)\n"
    "  remove the drums from 0:10 to 0:20, then add a piano in bars 5-8\n"
    "  turn the piano down by 6 dB and keep the bass\n"
    "\n"
    "Files: WAV, AIFF, FLAC, OGG, Opus and MP3, up to 20 minutes. The result has the format, sample rate,\n"
    "number of channels, bit depth and tags of the source. What the sentence does not name stays as it is: stems\n"
    "are taken out of the source and put into it (compose mode); new parts and remixes are written for its beats and\n"
    "chords and played on a SoundFont, where there is one. With --mode direct everything is rendered anew by the "
    "model,\n"
    "in one channel at 24 kHz: the result is the same in all channels and has nothing\n"
    "above 12 kHz. Nothing outside of a range changes, whatever the mode.\n"
    "\n"
    "With - for FILE the music is read from standard input; with -o - the result goes to standard output.";

/// Standard input as a file, and a file that becomes standard output.
class Pipes {
 public:
  Pipes(EditArguments& arguments, const CancelToken& cancel) {
    if (arguments.file == "-") {
      arguments.file = spool("input").string();
      // A signal ends the reading as the end of the music does.
      const bool empty = std::cin.peek() == std::char_traits<char>::eof();
      cancel.check();
      if (empty) throw Error(ErrorKind::kInput, "standard input is empty; a file of music was wanted");
      std::ofstream out(arguments.file, std::ios::binary);
      out << std::cin.rdbuf();
      cancel.check();
      if (!out.flush()) throw Error(ErrorKind::kIo, "cannot keep standard input in " + arguments.file);
      if (arguments.output.empty()) arguments.output = "-";
    }
    if (arguments.output != "-") {
      if (!arguments.format.empty())
        throw Error(ErrorKind::kUsage, "--format is for -o -; elsewhere the ending chooses");
      return;
    }
    if (arguments.variations > 1) throw Error(ErrorKind::kUsage, "several variations cannot go to standard output");
    if (!arguments.dry_run && ::isatty(STDOUT_FILENO) == 1)
      throw Error(ErrorKind::kUsage, "a terminal cannot play music: send -o - elsewhere");
    std::string ending = arguments.format.empty() ? probe_audio(arguments.file).extension : "." + arguments.format;
    output_ = spool("output" + (ending.empty() ? ".wav" : ending));
    arguments.output = output_.string();
  }
  bool to_standard_output() const { return !output_.empty(); }
  void send() const {
    // Who reads may stop early; that is an error like others, after which the files here are removed.
    std::signal(SIGPIPE, SIG_IGN);
    errno = 0;
    // In blocks: of a whole stream that is copied at once, what fails after its beginning is not told.
    std::ifstream in(output_, std::ios::binary);
    std::vector<char> block(1 << 16);
    while (std::cout && (in.read(block.data(), static_cast<std::streamsize>(block.size())), in.gcount() > 0))
      std::cout.write(block.data(), in.gcount());
    std::cout.flush();
    if (!std::cout)
      throw Error(ErrorKind::kIo, std::string("cannot write to standard output: ") + std::strerror(errno));
  }

 private:
  fs::path spool(const std::string& name) {
    if (!folder_) folder_ = std::make_unique<TempDir>();
    return folder_->path() / name;
  }
  std::unique_ptr<TempDir> folder_;
  fs::path output_;
};

FileEditRequest request_of(const EditArguments& arguments) {
  FileEditRequest request = arguments.flags.request(arguments.file, arguments.sentence.value_or(""));
  request.output = arguments.output;
  request.stems = arguments.stems;
  request.report = arguments.report;
  request.variations = arguments.variations;
  request.overwrite = arguments.overwrite;
  return request;
}

/// What it would take, where there are music and a model to tell by.
std::optional<EditEstimate> estimate(const FileEdit& edit, const EditArguments& arguments) {
  if (!fs::exists(arguments.file)) return std::nullopt;
  std::string model;
  try {
    model = find_model(arguments.flags.model);
  } catch (const Error&) {
    return std::nullopt;
  }
  AudioInfo music = probe_audio(arguments.file);
  if (!tells_its_length(music))
    music.frames = read_audio(arguments.file, {.max_seconds = Editor::max_seconds()}).frames();
  const Editor editor(model, arguments.flags.editor_options());
  return estimate_edit(editor, edit.plan(), music, edit.options_for(music),
                       measure_matmul_gflops(editor.options().bfloat16));
}

int dry_run(const FileEdit& edit, const EditArguments& arguments) {
  const auto expected = estimate(edit, arguments);
  if (arguments.json) {
    nlohmann::json plan = plan_json(edit.plan());
    plan["expected_seconds"] = expected ? nlohmann::json(expected->seconds) : nlohmann::json();
    plan["expected_memory_mb"] = expected ? nlohmann::json(expected->memory_mb) : nlohmann::json();
    std::printf("%s\n", json_text(plan, 2).c_str());
  } else if (expected) {
    std::fprintf(stderr, "expected: about %s and %.0f MB of memory\n", duration_text(expected->seconds).c_str(),
                 expected->memory_mb);
  }
  return 0;
}

void tell(const WrittenEdit& written) {
  // Extracting and removing in compose mode samples nothing.
  if (written.seconds_sample > 0)
    std::fprintf(stderr, "listening %.1f s, editing %.1f s (%lld steps), decoding %.1f s\n", written.seconds_encode,
                 written.seconds_sample, static_cast<long long>(written.steps), written.seconds_decode);
  else if (written.seconds_decode > 0)
    std::fprintf(stderr, "listening %.1f s, playing %.1f s\n", written.seconds_encode, written.seconds_decode);
  else
    std::fprintf(stderr, "listening and editing %.1f s\n", written.seconds_encode);
  for (const std::string& note : written.written.notes) std::fprintf(stderr, "note: %s\n", note.c_str());
  for (const auto& [name, score] : written.scores)
    std::fprintf(stderr, "%s: %s\n", name.c_str(), score ? format("%.2f", *score).c_str() : "cannot be told");
}

int batch(const CLI::App& command, const EditArguments& arguments, const CancelToken& cancel) {
  if (!arguments.file.empty() || !arguments.output.empty())
    throw Error(ErrorKind::kUsage, "with --manifest the lines name the music, the sentences and the outputs");
  // What the lines say for themselves would be taken for something that holds for all of them.
  refuse_given(command,
               {"--range", "--strength", "--chords", "--beats", "--key", "--notes", "--stems", "--report", "--format",
                "--variations", "--overwrite", "--dry-run", "--json"},
               "does not go with --manifest; its lines say such things (docs/editing.md)");
  const BatchShard shard = parse_shard(arguments.shard);
  EditorOptions options = arguments.flags.editor_options();
  // A line may have its parts played where the others leave them to the model.
  options.accompanist = arguments.flags.parts.player();
  Editor editor(find_model(arguments.flags.model), options);
  const BatchResult result = run_batch(
      editor, arguments.manifest, shard, arguments.flags.edit_options(),
      [](const nlohmann::json& line) {
        std::printf("%s\n", json_text(line).c_str());
        std::fflush(stdout);
      },
      cancel);
  std::fprintf(stderr, "%lld done, %lld done before, %lld failed\n", static_cast<long long>(result.done),
               static_cast<long long>(result.skipped), static_cast<long long>(result.failed));
  return result.failed > 0 ? exit_code(ErrorKind::kInput) : 0;
}

int edit(const CLI::App& command, EditArguments arguments) {
  const CancelToken cancel = cancel_on_signals();
  if (!arguments.manifest.empty()) return batch(command, arguments, cancel);
  refuse_given(command, {"--shard"}, "is for the lines of a --manifest, and none is given");
  if (arguments.file.empty() || !arguments.sentence)
    throw Error(ErrorKind::kUsage,
                std::string(arguments.file.empty() ? "FILE" : "SENTENCE") + " is required (see instructme --help)");
  if (arguments.json && !arguments.dry_run) throw Error(ErrorKind::kUsage, "--json goes with --dry-run");
  const Pipes pipes(arguments, cancel);
  FileEditRequest request = request_of(arguments);
  request.keep_harmony = !pipes.to_standard_output();  // there is no place beside it
  const FileEdit file_edit(std::move(request));
  if (!arguments.json) std::fprintf(stderr, "understood: %s\n", plain_sentence(file_edit.plan()).c_str());
  if (arguments.dry_run) return dry_run(file_edit, arguments);
  file_edit.check();
  Editor editor(find_model(arguments.flags.model), arguments.flags.editor_options());
  ProgressLine line("steps");
  const auto judges = arguments.variations > 1 ? standard_judges(editor, find_transcriber("")) : std::vector<Judge>{};
  const auto results = file_edit.run(editor, judges, line.callback(), cancel);
  line.finish();
  for (const WrittenEdit& written : results) {
    tell(written);
    if (!pipes.to_standard_output()) std::printf("%s\n", written.output.c_str());
  }
  if (pipes.to_standard_output()) pipes.send();
  return 0;
}

}  // namespace

void add_edit_command(CLI::App& app, Run& run) {
  auto arguments = std::make_shared<EditArguments>();
  CLI::App* command = app.add_subcommand("edit", "Edit a piece of music by a sentence.");
  command->footer(kHelp);
  command->add_option("FILE", arguments->file, "The music");
  command->add_option("SENTENCE", arguments->sentence, "What is to be done, in quotes");
  command->add_option("-o,--output", arguments->output,
                      "Where to write; the ending chooses the format (default: beside FILE, e.g. song_remove.flac)");
  command->add_option("--stems", arguments->stems,
                      "Folder for every stem and the residual, which add up to the result, with a report");
  command->add_option("--report", arguments->report, "File for a report (JSON)");
  command->add_option("--variations", arguments->variations, "How many versions, with seeds that count up, best first")
      ->check(CLI::Range(1, 1000));
  arguments->flags.add_to(*command);
  command->add_option("--format", arguments->format, "Format of -o -, e.g. flac (default: as FILE)");
  command->add_option("--manifest", arguments->manifest,
                      "Edit many files: a JSON object in each line (docs/editing.md)");
  command->add_option("--shard", arguments->shard, "Which share of the manifest's lines, e.g. 2/8");
  command->add_flag("--overwrite", arguments->overwrite,
                    "Allow the output to replace FILE itself, and what was heard before to be replaced");
  command->add_flag("--dry-run", arguments->dry_run, "Only say what was understood, and what it will take");
  command->add_flag("--json", arguments->json, "With --dry-run: for programs, on standard output");
  command->callback([arguments, command, &run] { run = [arguments, command] { return edit(*command, *arguments); }; });
}

}  // namespace instructme::cli
