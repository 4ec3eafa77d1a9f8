#include <algorithm>
#include <numeric>

#include "instructme/base/files.h"
#include "instructme/base/strings.h"
#include "instructme/data/data_report.h"
#include "instructme/plot/bar_chart.h"

namespace instructme {
namespace {

double total_hours(const DataTable& table) {
  return std::accumulate(table.rows.begin(), table.rows.end(), 0.0,
                         [](double sum, const auto& row) { return sum + row.second.hours; });
}

double share(const DataCount& count, double hours) { return hours > 0 ? count.hours / hours : 0; }

// Columns of a fixed-width font: one for every UTF-8 character.
size_t width_of(const std::string& text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](unsigned char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

nlohmann::json to_json(const DataReport& report) {
  nlohmann::json tables = nlohmann::json::object();
  for (const DataTable& table : report.tables) {
    nlohmann::json rows = nlohmann::json::object();
    const double hours = total_hours(table);
    for (const auto& [name, count] : table.rows)
      rows[name] = {{"count", count.count}, {"hours", count.hours}, {"share", share(count, hours)}};
    tables[table.name] = {{"counted", table.counted},
                          {"effective_number", table.effective_number()},
                          {"absent", table.absent},
                          {"rows", rows}};
  }
  return {{"name", report.name},   {"songs", report.songs},           {"examples", report.examples},
          {"hours", report.hours}, {"stem_hours", report.stem_hours}, {"tables", tables}};
}

std::string to_text(const DataReport& report, size_t most_rows) {
  std::string text = report.name + ": " + format("%lld songs, ", static_cast<long long>(report.songs));
  if (report.examples > 0)
    text += format("%lld examples, %.2f hours\n", static_cast<long long>(report.examples), report.hours);
  else
    text += format("%.2f hours, %.2f hours of stems\n", report.hours, report.stem_hours);
  for (const DataTable& table : report.tables) {
    const auto rows = table.sorted();
    const double hours = total_hours(table);
    size_t width = table.name.size();
    for (const auto& [name, count] : rows) width = std::max(width, width_of(name));
    const auto cell = [&](const std::string& name) { return name + std::string(width - width_of(name), ' '); };
    text += "\n" + cell(table.name) + format("  %12s %9s %7s\n", table.counted.c_str(), "hours", "share");
    for (size_t i = 0; i < std::min(most_rows, rows.size()); ++i)
      text += cell(rows[i].first) + format("  %12lld %9.2f %6.1f%%\n", static_cast<long long>(rows[i].second.count),
                                           rows[i].second.hours, 100 * share(rows[i].second, hours));
    if (rows.size() > most_rows) text += format("and %zu more\n", rows.size() - most_rows);
    text +=
        format("%zu different, as varied as %.1f that are equally frequent\n", rows.size(), table.effective_number());
    if (!table.absent.empty()) text += "never there: " + join(table.absent, ", ") + "\n";
  }
  return text;
}

std::vector<std::filesystem::path> write_charts(const DataReport& report, const std::filesystem::path& folder) {
  make_folder(folder);
  std::vector<std::filesystem::path> files;
  for (const DataTable& table : report.tables) {
    BarChart chart;
    chart.title = table.name;
    chart.value_label = "hours";
    const double hours = total_hours(table);
    for (const auto& [name, count] : table.sorted()) {
      if (chart.bars.size() == 100) break;
      chart.bars.push_back({name, count.hours, format("%.3g  %.1f%%", count.hours, 100 * share(count, hours))});
    }
    std::string file = table.name;
    std::replace(file.begin(), file.end(), ' ', '-');
    files.push_back(folder / (file + ".png"));
    write_png(files.back(), chart.render());
  }
  return files;
}

}  // namespace instructme
