#include "instructme/synth/band_renderer.h"

#include "instructme/base/error.h"
#include "instructme/base/rng.h"
#include "instructme/base/strings.h"
#include "part_events.h"

namespace instructme {

BandRenderer::BandRenderer(const StemRendererOptions& options, PluginHostOptions host)
    : options_(options), kits_(options), plugins_(options, std::move(host)), singer_(options) {}

int64_t BandRenderer::frames_of(const Score& score) const { return stem_frames(score, options_); }

StemRenderer& BandRenderer::fonts() {
  if (!fonts_) fonts_.emplace(options_);
  return *fonts_;
}

std::vector<float> BandRenderer::render_part(const Score& score, size_t part, const PartSound& sound, uint64_t seed) {
  if (const auto* kit = std::get_if<KitSound>(&sound))
    return kits_.render(score, score.parts.at(part), kit->folder, Rng(seed).fork(part).next());
  if (const auto* voice = std::get_if<VoiceSound>(&sound))
    return singer_.render(score, score.parts.at(part), *voice, Rng(seed).fork(part).next());
  if (const auto* plugin = std::get_if<PluginSound>(&sound))
    return plugins_.render(score, score.parts.at(part), *plugin);
  Score alone;
  alone.duration_s = score.duration_s;
  alone.parts = {score.parts.at(part)};
  return std::move(fonts().render(alone, {std::get<Sound>(sound)}).front());
}

BandStems BandRenderer::render(const Score& score, const std::vector<PartSound>& sound_of_part, uint64_t seed) {
  const size_t count = score.parts.size();
  if (sound_of_part.size() != count)
    throw Error(ErrorKind::kUsage,
                format("A score of %zu parts needs as many sounds, not %zu.", count, sound_of_part.size()));
  BandStems band{std::vector<std::vector<float>>(count), std::vector<std::string>(count)};
  Score together;
  together.duration_s = score.duration_s;
  std::vector<Sound> sounds;
  std::vector<size_t> places;
  for (size_t p = 0; p < count; ++p)
    if (const auto* sound = std::get_if<Sound>(&sound_of_part[p])) {
      together.parts.push_back(score.parts[p]);
      sounds.push_back(*sound);
      places.push_back(p);
    }
  if (!places.empty()) {
    auto stems = fonts().render(together, sounds);
    for (size_t i = 0; i < places.size(); ++i) band.stems[places[i]] = std::move(stems[i]);
  }
  for (size_t p = 0; p < count; ++p) {
    if (std::holds_alternative<Sound>(sound_of_part[p])) continue;
    try {
      band.stems[p] = render_part(score, p, sound_of_part[p], seed);
    } catch (const Error& error) {
      if (!std::holds_alternative<PluginSound>(sound_of_part[p]) || error.kind() != ErrorKind::kInput) throw;
      band.failures[p] = error.what();
      band.stems[p].assign(static_cast<size_t>(frames_of(score)), 0.0f);
    }
  }
  return band;
}

}  // namespace instructme
