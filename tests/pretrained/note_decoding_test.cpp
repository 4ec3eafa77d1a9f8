#include <torch/torch.h>
// The precompiled torch header comes first.
#include <gtest/gtest.h>

#include "expect_error.h"
#include "instructme/base/rng.h"
#include "instructme/pretrained/note_decoding.h"

namespace instructme {
namespace {

constexpr int64_t kFrames = 100;

struct Piece {
  NotePosteriors posteriors{torch::zeros({kFrames, 88}), torch::zeros({kFrames, 88})};

  void sound(int pitch, int64_t first, int64_t end, double level) {
    posteriors.note.slice(0, first, end).select(1, pitch - 21).fill_(level);
  }
  void strike(int pitch, int64_t frame, double level) { posteriors.onset[frame][pitch - 21] = level; }
};

NoteDecodingOptions published(bool infer_onsets = false, bool without_onset = false) {
  NoteDecodingOptions options;
  options.infer_onsets = infer_onsets;
  options.without_onset = without_onset;
  return options;
}

TEST(NoteDecoding, ANoteLastsWhileItsKeySounds) {
  Piece piece;
  piece.sound(60, 10, 40, 0.8);
  piece.strike(60, 10, 0.9);
  const auto notes = decode_notes(piece.posteriors, published());
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_EQ(notes[0].pitch, 60);
  EXPECT_NEAR(notes[0].onset_s, 10 * 256 / 22050.0, 1e-9);
  EXPECT_NEAR(notes[0].duration_s, 30 * 256 / 22050.0, 1e-9);
  EXPECT_EQ(notes[0].velocity, 102);  // 0.8 * 127
}

TEST(NoteDecoding, ShortGapsAreBridgedAndLongOnesEndTheNote) {
  for (const int64_t gap : {10, 11}) {
    Piece piece;
    piece.sound(60, 10, 30, 0.8);
    piece.sound(60, 30 + gap, 60 + gap, 0.8);
    piece.strike(60, 10, 0.9);
    const auto notes = decode_notes(piece.posteriors, published());
    ASSERT_EQ(notes.size(), 1u);
    const int64_t frames = std::lround(notes[0].duration_s * 22050 / 256);
    EXPECT_EQ(frames, gap == 10 ? 60 : 20) << gap;
  }
}

TEST(NoteDecoding, WeakOnsetsAndShortNotesAreDropped) {
  Piece piece;
  piece.sound(60, 10, 40, 0.8);
  piece.strike(60, 10, 0.45);
  piece.sound(72, 10, 15, 0.8);
  piece.strike(72, 10, 0.9);
  piece.sound(80, 10, 16, 0.8);
  piece.strike(80, 10, 0.9);
  const auto notes = decode_notes(piece.posteriors, published());
  ASSERT_EQ(notes.size(), 1u) << "five frames are too few, six are enough";
  EXPECT_EQ(notes[0].pitch, 80);
}

TEST(NoteDecoding, AKeyStruckAgainBeginsANewNote) {
  Piece piece;
  piece.sound(60, 10, 60, 0.8);
  piece.strike(60, 10, 0.9);
  piece.strike(60, 40, 0.9);
  const auto notes = decode_notes(piece.posteriors, published());
  ASSERT_EQ(notes.size(), 2u);
  EXPECT_NEAR(notes[0].onset_s + notes[0].duration_s, notes[1].onset_s, 1e-9);
}

TEST(NoteDecoding, ANoteTakesTheEnergyOfItsNeighbours) {
  Piece piece;
  piece.sound(60, 10, 60, 0.8);
  piece.sound(61, 10, 60, 0.5);
  piece.strike(60, 20, 0.9);
  piece.strike(61, 10, 0.9);
  const auto notes = decode_notes(piece.posteriors, published());
  ASSERT_EQ(notes.size(), 2u);
  EXPECT_EQ(notes[0].pitch, 61);
  EXPECT_NEAR(notes[0].duration_s, 10 * 256 / 22050.0, 1e-9) << "it ends where the later note begins";
}

TEST(NoteDecoding, RisesAreOnsetsAndTheRestMayBecomeNotes) {
  Piece piece;
  piece.sound(60, 10, 40, 0.8);
  piece.sound(64, 50, 80, 0.6);
  piece.strike(72, 5, 0.9);  // the surest onset of the piece; nothing sounds with it
  EXPECT_TRUE(decode_notes(piece.posteriors, published()).empty());
  EXPECT_EQ(decode_notes(piece.posteriors, published(true)).size(), 2u);
  const auto rest = decode_notes(piece.posteriors, published(false, true));
  ASSERT_EQ(rest.size(), 2u);
  EXPECT_EQ(rest[0].pitch, 60);
  EXPECT_NEAR(rest[0].onset_s, 10 * 256 / 22050.0, 2 * 256 / 22050.0);
}

TEST(NoteDecoding, SilenceHasNoNotes) {
  const Piece piece;
  EXPECT_TRUE(decode_notes(piece.posteriors, published(true, true)).empty());
  EXPECT_TRUE(decode_notes({torch::zeros({0, 88}), torch::zeros({0, 88})}).empty());
  EXPECT_TRUE(decode_notes({torch::ones({1, 88}), torch::ones({1, 88})}, published(true, true)).empty());
}

TEST(NoteCollector, PartsGiveTheSameNotesAsTheWhole) {
  constexpr int64_t kWindows = 64, kKept = NotePosteriors::kFramesPerWindow, kAll = kWindows * kKept - 50;
  NotePosteriors whole{torch::zeros({kAll, 88}), torch::zeros({kAll, 88})};
  Rng rng(3);
  for (int64_t frame = 5; frame + 200 < kAll; frame += rng.integer(5, 25)) {
    const int64_t key = 4 * rng.integer(1, 20), length = rng.integer(8, 180);
    whole.note.slice(0, frame, frame + length).select(1, key).fill_(rng.uniform(0.4, 0.9));
    whole.onset[frame][key] = rng.uniform(0.6, 0.9);
  }
  const double duration = NotePosteriors::time_of(kAll);
  const auto wanted = decode_notes(whole, published());
  NoteCollector collector(published(), 20);
  for (int64_t first = 0; first < kAll; first += 5 * kKept)
    collector.add({whole.note.slice(0, first, first + 5 * kKept), whole.onset.slice(0, first, first + 5 * kKept)});
  const auto found = collector.finish(duration);
  ASSERT_GT(wanted.size(), 300u);
  ASSERT_EQ(found.size(), wanted.size());
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_NEAR(found[i].onset_s, wanted[i].onset_s, 1e-9);
    EXPECT_EQ(found[i].pitch, wanted[i].pitch);
    EXPECT_NEAR(found[i].duration_s, std::min(wanted[i].duration_s, duration - wanted[i].onset_s), 1e-9);
  }
}

TEST(NoteDecoding, FramesOfWindowsAreWhereTheWindowsAre) {
  EXPECT_DOUBLE_EQ(NotePosteriors::time_of(0), 0);
  EXPECT_DOUBLE_EQ(NotePosteriors::time_of(141), 141 * 256 / 22050.0);
  EXPECT_DOUBLE_EQ(NotePosteriors::time_of(142), 36164 / 22050.0);
  EXPECT_DOUBLE_EQ(NotePosteriors::time_of(3 * 142 + 5), (3 * 36164 + 5 * 256) / 22050.0);
}

TEST(NoteDecoding, RefusesWrongOptions) {
  const Piece piece;
  NoteDecodingOptions options;
  options.frame_threshold = 1.5;
  expect_error(ErrorKind::kUsage, "thresholds between 0 and 1", [&] { decode_notes(piece.posteriors, options); });
}

}  // namespace
}  // namespace instructme
