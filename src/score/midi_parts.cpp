#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "instructme/base/error.h"
#include "instructme/base/statistics.h"
#include "instructme/base/strings.h"
#include "instructme/score/midi_file.h"

namespace instructme {
namespace {

constexpr size_t kMaxBeats = 1000000;
constexpr double kStruck_s = 0.05;  // of a note that ends at the tick at which it begins

struct Located {
  const MidiEvent* event;
  size_t track;
  bool after_attack = false;  // a release behind an attack of the same key at the same tick
};

bool is_attack(const MidiEvent& e) { return e.kind == MidiKind::kNoteOn && e.b > 0; }

// All events in order of time; at the same tick releases come before attacks, otherwise file order.
std::vector<Located> merged_events(const MidiFile& file) {
  std::vector<Located> all;
  for (size_t t = 0; t < file.tracks.size(); ++t) {
    std::map<std::pair<int, int>, uint32_t> attacked;  // (channel, pitch) -> tick
    for (const MidiEvent& event : file.tracks[t].events) {
      all.push_back({&event, t});
      if (event.kind != MidiKind::kNoteOn && event.kind != MidiKind::kNoteOff) continue;
      const auto key = std::make_pair(event.channel, event.a);
      if (is_attack(event)) attacked[key] = event.tick;
      const auto last = attacked.find(key);
      all.back().after_attack = !is_attack(event) && last != attacked.end() && last->second == event.tick;
    }
  }
  std::stable_sort(all.begin(), all.end(), [&](const Located& x, const Located& y) {
    if (x.event->tick != y.event->tick) return x.event->tick < y.event->tick;
    return is_attack(*x.event) < is_attack(*y.event);
  });
  return all;
}

uint32_t last_tick(const MidiFile& file) {
  uint32_t last = 0;
  for (const MidiTrack& track : file.tracks) last = std::max(last, track.end_tick);
  return last;
}

Role guess_role(const Part& part) {
  if (part.drums) return Role::kDrums;
  if (part.program >= 32 && part.program < 40) return Role::kBass;
  if (part.notes.empty()) return Role::kChords;
  double pitch = 0, together = 0;
  for (size_t i = 0; i < part.notes.size(); ++i) {
    pitch += part.notes[i].pitch;
    if (i > 0 && part.notes[i].onset_s - part.notes[i - 1].onset_s < 0.02) together += 1;
  }
  const auto count = static_cast<double>(part.notes.size());
  pitch /= count;
  if (together / count > 0.25) return Role::kChords;
  if (pitch < 47) return Role::kBass;
  const double span = part.notes.back().onset_s - part.notes.front().onset_s;
  if (span > 0 && count / span > 5) return Role::kArpeggio;
  return pitch >= 62 ? Role::kMelody : Role::kCounterMelody;
}

// What one channel is doing while the events go by.
struct ChannelState {
  int program = 0;
  std::map<int, ControlChange> controls;  // latest value of each controller
  struct Sounding {
    size_t part = 0, note = 0, track = 0;
    bool on = false, struck = false;
  };
  std::array<Sounding, 128> sounding{};
  std::array<int, 128> struck{};  // releases of notes that begin at this tick, which come first
};

}  // namespace

TempoMap::TempoMap(const MidiFile& file) {
  const double ppq = file.ppq;
  segments_.push_back({0, 0.0, 0.5 / ppq});
  for (const Located& item : merged_events(file)) {
    if (item.event->kind != MidiKind::kTempo) continue;
    const double per_tick = item.event->a * 1e-6 / ppq;
    const uint32_t tick = item.event->tick;
    if (tick == segments_.back().tick)
      segments_.back().seconds_per_tick = per_tick;
    else
      segments_.push_back({tick, seconds(tick), per_tick});
  }
}

double TempoMap::seconds(uint32_t tick) const {
  auto after = std::upper_bound(segments_.begin(), segments_.end(), tick,
                                [](uint32_t t, const Segment& s) { return t < s.tick; });
  const Segment& s = *(after - 1);
  return s.start_s + (tick - s.tick) * s.seconds_per_tick;
}

std::vector<Part> parts_of_midi(const MidiFile& file) {
  const TempoMap tempo(file);
  std::vector<std::string> names(file.tracks.size());
  for (size_t t = 0; t < file.tracks.size(); ++t)
    for (const MidiEvent& e : file.tracks[t].events)
      if (e.kind == MidiKind::kText && e.a == 3 && names[t].empty()) names[t] = trim(e.text);

  std::vector<Part> parts;
  std::map<std::pair<int, int>, size_t> index;  // (channel, program) -> part
  std::array<ChannelState, 16> channels;

  const auto release = [&](ChannelState& state, int pitch, double time) {
    auto& slot = state.sounding[static_cast<size_t>(pitch)];
    if (!slot.on) return;
    Note& note = parts[slot.part].notes[slot.note];
    note.duration_s = std::max(0.0, time - note.onset_s);
    if (slot.struck) note.duration_s = std::min(note.duration_s, kStruck_s);
    slot.on = false;
  };
  const auto let_go = [&](ChannelState& state, const Located& item, double time) {
    const auto pitch = static_cast<size_t>(item.event->a);
    const bool held = state.sounding[pitch].on && !state.sounding[pitch].struck;
    if (item.after_attack && !held)
      ++state.struck[pitch];
    else
      release(state, item.event->a, time);
  };

  for (const Located& item : merged_events(file)) {
    const MidiEvent& e = *item.event;
    const double time = tempo.seconds(e.tick);
    ChannelState& state = channels[static_cast<size_t>(e.channel)];
    const auto key = std::make_pair(e.channel, state.program);
    switch (e.kind) {
      case MidiKind::kProgram: state.program = e.a; break;
      case MidiKind::kController: {
        if (e.a == 0 || e.a == 32 || e.a >= 120) break;
        const ControlChange change{time, e.a, e.b};
        state.controls[e.a] = change;
        if (const auto found = index.find(key); found != index.end()) parts[found->second].controls.push_back(change);
        break;
      }
      case MidiKind::kNoteOff: let_go(state, item, time); break;
      case MidiKind::kNoteOn: {
        if (!is_attack(e)) {
          let_go(state, item, time);
          break;
        }
        release(state, e.a, time);
        const auto [found, fresh] = index.emplace(key, parts.size());
        if (fresh) {
          Part part;
          part.name = names[item.track];
          part.program = state.program;
          part.drums = e.channel == 9;
          for (const auto& [number, change] : state.controls) part.controls.push_back(change);
          std::stable_sort(part.controls.begin(), part.controls.end(),
                           [](const ControlChange& x, const ControlChange& y) { return x.time_s < y.time_s; });
          parts.push_back(std::move(part));
        }
        auto& notes = parts[found->second].notes;
        int& struck = state.struck[static_cast<size_t>(e.a)];
        state.sounding[static_cast<size_t>(e.a)] = {found->second, notes.size(), item.track, true, struck > 0};
        struck = std::max(0, struck - 1);
        notes.push_back({time, -1.0, e.a, e.b});
        break;
      }
      default: break;
    }
  }
  for (ChannelState& state : channels)
    for (int pitch = 0; pitch < 128; ++pitch)
      if (const auto& slot = state.sounding[static_cast<size_t>(pitch)]; slot.on)
        release(state, pitch, tempo.seconds(file.tracks[slot.track].end_tick));
  for (Part& part : parts) part.role = guess_role(part);
  return parts;
}

std::vector<Note> tones_of_midi(const MidiFile& file) {
  std::vector<Note> tones;
  for (const Part& part : parts_of_midi(file))
    if (!part.drums) tones.insert(tones.end(), part.notes.begin(), part.notes.end());
  std::stable_sort(tones.begin(), tones.end(), [](const Note& a, const Note& b) { return a.onset_s < b.onset_s; });
  return tones;
}

std::vector<Beat> beats_of_midi(const MidiFile& file) {
  const TempoMap tempo(file);
  const double last = last_tick(file);
  std::vector<MidiEvent> signatures;
  for (const Located& item : merged_events(file))
    if (item.event->kind == MidiKind::kTimeSignature) signatures.push_back(*item.event);
  std::vector<Beat> beats;
  double tick = 0;
  int bar = 0, position = 0, numerator = 4, denominator = 4;
  size_t next = 0;
  while (tick < last) {
    // A change inside a bar starts a new bar.
    while (next < signatures.size() && signatures[next].tick <= tick + 0.5) {
      numerator = signatures[next].a;
      denominator = signatures[next].b;
      if (position != 0) ++bar;
      position = 0;
      ++next;
    }
    if (beats.size() >= kMaxBeats)
      throw Error(ErrorKind::kInput, "The MIDI file has more than a million beats; check its time division.");
    beats.push_back({tempo.seconds(static_cast<uint32_t>(std::lround(tick))), bar, position});
    double step = file.ppq * 4.0 / denominator;
    if (next < signatures.size()) step = std::min(step, std::max(1.0, signatures[next].tick - tick));
    tick += std::max(step, 1.0);
    if (++position >= numerator) {
      position = 0;
      ++bar;
    }
  }
  return beats;
}

Score score_of_midi(const MidiFile& file) {
  const TempoMap tempo(file);
  Score score;
  score.parts = parts_of_midi(file);
  score.beats = beats_of_midi(file);
  score.duration_s = tempo.seconds(last_tick(file));
  for (const Located& item : merged_events(file)) {
    const MidiEvent& e = *item.event;
    if (e.kind == MidiKind::kTimeSignature && e.tick == 0) score.beats_per_bar = e.a;
    if (e.kind == MidiKind::kKeySignature && e.tick == 0)
      score.key = {(((e.b ? 9 : 0) + 7 * e.a) % 12 + 12) % 12, e.b ? Mode::kMinor : Mode::kMajor};
    if (e.kind == MidiKind::kText && e.a == 3 && score.title.empty()) score.title = trim(e.text);
  }
  if (score.beats.size() > 1) {
    // The median beat is not led astray by a ritardando at the end.
    std::vector<double> gaps;
    for (size_t i = 1; i < score.beats.size(); ++i) gaps.push_back(score.beats[i].time_s - score.beats[i - 1].time_s);
    const double gap = upper_median(gaps);
    if (gap > 0) score.tempo_bpm = 60.0 / gap;
  }
  if (score.duration_s > 0) score.chords.push_back({0, score.duration_s, Chord::no_chord()});
  return score;
}

MidiFile midi_of_score(const Score& score) {
  MidiFile file;
  const double tick_rate = score.tempo_bpm * file.ppq / 60.0;
  const auto tick_of = [&](double seconds) {
    return static_cast<uint32_t>(std::llround(std::clamp(seconds * tick_rate, 0.0, 1e9)));
  };
  const uint32_t end = tick_of(score.duration_s);
  const auto finish = [&](MidiTrack& track) {
    std::stable_sort(track.events.begin(), track.events.end(), [](const MidiEvent& x, const MidiEvent& y) {
      if (x.tick != y.tick) return x.tick < y.tick;
      return (x.kind == MidiKind::kNoteOn) < (y.kind == MidiKind::kNoteOn);
    });
    track.end_tick = track.events.empty() ? end : std::max(end, track.events.back().tick);
  };
  MidiTrack head;
  if (!score.title.empty()) head.events.push_back({0, MidiKind::kText, 0, 3, 0, score.title});
  const int tempo = static_cast<int>(std::lround(std::clamp(60e6 / score.tempo_bpm, 1.0, 16777215.0)));
  head.events.push_back({0, MidiKind::kTempo, 0, tempo, 0, ""});
  head.events.push_back({0, MidiKind::kTimeSignature, 0, std::clamp(score.beats_per_bar, 1, 255), 4, ""});
  const bool minor =
      score.key.mode == Mode::kMinor || score.key.mode == Mode::kDorian || score.key.mode == Mode::kPhrygian;
  int sharps = ((minor ? score.key.tonic + 3 : score.key.tonic) * 7) % 12;
  if (sharps > 6) sharps -= 12;
  head.events.push_back({0, MidiKind::kKeySignature, 0, sharps, minor ? 1 : 0, ""});
  finish(head);
  file.tracks.push_back(std::move(head));

  int next_channel = 0;
  for (const Part& part : score.parts) {
    int channel = 9;
    if (!part.drums) {
      if (next_channel == 9) ++next_channel;
      if (next_channel > 15)
        throw Error(ErrorKind::kInput,
                    format("A MIDI file holds 15 parts besides drums, but this score has more of its %zu; "
                           "remove some parts first.",
                           score.parts.size()));
      channel = next_channel++;
    }
    MidiTrack track;
    if (!part.name.empty()) track.events.push_back({0, MidiKind::kText, 0, 3, 0, part.name});
    track.events.push_back({0, MidiKind::kProgram, channel, part.program, 0, ""});
    for (const ControlChange& c : part.controls)
      track.events.push_back({tick_of(c.time_s), MidiKind::kController, channel, c.controller, c.value, ""});
    for (const Note& n : part.notes) {
      const uint32_t on = tick_of(n.onset_s);
      track.events.push_back({on, MidiKind::kNoteOn, channel, n.pitch, std::clamp(n.velocity, 1, 127), ""});
      const uint32_t off = std::max(on + 1, tick_of(n.onset_s + n.duration_s));
      track.events.push_back({off, MidiKind::kNoteOff, channel, n.pitch, 64, ""});
    }
    finish(track);
    file.tracks.push_back(std::move(track));
  }
  return file;
}

}  // namespace instructme
