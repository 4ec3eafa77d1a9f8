#include <torch/torch.h>
// The precompiled torch header comes first.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "expect_error.h"
#include "instructme/pretrained/note_chord_judge.h"
#include "weights.h"

namespace instructme {
namespace {

Chord likeliest(const at::Tensor& row) { return chord_of_class(static_cast<int>(row.argmax().item<int64_t>())); }

// Keys of a chord held for `frames` frames, with its root in the bass and some noise of the network.
at::Tensor played(const Chord& chord, int64_t frames, double level = 0.7) {
  at::Tensor keys = torch::full({frames, 88}, 0.02);
  for (const int tone : chord_pitch_classes(chord)) keys.select(1, 60 + tone - 21).fill_(level);
  if (!chord.none) keys.select(1, 36 + chord.root - 21).fill_(level);
  return keys;
}

TEST(ChordsOfKeys, EveryChordOfTheVocabularyIsFound) {
  for (int index = 0; index < kChordClasses; ++index) {
    const Chord chord = chord_of_class(index);
    const at::Tensor found = chords_of_keys(played(chord, 20));
    ASSERT_EQ(found.sizes(), (std::vector<int64_t>{20, kChordClasses}));
    EXPECT_LT((found.sum(1) - 1).abs().max().item<double>(), 1e-5);
    EXPECT_EQ(chord_label(likeliest(found[10])), chord_label(chord));
  }
}

TEST(ChordsOfKeys, TheBassDecidesBetweenChordsOfTheSameTones) {
  // A C E G is A:min7 over A and C (with a sixth) over C.
  at::Tensor keys = played(Chord::of(9, ChordQuality::kMin7), 20);
  EXPECT_EQ(chord_label(likeliest(chords_of_keys(keys)[10])), "A:min7");
  keys.select(1, 36 + 9 - 21).fill_(0.02);
  keys.select(1, 36 - 21).fill_(0.7);
  EXPECT_EQ(likeliest(chords_of_keys(keys)[10]).root, 0);
}

TEST(ChordsOfKeys, ChordsLastAndChange) {
  at::Tensor keys =
      torch::cat({played(Chord::of(0, ChordQuality::kMaj), 25), played(Chord::of(7, ChordQuality::kMaj), 25)});
  keys[10].fill_(0.02);  // one empty frame is no change
  const at::Tensor found = chords_of_keys(keys);
  for (int64_t i = 0; i < 50; ++i) EXPECT_EQ(chord_label(likeliest(found[i])), i < 25 ? "C:maj" : "G:maj") << i;
}

TEST(ChordsOfKeys, RefusesWrongOptions) {
  NoteChordOptions options;
  options.stray = 0;
  expect_error(ErrorKind::kUsage, "chances between 0 and 1", [&] { chords_of_keys(torch::zeros({1, 88}), options); });
}

TEST(KeyActivity, AveragesTheFramesOfAChordFrame) {
  KeyActivity keys;
  at::Tensor note = torch::zeros({20, 88});
  note.slice(0, 0, 7).fill_(1.0);  // frames 0 to 6 begin within the first 80 ms
  keys.add(0, {note, note});
  const at::Tensor matrix = keys.matrix(4);
  EXPECT_FLOAT_EQ(matrix[0][5].item<float>(), 1.0f);
  EXPECT_FLOAT_EQ(matrix[1][5].item<float>(), 0.0f);
  EXPECT_FLOAT_EQ(matrix[3].sum().item<float>(), 0.0f) << "behind the end";
}

at::Tensor struck_chord(std::initializer_list<int> pitches, double seconds) {
  const auto samples = static_cast<int64_t>(seconds * kChordSampleRate);
  at::Tensor wave = torch::zeros({samples});
  auto sample = wave.accessor<float, 1>();
  for (const int pitch : pitches)
    for (int64_t n = 0; n < samples; ++n) {
      const double t = std::fmod(static_cast<double>(n) / kChordSampleRate, 0.5);  // struck twice a second
      const double phase = 2 * std::numbers::pi * 440 * std::exp2((pitch - 69) / 12.0) * t;
      sample[n] += static_cast<float>(0.1 * std::exp(-3 * t) *
                                      (std::sin(phase) + 0.5 * std::sin(2 * phase) + 0.3 * std::sin(3 * phase)));
    }
  return wave;
}

TEST(NoteChordJudge, HearsChordsOfAnyLength) {
  NEEDS_WEIGHTS("INSTRUCTME_NOTE_WEIGHTS", path);
  NoteChordJudge judge(path);
  const at::Tensor wave = torch::cat({struck_chord({41, 65, 69, 72}, 3), struck_chord({43, 62, 67, 71}, 3)});
  const at::Tensor found = judge.extract(wave, 75);
  ASSERT_EQ(found.sizes(), (std::vector<int64_t>{1, 75, kChordClasses}));
  EXPECT_EQ(chord_label(likeliest(found[0][18])), "F:maj");
  EXPECT_EQ(chord_label(likeliest(found[0][56])), "G:maj");
  EXPECT_TRUE(likeliest(judge.extract(torch::zeros({24000}), 13)[0][6]).none);
  EXPECT_EQ(judge.extract(torch::zeros({2, 10}), 1).sizes(), (std::vector<int64_t>{2, 1, kChordClasses}));
  expect_error(ErrorKind::kInput, "not finite", [&] { judge.extract(torch::full({100}, NAN), 1); });
}

TEST(NoteTranscriber, FindsNotesWhereTheyAreStruck) {
  NEEDS_WEIGHTS("INSTRUCTME_NOTE_WEIGHTS", path);
  const NoteTranscriber transcriber(path);
  // Longer than several batches of windows, so that an error of the windows' times would add up.
  const at::Tensor wave = struck_chord({60}, 60);
  const auto notes = transcriber.transcribe({wave.data_ptr<float>(), static_cast<size_t>(wave.numel())}, 24000);
  int found = 0;
  for (const Note& note : notes)
    if (note.pitch == 60) {
      ++found;
      const double off = std::remainder(note.onset_s, 0.5);
      EXPECT_LT(std::abs(off), 0.03) << "at " << note.onset_s << " s";
      EXPECT_LE(note.onset_s + note.duration_s, 60.0);
    }
  EXPECT_NEAR(found, 120, 3);
}

TEST(NoteTranscriber, HearsSilenceAndVeryShortPieces) {
  NEEDS_WEIGHTS("INSTRUCTME_NOTE_WEIGHTS", path);
  const NoteTranscriber transcriber(path);
  for (const size_t samples : {size_t{1}, size_t{100}, size_t{8000}}) {
    const std::vector<float> silence(samples, 0.0f);
    int64_t frames = 0;
    const auto notes = transcriber.transcribe(
        silence, 8000, [&](int64_t, const NotePosteriors& posteriors) { frames += posteriors.note.size(0); });
    EXPECT_TRUE(notes.empty());
    EXPECT_EQ(frames, static_cast<int64_t>(std::ceil(static_cast<double>(samples) / 8000 * 22050 / 256)));
  }
}

}  // namespace
}  // namespace instructme
