#include <cstdio>
#include <memory>

#include "command.h"
#include "instructme/base/config_reader.h"
#include "instructme/base/error.h"
#include "instructme/data/data_report.h"
#include "instructme/data/stem_loudness.h"
#include "terminal.h"

namespace instructme::cli {
namespace {

struct ReportArguments {
  std::vector<std::string> folders;
  std::string out;
  bool json = false, loudness = false;
  size_t rows = 60;
};

int report_loudness(const ReportArguments& arguments) {
  if (arguments.json || !arguments.out.empty())
    throw Error(ErrorKind::kUsage, "--loudness prints a table; leave --json and --out out");
  const CancelToken cancel = cancel_on_signals();
  ProgressLine line("songs");
  const std::vector<std::filesystem::path> folders(arguments.folders.begin(), arguments.folders.end());
  const auto table = stem_loudness(SongSet(folders), line.callback(), cancel);
  line.finish();
  std::printf("%-16s %8s %14s\n", "role", "stems", "below mix, LU");
  for (const auto& [role, loudness] : table)
    std::printf("%-16s %8lld %14.1f\n", role.c_str(), static_cast<long long>(loudness.stems), loudness.below_mix_lu);
  return 0;
}

int report(const ReportArguments& arguments) {
  namespace fs = std::filesystem;
  if (arguments.loudness) return report_loudness(arguments);
  const bool several = arguments.folders.size() > 1;
  nlohmann::json all = nlohmann::json::array();
  for (size_t i = 0; i < arguments.folders.size(); ++i) {
    const DataReport report = report_folder(arguments.folders[i], Lexicon::builtin());
    if (arguments.json)
      all.push_back(to_json(report));
    else
      std::printf("%s%s", i > 0 ? "\n\n" : "", to_text(report, arguments.rows).c_str());
    // Folders may have one name in different places, so charts of several are numbered.
    const fs::path out = several ? fs::path(arguments.out) / std::to_string(i + 1) : fs::path(arguments.out);
    if (!arguments.out.empty()) write_charts(report, out);
  }
  if (arguments.json) std::printf("%s\n", json_text(several ? all : all[0], 2).c_str());
  return 0;
}

}  // namespace

void add_report(CLI::App& data, Run& run) {
  auto arguments = std::make_shared<ReportArguments>();
  CLI::App* command = data.add_subcommand(
      "report", "Say what songs or shards hold: hours, instruments, genres, keys, tempos, sources, licences.");
  command->add_option("FOLDERS", arguments->folders, "Folders of songs or shards")->required();
  command->add_option("-o,--out", arguments->out,
                      "Also write bar charts (PNG) to this folder; of several FOLDERS to 1/, 2/, …");
  command->add_flag("--json", arguments->json, "Print JSON instead of tables");
  command->add_flag("--loudness", arguments->loudness,
                    "Print instead how loud stems are in their mixes, by role: medians over the songs");
  command->add_option("--rows", arguments->rows, "Longest table")->check(CLI::Range(1, 100000));
  command->callback([arguments, &run] { run = [arguments] { return report(*arguments); }; });
}

}  // namespace instructme::cli
