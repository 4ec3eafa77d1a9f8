#include "instructme/score/midi_file.h"

#include <gtest/gtest.h>

#include "expect_error.h"
#include "instructme/base/rng.h"

namespace instructme {
namespace {

using Bytes = std::vector<uint8_t>;

// A format-0 file around the bytes of one track (without its end-of-track event).
Bytes with_track(Bytes body, bool finish = true) {
  if (finish) body.insert(body.end(), {0x00, 0xFF, 0x2F, 0x00});
  Bytes out = {'M', 'T', 'h', 'd', 0, 0, 0, 6, 0, 0, 0, 1, 0, 96, 'M', 'T', 'r', 'k'};
  const auto size = static_cast<uint32_t>(body.size());
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<uint8_t>(size >> shift));
  out.insert(out.end(), body.begin(), body.end());
  return out;
}

MidiFile random_file(uint64_t seed) {
  Rng rng(seed);
  MidiFile file;
  file.format = rng.chance(0.3) ? 0 : 1;
  file.ppq = static_cast<int>(rng.integer(1, 0x7FFF));
  const int64_t tracks = file.format == 0 ? 1 : rng.integer(1, 5);
  for (int64_t t = 0; t < tracks; ++t) {
    MidiTrack track;
    uint32_t tick = 0;
    for (int64_t i = rng.integer(0, 60); i > 0; --i) {
      tick += static_cast<uint32_t>(rng.chance(0.4) ? 0 : rng.integer(0, rng.chance(0.1) ? 300000 : 300));
      MidiEvent e{tick, static_cast<MidiKind>(rng.integer(0, 10)), static_cast<int>(rng.integer(0, 15)), 0, 0, ""};
      e.a = static_cast<int>(rng.integer(0, 127));
      e.b = static_cast<int>(rng.integer(0, 127));
      switch (e.kind) {
        case MidiKind::kProgram:
        case MidiKind::kChannelPressure: e.b = 0; break;
        case MidiKind::kPitchBend:
          e.a = static_cast<int>(rng.integer(-8192, 8191));
          e.b = 0;
          break;
        case MidiKind::kTempo:
          e.a = static_cast<int>(rng.integer(1, 0xFFFFFF));
          e.b = 0;
          break;
        case MidiKind::kTimeSignature:
          e.a = static_cast<int>(rng.integer(1, 255));
          e.b = 1 << rng.integer(0, 6);
          break;
        case MidiKind::kKeySignature:
          e.a = static_cast<int>(rng.integer(-7, 7));
          e.b = static_cast<int>(rng.integer(0, 1));
          break;
        case MidiKind::kText:
          e.a = static_cast<int>(rng.integer(1, 15));
          e.b = 0;
          for (int64_t k = rng.integer(0, 300); k > 0; --k) e.text += static_cast<char>(rng.integer(-128, 127));
          break;
        default: break;
      }
      if (e.kind >= MidiKind::kTempo) e.channel = 0;
      track.events.push_back(e);
    }
    track.end_tick = tick + static_cast<uint32_t>(rng.integer(0, 1000));
    file.tracks.push_back(track);
  }
  return file;
}

TEST(MidiFile, WhatIsWrittenIsRead) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const MidiFile file = random_file(seed);
    EXPECT_TRUE(read_midi(write_midi(file)) == file) << "seed " << seed;
  }
}

TEST(MidiFile, RunningStatusAndForeignEventsAreUnderstood) {
  const MidiFile file = read_midi(with_track({0x00, 0x90, 60,   100,  0x10, 62,   90,  // running status
                                              0x00, 0xF0, 0x02, 0x01, 0xF7,            // system exclusive
                                              0x00, 0xFF, 0x7F, 0x01, 0x00,            // sequencer specific
                                              0x81, 0x00, 0x80, 60,   0,    0x00, 62, 0}));
  ASSERT_EQ(file.tracks.size(), 1u);
  const auto& events = file.tracks[0].events;
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[1].kind, MidiKind::kNoteOn);
  EXPECT_EQ(events[1].a, 62);
  EXPECT_EQ(events[2].tick, 16u + 128u);
  EXPECT_EQ(events[3].kind, MidiKind::kNoteOff);
}

TEST(MidiFile, UnknownChunksAreSkipped) {
  Bytes bytes = with_track({0x00, 0x90, 60, 100});
  const Bytes foreign = {'X', 'F', 'o', 'o', 0, 0, 0, 2, 1, 2};
  bytes.insert(bytes.begin() + 14, foreign.begin(), foreign.end());
  EXPECT_EQ(read_midi(bytes).tracks.at(0).events.size(), 1u);
}

