#include "instructme/accompanist/accompanist.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <system_error>
#include <tuple>

#include "instructme/audio/resample.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "instructme/score/groove_library.h"
#include "instructme/score/mma_arranger.h"
#include "instructme/score/pattern_arranger.h"
#include "instructme/score/single_part.h"
#include "instructme/score/song_maker.h"
#include "instructme/score/transcribed_part.h"
#include "instructme/synth/sound_font.h"
#include "instructme/text/pitched.h"

namespace instructme {
namespace {

constexpr const char* kHandPercussion = "percussion";
// What people mean who name an instrument of several programs, where that is not the first: clean electric guitar,
// strings, alto saxophone.
constexpr int kUsualPrograms[] = {27, 48, 65};

/// A rate that the synthesizer plays at: the music's own, or a multiple or part of it.
int synthesizer_rate(int rate) {
  while (rate < 32000) rate *= 2;
  while (rate > 96000) rate /= 2;
  return rate;
}

void check_rate(int rate) {
  if (rate < 1000 || rate > 384000)
    throw Error(ErrorKind::kInput, format("a part is played at 1000 to 384000 Hz, not at %d Hz", rate));
}

/// The feel of the project's own patterns that a genre has; nullptr when none.
const char* feel_of(const std::string& genre) {
  for (const auto& [name, feel] :
       {std::pair{"rock", "rock"}, {"pop", "rock"}, {"funk", "funk"}, {"latin", "bossa"}, {"ballad", "ballad"}})
    if (genre == name) return feel;
  return nullptr;
}

/// With their fills.
std::vector<GrooveInfo> grooves_of(const std::string& genre) {
  std::vector<GrooveInfo> all;
  for (const auto* list : {&GrooveLibrary::builtin().grooves(), &GrooveLibrary::builtin().fills()})
    for (const GrooveInfo& groove : *list)
      if (groove.genre == genre) all.push_back(groove);
  return all;
}

Voices voices_of(const std::string& instrument) {
  const std::vector<std::string>& roles = Lexicon::builtin().find_instrument(instrument)->roles;
  const auto plays = [&](const char* role) { return std::find(roles.begin(), roles.end(), role) != roles.end(); };
  if (roles.front() == "bass") return Voices::kLowest;
  return plays("chords") || plays("arpeggio") ? Voices::kAll : Voices::kHighest;
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
    const bool usual = std::count(std::begin(kUsualPrograms), std::end(kUsualPrograms), sound.program) > 0;
    return std::make_tuple(font == nullptr, !usual, place - entry->programs.begin(),
                           sound.bank != 0 && sound.bank != kDrumBank, font == nullptr ? 0.0 : -size_of(font->font),
                           sound.source);
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
  const PaletteSound* sound = sound_of(instrument);
  if (sound == nullptr) return false;
  return std::holds_alternative<VoiceSound>(sound->sound) || synthesizer_version() != "none";
}

const PaletteSound& Accompanist::sound_for(const std::string& instrument, int sample_rate) {
  check_rate(sample_rate);
  const PaletteSound* sound = sound_of(instrument);
  if (sound == nullptr)
    throw Error(ErrorKind::kUsage, "there is no sound for '" + instrument + "'; name a General MIDI SoundFont");
  return *sound;
}

PlayedPart Accompanist::play(const HeardMusic& music, const std::string& instrument, uint64_t seed, int sample_rate) {
  const PaletteSound& sound = sound_for(instrument, sample_rate);
  const HeardChart heard(music);
  Rng rng = Rng(seed).fork("accompanist").fork(instrument);
  const InstrumentEntry* entry = Lexicon::builtin().find_instrument(instrument);
  const Role role = sound.bank == kDrumBank ? Role::kDrums : parse_role(entry->roles.front());
  Part notes =
      heard.in_music(instrument == kHandPercussion ? make_hand_percussion(rng, heard.chart())
                                                   : make_single_part(rng, heard.chart(), role, sound.program));
  return sounding(std::move(notes), instrument, sound, music, seed, sample_rate);
}

PlayedPart Accompanist::play_notes(std::vector<Note> notes, const std::string& instrument, double duration_s,
                                   int sample_rate) {
  const PaletteSound& sound = sound_for(instrument, sample_rate);
  if (!is_pitched(Lexicon::builtin(), instrument))
    throw Error(ErrorKind::kUsage, "the notes of other instruments cannot be played by '" + instrument + "'");
  Part part = make_transcribed_part(std::move(notes), voices_of(instrument), sound.program);
  return sounding(std::move(part), instrument, sound, {.duration_s = duration_s}, 0, sample_rate);
}

PlayedPart Accompanist::sounding(Part notes, const std::string& instrument, const PaletteSound& sound,
                                 const HeardMusic& music, uint64_t seed, int sample_rate) {
  PlayedPart out;
  out.notes = std::move(notes);
  out.notes.name = instrument;
  out.notes.program = sound.program;
  out.notes.drums = sound.bank == kDrumBank;
  out.sound = sound.preset;
  out.source = sound.source;
  out.licence = sound.licence;
  if (const auto* voice = std::get_if<VoiceSound>(&sound.sound)) {
    out.sound = "a voice (" + voice->voice + ")";
    out.source = "this program";
  }
  Score score;
  score.duration_s = music.duration_s;
  score.beats = music.beats;
  score.parts = {out.notes};
  const int rate = synthesizer_rate(sample_rate);
  if (!band_ || band_->options().sample_rate != rate) {
    StemRendererOptions options;
    options.sample_rate = rate;
    options.on_demand = true;
    band_ = std::make_unique<BandRenderer>(options);
  }
  out.samples = resample(band_->render_part(score, 0, sound.sound, seed), rate, sample_rate);
  out.samples.resize(static_cast<size_t>(std::llround(music.duration_s * sample_rate)), 0.0f);
  return out;
}

bool Accompanist::plays_genre(const std::string& genre) {
  const bool known = feel_of(genre) != nullptr || (mma_available() && !grooves_of(genre).empty());
  return known && plays("drum kit") && plays("bass") && plays("piano");
}

std::vector<PlayedPart> Accompanist::play_band(const HeardMusic& music, const std::string& genre, uint64_t seed,
                                               int sample_rate) {
  check_rate(sample_rate);
  if (!plays_genre(genre))
    throw Error(ErrorKind::kUsage, "there is no band for " + genre + "; install mma and a General MIDI SoundFont");
  const HeardChart heard(music);
  const uint64_t own_seed = Rng(seed).fork("band").next();
  std::optional<GrooveInfo> groove;
  GrooveLibrary library(mma_available() ? grooves_of(genre) : std::vector<GrooveInfo>());
  if (!library.grooves().empty()) groove = groove_for(library, heard.chart(), own_seed, 1);
  const char* feel = feel_of(genre);
  const Score score = groove ? arrange(heard.chart(), library, *groove, own_seed, {.extra_parts = 0})
                             : pattern_song(heard.chart(), feel != nullptr ? feel : "rock", own_seed);
  std::vector<PlayedPart> band;
  for (const Part& part : score.parts) {
    if (part.role == Role::kMelody || part.role == Role::kCounterMelody) continue;
    const InstrumentEntry* entry = Lexicon::builtin().instrument_of_program(part.program, part.drums);
    // Whoever has no sound here is replaced by one who plays such parts too.
    const PaletteSound* sound = entry != nullptr ? sound_of(entry->name) : nullptr;
    const std::string instrument = sound != nullptr           ? entry->name
                                   : part.drums               ? "drum kit"
                                   : part.role == Role::kBass ? "bass"
                                                              : "piano";
    if (sound == nullptr) sound = sound_of(instrument);
    Part notes = heard.in_music(part);
    if (notes.notes.empty()) continue;
    band.push_back(sounding(std::move(notes), instrument, *sound, music, seed, sample_rate));
  }
  if (band.empty()) throw Error(ErrorKind::kInput, "no part of a band would be heard between these beats");
  return band;
}

}  // namespace instructme
