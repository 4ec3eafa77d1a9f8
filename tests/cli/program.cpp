#include "program.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "instructme/base/error.h"
#include "instructme/base/process.h"
#include "instructme/base/strings.h"

extern char** environ;

namespace instructme {
namespace {

constexpr double kLongest_s = 120;

Arguments command_line(const Arguments& arguments) {
  Arguments command{
      "env", "-u", "INSTRUCTME_MODEL", "-u", "INSTRUCTME_TRANSCRIBER", "OMP_NUM_THREADS=1", INSTRUCTME_BINARY};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

}  // namespace

Outcome run_program_behind(const Arguments& front, const Arguments& arguments) {
  const TempDir folder("instructme-output");
  // The shell keeps the two streams apart, which run_process joins.
  Arguments command{"sh",
                    "-c",
                    "out=$1 err=$2; shift 2; exec \"$@\" >\"$out\" 2>\"$err\"",
                    "sh",
                    (folder.path() / "out").string(),
                    (folder.path() / "err").string()};
  command.insert(command.end(), front.begin(), front.end());
  const Arguments program = command_line(arguments);
  command.insert(command.end(), program.begin(), program.end());
  Outcome outcome;
  outcome.exit_code = run_process(command, kLongest_s).exit_code;
  outcome.out = read_text_file(folder.path() / "out");
  outcome.err = read_text_file(folder.path() / "err");
  return outcome;
}

Outcome run_program(const Arguments& arguments) { return run_program_behind({}, arguments); }

RunningProgram::RunningProgram(const Arguments& arguments) : folder_("instructme-output") {
  const Arguments command = command_line(arguments);
  std::vector<char*> argv;
  for (const auto& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const std::string out = (folder_.path() / "out").string(), err = (folder_.path() / "err").string();
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, out.c_str(), O_WRONLY | O_CREAT, 0600);
  posix_spawn_file_actions_addopen(&actions, 2, err.c_str(), O_WRONLY | O_CREAT, 0600);
  const int failed = posix_spawnp(&process_, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ensure(failed == 0, "the program under test cannot be started");
}

RunningProgram::~RunningProgram() {
  if (!ended()) wait(0);
}

std::string RunningProgram::err() const { return read_text_file(folder_.path() / "err"); }

bool RunningProgram::ended() {
  if (!ended_) ended_ = ::waitpid(process_, &status_, WNOHANG) == process_;
  return ended_;
}

void RunningProgram::send(int signal) const {
  if (!ended_) ::kill(process_, signal);
}

Outcome RunningProgram::wait(double seconds) {
  if (!wait_until([this] { return ended(); }, seconds)) {
    send(SIGKILL);
    while (::waitpid(process_, &status_, 0) < 0 && errno == EINTR) {
    }
    ended_ = true;
  }
  return {WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_), read_text_file(folder_.path() / "out"),
          err()};
}

bool wait_until(const std::function<bool()>& condition, double seconds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines = split(text, '\n');
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

std::vector<std::string> leftovers(const std::filesystem::path& folder) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.path().filename().string().find(".part-") != std::string::npos) found.push_back(entry.path().string());
  return found;
}

}  // namespace instructme
