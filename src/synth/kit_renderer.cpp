#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>

#include "instructme/audio/audio_file.h"
#include "instructme/audio/resample.h"
#include "instructme/base/rng.h"
#include "instructme/synth/drum_kit.h"
#include "kit_names.h"
#include "part_events.h"

namespace instructme {
namespace {

constexpr size_t kCachedSamples = 25'000'000;
constexpr double kChoke_s = 0.01;
constexpr double kStroke_db = 0.8;  // no two strokes are alike
// No two strokes have the same pitch either; each of these is resampled once.
constexpr std::array kTunings{0.996, 1.0, 1.004};
constexpr float kGain = 0.3f;  // about the level of FluidSynth's stems

using Samples = std::shared_ptr<const std::vector<float>>;

struct Stroke {
  size_t drum = 0;
  int64_t start = 0;  // samples
  int64_t end = 0;
  Samples samples;
  float gain = 1;
};

// Velocity layers that hold `velocity`; when none does, the nearest one.
std::vector<size_t> suitable_layers(const std::vector<DrumLayer>& layers, double velocity) {
  std::vector<size_t> suitable;
  size_t nearest = 0;
  double least = 2;
  for (size_t i = 0; i < layers.size(); ++i) {
    const double distance = std::max({layers[i].low - velocity, velocity - layers[i].high, 0.0});
    if (distance == 0) suitable.push_back(i);
    if (distance < least) least = distance, nearest = i;
  }
  // Layers share their borders.
  if (suitable.size() > 1) {
    std::vector<size_t> inside;
    for (const size_t i : suitable)
      if (velocity < layers[i].high || layers[i].high >= 1) inside.push_back(i);
    if (!inside.empty()) suitable = inside;
  }
  if (suitable.empty()) suitable.push_back(nearest);
  return suitable;
}

bool chokes(const KitDrum& later, const KitDrum& earlier) {
  if (later.choke_group >= 0 && later.choke_group == earlier.choke_group) return true;
  return is_hi_hat(later.kind) && (earlier.kind == "open-hat" || earlier.kind == "half-hat");
}

void add_stroke(const Stroke& stroke, int64_t fade, std::vector<float>& out) {
  const auto length = std::min<int64_t>({static_cast<int64_t>(stroke.samples->size()), stroke.end - stroke.start,
                                         static_cast<int64_t>(out.size()) - stroke.start});
  const bool cut = stroke.end - stroke.start < static_cast<int64_t>(stroke.samples->size());
  for (int64_t i = 0; i < length; ++i) {
    float gain = stroke.gain;
    if (const int64_t left = stroke.end - stroke.start - i; cut && left < fade)
      gain *= static_cast<float>(left) / static_cast<float>(fade);
    out[static_cast<size_t>(stroke.start + i)] += gain * (*stroke.samples)[static_cast<size_t>(i)];
  }
}

}  // namespace

struct KitRenderer::Impl {
  StemRendererOptions options;
  std::map<std::filesystem::path, DrumKit> kits;
  std::map<std::tuple<std::filesystem::path, double, size_t>, Samples> samples;  // by file, pitch, tuning
  size_t cached = 0;

  const DrumKit& kit(const std::filesystem::path& folder) {
    const auto found = kits.find(folder);
    return found != kits.end() ? found->second : kits.emplace(folder, read_drum_kit(folder)).first->second;
  }

  Samples load(const DrumLayer& layer, size_t tuning) {
    Samples& entry = samples[{layer.file, layer.pitch, tuning}];
    if (!entry) {
      const AudioBuffer audio = read_audio(layer.file, {.max_seconds = 60});
      const double speed = std::exp2(layer.pitch / 12) * kTunings[tuning];
      entry = std::make_shared<const std::vector<float>>(
          resample(mix_to_mono(audio), audio.sample_rate * speed, options.sample_rate));
      cached += entry->size();
    }
    return entry;
  }
};

KitRenderer::KitRenderer(const StemRendererOptions& options) : impl_(std::make_unique<Impl>()) {
  check_stem_options(options);
  impl_->options = options;
}
KitRenderer::~KitRenderer() = default;
KitRenderer::KitRenderer(KitRenderer&&) noexcept = default;
KitRenderer& KitRenderer::operator=(KitRenderer&&) noexcept = default;

std::vector<float> KitRenderer::render(const Score& score, const Part& part, const std::filesystem::path& folder,
                                       uint64_t seed) {
  const DrumKit& kit = impl_->kit(folder);
  const StemRendererOptions& options = impl_->options;
  if (impl_->cached > kCachedSamples) impl_->samples.clear(), impl_->cached = 0;
  std::vector<PartEvent> events;
  append_part_events(part, 0, options.sample_rate, events);
  std::erase_if(events, [](const PartEvent& e) { return e.kind != PartEvent::kOn; });  // drums ring on
  sort_events(events);

  std::vector<float> stem(static_cast<size_t>(stem_frames(score, options)));
  const auto total = static_cast<int64_t>(stem.size());
  const auto fade = static_cast<int64_t>(kChoke_s * options.sample_rate);
  Rng rng = Rng(seed).fork("drum kit");
  std::vector<Stroke> strokes;
  for (const PartEvent& event : events) {
    const auto found = kit.drum_of_key.find(event.key);
    const int64_t start = event.block * kStemBlock;
    if (found == kit.drum_of_key.end() || start >= total) continue;
    const KitDrum& drum = kit.drums[found->second];
    for (Stroke& stroke : strokes)
      if (stroke.start < start && chokes(drum, kit.drums[stroke.drum])) stroke.end = std::min(stroke.end, start + fade);
    const double velocity = event.value / 127.0;
    const DrumLayer& layer = drum.layers[rng.pick(suitable_layers(drum.layers, velocity))];
    const auto tuning = static_cast<size_t>(rng.integer(0, kTunings.size() - 1));
    const double gain = velocity * drum.gain * layer.gain * std::pow(10.0, rng.uniform(-1, 1) * kStroke_db / 20);
    strokes.push_back({found->second, start, total, impl_->load(layer, tuning), kGain * static_cast<float>(gain)});
  }
  for (const Stroke& stroke : strokes) add_stroke(stroke, fade, stem);
  fade_tail(stem, options);
  return stem;
}

}  // namespace instructme
