#include "instructme/data/song_renderer.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "instructme/audio/loudness.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "instructme/data/mix_gain.h"
#include "instructme/effects/draw.h"

namespace instructme {
namespace {

constexpr const char* kPercussion = "percussion";
constexpr const char* kVocals = "vocals";
constexpr const char* kElectricGuitar = "electric guitar";
constexpr const char* kDistortedGuitar = "distorted guitar";
// Stems whose loudest sample is below this were not really played (raw stems peak at 0.05 to 0.5).
constexpr float kInaudible = 1e-4f;
constexpr double kEffectRms = 0.1;  // of a stem as effects want it, and of a mix on its way into the bus
constexpr double kSingerInFront_db = 2;
constexpr int kReplacementDraws = 200;  // for a sound whose plugin fails

StemRendererOptions synth_options(const RenderOptions& options) {
  if (options.versions < 1 || options.versions > 16)
    throw Error(ErrorKind::kUsage, format("A song needs 1 to 16 versions, not %d.", options.versions));
  if (options.effects < 0 || options.effects > 2 || options.bus_probability < 0 || options.bus_probability > 1 ||
      options.plugin_effect_probability < 0 || options.plugin_effect_probability > 1 || options.sung_probability < 0 ||
      options.sung_probability > 1)
    throw Error(ErrorKind::kUsage,
                "The intensity of effects is 0 to 2 and the probabilities of a bus, of an LV2 effect and of a singer "
                "are 0 to 1.");
  if (options.level_spread_db < 0 || options.mix_level_db > 0)
    throw Error(ErrorKind::kUsage, "The level of a mix is at most 0 dBFS and its spread at least 0 dB.");
  StemRendererOptions synth;
  synth.sample_rate = options.sample_rate;
  synth.tail_s = options.tail_s;
  return synth;
}

// Tambourine, cowbell, vibraslap, and bongos to triangle on the General MIDI percussion map.
bool is_hand_percussion(int key) { return key == 54 || key == 56 || key == 58 || (key >= 60 && key <= 81); }

bool is_percussion(const Part& part) { return part.drums && part.name == kPercussion; }

// Usual level in a mix relative to the drums, dB.
double usual_level_db(const Part& part) {
  if (is_percussion(part)) return -8;
  switch (part.role) {
    case Role::kDrums: return 0;
    case Role::kBass: return -1;
    case Role::kMelody: return -1.5;
    case Role::kChords: return -5;
    case Role::kArpeggio: return -6.5;
    case Role::kCounterMelody: return -5;
  }
  return -5;
}

void split_percussion(Score& score) {
  std::vector<Part> added;
  for (Part& part : score.parts) {
    if (!part.drums) continue;
    Part hand = part;
    hand.name = kPercussion;
    std::erase_if(hand.notes, [](const Note& n) { return !is_hand_percussion(n.pitch); });
    std::erase_if(part.notes, [](const Note& n) { return is_hand_percussion(n.pitch); });
    if (!hand.notes.empty()) added.push_back(std::move(hand));
  }
  for (Part& part : added) score.parts.push_back(std::move(part));
  std::erase_if(score.parts, [](const Part& part) { return part.notes.empty(); });
}

// A guitarist's hand crosses the strings: notes of a chord follow each other, downwards and upwards in turn.
void strum(Part& part, Rng& rng) {
  const double step_s = rng.uniform(0.006, 0.02);
  auto& notes = part.notes;
  for (size_t first = 0, chord = 0; first < notes.size();) {
    size_t last = first + 1;
    while (last < notes.size() && notes[last].onset_s - notes[first].onset_s < 0.004) ++last;
    if (last - first >= 3) {
      const bool down = chord++ % 2 == 0;
      std::vector<size_t> order;
      for (size_t i = first; i < last; ++i) order.push_back(i);
      std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
        return down ? notes[a].pitch < notes[b].pitch : notes[a].pitch > notes[b].pitch;
      });
      const double step = step_s * rng.uniform(0.7, 1.3);
      for (size_t i = 0; i < order.size(); ++i) {
        Note& note = notes[order[i]];
        const double shift = std::min(step * static_cast<double>(i), 0.5 * note.duration_s);
        note.onset_s += shift;
        note.duration_s -= shift;
      }
    }
    first = last;
  }
  std::stable_sort(notes.begin(), notes.end(), [](const Note& a, const Note& b) { return a.onset_s < b.onset_s; });
}

