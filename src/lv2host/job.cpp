#include "job.h"

#include "instructme/base/config_reader.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/raw_samples.h"
#include "instructme/base/strings.h"

namespace instructme::lv2host {
namespace {

std::vector<float> read_samples(const std::filesystem::path& path, size_t count) {
  const std::string bytes = read_text_file(path);
  if (bytes.size() != count * sizeof(float))
    throw Error(ErrorKind::kInput,
                path.string() + format(": %zu samples are wanted, found %zu bytes.", count, bytes.size()));
  return samples_of(bytes);
}

}  // namespace

Job read_job(const std::filesystem::path& path) {
  ConfigReader config(read_json_file(path), path.string());
  Job job;
  std::string bundle, input;
  std::vector<std::vector<int64_t>> events;
  config.require("bundle", bundle);
  config.require("plugin", job.plugin);
  config.read("preset", job.preset);
  config.read("controls", job.controls);
  config.require("sample_rate", job.sample_rate);
  config.read("channels", job.channels);
  config.require("frames", job.frames);
  job.effect = config.has("input");
  if (job.effect)
    config.require("input", input);
  else
    config.require("events", events);
  config.finish();
  job.bundle = bundle;
  if (job.sample_rate < 8000 || job.sample_rate > 384000 || job.frames < 0 || job.channels < 1 || job.channels > 2)
    throw Error(ErrorKind::kInput, path.string() + ": sample_rate, channels or frames is out of range.");
  if (job.effect) job.input = read_samples(input, static_cast<size_t>(job.frames * job.channels));
  int64_t last = 0;
  for (const auto& event : events) {
    if (event.size() < 3 || event.size() > 4 || event[0] < last)
      throw Error(ErrorKind::kInput, path.string() + ": an event is [frame, status, data…], sorted by frame.");
    last = event[0];
    MidiEvent midi{event[0], {}, static_cast<uint32_t>(event.size() - 1)};
    for (size_t i = 1; i < event.size(); ++i) midi.bytes[i - 1] = static_cast<uint8_t>(event[i]);
    job.events.push_back(midi);
  }
  return job;
}

}  // namespace instructme::lv2host
