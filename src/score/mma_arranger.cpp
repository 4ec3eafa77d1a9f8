#include "instructme/score/mma_arranger.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/process.h"
#include "instructme/base/strings.h"
#include "instructme/score/accompaniment.h"
#include "instructme/score/guitar.h"
#include "instructme/score/melody.h"
#include "instructme/score/midi_file.h"
#include "instruments.h"
#include "mma_program.h"

namespace instructme {
namespace {

std::string key_signature(const Key& key) {
  constexpr std::array<int, 6> kShift = {0, 3, 10, 8, 7, 5};
  int sharps = ((key.tonic + kShift[static_cast<size_t>(key.mode)]) * 7) % 12;
  if (sharps > 6) sharps -= 12;
  return format("%d%c", std::abs(sharps), sharps < 0 ? 'b' : '#');
}

// Every chord with its beat: where plain lists would put them depends on tabs that some grooves set.
std::string bar_line(const Chart& chart, size_t bar) {
  std::vector<std::string> chords;
  for (const ChartChord& chord : chart.bars[bar])
    chords.push_back(chord.beat == 0 ? chord.spelling : format("%s@%d", chord.spelling.c_str(), chord.beat + 1));
  return format("%zu ", bar + 1) + join(chords, " ") + "\n";
}

// Some styles use bass tracks for figures of other instruments in the middle register.
bool is_high(const Part& part) {
  double sum = 0;
  for (const Note& note : part.notes) sum += note.pitch;
  return sum > 52.0 * static_cast<double>(part.notes.size());
}

Role role_of_track(const std::string& name) {
  const std::string kind = lower(name.substr(0, name.find('-')));
  if (kind == "bass" || kind == "walk") return Role::kBass;
  if (kind == "arpeggio") return Role::kArpeggio;
  if (kind == "melody" || kind == "solo" || kind == "aria") return Role::kMelody;
  if (kind == "scale") return Role::kCounterMelody;
  return Role::kChords;  // Chord, Plectrum
}

MidiFile play(const Chart& chart, const std::string& song, std::string& output) {
  const TempDir folder;
  const auto source = folder.path() / "song.mma", target = folder.path() / "song.mid";
  write_file_atomically(source, song);
  const ProcessResult result = run_process({kMmaProgram, "-xNOCREDIT", source.string(), "-f", target.string()});
  output = result.output;
  if (result.exit_code != 0 || !std::filesystem::exists(target)) return {};
  MidiFile file = load_midi(target.string());
  // The chart is the master of time.
  for (MidiTrack& track : file.tracks)
    std::erase_if(track.events, [](const MidiEvent& e) { return e.kind == MidiKind::kTempo; });
  const int tempo = static_cast<int>(std::lround(60e6 / chart.tempo_bpm));
  file.tracks.front().events.insert(file.tracks.front().events.begin(), {0, MidiKind::kTempo, 0, tempo, 0, ""});
  return file;
}

// Which sections a part plays in: all, or now and then only some, the same for sections of one name.
std::vector<bool> pick_active_bars(Rng& rng, const Chart& chart) {
  if (!rng.chance(0.35) || chart.sections.size() < 3) return {};
  std::map<std::string, bool> plays;
  bool any = false;
  for (const ChartSection& section : chart.sections)
    if (plays.emplace(section.name, rng.chance(0.65)).second) any |= plays[section.name];
  if (!any) return {};
  std::vector<bool> active(chart.bars.size());
  for (const ChartSection& section : chart.sections)
    for (int bar = 0; bar < section.bars; ++bar)
      active[static_cast<size_t>(section.first_bar + bar)] = plays[section.name];
  return active;
}

bool one_of(const std::string& genre, std::initializer_list<const char*> genres) {
  return std::any_of(genres.begin(), genres.end(), [&](const char* g) { return genre == g; });
}

// Moves all notes by octaves so that they lie in the instrument's range as far as possible.
void fit_range(Part& part) {
  if (part.notes.empty()) return;
  const PitchRange range = instrument_range(part.program);
  auto [low, high] = std::minmax_element(part.notes.begin(), part.notes.end(),
                                         [](const Note& a, const Note& b) { return a.pitch < b.pitch; });
  int shift = 0;
  while (high->pitch + shift > range.high && low->pitch + shift - 12 >= range.low - 5) shift -= 12;
  while (low->pitch + shift < range.low && high->pitch + shift + 12 <= range.high + 5) shift += 12;
  for (Note& note : part.notes) note.pitch = std::clamp(note.pitch + shift, 0, 127);
}

class Band {
 public:
  Band(Score& score, const Chart& chart, const GrooveInfo& groove, const ArrangeOptions& options, const Rng& root)
      : score_(score), chart_(chart), groove_(groove), options_(options), root_(root) {}

