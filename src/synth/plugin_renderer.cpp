#include "instructme/synth/plugin_renderer.h"

#include <utility>

#include "instructme/audio/resample.h"
#include "part_events.h"

namespace instructme {
namespace {

constexpr float kSilence = 1e-5f;

std::vector<std::vector<int64_t>> midi_events(const Part& part, const PluginSound& sound,
                                              const StemRendererOptions& options, int oversampling) {
  std::vector<PartEvent> events;
  append_part_events(part, 0, options.sample_rate, events);
  sort_events(events);
  std::vector<std::vector<int64_t>> list;
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

}  // namespace

PluginRenderer::PluginRenderer(const StemRendererOptions& options, PluginHostOptions host)
    : options_(options), host_(std::move(host)) {
  check_stem_options(options_);
}

std::vector<float> PluginRenderer::render(const Score& score, const Part& part, const PluginSound& sound) const {
  const int oversampling = plugin_oversampling(options_.sample_rate);
  const int64_t stem_length = stem_frames(score, options_);
  const std::vector<float> sounding = host_.run(sound, {.sample_rate = options_.sample_rate * oversampling,
                                                        .frames = stem_length * oversampling,
                                                        .events = midi_events(part, sound, options_, oversampling)});
  if (peak(sounding) < kSilence && !part.notes.empty()) throw plugin_failure(sound, "it is silent");
  std::vector<float> stem = resample(sounding, oversampling, 1);
  stem.resize(static_cast<size_t>(stem_length));
  fade_tail(stem, options_);
  return stem;
}

}  // namespace instructme
