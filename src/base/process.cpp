#include "instructme/base/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"

extern char** environ;

namespace instructme {
namespace {

constexpr int64_t kPoll_ms = 1000;

struct SpawnActions {
  SpawnActions() { posix_spawn_file_actions_init(&actions); }
  ~SpawnActions() { posix_spawn_file_actions_destroy(&actions); }
  posix_spawn_file_actions_t actions;
};

}  // namespace

ProcessResult run_process(const std::vector<std::string>& arguments, double timeout_s) {
  ensure(!arguments.empty(), "run_process needs a program");
  int pipe_ends[2];
  if (::pipe2(pipe_ends, O_CLOEXEC) != 0)
    throw Error(ErrorKind::kIo, std::string("cannot make a pipe: ") + std::strerror(errno));
  SpawnActions spawn;
  posix_spawn_file_actions_addopen(&spawn.actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&spawn.actions, pipe_ends[1], 1);
  posix_spawn_file_actions_adddup2(&spawn.actions, pipe_ends[1], 2);

  std::vector<char*> argv;
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  pid_t child = 0;
  const int failed = posix_spawnp(&child, argv[0], &spawn.actions, nullptr, argv.data(), environ);
  ::close(pipe_ends[1]);
  if (failed != 0) {
    ::close(pipe_ends[0]);
    throw Error(ErrorKind::kMissing, "cannot run the program '" + arguments[0] + "': " + std::strerror(failed));
  }

  ProcessResult result;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(timeout_s);
  bool late = false, ended = false;
  int status = 0;
  char buffer[4096];
  while (true) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd watched{pipe_ends[0], POLLIN, 0};
    if (left.count() <= 0) {
      late = !ended;
      break;
    }
    const int ready = ::poll(&watched, 1, ended ? 0 : static_cast<int>(std::min<int64_t>(left.count(), kPoll_ms)));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0 && !ended) {
      // What the program leaves running may hold its output open; then its own end tells that nothing more comes.
      ended = ::waitpid(child, &status, WNOHANG) == child;
      continue;
    }
    if (ready <= 0) break;
    const ssize_t got = ::read(pipe_ends[0], buffer, sizeof buffer);
    if (got <= 0) break;
    result.output.append(buffer, static_cast<size_t>(got));
  }
  ::close(pipe_ends[0]);
  // A program may close its output and go on, so the time limit holds here too.
  while (!late && !ended) {
    const pid_t found = ::waitpid(child, &status, WNOHANG);
    if (found == child) break;
    // Where SIGCHLD is ignored, which programs inherit, the system keeps no exit code.
    if (found < 0 && errno != EINTR)
      throw Error(ErrorKind::kIo, format("cannot learn how the program '%s' ended: %s", argv[0], std::strerror(errno)));
    late = std::chrono::steady_clock::now() >= deadline;
    if (!late) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  if (late) {
    ::kill(child, SIGKILL);
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
  }
  if (late) throw Error(ErrorKind::kIo, format("the program '%s' did not end within %.0f seconds", argv[0], timeout_s));
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

bool program_exists(const std::string& program) {
  const char* path = std::getenv("PATH");
  for (const auto& folder : split(path ? path : "", ':')) {
    const std::string file = folder + "/" + program;
    std::error_code ignored;
    if (std::filesystem::is_regular_file(file, ignored) && ::access(file.c_str(), X_OK) == 0) return true;
  }
  return false;
}

}  // namespace instructme
