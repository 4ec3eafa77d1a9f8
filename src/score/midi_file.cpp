#include "instructme/score/midi_file.h"

#include <algorithm>

#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"

namespace instructme {
namespace {

constexpr size_t kMaxBytes = size_t{64} << 20;
constexpr uint32_t kMaxTick = uint32_t{1} << 30;
constexpr uint32_t kMaxVariable = 0x0FFFFFFF;

// A cursor over [at, end) of the file that refuses to leave it.
class Cursor {
 public:
  Cursor(std::span<const uint8_t> bytes, size_t at, size_t end, const std::string& name)
      : bytes_(bytes), at_(at), end_(end), name_(name) {}

  size_t at() const { return at_; }
  bool done() const { return at_ >= end_; }

  [[noreturn]] void fail(size_t offset, const std::string& what) const {
    throw Error(ErrorKind::kInput, format("%s cannot be read as MIDI: %s at byte %zu; export the file again.",
                                          name_.c_str(), what.c_str(), offset));
  }
  uint8_t peek() const {
    if (done()) fail(at_, "the data ends too early");
    return bytes_[at_];
  }
  uint8_t byte() {
    const uint8_t value = peek();
    ++at_;
    return value;
  }
  // A byte of an event's data: the top bit must be clear.
  int data() {
    const uint8_t value = byte();
    if (value & 0x80) fail(at_ - 1, format("a data byte was expected, 0x%02X found", value));
    return value;
  }
  uint32_t big_endian(int count) {
    uint32_t value = 0;
    for (int i = 0; i < count; ++i) value = value << 8 | byte();
    return value;
  }
  uint32_t variable() {
    const size_t start = at_;
    uint32_t value = 0;
    for (int i = 0; i < 4; ++i) {
      const uint8_t part = byte();
      value = value << 7 | (part & 0x7F);
      if (!(part & 0x80)) return value;
    }
    fail(start, "a variable-length number has more than 4 bytes");
  }
  std::span<const uint8_t> take(size_t count) {
    if (count > end_ - at_) fail(at_, format("%zu bytes are announced but only %zu are left", count, end_ - at_));
    const auto part = bytes_.subspan(at_, count);
    at_ += count;
    return part;
  }

