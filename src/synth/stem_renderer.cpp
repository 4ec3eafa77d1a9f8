#include "instructme/synth/stem_renderer.h"

#include <algorithm>
#include <array>
#include <map>
#include <span>
#include <string>

#include "fluid.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "instructme/synth/sound_font.h"
#include "part_events.h"

namespace instructme {
namespace {

// Parts rendered in one pass; songs with more take a further pass.
constexpr int kGroups = 16;

}  // namespace

struct StemRenderer::Impl {
  StemRendererOptions options;
  FluidSettings settings;
  FluidSynth library;  // owns the loaded fonts and never sounds
  std::map<std::string, fluid_sfont_t*> fonts;

  explicit Impl(const StemRendererOptions& o) : options(o) {
    check_stem_options(options);
    settings = make_fluid_settings();
    fluid_settings_setnum(settings.get(), "synth.sample-rate", options.sample_rate);
    fluid_settings_setnum(settings.get(), "synth.gain", options.gain);
    fluid_settings_setint(settings.get(), "synth.polyphony", options.polyphony);
    fluid_settings_setint(settings.get(), "synth.midi-channels", kGroups);
    fluid_settings_setint(settings.get(), "synth.audio-channels", kGroups);
    fluid_settings_setint(settings.get(), "synth.audio-groups", kGroups);
    fluid_settings_setint(settings.get(), "synth.dynamic-sample-loading", options.on_demand ? 1 : 0);
    library = new_synth();
  }

  FluidSynth new_synth() {
    FluidSynth synth(new_fluid_synth(settings.get()));
    ensure(synth != nullptr, "FluidSynth could not create a synthesizer");
    fluid_synth_set_interp_method(synth.get(), -1, options.interpolation);
    // Else every channel takes the piano, and the tenth a drum kit, of each font that is added, and reads their
    // samples.
    if (options.on_demand)
      for (int channel = 0; channel < kGroups; ++channel) fluid_synth_unset_program(synth.get(), channel);
    return synth;
  }

  fluid_sfont_t* font(const std::filesystem::path& path) {
    const auto found = fonts.find(path.string());
    if (found != fonts.end()) return found->second;
    fluid_sfont_t* loaded = fluid_synth_get_sfont_by_id(library.get(), load_fluid_font(library.get(), path));
    fonts.emplace(path.string(), loaded);
    return loaded;
  }

  void render_pass(std::span<const Part> parts, std::span<const Sound> sounds, std::span<std::vector<float>> stems);
};

namespace {

// A synthesizer that borrows fonts from a library and gives them back. Each pass has a new one, for a
// voice that played before starts its next note a little differently.
class BorrowingSynth {
 public:
  BorrowingSynth(FluidSynth synth, fluid_synth_t* library, bool on_demand)
      : synth_(std::move(synth)), library_(library), on_demand_(on_demand) {}
  ~BorrowingSynth() {
    // A reset gives the channels programs again.
    if (on_demand_)
      fluid_synth_all_sounds_off(synth_.get(), -1);
    else
      fluid_synth_system_reset(synth_.get());
    for (fluid_sfont_t* font : borrowed_) {
      fluid_synth_remove_sfont(synth_.get(), font);
      fluid_synth_add_sfont(library_, font);
    }
  }
  BorrowingSynth(const BorrowingSynth&) = delete;
  BorrowingSynth& operator=(const BorrowingSynth&) = delete;

  void select(int channel, fluid_sfont_t* font, const Sound& sound) {
    // program_select succeeds quietly with no preset, so ask for the preset first.
    if (fluid_sfont_get_preset(font, sound.bank, sound.program) == nullptr)
      throw Error(ErrorKind::kInput, format("The SoundFont '%s' has no preset with bank %d and program %d.",
                                            sound.font.c_str(), sound.bank, sound.program));
    if (std::find(borrowed_.begin(), borrowed_.end(), font) == borrowed_.end()) {
      borrowed_.reserve(borrowed_.size() + 1);
      fluid_synth_remove_sfont(library_, font);
      fluid_synth_add_sfont(synth_.get(), font);
      borrowed_.push_back(font);
    }
    ensure(fluid_synth_program_select(synth_.get(), channel, fluid_sfont_get_id(font), sound.bank, sound.program) ==
               FLUID_OK,
           "FluidSynth could not select a preset that exists");
  }

