#include "instructme/plugins/plugin_host.h"

#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "instructme/base/files.h"
#include "instructme/base/process.h"
#include "instructme/base/raw_samples.h"
#include "instructme/base/strings.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kHostName = "instructme-lv2-host";
constexpr int kLowestRate = 44100;

// Empty when the file does not hold `count` samples.
std::vector<float> read_samples(const fs::path& path, size_t count) {
  std::error_code code;
  if (fs::file_size(path, code) != count * sizeof(float) || code) return {};
  return samples_of(read_text_file(path));
}

}  // namespace

fs::path find_plugin_host() {
  std::error_code code;
  const fs::path folder = fs::read_symlink("/proc/self/exe", code).parent_path();
  for (const fs::path& path : {folder / kHostName, folder.parent_path() / "libexec" / "instructme" / kHostName})
    if (fs::is_regular_file(path, code)) return path;
  return {};
}

fs::path find_plugin_bundle(const std::string& name) {
  std::vector<std::string> places;
  if (const char* path = std::getenv("LV2_PATH"))
    places = split(path, ':');
  else
    places = {"/usr/local/lib/lv2", "/usr/lib/lv2"};
  for (const std::string& place : places) {
    std::error_code code;
    if (fs::is_regular_file(fs::path(place) / name / "manifest.ttl", code)) return fs::path(place) / name;
  }
  return {};
}

int plugin_oversampling(int sample_rate) { return (kLowestRate + sample_rate - 1) / sample_rate; }

Error plugin_failure(const PluginSettings& plugin, const std::string& what) {
  return Error(ErrorKind::kInput, "The plugin '" + plugin.name + "' cannot be used: " + what + ".");
}

PluginHost::PluginHost(PluginHostOptions options) : options_(std::move(options)) {
  if (!(options_.time_limit_s > 0) || !(options_.time_limit_rate >= 0))
    throw Error(ErrorKind::kUsage, "The time limit of plugins must be above 0 seconds.");
  if (options_.program.empty()) options_.program = find_plugin_host();
}

std::vector<float> PluginHost::run(const PluginSettings& plugin, const PluginTask& task) const {
  if (options_.program.empty())
    throw Error(ErrorKind::kMissing,
                std::string("The program ") + kHostName +
                    ", which runs LV2 plugins, is not there; install liblilv-dev and lv2-dev and build again, or "
                    "do not ask for plugins.");
  const auto samples = static_cast<size_t>(task.frames * task.channels);
  ensure(task.input.empty() || task.input.size() == samples, "the input of a plugin has another length than its task");
  const TempDir folder("instructme-lv2");
  const fs::path job = folder.path() / "job.json", input = folder.path() / "input.f32",
                 result = folder.path() / "sound.f32";
  json description{{"bundle", plugin.bundle.string()},
                   {"plugin", plugin.plugin},
                   {"preset", plugin.preset},
                   {"controls", plugin.controls},
                   {"sample_rate", task.sample_rate},
                   {"channels", task.channels},
                   {"frames", task.frames}};
  if (task.input.empty()) {
    description["events"] = task.events;
  } else {
    description["input"] = input.string();
    write_file_atomically(input, bytes_of(task.input));
  }
  write_file_atomically(job, description.dump());
  const double limit_s =
      options_.time_limit_s + options_.time_limit_rate * static_cast<double>(task.frames) / task.sample_rate;
  ProcessResult process;
  try {
    process = run_process({options_.program.string(), job.string(), result.string()}, limit_s);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kIo) throw;
    throw plugin_failure(plugin, error.what());
  }
  if (process.exit_code > 128)
    throw plugin_failure(plugin, format("it was ended by signal %d", process.exit_code - 128));
  if (process.exit_code != 0)
    throw plugin_failure(plugin, process.output.empty() ? format("exit code %d", process.exit_code)
                                                        : trim(process.output.substr(0, 500)));
  std::vector<float> sound = read_samples(result, samples);
  if (sound.size() != samples) throw plugin_failure(plugin, "its sound has the wrong length");
  for (const float x : sound)
    if (!std::isfinite(x)) throw plugin_failure(plugin, "its sound is not finite");
  return sound;
}

}  // namespace instructme
