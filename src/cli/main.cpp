#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "command.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "instructme/torchx/runtime.h"

namespace {

constexpr const char* kDescription =
    "instructme changes a piece of music by a sentence.\n"
    "\n"
    "  instructme edit song.flac \"remove the drums\" -o without_drums.flac\n"
    "\n"
    "Everything runs on this computer; nothing is sent anywhere.";
constexpr const char* kFooter =
    "\nEach command has its own page: instructme edit --help\n"
    "\n"
    "Exit codes: 0 done, 2 wrong option, 3 unusable file or sentence, 4 unusable model, 5 disk,\n"
    "6 something is not installed, 70 a mistake of this program, 130 stopped by Ctrl-C.";

int run_guarded(const instructme::cli::Run& run) {
  using instructme::Error;
  using instructme::ErrorKind;
  const auto complain = [](const char* message, ErrorKind kind) {
    std::fprintf(stderr, "instructme: %s\n", message);
    return instructme::exit_code(kind);
  };
  try {
    const int code = run();
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
      throw Error(ErrorKind::kIo, std::string("cannot write to standard output: ") + std::strerror(errno));
    return code;
  } catch (const Error& error) {
    return complain(error.what(), error.kind());
  } catch (const std::filesystem::filesystem_error& error) {
    return complain(error.what(), ErrorKind::kIo);
  } catch (const std::exception& error) {
    if (instructme::is_out_of_memory(error))
      return complain("there is not enough memory; try a shorter piece of music or fewer threads", ErrorKind::kMissing);
    // The first line says what; torch adds pages of addresses.
    const std::string text = error.what();
    return complain(("this should not have happened, please report it: " + text.substr(0, text.find('\n'))).c_str(),
                    ErrorKind::kInternal);
  }
}

/// What the parser found wrong; by itself it complains of a missing command when the word for it is not known.
std::string complaint(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* last = &app;
  std::string before;  // the commands that are known
  while (!last->get_subcommands().empty()) {
    last = last->get_subcommands().front();
    before += last->get_name() + " ";
  }
  std::vector<std::string> known;
  for (const CLI::App* command : last->get_subcommands([](const CLI::App*) { return true; }))
    known.push_back(command->get_name());
  const std::vector<std::string> unknown = app.remaining(true);
  if (known.empty() || unknown.empty()) return error.what();
  if (unknown.front().starts_with("-")) return "there is no option '" + unknown.front() + "' before a command";
  return "there is no command '" + before + unknown.front() + "'" + instructme::did_you_mean(unknown.front(), known);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{kDescription, "instructme"};
  app.footer(kFooter);
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("instructme ") + INSTRUCTME_VERSION);
  app.option_defaults()->always_capture_default();
  int threads = 0;
  app.add_option("--threads", threads, "Threads for the arithmetic; 0: OMP_NUM_THREADS, else one per core")
      ->check(CLI::Range(0, 1024));
  app.fallthrough();

  instructme::cli::Run run;
  instructme::cli::add_edit_command(app, run);
  instructme::cli::add_analyze_command(app, run);
  instructme::cli::add_session_command(app, run);
  instructme::cli::add_data_command(app, run);
  instructme::cli::add_train_command(app, run);
  instructme::cli::add_evaluate_command(app, run);
  instructme::cli::add_info_command(app, run);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help, --version
    return app.exit(asked);
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "instructme: %s (see instructme --help)\n", complaint(app, error).c_str());
    return instructme::exit_code(instructme::ErrorKind::kUsage);
  }
  // A file beyond the user's limit is then an error of write() with a sentence, not a sudden end.
  std::signal(SIGXFSZ, SIG_IGN);
  instructme::set_up_runtime(threads);
  return run_guarded(run);
}