void fade_end(std::vector<float>& stem, size_t frames) {
  frames = std::min(frames, stem.size());
  for (size_t i = 0; i < frames; ++i)
    stem[stem.size() - 1 - i] *= static_cast<float>(i) / static_cast<float>(std::max<size_t>(1, frames));
}

// Who a stem is for the habits of mixing. Distortion of whole chords, as an amplifier makes it, differs from that of
// the single notes in a font, so a clean sound may stand for a distorted guitar.
std::string effect_family(const InstrumentEntry* entry, bool through_amplifier) {
  if (entry == nullptr) return "other";
  if (entry->name == kDistortedGuitar) return through_amplifier ? kDistortedGuitar : "guitar";
  if (entry->name == kElectricGuitar) return kElectricGuitar;
  const auto& known = effect_families();
  return std::find(known.begin(), known.end(), entry->family) == known.end() ? "other" : entry->family;
}

// Sends the stems of a version through a bus; they still sum to its mix. Returns what was done.
std::string through_bus(std::vector<std::vector<float>>& stems, const BusSettings& bus, int sample_rate) {
  std::vector<AudioBuffer> buffers;
  for (auto& stem : stems) buffers.push_back(from_mono(std::move(stem), sample_rate));
  BusResult result = process_bus(std::move(buffers), bus);
  for (size_t i = 0; i < stems.size(); ++i) stems[i] = std::move(result.stems[i].samples);
  return describe(bus);
}

// Stems that cancel each other out stay as they are.
void bring_to_level(std::vector<std::vector<float>>& stems, double level_db, int sample_rate) {
  const double gain = mix_gain(stems, level_db, sample_rate);
  if (!(gain > 0)) return;
  for (auto& stem : stems)
    for (float& x : stem) x = static_cast<float>(x * gain);
}

}  // namespace

nlohmann::json to_json(const RenderOptions& options) {
  nlohmann::json out = {{"sample_rate", options.sample_rate},
                        {"versions", options.versions},
                        {"keep_probability", options.keep_probability},
                        {"change_probability", options.change_probability},
                        {"rhythm_change_probability", options.rhythm_change_probability},
                        {"mix_level_db", options.mix_level_db},
                        {"sung_probability", options.sung_probability},
                        {"level_spread_db", options.level_spread_db},
                        {"effects", options.effects},
                        {"bus_probability", options.bus_probability},
                        {"tail_s", options.tail_s}};
  // Only where it is not the usual one: sets that were begun without a word of it go on.
  if (options.plugin_effect_probability != RenderOptions().plugin_effect_probability)
    out["plugin_effect_probability"] = options.plugin_effect_probability;
  return out;
}

SongRenderer::SongRenderer(const RenderOptions& options, Composer composer, std::shared_ptr<const Palette> palette,
                           const Lexicon& lexicon)
    : options_(options),
      composer_(std::move(composer)),
      palette_(std::move(palette)),
      lexicon_(lexicon),
      renderer_(synth_options(options), options.plugin_host),
      plugin_effect_(options.plugin_host) {}

SongRenderer::Casting SongRenderer::cast(const Part& part, const Casting* before, std::set<std::string>& used,
                                         Rng& rng) const {
  Casting casting;
  if (is_percussion(part)) {
    casting.instrument = kPercussion;
    casting.sound = palette_->draw_percussion(rng);
    ensure(casting.sound != nullptr, "percussion was split off without a sound for it");
    return casting;
  }
  const std::vector<std::string> able = palette_->instruments_of(part.role);
  const auto can_play = [&](const std::string& name) {
    return std::find(able.begin(), able.end(), name) != able.end();
  };
  const InstrumentEntry* written = lexicon_.instrument_of_program(part.program, part.drums);
  const bool rhythm = part.role == Role::kDrums || part.role == Role::kBass;
  const double change = rhythm ? options_.rhythm_change_probability : options_.change_probability;
  if (before == nullptr && part.role == Role::kMelody && can_play(kVocals) && !used.contains(kVocals) &&
      rng.chance(options_.sung_probability)) {
    casting.instrument = kVocals;
  } else if (before != nullptr && !rng.chance(change) && can_play(before->instrument)) {
    casting.instrument = before->instrument;
  } else if (before == nullptr && written != nullptr && can_play(written->name) && !used.contains(written->name) &&
             rng.chance(options_.keep_probability)) {
    casting.instrument = written->name;
  } else {
    std::set<std::string> avoid = used;
    if (before != nullptr) avoid.insert(before->instrument);
    casting.instrument = palette_->draw_instrument(part.role, avoid, rng);
  }
  used.insert(casting.instrument);
  casting.through_amplifier =
      casting.instrument == kDistortedGuitar && palette_->has(kElectricGuitar) && rng.chance(0.6);
  casting.sound = &palette_->draw_sound(casting.through_amplifier ? kElectricGuitar : casting.instrument, rng);
  return casting;
}

