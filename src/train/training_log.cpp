#include "training_log.h"

#include <nlohmann/json.hpp>

#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"
#include "instructme/plot/line_chart.h"

namespace instructme {

std::map<std::string, double> PhaseTimers::take() {
  auto out = std::move(seconds_);
  seconds_.clear();
  return out;
}

namespace {

// Curves of the chart: losses only; timers and rates would hide them.
bool is_curve(const std::string& name) { return name.find("loss") != std::string::npos; }

}  // namespace

TrainingLog::TrainingLog(std::filesystem::path folder, int64_t first_step) : folder_(std::move(folder)) {
  const auto path = folder_ / "log.jsonl";
  std::string kept;
  if (std::filesystem::exists(path)) {
    for (const auto& line : split(read_text_file(path), '\n')) {
      const auto entry = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
      // A last line cut off by a kill does not parse and is dropped with those done again.
      if (!entry.is_object() || entry.value("step", int64_t{0}) > first_step) continue;
      kept += line + "\n";
      for (const auto& [name, value] : entry.items())
        if (is_curve(name) && value.is_number()) {
          curves_[name].first.push_back(static_cast<double>(entry.value("step", int64_t{0})));
          curves_[name].second.push_back(value.get<double>());
        }
    }
  }
  write_file_atomically(path, kept);
  out_.open(path, std::ios::app);
  if (!out_) throw Error(ErrorKind::kIo, "cannot write " + path.string());
}

void TrainingLog::add(const std::string& name, double value) {
  auto& [sum, count] = sums_[name];
  sum += value;
  ++count;
}

void TrainingLog::write_line(int64_t step, const std::map<std::string, double>& extra, PhaseTimers& timers,
                             double elapsed_s) {
  nlohmann::json line = {{"step", step}};
  for (const auto& [name, sum] : sums_) line[name] = sum.first / static_cast<double>(sum.second);
  for (const auto& [name, value] : extra) line[name] = value;
  const auto phases = timers.take();
  for (const auto& [phase, seconds] : phases) line["seconds_" + phase] = seconds;
  if (phases.contains("data") && elapsed_s > 0) line["data_share"] = phases.at("data") / elapsed_s;
  sums_.clear();
  for (const auto& [name, value] : line.items())
    if (is_curve(name)) {
      curves_[name].first.push_back(static_cast<double>(step));
      curves_[name].second.push_back(value.get<double>());
    }
  out_ << line.dump() << "\n" << std::flush;
  if (!out_) throw Error(ErrorKind::kIo, "cannot write " + (folder_ / "log.jsonl").string() + ": is the disk full?");
}

void TrainingLog::write_chart() const {
  if (curves_.empty()) return;
  LineChart chart;
  chart.title = "training";
  chart.x_label = "step";
  chart.log_y = true;
  for (const auto& [name, curve] : curves_) chart.series(name, curve.first, curve.second);
  if (can_write_png()) write_png(folder_ / "loss.png", chart.render(1000, 600));
}

double TrainingLog::last(const std::string& name) const {
  if (const auto found = curves_.find(name); found != curves_.end()) return found->second.second.back();
  const auto gathered = sums_.find(name);
  return gathered == sums_.end() ? 0.0 : gathered->second.first / static_cast<double>(gathered->second.second);
}

}  // namespace instructme