  void add_all() {
    const std::string& genre = groove_.genre;
    const Rng tune = options_.melody_seed ? Rng(*options_.melody_seed) : root_;
    Rng dice = root_.fork("which parts");
    const auto chance = [&](double probability) {
      return dice.chance(std::min(0.95, probability * options_.extra_parts));
    };
    const bool strums =
        one_of(genre, {"rock", "folk", "country", "pop", "ballad", "latin", "reggae", "gospel", "world"});
    // Drawn in a fixed order, so that one decision does not move the others.
    const bool melody = dice.chance(0.75), counter = chance(0.3), riff = chance(0.12), arpeggio = chance(0.15),
               strum = chance(strums ? 0.42 : 0.14), picking = chance(strums ? 0.18 : 0.08),
               power = chance(one_of(genre, {"rock", "metal"}) ? 0.5 : 0.03), pad = chance(0.24),
               comping = chance(0.17);
    if (!has_role(Role::kBass)) add_bass();
    const bool given = std::any_of(options_.given.begin(), options_.given.end(),
                                   [](const Part& part) { return part.role == Role::kMelody; });
    add_given();
    if (melody && !given) add_melody(tune, counter);
    if (riff) add_riff(tune);
    if (arpeggio) add(make_arpeggio, "arpeggio", pick(Role::kArpeggio, "arpeggio"), 52, 84, 74);
    if (strum) add(make_strum, "strum", guitar_program("strum"), 40, 76, 78);
    if (picking) add(make_picking, "picking", guitar_program("picking"), 40, 76, 80);
    if (power) add(make_power_chords, "power chords", fork("power").chance(0.5) ? 29 : 30, 40, 70, 82);
    if (pad) add_pad();
    if (comping) add(make_comping, "comping", keys_program(), 43, 79, 76);
    // Patterns of drums alone need a band.
    if (!has_role(Role::kChords) && !has_role(Role::kArpeggio)) {
      if (fork("chords").chance(strums ? 0.6 : 0.25))
        add(make_strum, "strum", guitar_program("strum"), 40, 76, 78);
      else
        add(make_comping, "comping", keys_program(), 43, 79, 76);
    }
    if (score_.parts.size() < 3 && !melody && !given) add_melody(tune, false);
    if (score_.parts.size() < 3) add_pad();
  }

 private:
  using Maker = Part (*)(Rng&, const Chart&, const PartOptions&);

