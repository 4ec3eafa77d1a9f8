#include "instructme/synth/stem_renderer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <span>
#include <string>

#include "fluid.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "instructme/synth/sound_font.h"

namespace instructme {
namespace {

// FluidSynth's internal block: events take effect at its borders only.
constexpr int kBlock = 64;
// Parts rendered in one pass; songs with more take a further pass.
constexpr int kGroups = 16;

struct Event {
  enum Kind { kOff, kControl, kOn };  // the order in which events of one block are sent
  int64_t block = 0;
  Kind kind = kOn;
  int channel = 0;
  int key = 0;  // or controller
  int value = 0;
};

// Bank selects would change the preset, pan would change the level of the mono stem, and channel
// mode messages (120 and above) would stop notes.
bool is_ignored_controller(int controller) {
  return controller == 0 || controller == 32 || controller == 10 || controller >= 120;
}

int64_t block_of(double time_s, double sample_rate) {
  return std::llround(std::max(0.0, time_s) * sample_rate / kBlock);
}

void append_events(const Part& part, int channel, double sample_rate, std::vector<Event>& events) {
  for (const ControlChange& change : part.controls)
    if (!is_ignored_controller(change.controller))
      events.push_back({block_of(change.time_s, sample_rate), Event::kControl, channel, change.controller,
                        std::clamp(change.value, 0, 127)});
  // A note ends at the latest where its key is struck again: a later note-off would cut the new one.
  std::array<std::vector<const Note*>, 128> notes_of_key;
  for (const Note& note : part.notes)
    if (note.pitch >= 0 && note.pitch < 128 && note.velocity > 0)
      notes_of_key[static_cast<size_t>(note.pitch)].push_back(&note);
  for (auto& notes : notes_of_key) {
    std::stable_sort(notes.begin(), notes.end(), [](const Note* a, const Note* b) { return a->onset_s < b->onset_s; });
    for (size_t i = 0; i < notes.size(); ++i) {
      const Note& note = *notes[i];
      const int64_t on = block_of(note.onset_s, sample_rate);
      int64_t off = std::max(on + 1, block_of(note.onset_s + note.duration_s, sample_rate));
      if (i + 1 < notes.size()) {
        const int64_t next = block_of(notes[i + 1]->onset_s, sample_rate);
        if (next == on) continue;  // the same key twice at once sounds once
        off = std::min(off, next);
      }
      events.push_back({on, Event::kOn, channel, note.pitch, std::clamp(note.velocity, 1, 127)});
      events.push_back({off, Event::kOff, channel, note.pitch, 0});
    }
  }
}

void fade_out(std::vector<float>& stem, int64_t frames) {
  const auto total = static_cast<int64_t>(stem.size());
  frames = std::min(frames, total);
  for (int64_t i = 0; i < frames; ++i)
    stem[static_cast<size_t>(total - frames + i)] *= static_cast<float>(0.5 + 0.5 * std::cos(M_PI * (i + 1) / frames));
}

void check_options(const StemRendererOptions& o) {
  const auto require = [](bool good, const std::string& what) {
    if (!good) throw Error(ErrorKind::kUsage, what);
  };
  require(o.sample_rate >= 8000 && o.sample_rate <= 96000,
          format("The sample rate of a rendering must be 8000 to 96000 Hz, not %d.", o.sample_rate));
  require(o.gain > 0 && o.gain <= 10, format("The synthesizer's gain must be above 0 and at most 10, not %g.", o.gain));
  require(o.interpolation == 0 || o.interpolation == 1 || o.interpolation == 4 || o.interpolation == 7,
          format("The synthesizer's interpolation must be 0, 1, 4 or 7, not %d.", o.interpolation));
  require(o.polyphony >= 1 && o.polyphony <= 65535,
          format("The synthesizer's polyphony must be 1 to 65535, not %d.", o.polyphony));
  require(o.tail_s >= 0 && o.tail_s <= 60, format("The tail of a rendering must be 0 to 60 s, not %g.", o.tail_s));
}

}  // namespace

struct StemRenderer::Impl {
  StemRendererOptions options;
  FluidSettings settings;
  FluidSynth library;  // owns the loaded fonts and never sounds
  std::map<std::string, fluid_sfont_t*> fonts;

