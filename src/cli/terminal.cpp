#include "terminal.h"

#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "instructme/base/strings.h"

namespace instructme::cli {
namespace {

std::atomic<bool> stop_requested{false};

void on_signal(int signal) {
  if (stop_requested.exchange(true)) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
}

constexpr double kLineEvery_s = 5;       // between plain lines
constexpr double kRefreshEvery_s = 0.1;  // between repaints on a terminal

}  // namespace

std::string duration_text(double seconds) {
  if (seconds < 60) return format("%.1f s", seconds);
  const auto whole = static_cast<long>(seconds + 0.5);
  if (whole < 3600) return format("%ld min %02ld s", whole / 60, whole % 60);
  return format("%ld h %02ld min", whole / 3600, whole / 60 % 60);
}

CancelToken cancel_on_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  return CancelToken(&stop_requested);
}

ProgressLine::ProgressLine(std::string unit) : unit_(std::move(unit)), terminal_(::isatty(STDERR_FILENO) == 1) {}

ProgressLine::~ProgressLine() { finish(); }

void ProgressLine::finish() {
  if (open_) std::fputc('\n', stderr);
  open_ = false;
}

ProgressCallback ProgressLine::callback() {
  return [this](const Progress& progress) { show(progress); };
}

void ProgressLine::show(const Progress& progress) {
  const auto now = Clock::now();
  const auto since = [&](Clock::time_point then) { return std::chrono::duration<double>(now - then).count(); };
  const bool fresh = progress.stage != stage_;
  if (fresh) {
    finish();
    stage_ = progress.stage;
    start_ = now;
    first_ = progress.done;
  }
  const bool complete = progress.total > 0 && progress.done >= progress.total;
  if (!fresh && !complete && since(last_) < (terminal_ ? kRefreshEvery_s : kLineEvery_s)) return;
  // Plain output needs no line for a stage that has only begun.
  if (!terminal_ && fresh && !complete) {
    last_ = now;
    return;
  }
  last_ = now;

  std::string text = progress.stage;
  if (progress.total > 1)
    text += format(" %lld/%lld %s", static_cast<long long>(progress.done), static_cast<long long>(progress.total),
                   unit_.c_str());
  const double elapsed = since(start_);
  if (progress.done > first_ && elapsed > 0.5 && progress.total > 1) {
    const double rate = static_cast<double>(progress.done - first_) / elapsed;
    text += format(", %.2f/s", rate);
    if (!complete) text += ", " + duration_text(static_cast<double>(progress.total - progress.done) / rate) + " left";
  }
  if (!progress.detail.empty()) text += ", " + progress.detail;
  if (terminal_) {
    std::fprintf(stderr, "\r\033[K%s", text.c_str());
    std::fflush(stderr);
    open_ = true;
    if (complete) finish();
  } else {
    std::fprintf(stderr, "%s\n", text.c_str());
  }
}

}  // namespace instructme::cli
