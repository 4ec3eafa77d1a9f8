#include "report.h"

#include <array>
#include <cstdio>

namespace instructme {

void Report::ReportRuns(const std::vector<Run>& runs) {
  for (const Run& run : runs)
    if (run.iterations > 0 && run.run_type == Run::RT_Iteration)
      seconds_[run.run_name.function_name] = run.real_accumulated_time / static_cast<double>(run.iterations);
  ConsoleReporter::ReportRuns(runs);
}

void Report::Finalize() {
  constexpr std::array<std::array<const char*, 2>, 2> kLengths{{{"10s", "60s"}, {"T=500", "T=3000"}}};
  bool first = true;
  for (const auto& [name, seconds] : seconds_)
    for (const auto& [brief, lengthy] : kLengths) {
      if (!name.ends_with(std::string("/") + brief)) continue;
      const std::string base = name.substr(0, name.size() - std::string(brief).size());
      const auto found = seconds_.find(base + lengthy);
      if (found == seconds_.end()) continue;
      if (first) std::printf("\nTime for six times the length (6 is linear, 36 quadratic):\n");
      first = false;
      std::printf("  %-32s %s / %s = %.2f\n", base.substr(0, base.size() - 1).c_str(), lengthy, brief,
                  found->second / seconds);
    }
}

}  // namespace instructme
