#pragma once

#include <benchmark/benchmark.h>

#include <map>
#include <string>

namespace instructme {

/// The table on the console, and below it how the time grows with the length: for every benchmark that
/// ran for 10 s and 60 s of music, the ratio of both times (6 when linear).
class Report : public benchmark::ConsoleReporter {
 public:
  Report() : benchmark::ConsoleReporter(OO_Tabular) {}
  void ReportRuns(const std::vector<Run>& runs) override;
  void Finalize() override;

 private:
  std::map<std::string, double> seconds_;  // by name
};

}  // namespace instructme
