#include "instructme/accompanist/accompanist.h"

#include <algorithm>
#include <cmath>
#include <system_error>
#include <tuple>

#include "instructme/audio/resample.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "instructme/score/single_part.h"
#include "instructme/synth/sound_font.h"

namespace instructme {
namespace {

constexpr const char* kHandPercussion = "percussion";

/// A rate that the synthesizer plays at: the music's own, or a multiple or part of it.
int synthesizer_rate(int rate) {
  while (rate < 32000) rate *= 2;
  while (rate > 96000) rate /= 2;
  return rate;
}

double size_of(const std::filesystem::path& file) {
  std::error_code code;
  const auto size = std::filesystem::file_size(file, code);
  return code ? 0 : static_cast<double>(size);
}

}  // namespace

Accompanist::Accompanist(PaletteOptions sounds) : options_(std::move(sounds)) {
  options_.may_be_empty = true;
  for (const auto* paths : {&options_.fonts, &options_.kits})
    for (const auto& path : *paths)
      if (!std::filesystem::exists(path))
        throw Error(ErrorKind::kMissing,
                    "there is no '" + path.string() + "': name a SoundFont, a drum kit or a folder of them");
}

Accompanist::~Accompanist() = default;

const Palette& Accompanist::palette() {
  if (!palette_) palette_ = std::make_unique<Palette>(Palette::scan(options_, Lexicon::builtin()));
  return *palette_;
}

const PaletteSound* Accompanist::sound_of(const std::string& instrument) {
  const InstrumentEntry* entry = Lexicon::builtin().find_instrument(instrument);
  if (entry == nullptr) return nullptr;
  const auto rank = [&](const PaletteSound& sound) {
    const auto place = std::find(entry->programs.begin(), entry->programs.end(), sound.program);
    const auto* font = std::get_if<Sound>(&sound.sound);
    return std::make_tuple(font == nullptr, place - entry->programs.begin(), sound.bank != 0 && sound.bank != kDrumBank,
                           font == nullptr ? 0.0 : -size_of(font->font), sound.source);
  };
  const PaletteSound* best = nullptr;
  for (const PaletteSound& sound : palette().sounds()) {
    // Hand percussion is in the kits of General MIDI fonts.
    const bool fits =
        instrument == kHandPercussion ? sound.bank == kDrumBank && sound.general_midi : sound.instrument == instrument;
    if (fits && (best == nullptr || rank(sound) < rank(*best))) best = &sound;
  }
  return best;
}

bool Accompanist::plays(const std::string& instrument) {
  return synthesizer_version() != "none" && sound_of(instrument) != nullptr;
}

PlayedPart Accompanist::play(const HeardMusic& music, const std::string& instrument, uint64_t seed, int sample_rate) {
  if (sample_rate < 1000 || sample_rate > 384000)
    throw Error(ErrorKind::kInput, format("a part is played at 1000 to 384000 Hz, not at %d Hz", sample_rate));
  const PaletteSound* sound = sound_of(instrument);
  if (sound == nullptr)
    throw Error(ErrorKind::kUsage, "there is no sound for '" + instrument + "'; name a General MIDI SoundFont");
  const HeardChart heard(music);
  Rng rng = Rng(seed).fork("accompanist").fork(instrument);
  const InstrumentEntry* entry = Lexicon::builtin().find_instrument(instrument);
  const Role role = sound->bank == kDrumBank ? Role::kDrums : parse_role(entry->roles.front());
  PlayedPart out;
  out.notes =
      heard.in_music(instrument == kHandPercussion ? make_hand_percussion(rng, heard.chart())
                                                   : make_single_part(rng, heard.chart(), role, sound->program));
  out.notes.name = instrument;
  out.notes.drums = role == Role::kDrums;
  out.sound = sound->preset + " of " + sound->source;
  out.licence = sound->licence;

  Score score;
  score.duration_s = music.duration_s;
  score.tempo_bpm = heard.chart().tempo_bpm;
  score.beats_per_bar = heard.chart().beats_per_bar;
  score.beats = music.beats;
  score.parts = {out.notes};
  const int rate = synthesizer_rate(sample_rate);
  if (!band_ || band_->options().sample_rate != rate) {
    StemRendererOptions options;
    options.sample_rate = rate;
    options.on_demand = true;
    band_ = std::make_unique<BandRenderer>(options);
  }
  out.samples = resample(band_->render_part(score, 0, sound->sound, seed), rate, sample_rate);
  out.samples.resize(static_cast<size_t>(std::llround(music.duration_s * sample_rate)), 0.0f);
  return out;
}

}  // namespace instructme
