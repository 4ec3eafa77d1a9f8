#include "instructme/synth/plugin_renderer.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>

#include "instructme/audio/resample.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/process.h"
#include "instructme/base/strings.h"
#include "part_events.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kHostName = "instructme-lv2-host";
constexpr int kLowestRate = 44100;  // what plugins are written for; below, they alias and their filters are off
constexpr float kSilence = 1e-5f;

json midi_events(const Part& part, const PluginSound& sound, const StemRendererOptions& options, int oversampling) {
  std::vector<PartEvent> events;
  append_part_events(part, 0, options.sample_rate, events);
  sort_events(events);
  json list = json::array();
  for (const auto& message : sound.setup) {
    // Program changes and channel pressure have one data byte.
    if (message[0] >= 0xC0 && message[0] < 0xE0)
      list.push_back({0, message[0], message[1]});
    else
      list.push_back({0, message[0], message[1], message[2]});
  }
  for (const PartEvent& event : events) {
    const int64_t frame = event.block * kStemBlock * oversampling;
    const int key = event.kind == PartEvent::kControl ? event.key : event.key + sound.transpose;
    if (key < 0 || key > 127) continue;
    const int status = event.kind == PartEvent::kOn ? 0x90 : event.kind == PartEvent::kOff ? 0x80 : 0xB0;
    list.push_back({frame, status, key, event.value});
  }
  return list;
}

std::vector<float> read_sound(const fs::path& path, int64_t frames) {
  std::error_code code;
  if (fs::file_size(path, code) != static_cast<uintmax_t>(frames) * sizeof(float) || code) return {};
  const std::string bytes = read_text_file(path);
  std::vector<float> sound(static_cast<size_t>(frames));
  std::memcpy(sound.data(), bytes.data(), bytes.size());
  return sound;
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

PluginRenderer::PluginRenderer(const StemRendererOptions& options, PluginHostOptions host)
    : options_(options), host_(std::move(host)) {
  check_stem_options(options_);
  if (!(host_.time_limit_s > 0) || !(host_.time_limit_rate >= 0))
    throw Error(ErrorKind::kUsage, "The time limit of plugins must be above 0 seconds.");
  if (host_.program.empty()) host_.program = find_plugin_host();
}

std::vector<float> PluginRenderer::render(const Score& score, const Part& part, const PluginSound& sound) const {
  if (host_.program.empty())
    throw Error(ErrorKind::kMissing,
                std::string("The program ") + kHostName +
                    ", which plays LV2 instruments, is not there; install liblilv-dev and lv2-dev and build again, or "
                    "do not ask for plugins.");
  const int oversampling = (kLowestRate + options_.sample_rate - 1) / options_.sample_rate;
  const int64_t stem_length = stem_frames(score, options_), frames = stem_length * oversampling;
  const TempDir folder("instructme-lv2");
  const fs::path job = folder.path() / "job.json", result = folder.path() / "sound.f32";
  const json events = midi_events(part, sound, options_, oversampling);
  write_file_atomically(job, json{{"bundle", sound.bundle.string()},
                                  {"plugin", sound.plugin},
                                  {"preset", sound.preset},
                                  {"controls", sound.controls},
                                  {"sample_rate", options_.sample_rate * oversampling},
                                  {"frames", frames},
                                  {"events", events}}
                                 .dump());
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorKind::kInput, "The plugin '" + sound.name + "' cannot play: " + what + ".");
  };
  const double limit_s =
      host_.time_limit_s + host_.time_limit_rate * static_cast<double>(stem_length) / options_.sample_rate;
  ProcessResult process;
  try {
    process = run_process({host_.program.string(), job.string(), result.string()}, limit_s);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kIo) throw;
    fail(error.what());
  }
  if (process.exit_code > 128) fail(format("it was ended by signal %d", process.exit_code - 128));
  if (process.exit_code != 0)
    fail(process.output.empty() ? format("exit code %d", process.exit_code) : trim(process.output.substr(0, 500)));
  std::vector<float> sounding = read_sound(result, frames);
  if (sounding.empty() && frames > 0) fail("its sound has the wrong length");
  float peak = 0;
  for (const float x : sounding) {
    if (!std::isfinite(x)) fail("its sound is not finite");
    peak = std::max(peak, std::abs(x));
  }
  if (peak < kSilence && !part.notes.empty()) fail("it is silent");
  std::vector<float> stem = resample(sounding, oversampling, 1);
  stem.resize(static_cast<size_t>(stem_length));
  fade_tail(stem, options_);
  return stem;
}

}  // namespace instructme