// Plays the score; a sound whose plugin fails is replaced by another one of its instrument, in this part and all later
// ones that share it.
std::vector<std::vector<float>> SongRenderer::play(const Score& score, std::vector<const PaletteSound*>& sounds,
                                                   const Rng& rng) {
  std::vector<PartSound> chosen;
  for (const PaletteSound* sound : sounds) chosen.push_back(sound->sound);
  const uint64_t strokes = rng.fork("strokes").next();
  BandStems band = renderer_.render(score, chosen, strokes);
  for (size_t p = 0; p < sounds.size(); ++p) {
    if (band.failures[p].empty()) continue;
    plugin_failures_.insert(band.failures[p]);
    const PaletteSound* failed = sounds[p];
    Rng again = rng.fork("instead").fork(p);
    std::set<std::string> tried{failed->source};
    for (int i = 0; i < kReplacementDraws && !band.failures[p].empty(); ++i) {
      const PaletteSound& other = palette_->draw_sound(failed->instrument, again);
      if (!tried.insert(other.source).second) continue;
      try {
        std::map<size_t, std::vector<float>> played;  // all of these parts or none: a stem names what plays it
        for (size_t q = p; q < sounds.size(); ++q)
          if (sounds[q] == failed) played[q] = renderer_.render_part(score, q, other.sound, strokes);
        for (auto& [q, stem] : played) {
          band.stems[q] = std::move(stem);
          band.failures[q].clear();
          sounds[q] = &other;
        }
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::kInput) throw;
        plugin_failures_.insert(error.what());
        band.failures[p] = error.what();
      }
    }
  }
  return std::move(band.stems);
}

// Before the effects of our own, as pedals and amplifiers come before the desk. One that fails is left out.
void SongRenderer::apply_plugin_effect(const std::string& family, Rng rng, double rms, AudioBuffer& stem,
                                       StemInfo& info) {
  if (!rng.chance(options_.plugin_effect_probability * options_.effects)) return;
  const PaletteEffect* effect = palette_->draw_effect(family, rng);
  if (effect == nullptr) return;
  for (float& x : stem.samples) x = static_cast<float>(x * kEffectRms / rms);
  try {
    plugin_effect_.apply(effect->draw(rng), stem);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kInput) throw;
    plugin_failures_.insert(error.what());
    return;
  }
  info.effects = effect->source->kind + "(" + effect->source->name + ")";
  info.effect_source = effect->source->name;
  info.effect_licence = effect->source->licence;
}

