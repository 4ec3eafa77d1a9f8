#include <algorithm>

#include "instructme/base/strings.h"
#include "instructme/multitrack/collection_report.h"

namespace instructme {
namespace {

std::string count_of(int64_t count, const char* what) {
  return format("%lld %s%s", static_cast<long long>(count), what, count == 1 ? "" : "s");
}

}  // namespace

nlohmann::json to_json(const CollectionReport& report) {
  nlohmann::json instruments = nlohmann::json::object(), problems = nlohmann::json::array();
  for (const auto& [name, count] : report.instruments)
    instruments[name] = {{"songs", count.songs}, {"stems", count.stems}, {"hours", count.hours}};
  for (const CollectionProblem& problem : report.problems)
    problems.push_back({{"song", problem.song},
                        {"kind", problem_kind_name(problem.kind)},
                        {"message", problem.message},
                        {"fatal", problem.fatal}});
  return {{"collection", report.collection}, {"thorough", report.thorough},
          {"songs", report.songs},           {"usable_songs", report.usable_songs},
          {"hours", report.hours},           {"songs_with_bleed", report.songs_with_bleed},
          {"splits", report.splits},         {"instruments", instruments},
          {"unnamed", report.unnamed},       {"problems", problems}};
}

std::string to_text(const CollectionReport& report, size_t most_problems, size_t most_names) {
  std::string text =
      format("%s: %s, %lld of them usable, %.2f hours\n", report.collection.c_str(),
             count_of(report.songs, "song").c_str(), static_cast<long long>(report.usable_songs), report.hours);
  std::vector<std::string> splits;
  for (const auto& [name, count] : report.splits)
    splits.push_back(format("%s %lld", name.empty() ? "without" : name.c_str(), static_cast<long long>(count)));
  if (!splits.empty()) text += "splits: " + join(splits, ", ") + "\n";
  if (report.songs_with_bleed > 0)
    text += count_of(report.songs_with_bleed, "song") + " with stems into which other instruments bleed\n";

  std::vector<std::pair<std::string, InstrumentCount>> instruments(report.instruments.begin(),
                                                                   report.instruments.end());
  std::stable_sort(instruments.begin(), instruments.end(),
                   [](const auto& a, const auto& b) { return a.second.stems > b.second.stems; });
  for (const auto& [name, count] : instruments)
    text += format("  %-20s %5lld stems in %5lld songs, %8.2f hours\n", name.c_str(),
                   static_cast<long long>(count.stems), static_cast<long long>(count.songs), count.hours);

  std::vector<std::pair<std::string, int64_t>> unnamed(report.unnamed.begin(), report.unnamed.end());
  std::stable_sort(unnamed.begin(), unnamed.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  std::vector<std::string> names;
  for (size_t i = 0; i < std::min(most_names, unnamed.size()); ++i)
    names.push_back(format("%s %lld", unnamed[i].first.c_str(), static_cast<long long>(unnamed[i].second)));
  if (!unnamed.empty())
    text += "stems without an instrument: " + join(names, ", ") +
            (unnamed.size() > names.size() ? format(" and %zu other names", unnamed.size() - names.size()) : "") + "\n";

  std::map<std::string, int64_t> kinds;
  for (const CollectionProblem& problem : report.problems) ++kinds[problem_kind_name(problem.kind)];
  std::vector<std::string> counts;
  for (const auto& [kind, count] : kinds)
    counts.push_back(format("%s %lld", kind.c_str(), static_cast<long long>(count)));
  text += report.problems.empty() ? "no problems found\n" : "problems: " + join(counts, ", ") + "\n";
  // What keeps songs out comes first.
  std::vector<CollectionProblem> problems = report.problems;
  std::stable_sort(problems.begin(), problems.end(), [](const auto& a, const auto& b) { return a.fatal > b.fatal; });
  for (size_t i = 0; i < std::min(most_problems, problems.size()); ++i)
    text += "  " + problems[i].song + ": " + problems[i].message + (problems[i].fatal ? " (not usable)" : "") + "\n";
  if (problems.size() > most_problems) text += format("  and %zu more\n", problems.size() - most_problems);
  return text;
}

}  // namespace instructme