  explicit Impl(const StemRendererOptions& o) : options(o) {
    check_options(options);
    settings = make_fluid_settings();
    fluid_settings_setnum(settings.get(), "synth.sample-rate", options.sample_rate);
    fluid_settings_setnum(settings.get(), "synth.gain", options.gain);
    fluid_settings_setint(settings.get(), "synth.polyphony", options.polyphony);
    fluid_settings_setint(settings.get(), "synth.midi-channels", kGroups);
    fluid_settings_setint(settings.get(), "synth.audio-channels", kGroups);
    fluid_settings_setint(settings.get(), "synth.audio-groups", kGroups);
    library = new_synth();
  }

  FluidSynth new_synth() {
    FluidSynth synth(new_fluid_synth(settings.get()));
    ensure(synth != nullptr, "FluidSynth could not create a synthesizer");
    fluid_synth_set_interp_method(synth.get(), -1, options.interpolation);
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
  BorrowingSynth(FluidSynth synth, fluid_synth_t* library) : synth_(std::move(synth)), library_(library) {}
  ~BorrowingSynth() {
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

  void send(const Event& event) {
    switch (event.kind) {
      case Event::kOff: fluid_synth_noteoff(synth_.get(), event.channel, event.key); break;
      case Event::kControl: fluid_synth_cc(synth_.get(), event.channel, event.key, event.value); break;
      case Event::kOn: fluid_synth_noteon(synth_.get(), event.channel, event.key, event.value); break;
    }
  }

  fluid_synth_t* get() { return synth_.get(); }

 private:
  FluidSynth synth_;
  fluid_synth_t* library_;
  std::vector<fluid_sfont_t*> borrowed_;
};

}  // namespace

void StemRenderer::Impl::render_pass(std::span<const Part> parts, std::span<const Sound> sounds,
                                     std::span<std::vector<float>> stems) {
  BorrowingSynth synth(new_synth(), library.get());
  std::vector<Event> events;
  for (size_t i = 0; i < parts.size(); ++i) {
    synth.select(static_cast<int>(i), font(sounds[i].font), sounds[i]);
    append_events(parts[i], static_cast<int>(i), options.sample_rate, events);
  }
  std::stable_sort(events.begin(), events.end(), [](const Event& a, const Event& b) {
    return a.block != b.block ? a.block < b.block : a.kind < b.kind;
  });

  std::vector<float> buffer(2 * kGroups * kBlock);
  std::array<float*, 2 * kGroups> outputs{};
  for (size_t i = 0; i < outputs.size(); ++i) outputs[i] = buffer.data() + i * kBlock;
  const auto frames = static_cast<int64_t>(stems.front().size());
  size_t next = 0;
  for (int64_t start = 0, block = 0; start < frames; start += kBlock, ++block) {
    while (next < events.size() && events[next].block <= block) synth.send(events[next++]);
    std::fill(buffer.begin(), buffer.end(), 0.0f);  // FluidSynth adds to what is there
    ensure(fluid_synth_process(synth.get(), kBlock, 0, nullptr, static_cast<int>(outputs.size()), outputs.data()) ==
               FLUID_OK,
           "FluidSynth could not render a block");
    const int64_t count = std::min<int64_t>(kBlock, frames - start);
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

int64_t StemRenderer::frames_of(const Score& score) const {
  return std::llround((std::max(0.0, score.duration_s) + impl_->options.tail_s) * impl_->options.sample_rate);
}

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
  const auto fade = static_cast<int64_t>(0.5 * impl_->options.tail_s * impl_->options.sample_rate);
  for (auto& stem : stems) fade_out(stem, fade);
  return stems;
}

}  // namespace instructme
