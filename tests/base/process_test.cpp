#include "instructme/base/process.h"

#include <atomic>
#include <chrono>
#include <csignal>
#include <functional>
#include <thread>

#include "expect_error.h"
#include "instructme/base/cancel.h"

namespace instructme {
namespace {

double seconds_of(const std::function<void()>& action) {
  const auto start = std::chrono::steady_clock::now();
  action();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

TEST(RunProcess, CollectsBothOutputsAndTheExitCode) {
  const ProcessResult result = run_process({"sh", "-c", "printf out; printf err >&2; exit 3"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.output, "outerr");
  EXPECT_EQ(run_process({"true"}).exit_code, 0);
}

TEST(RunProcess, ArgumentsReachTheProgramUntouched) {
  const std::vector<std::string> arguments{"a b", "$HOME", "*", "'", ""};
  std::vector<std::string> command{"printf", "[%s]"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  EXPECT_EQ(run_process(command).output, "[a b][$HOME][*]['][]");
}

TEST(RunProcess, StandardInputIsEmpty) { EXPECT_EQ(run_process({"cat"}, 5).output, ""); }

TEST(RunProcess, MoreOutputThanAPipeHolds) {
  const ProcessResult result = run_process({"head", "-c", "1000000", "/dev/zero"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.output.size(), 1000000u);
}

TEST(RunProcess, ASignalIsAnExitCodeAbove128) { EXPECT_EQ(run_process({"sh", "-c", "kill -TERM $$"}).exit_code, 143); }

TEST(RunProcess, MissingProgram) {
  expect_error(ErrorKind::kMissing, "'no-such-program-of-instructme'",
               [] { run_process({"no-such-program-of-instructme"}); });
  expect_error(ErrorKind::kInternal, "needs a program", [] { run_process({}); });
}

TEST(RunProcess, IsKilledAtTheTimeLimit) {
  const double taken = seconds_of([] {
    expect_error(ErrorKind::kIo, "'sleep' did not end", [] { run_process({"sleep", "20"}, 0.2); });
  });
  EXPECT_GE(taken, 0.15);
  EXPECT_LT(taken, 5);
}

TEST(RunProcess, TheTimeLimitHoldsAfterTheOutputIsClosed) {
  const double taken = seconds_of([] {
    expect_error(ErrorKind::kIo, "did not end", [] { run_process({"sh", "-c", "exec >&- 2>&-; exec sleep 20"}, 0.3); });
  });
  EXPECT_LT(taken, 5);
}

TEST(RunProcess, WhatItLeavesRunningIsNotWaitedFor) {
  const double taken = seconds_of([] { EXPECT_EQ(run_process({"sh", "-c", "sleep 9 & echo x"}, 8).output, "x\n"); });
  EXPECT_LT(taken, 6);
}

TEST(RunProcess, AnEndWithoutAnExitCodeIsNoSuccess) {
  const auto before = std::signal(SIGCHLD, SIG_IGN);
  expect_error(ErrorKind::kIo, "how the program 'false' ended", [] { run_process({"false"}); });
  std::signal(SIGCHLD, before);
}

TEST(RunProcess, AVeryLongLimitDoesNotOverflow) { EXPECT_EQ(run_process({"echo", "x"}, 1e8).output, "x\n"); }

TEST(RunProcess, SeveralThreads) {
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&right, i] {
      for (int k = 0; k < 5; ++k)
        if (run_process({"echo", std::to_string(i)}).output == std::to_string(i) + "\n") ++right;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(right, 20);
}

TEST(ProgramExists, OnlyForProgramsOnThePath) {
  EXPECT_TRUE(program_exists("sh"));
  EXPECT_FALSE(program_exists("no-such-program-of-instructme"));
  EXPECT_FALSE(program_exists(""));
  EXPECT_FALSE(program_exists(".")) << "a folder is no program";
}

TEST(ExitCode, OnePerKind) {
  EXPECT_EQ(exit_code(ErrorKind::kUsage), 2);
  EXPECT_EQ(exit_code(ErrorKind::kInput), 3);
  EXPECT_EQ(exit_code(ErrorKind::kModel), 4);
  EXPECT_EQ(exit_code(ErrorKind::kIo), 5);
  EXPECT_EQ(exit_code(ErrorKind::kMissing), 6);
  EXPECT_EQ(exit_code(ErrorKind::kInternal), 70);
  EXPECT_EQ(exit_code(ErrorKind::kCancelled), 130);
}

TEST(Ensure, ThrowsOnlyWhenFalse) {
  EXPECT_NO_THROW(ensure(true, "fine"));
  expect_error(ErrorKind::kInternal, "a mistake", [] { ensure(false, "a mistake"); });
}

TEST(CancelToken, FollowsItsFlag) {
  std::atomic<bool> flag = false;
  const CancelToken never, token(&flag), copy = token;
  EXPECT_NO_THROW(token.check());
  flag = true;
  EXPECT_TRUE(copy.requested());
  expect_error(ErrorKind::kCancelled, "stopped", [&] { copy.check(); });
  EXPECT_FALSE(never.requested());
  EXPECT_NO_THROW(never.check());
}

}  // namespace
}  // namespace instructme