  Rng fork(const std::string& name) const { return root_.fork(name); }
  bool has_role(Role role) const {
    return std::any_of(score_.parts.begin(), score_.parts.end(), [&](const Part& p) { return p.role == role; });
  }
  int pick(Role role, const std::string& stream) const {
    Rng rng = fork(stream + " voice");
    return pick_program(rng, role, groove_.genre);
  }
  int guitar_program(const std::string& stream) const {
    Rng rng = fork(stream + " voice");
    return rng.pick(std::vector<int>{24, 25, 25, 25, 26, 27});
  }
  int keys_program() const {
    Rng rng = fork("comping voice");
    return rng.pick(std::vector<int>{0, 0, 0, 1, 2, 3, 4, 4, 5, 6, 7, 16, 17, 18});
  }
  PartOptions part_options(Rng& rng, const std::string& name, int program, int low, int high, int velocity) const {
    PartOptions o;
    o.name = name;
    o.program = program;
    o.low = low;
    o.high = high;
    o.velocity = velocity + static_cast<int>(rng.integer(-6, 6));
    o.swing = groove_.swing > 0.35 ? std::min(1.0, groove_.swing) : 0.0;
    o.density = rng.uniform(0.15, 0.9);
    o.jitter_s = rng.uniform(0.002, 0.009);
    o.active_bars = pick_active_bars(rng, chart_);
    return o;
  }
  void keep(Part part) {
    if (!part.notes.empty()) score_.parts.push_back(std::move(part));
  }
  void add(Maker maker, const std::string& name, int program, int low, int high, int velocity) {
    Rng rng = fork(name);
    const PartOptions o = part_options(rng, program_name(program) + " (" + name + ")", program, low, high, velocity);
    keep(maker(rng, chart_, o));
  }
  void add_pad() {
    Rng rng = fork("pad");
    const int program = pick_pad_program(rng, groove_.genre);
    const PartOptions o = part_options(rng, program_name(program) + " (pad)", program, 50, 79, 60);
    keep(make_pad(rng, chart_, o));
  }
  void add_bass() {
    Rng rng = fork("bass");
    const std::string& genre = groove_.genre;
    PartOptions o = part_options(rng, "Bass", pick(Role::kBass, "bass"), 28, 48, 96);
    o.active_bars.clear();
    BassStyle style = static_cast<BassStyle>(rng.weighted(std::array<double, 6>{15, 25, 25, 8, 15, 12}));
    if (genre == "jazz" || genre == "blues") style = BassStyle::kWalking;
    if (genre == "latin") style = BassStyle::kBossa;
    if (one_of(genre, {"funk", "soul", "disco", "r&b", "fusion", "hip-hop"}) && rng.chance(0.7))
      style = BassStyle::kFunk;
    if (one_of(genre, {"rock", "metal"}) && rng.chance(0.75)) style = BassStyle::kEighths;
    keep(make_bass(rng, chart_, style, o));
  }
  void add_given() {
    for (size_t i = 0; i < options_.given.size(); ++i) {
      Part part = options_.given[i];
      Rng rng = root_.fork("given").fork(i);
      const double chance = part.role == Role::kMelody ? 0.92 : part.role == Role::kChords ? 0.35 : 0.65;
      if (!rng.chance(std::min(1.0, chance * (part.role == Role::kMelody ? 1.0 : options_.extra_parts)))) continue;
      const bool chords = part.role == Role::kChords;
      const int program = chords ? rng.pick(std::vector<int>{0, 0, 0, 0, 1, 2, 3, 4, 4, 5})
                                 : pick_program(rng, part.role, groove_.genre);
      part.program = program;
      part.name = program_name(program) + " (" + (part.name.empty() ? "given" : lower(part.name)) + ")";
      // The players of a swung groove swing the tune as well.
      if (groove_.swing > 0.35)
        for (Note& note : part.notes) {
          const double end = swung(note.onset_s + note.duration_s);
          note.onset_s = swung(note.onset_s);
          note.duration_s = std::max(0.02, std::min(end, chart_.duration_s()) - note.onset_s);
        }
      if (!chords) fit_range(part);
      keep(std::move(part));
    }
  }
  double swung(double time_s) const {
    if (chart_.beats_per_bar == 6) return time_s;
    const double beat = time_s / chart_.beat_seconds(), whole = std::floor(beat), inside = beat - whole;
    const double off = 0.5 + std::min(1.0, groove_.swing) / 6.0;
    return (whole + (inside <= 0.5 ? inside * off / 0.5 : off + (inside - 0.5) * (1 - off) / 0.5)) *
           chart_.beat_seconds();
  }
  // The tune lies in a middle range whatever plays it; the instrument only decides the octave.
  void add_melody(const Rng& tune, bool counter) {
    Rng rng = tune.fork("melody");
    const int low = static_cast<int>(rng.integer(57, 63));
    PartOptions o = part_options(rng, "", 0, low, low + static_cast<int>(rng.integer(15, 21)), 92);
    o.program = pick(Role::kMelody, "melody");
    o.name = program_name(o.program) + " (melody)";
    Part lead = make_melody(rng, chart_, o);
    if (counter) {
      Rng second = tune.fork("counter-melody");
      PartOptions c = part_options(second, "", 0, low - 7, low + 12, 78);
      c.program = pick(Role::kCounterMelody, "counter-melody");
      c.name = program_name(c.program) + " (counter-melody)";
      Part line = make_counter_melody(second, chart_, lead, c);
      fit_range(line);
      keep(std::move(line));
    }
    fit_range(lead);
    keep(std::move(lead));
  }
  void add_riff(const Rng& tune) {
    Rng rng = tune.fork("riff");
    PartOptions o = part_options(rng, "", 0, 48, 72, 84);
    o.program = pick(Role::kMelody, "riff");
    o.name = program_name(o.program) + " (riff)";
    Part riff = make_riff(rng, chart_, o);
    fit_range(riff);
    keep(std::move(riff));
  }