TEST(MidiFile, EachFaultIsNamedWithItsPlace) {
  const auto expect = [](Bytes bytes, const std::string& what) {
    SCOPED_TRACE(what);
    expect_error(ErrorKind::kInput, what, [&] { read_midi(bytes, "'x.mid'"); });
    expect_error(ErrorKind::kInput, "'x.mid'", [&] { read_midi(bytes, "'x.mid'"); });
  };
  expect({}, "no 'MThd' header stands at byte 0");
  expect({'R', 'I', 'F', 'F', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, "no 'MThd'");
  Bytes good = with_track({0x00, 0x90, 60, 100});
  const auto patched = [&](size_t at, uint8_t value) {
    Bytes copy = good;
    copy[at] = value;
    return copy;
  };
  expect(patched(7, 5), "a header of 5 bytes");
  expect(patched(9, 2), "format 2");
  expect(patched(11, 0), "a count of 0 tracks");
  expect(patched(11, 2), "a count of 2 tracks for format 0");
  expect(patched(12, 0xE7), "SMPTE");
  expect(patched(13, 0), "a time division of 0");
  expect(patched(21, 200), "200 bytes are announced but only 8 are left at byte 22");
  expect(patched(18, 0xFF), "bytes are announced");
  expect(with_track({0x00, 0x90, 60}, false), "the data ends too early");
  expect(with_track({0x00, 0x90, 60, 100}, false), "no end-of-track event");
  expect(with_track({0x00, 60, 100}), "a data byte stands where an event must begin at byte 23");
  expect(with_track({0x00, 0x90, 0x80, 100}), "a data byte was expected, 0x80 found at byte 24");
  expect(with_track({0x00, 0x90, 60, 0xFF}), "a data byte was expected");
  expect(with_track({0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0x90, 60, 1}), "more than 4 bytes");
  expect(with_track({0x00, 0xF4, 0}), "0xF4 is not an event");
  expect(with_track({0x00, 0xFF, 0x51, 0x02, 1, 2}), "a tempo event has 2 bytes instead of 3");
  expect(with_track({0x00, 0xFF, 0x51, 0x03, 0, 0, 0}), "a tempo of 0");
  expect(with_track({0x00, 0xFF, 0x58, 0x04, 0, 2, 24, 8}), "the time signature 0/2^2");
  expect(with_track({0x00, 0xFF, 0x58, 0x04, 4, 9, 24, 8}), "the time signature 4/2^9");
  expect(with_track({0x00, 0xFF, 0x59, 0x02, 9, 0}), "9 sharps");
  expect(with_track({0x00, 0xFF, 0x01, 0x7F, 'a'}), "127 bytes are announced");
  expect(with_track({0x00, 0xF0, 0x7F, 1}), "127 bytes are announced");
  expect(with_track({0x00, 0xFF, 0x2F, 0x00, 0x00, 0x90, 60, 1}), "data follow the end-of-track");
  // Running status does not survive a meta event.
  expect(with_track({0x00, 0x90, 60, 100, 0x00, 0xFF, 0x01, 0x00, 0x00, 61, 100}), "a data byte stands");
  Bytes loop;
  for (int i = 0; i < 5; ++i) loop.insert(loop.end(), {0xFF, 0xFF, 0xFF, 0x7F, 0xC0, 1});
  expect(with_track(loop), "more than 2^30 ticks");
}

TEST(MidiFile, AnyPrefixAndAnyFlippedByteIsReadOrRefused) {
  const Bytes good = write_midi(random_file(7));
  for (size_t size = 0; size < good.size(); size += 3) {
    EXPECT_THROW(read_midi(std::span(good).first(size)), Error) << size;
  }
  Rng rng(3);
  for (int i = 0; i < 3000; ++i) {
    Bytes bad = good;
    for (int k = 0; k < 3; ++k)
      bad[static_cast<size_t>(rng.integer(0, static_cast<int64_t>(bad.size()) - 1))] =
          static_cast<uint8_t>(rng.integer(0, 255));
    try {
      const MidiFile file = read_midi(bad);
      parts_of_midi(file);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInput);
    }
  }
}

TEST(MidiFile, ValuesOutOfRangeAreNotWritten) {
  MidiFile file;
  file.tracks.resize(1);
  file.tracks[0].events = {{0, MidiKind::kNoteOn, 0, 128, 1, ""}};
  expect_error(ErrorKind::kInternal, "128", [&] { write_midi(file); });
  file.tracks[0].events = {{5, MidiKind::kNoteOn, 0, 1, 1, ""}, {4, MidiKind::kNoteOn, 0, 1, 1, ""}};
  expect_error(ErrorKind::kInternal, "order of time", [&] { write_midi(file); });
  file.tracks[0].events = {{5, MidiKind::kNoteOn, 0, 1, 1, ""}};
  expect_error(ErrorKind::kInternal, "end after its last event", [&] { write_midi(file); });
}

TEST(MidiFile, MissingFileIsAnIoError) {
  expect_error(ErrorKind::kIo, "no-such.mid", [] { load_midi("/nonexistent/no-such.mid"); });
}

}  // namespace
}  // namespace instructme