void SongRenderer::render_version(const Score& score, const std::vector<Casting>& casting, Rng& rng,
                                  VersionInfo& version, std::vector<std::vector<float>>& stems) {
  Score played = score;
  std::vector<const PaletteSound*> sounds;
  for (size_t p = 0; p < played.parts.size(); ++p) {
    sounds.push_back(casting[p].sound);
    const InstrumentEntry* entry = lexicon_.find_instrument(casting[p].instrument);
    if (entry != nullptr && entry->family == "guitar") {
      Rng strum_rng = rng.fork("strum").fork(p);
      strum(played.parts[p], strum_rng);
    }
  }
  std::vector<std::vector<float>> raw = play(played, sounds, rng);
  for (size_t p = 0; p < raw.size(); ++p) {
    std::vector<float>& stem = raw[p];
    const float peak = std::abs(
        *std::max_element(stem.begin(), stem.end(), [](float a, float b) { return std::abs(a) < std::abs(b); }));
    if (peak < kInaudible) continue;  // none of its notes lies in the range of the sound
    const Part& part = played.parts[p];
    const PaletteSound& sound = *sounds[p];
    StemInfo info{.file = "",
                  .part = static_cast<int>(p),
                  .instrument = casting[p].instrument,
                  .role = part.role,
                  .program = sound.program,
                  .bank = sound.bank,
                  .source = sound.source,
                  .preset = sound.preset,
                  .licence = sound.licence,
                  .effects = "",
                  .level_db = 0,
                  .block_levels_db = {}};
    Rng stem_rng = rng.fork("stem").fork(p);
    double rms = active_rms(stem, options_.sample_rate);
    if (options_.effects > 0) {
      const InstrumentEntry* entry = lexicon_.find_instrument(casting[p].instrument);
      const std::string family = effect_family(entry, casting[p].through_amplifier);
      const EffectChain chain = draw_chain(stem_rng, family, options_.effects);
      AudioBuffer buffer = from_mono(std::move(stem), options_.sample_rate);
      apply_plugin_effect(family, rng.fork("plugin effect").fork(p), rms, buffer, info);
      apply_chain_at_level(chain, buffer, kEffectRms);
      stem = std::move(buffer.samples);
      const std::string done = describe(chain);
      info.effects += (info.effects.empty() || done.empty() ? "" : " ") + done;
      rms = kEffectRms;
    }
    const double level_db = usual_level_db(part) + (info.instrument == kVocals ? kSingerInFront_db : 0) +
                            stem_rng.uniform(-1, 1) * options_.level_spread_db;
    const double gain = std::pow(10.0, level_db / 20) / rms;
    for (float& x : stem) x = static_cast<float>(x * gain);
    version.stems.push_back(std::move(info));
    stems.push_back(std::move(stem));
  }
  if (stems.empty())
    throw Error(ErrorKind::kInput, "No part of '" + score.title + "' (" + score.groove + ") sounds; use another seed.");
  Rng bus_rng = rng.fork("bus");
  if (bus_rng.chance(options_.bus_probability)) {
    bring_to_level(stems, 20 * std::log10(kEffectRms), options_.sample_rate);
    version.bus = through_bus(stems, draw_bus(bus_rng, options_.effects), options_.sample_rate);
  }
  // Last, as rooms and buses ring on.
  for (auto& stem : stems) fade_end(stem, static_cast<size_t>(0.25 * options_.tail_s * options_.sample_rate));
  bring_to_level(stems, options_.mix_level_db, options_.sample_rate);
}

RenderedSong SongRenderer::render(uint64_t seed) {
  const Rng rng = Rng(seed).fork("song renderer");
  ComposedSong song = composer_(seed);
  ensure(!song.arrangements.empty(), "a composer made a song without an arrangement");
  const bool has_percussion = [&] {
    Rng probe = rng.fork("percussion");
    return palette_->draw_percussion(probe) != nullptr;
  }();
  double duration_s = 0;
  for (const Score& score : song.arrangements) duration_s = std::max(duration_s, score.duration_s);
  RenderedSong result;
  SongInfo& info = result.info;
  const Score& chart = song.arrangements.front();
  info.seed = seed;
  info.title = chart.title;
  info.source = song.source;
  info.tempo_bpm = chart.tempo_bpm;
  info.beats_per_bar = chart.beats_per_bar;
  info.key = chart.key;
  info.sample_rate = options_.sample_rate;
  info.beats = chart.beats;
  info.chords = chart.chords;
  for (size_t a = 0; a < song.arrangements.size(); ++a) {
    Score& score = song.arrangements[a];
    score.duration_s = duration_s;
    info.frames = renderer_.frames_of(score);
    if (has_percussion) split_percussion(score);
    std::erase_if(score.parts, [](const Part& part) { return part.notes.empty(); });
    info.arrangements.push_back({score.genre, score.groove, {}});
    result.audio.emplace_back();
    std::vector<Casting> before;
    for (int v = 0; v < (a == 0 ? options_.versions : 1); ++v) {
      Rng version_rng = rng.fork("arrangement").fork(a).fork(static_cast<uint64_t>(v));
      std::set<std::string> used;
      std::vector<Casting> casting;
      std::optional<size_t> bass;
      for (size_t p = 0; p < score.parts.size(); ++p) {
        if (score.parts[p].role == Role::kBass && bass) {
          casting.push_back(casting[*bass]);  // a band has one bassist, however many tracks a groove has
          continue;
        }
        casting.push_back(cast(score.parts[p], before.empty() ? nullptr : &before[p], used, version_rng));
        if (score.parts[p].role == Role::kBass) bass = p;
      }
      info.arrangements[a].versions.emplace_back();
      result.audio[a].emplace_back();
      render_version(score, casting, version_rng, info.arrangements[a].versions.back(), result.audio[a].back());
      before = std::move(casting);
    }
  }
  return result;
}

}  // namespace instructme