  Score& score_;
  const Chart& chart_;
  const GrooveInfo& groove_;
  const ArrangeOptions& options_;
  const Rng root_;
};

void check_chart(const Chart& chart, const GrooveInfo& groove) {
  if (chart.bars.empty()) throw Error(ErrorKind::kUsage, "A chart without bars cannot be arranged; give it some.");
  if (chart.beats_per_bar != groove.beats_per_bar)
    throw Error(ErrorKind::kUsage,
                format("The chart has %d beats a bar but the groove '%s' has %d; choose a groove in the chart's metre.",
                       chart.beats_per_bar, groove.mma_name().c_str(), groove.beats_per_bar));
}

}  // namespace

std::string mma_version() {
  if (!mma_available()) return "none";
  // Warnings may come before it.
  for (const std::string& line : split(run_process({kMmaProgram, "-v"}).output, '\n'))
    if (!line.empty() && std::isdigit(static_cast<unsigned char>(line.front())) != 0) return trim(line);
  return "unknown";
}

bool mma_available() { return program_exists(kMmaProgram); }

void require_mma() {
  if (!mma_available())
    throw Error(ErrorKind::kMissing,
                "MMA, which plays the accompaniments, is not installed; install it with 'apt install mma'.");
}

std::string mma_song(const Chart& chart, const GrooveLibrary& library, const GrooveInfo& groove, uint64_t seed,
                     bool vary_grooves) {
  check_chart(chart, groove);
  std::vector<const GrooveInfo*> variants, fills;
  for (const GrooveInfo& other : library.grooves())
    if (other.file == groove.file && other.beats_per_bar == groove.beats_per_bar) variants.push_back(&other);
  for (const GrooveInfo& other : library.fills())
    if (other.file == groove.file && other.beats_per_bar == groove.beats_per_bar) fills.push_back(&other);
  Rng rng = Rng(seed).fork("groove plan");
  std::map<std::string, std::string> groove_of_section;
  std::string text = format("RndSeed %llu\nTempo %.6g\nKeySig %s\n", static_cast<unsigned long long>(seed % 2147483647),
                            chart.tempo_bpm, key_signature(chart.key).c_str());
  std::string current;
  for (const ChartSection& section : chart.sections) {
    std::string& wanted = groove_of_section[section.name];
    if (wanted.empty()) {
      const bool change = vary_grooves && groove_of_section.size() > 1 && variants.size() > 1 && rng.chance(0.6);
      wanted = change ? rng.pick(variants)->mma_name() : groove.mma_name();
    }
    const bool fill = vary_grooves && !fills.empty() && section.bars > 1 && rng.chance(0.6);
    for (int bar = 0; bar < section.bars; ++bar) {
      const std::string& here = fill && bar == section.bars - 1 ? rng.pick(fills)->mma_name() : wanted;
      if (here != current) text += "Groove " + here + "\n";
      current = here;
      text += bar_line(chart, static_cast<size_t>(section.first_bar + bar));
    }
  }
  return text;
}

Score arrange(const Chart& chart, const GrooveLibrary& library, const GrooveInfo& groove, uint64_t seed,
              const ArrangeOptions& options) {
  check_chart(chart, groove);
  require_mma();
  const Rng root(seed);
  std::string output;
  MidiFile file = play(chart, mma_song(chart, library, groove, seed, options.vary_grooves), output);
  // Too many different grooves can use up the 16 channels; the groove alone does not.
  if (file.tracks.empty() && options.vary_grooves)
    file = play(chart, mma_song(chart, library, groove, seed, false), output);
  if (file.tracks.empty())
    throw Error(ErrorKind::kInput, format("MMA could not play the groove '%s': %s", groove.mma_name().c_str(),
                                          trim(output.substr(0, 400)).c_str()));
  Score score;
  score.title = format("%s in %s, no. %llu", groove.name.c_str(), key_label(chart.key).c_str(),
                       static_cast<unsigned long long>(seed));
  score.seed = seed;
  score.genre = groove.genre;
  score.groove = groove.mma_name();
  score.tempo_bpm = chart.tempo_bpm;
  score.beats_per_bar = chart.beats_per_bar;
  score.key = chart.key;
  score.duration_s = chart.duration_s();
  score.chords = chord_spans(chart);
  score.beats = chart_beats(chart);

  Rng voices = root.fork("voices");
  const int kit = pick_kit(voices, groove.genre);
  for (Part& part : parts_of_midi(file)) {
    std::erase_if(part.notes, [&](const Note& n) { return n.onset_s >= score.duration_s - 0.02; });
    for (Note& note : part.notes) note.duration_s = std::clamp(note.duration_s, 0.01, score.duration_s - note.onset_s);
    std::erase_if(part.controls, [&](const ControlChange& c) { return c.time_s > score.duration_s; });
    // Every part draws, even one that is dropped, so that the others do not depend on it.
    Rng voice = voices.fork(part.name);
    if (part.notes.empty()) continue;
    if (part.drums) {
      part.role = Role::kDrums;
      if (part.program == 0) part.program = kit;
    } else {
      part.role = role_of_track(part.name);
      if (part.role == Role::kBass && is_high(part)) part.role = Role::kArpeggio;
      if (voice.chance(options.revoice)) part.program = pick_program(voice, part.role, groove.genre);
    }
    score.parts.push_back(std::move(part));
  }
  if (options.generated_parts) Band(score, chart, groove, options, root).add_all();
  return score;
}

}  // namespace instructme
