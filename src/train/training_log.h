#pragma once

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

namespace instructme {

/// Seconds spent in the named phases of a run.
class PhaseTimers {
 public:
  class Scope {
   public:
    Scope(PhaseTimers& timers, const char* phase)
        : timers_(timers), phase_(phase), start_(std::chrono::steady_clock::now()) {}
    ~Scope() {
      timers_.seconds_[phase_] += std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    PhaseTimers& timers_;
    const char* phase_;
    std::chrono::steady_clock::time_point start_;
  };
  Scope time(const char* phase) { return Scope(*this, phase); }
  /// The sums since the last call.
  std::map<std::string, double> take();

 private:
  std::map<std::string, double> seconds_;
};

/// log.jsonl and loss.png of a run. Lines of steps that a resumed run does again are dropped, so that
/// the file reads like that of a run never stopped.
class TrainingLog {
 public:
  TrainingLog(std::filesystem::path folder, int64_t first_step);
  /// Adds to the means of the line being gathered.
  void add(const std::string& name, double value);
  /// Writes the line of `step` with the means, `extra` figures, the timers, and which share of the `elapsed_s` since
  /// the last line was spent waiting for data.
  void write_line(int64_t step, const std::map<std::string, double>& extra, PhaseTimers& timers, double elapsed_s);
  void write_chart() const;
  /// Of the last line, or the mean so far where there is none yet; 0 for what is not known.
  double last(const std::string& name) const;

 private:
  std::filesystem::path folder_;
  std::ofstream out_;
  std::map<std::string, std::pair<double, int64_t>> sums_;
  std::map<std::string, std::pair<std::vector<double>, std::vector<double>>> curves_;
};

}  // namespace instructme