 private:
  std::span<const uint8_t> bytes_;
  size_t at_, end_;
  const std::string& name_;
};

// Reads one meta event after its 0xFF; returns true at the end of the track.
bool read_meta(Cursor& in, MidiEvent event, MidiTrack& track) {
  const size_t start = in.at() - 1;
  const int type = in.data();
  const uint32_t length = in.variable();
  const auto payload = in.take(length);
  const auto need = [&](uint32_t wanted, const char* what) {
    if (length != wanted) in.fail(start, format("a %s event has %u bytes instead of %u", what, length, wanted));
  };
  switch (type) {
    case 0x2F: need(0, "end-of-track"); return true;
    case 0x51:
      need(3, "tempo");
      event.kind = MidiKind::kTempo;
      event.a = payload[0] << 16 | payload[1] << 8 | payload[2];
      if (event.a == 0) in.fail(start, "a tempo of 0 microseconds per quarter note stands");
      break;
    case 0x58:
      need(4, "time-signature");
      event.kind = MidiKind::kTimeSignature;
      if (payload[0] == 0 || payload[1] > 6)
        in.fail(start, format("the time signature %d/2^%d is not usable", payload[0], payload[1]));
      event.a = payload[0];
      event.b = 1 << payload[1];
      break;
    case 0x59:
      need(2, "key-signature");
      event.kind = MidiKind::kKeySignature;
      event.a = static_cast<int8_t>(payload[0]);
      event.b = payload[1];
      if (event.a < -7 || event.a > 7 || event.b > 1)
        in.fail(start, format("a key signature of %d sharps, mode %d stands", event.a, event.b));
      break;
    default:
      if (type < 1 || type > 15) return false;
      event.kind = MidiKind::kText;
      event.a = type;
      event.text.assign(payload.begin(), payload.end());
  }
  track.events.push_back(std::move(event));
  return false;
}

void read_channel_event(Cursor& in, int status, MidiEvent event, MidiTrack& track) {
  event.channel = status & 0x0F;
  event.a = in.data();
  switch (status >> 4) {
    case 0x8: event.kind = MidiKind::kNoteOff; break;
    case 0x9: event.kind = MidiKind::kNoteOn; break;
    case 0xA: event.kind = MidiKind::kPolyPressure; break;
    case 0xB: event.kind = MidiKind::kController; break;
    case 0xC: event.kind = MidiKind::kProgram; break;
    case 0xD: event.kind = MidiKind::kChannelPressure; break;
    default: event.kind = MidiKind::kPitchBend;
  }
  if (event.kind == MidiKind::kPitchBend)
    event.a = (event.a | in.data() << 7) - 8192;
  else if (event.kind != MidiKind::kProgram && event.kind != MidiKind::kChannelPressure)
    event.b = in.data();
  track.events.push_back(std::move(event));
}

MidiTrack read_track(Cursor& in) {
  MidiTrack track;
  uint32_t tick = 0;
  int running = 0;
  const size_t start = in.at();
  while (!in.done()) {
    const size_t event_start = in.at();
    const uint32_t delta = in.variable();
    if (delta > kMaxTick - tick) in.fail(event_start, "the times add up to more than 2^30 ticks");
    tick += delta;
    MidiEvent event;
    event.tick = tick;
    const int status = in.peek();
    if (status < 0x80) {
      if (running == 0) in.fail(in.at(), "a data byte stands where an event must begin");
      read_channel_event(in, running, std::move(event), track);
      continue;
    }
    in.byte();
    if (status < 0xF0) {
      running = status;
      read_channel_event(in, status, std::move(event), track);
    } else if (status == 0xFF) {
      running = 0;
      if (read_meta(in, std::move(event), track)) {
        track.end_tick = tick;
        if (!in.done()) in.fail(in.at(), "data follow the end-of-track event");
        return track;
      }
    } else if (status == 0xF0 || status == 0xF7) {
      running = 0;
      in.take(in.variable());
    } else {
      in.fail(in.at() - 1, format("0x%02X is not an event of a MIDI file", status));
    }
  }
  in.fail(in.at(), format("the track that begins at byte %zu has no end-of-track event", start));
}

void put_big_endian(std::vector<uint8_t>& out, uint32_t value, int count) {
  for (int i = count - 1; i >= 0; --i) out.push_back(static_cast<uint8_t>(value >> (8 * i)));
}

void put_variable(std::vector<uint8_t>& out, uint32_t value) {
  ensure(value <= kMaxVariable, "a MIDI time or length is above 2^28 - 1");
  for (int shift = 21; shift > 0; shift -= 7)
    if (value >> shift) out.push_back(static_cast<uint8_t>(0x80 | (value >> shift & 0x7F)));
  out.push_back(static_cast<uint8_t>(value & 0x7F));
}

void put_event(std::vector<uint8_t>& out, const MidiEvent& e, int& running) {
  const auto in_range = [](int value, int low, int high, const char* what) {
    ensure(value >= low && value <= high, format("a MIDI %s of %d is not in %d..%d", what, value, low, high));
    return value;
  };
  const auto put = [&](int value) { out.push_back(static_cast<uint8_t>(value)); };
  const auto channel_event = [&](int kind) {
    const int status = kind << 4 | in_range(e.channel, 0, 15, "channel");
    if (status != running) put(status);
    running = status;
  };
  const auto two = [&](int kind) {
    channel_event(kind);
    put(in_range(e.a, 0, 127, "data byte"));
    put(in_range(e.b, 0, 127, "data byte"));
  };
  const auto meta = [&](int type, uint32_t length) {
    running = 0;
    put(0xFF);
    put(type);
    put_variable(out, length);
  };
  switch (e.kind) {
    case MidiKind::kNoteOff: two(0x8); break;
    case MidiKind::kNoteOn: two(0x9); break;
    case MidiKind::kPolyPressure: two(0xA); break;
    case MidiKind::kController: two(0xB); break;
    case MidiKind::kProgram:
    case MidiKind::kChannelPressure:
      channel_event(e.kind == MidiKind::kProgram ? 0xC : 0xD);
      put(in_range(e.a, 0, 127, "data byte"));
      break;
    case MidiKind::kPitchBend: {
      channel_event(0xE);
      const int value = in_range(e.a, -8192, 8191, "pitch bend") + 8192;
      put(value & 0x7F);
      put(value >> 7);
      break;
    }
    case MidiKind::kTempo:
      meta(0x51, 3);
      put_big_endian(out, static_cast<uint32_t>(in_range(e.a, 1, 0xFFFFFF, "tempo")), 3);
      break;
    case MidiKind::kTimeSignature: {
      meta(0x58, 4);
      put(in_range(e.a, 1, 255, "time signature"));
      int power = 0;
      while (power < 6 && (1 << power) != e.b) ++power;
      ensure((1 << power) == e.b, format("the denominator %d of a time signature is not 1, 2, 4 … 64", e.b));
      put(power);
      put(24);
      put(8);
      break;
    }
    case MidiKind::kKeySignature:
      meta(0x59, 2);
      put(in_range(e.a, -7, 7, "key signature"));
      put(in_range(e.b, 0, 1, "key mode"));
      break;
    case MidiKind::kText:
      ensure(e.text.size() <= kMaxVariable, "a MIDI text is too long");
      meta(in_range(e.a, 1, 15, "text type"), static_cast<uint32_t>(e.text.size()));
      out.insert(out.end(), e.text.begin(), e.text.end());
  }
}

}  // namespace

MidiFile read_midi(std::span<const uint8_t> bytes, const std::string& name) {
  Cursor in(bytes, 0, bytes.size(), name);
  if (bytes.size() > kMaxBytes)
    in.fail(0, format("%zu bytes are more than the 64 MiB that are supported, counted", bytes.size()));
  const auto is = [](std::span<const uint8_t> tag, const char* text) {
    return std::equal(tag.begin(), tag.end(), text);
  };
  if (bytes.size() < 14 || !is(bytes.first(4), "MThd")) in.fail(0, "no 'MThd' header stands");
  in.take(4);
  const uint32_t header_length = in.big_endian(4);
  if (header_length < 6) in.fail(4, format("a header of %u bytes (at least 6 are needed) stands", header_length));
  const size_t header_start = in.at();
  MidiFile file;
  file.format = static_cast<int>(in.big_endian(2));
  if (file.format > 1) in.fail(8, format("format %d (only 0 and 1 are supported) stands", file.format));
  const auto track_count = static_cast<size_t>(in.big_endian(2));
  if (track_count == 0 || (file.format == 0 && track_count != 1))
    in.fail(10, format("a count of %zu tracks for format %d stands", track_count, file.format));
  file.ppq = static_cast<int>(in.big_endian(2));
  if (file.ppq & 0x8000) in.fail(12, "a SMPTE time division (only ticks per quarter note are supported) stands");
  if (file.ppq == 0) in.fail(12, "a time division of 0 stands");
  in.take(header_length - (in.at() - header_start));
  while (file.tracks.size() < track_count) {
    const size_t chunk = in.at();
    if (in.done()) in.fail(chunk, format("only %zu of %zu tracks are there, the end", file.tracks.size(), track_count));
    const auto tag = in.take(4);
    const uint32_t length = in.big_endian(4);
    const size_t start = in.at();
    in.take(length);
    if (!is(tag, "MTrk")) continue;
    Cursor inside(bytes, start, start + length, name);
    file.tracks.push_back(read_track(inside));
  }
  return file;
}

MidiFile load_midi(const std::string& path) {
  const std::string text = read_text_file(path);
  return read_midi({reinterpret_cast<const uint8_t*>(text.data()), text.size()}, "'" + path + "'");
}

std::vector<uint8_t> write_midi(const MidiFile& file) {
  ensure(file.format == 0 || file.format == 1, "a MIDI file's format must be 0 or 1");
  ensure(file.ppq >= 1 && file.ppq <= 0x7FFF, "a MIDI file's ticks per quarter note must be in 1..32767");
  ensure(!file.tracks.empty() && file.tracks.size() <= 0xFFFF && (file.format == 1 || file.tracks.size() == 1),
         "a MIDI file has 1..65535 tracks, one in format 0");
  std::vector<uint8_t> out = {'M', 'T', 'h', 'd'};
  put_big_endian(out, 6, 4);
  put_big_endian(out, static_cast<uint32_t>(file.format), 2);
  put_big_endian(out, static_cast<uint32_t>(file.tracks.size()), 2);
  put_big_endian(out, static_cast<uint32_t>(file.ppq), 2);
  for (const MidiTrack& track : file.tracks) {
    std::vector<uint8_t> body;
    uint32_t tick = 0;
    int running = 0;
    for (const MidiEvent& event : track.events) {
      ensure(event.tick >= tick, "the events of a MIDI track must be in order of time");
      put_variable(body, event.tick - tick);
      tick = event.tick;
      put_event(body, event, running);
    }
    ensure(track.end_tick >= tick && track.end_tick <= kMaxTick, "a MIDI track must end after its last event");
    put_variable(body, track.end_tick - tick);
    body.insert(body.end(), {0xFF, 0x2F, 0x00});
    out.insert(out.end(), {'M', 'T', 'r', 'k'});
    put_big_endian(out, static_cast<uint32_t>(body.size()), 4);
    out.insert(out.end(), body.begin(), body.end());
  }
  return out;
}

}  // namespace instructme