  void send(const PartEvent& event) {
    switch (event.kind) {
      case PartEvent::kOff: fluid_synth_noteoff(synth_.get(), event.channel, event.key); break;
      case PartEvent::kControl: fluid_synth_cc(synth_.get(), event.channel, event.key, event.value); break;
      case PartEvent::kOn: fluid_synth_noteon(synth_.get(), event.channel, event.key, event.value); break;
    }
  }

  fluid_synth_t* get() { return synth_.get(); }

 private:
  FluidSynth synth_;
  fluid_synth_t* library_;
  bool on_demand_;
  std::vector<fluid_sfont_t*> borrowed_;
};

}  // namespace

void StemRenderer::Impl::render_pass(std::span<const Part> parts, std::span<const Sound> sounds,
                                     std::span<std::vector<float>> stems) {
  BorrowingSynth synth(new_synth(), library.get(), options.on_demand);
  std::vector<PartEvent> events;
  for (size_t i = 0; i < parts.size(); ++i) {
    synth.select(static_cast<int>(i), font(sounds[i].font), sounds[i]);
    append_part_events(parts[i], static_cast<int>(i), options.sample_rate, events);
  }
  sort_events(events);

  std::vector<float> buffer(2 * kGroups * kStemBlock);
  std::array<float*, 2 * kGroups> outputs{};
  for (size_t i = 0; i < outputs.size(); ++i) outputs[i] = buffer.data() + i * kStemBlock;
  const auto frames = static_cast<int64_t>(stems.front().size());
  size_t next = 0;
  for (int64_t start = 0, block = 0; start < frames; start += kStemBlock, ++block) {
    while (next < events.size() && events[next].block <= block) synth.send(events[next++]);
    std::fill(buffer.begin(), buffer.end(), 0.0f);  // FluidSynth adds to what is there
    ensure(fluid_synth_process(synth.get(), kStemBlock, 0, nullptr, static_cast<int>(outputs.size()), outputs.data()) ==
               FLUID_OK,
           "FluidSynth could not render a block");
    const int64_t count = std::min<int64_t>(kStemBlock, frames - start);
    for (size_t p = 0; p < parts.size(); ++p) {
      const float *left = outputs[2 * p], *right = outputs[2 * p + 1];
      float* out = stems[p].data() + start;
      for (int64_t i = 0; i < count; ++i) out[i] = 0.5f * (left[i] + right[i]);
    }
  }
}

StemRenderer::StemRenderer(StemRendererOptions options) : impl_(std::make_unique<Impl>(options)) {}
StemRenderer::~StemRenderer() = default;
StemRenderer::StemRenderer(StemRenderer&&) noexcept = default;
StemRenderer& StemRenderer::operator=(StemRenderer&&) noexcept = default;

const StemRendererOptions& StemRenderer::options() const { return impl_->options; }

int64_t StemRenderer::frames_of(const Score& score) const { return stem_frames(score, impl_->options); }

std::vector<std::vector<float>> StemRenderer::render(const Score& score, const std::vector<Sound>& sound_of_part) {
  if (sound_of_part.size() != score.parts.size())
    throw Error(ErrorKind::kUsage, format("A score of %zu parts needs as many sounds, not %zu.", score.parts.size(),
                                          sound_of_part.size()));
  const auto frames = static_cast<size_t>(frames_of(score));
  std::vector<std::vector<float>> stems(score.parts.size(), std::vector<float>(frames));
  const size_t count = score.parts.size();
  for (size_t first = 0; first < count; first += kGroups) {
    const size_t n = std::min<size_t>(kGroups, count - first);
    impl_->render_pass(std::span(score.parts).subspan(first, n), std::span(sound_of_part).subspan(first, n),
                       std::span(stems).subspan(first, n));
  }
  for (auto& stem : stems) fade_tail(stem, impl_->options);
  return stems;
}

}  // namespace instructme
