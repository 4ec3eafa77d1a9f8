#include "instructme/score/chord.h"

#include <gtest/gtest.h>

#include <set>

#include "expect_error.h"

namespace instructme {
namespace {

TEST(Chord, ClassesAreNumberedAsDocumented) {
  EXPECT_EQ(chord_class(Chord::no_chord()), 0);
  EXPECT_EQ(chord_class(Chord::of(0, ChordQuality::kMaj)), 1);
  EXPECT_EQ(chord_class(Chord::of(11, ChordQuality::kSus)), kChordClasses - 1);
  EXPECT_EQ(kChordClasses, 97);
}

TEST(Chord, EveryClassSurvivesLabelAndBack) {
  std::set<std::string> labels;
  for (int index = 0; index < kChordClasses; ++index) {
    const Chord chord = chord_of_class(index);
    EXPECT_EQ(chord_class(chord), index);
    EXPECT_EQ(parse_chord_label(chord_label(chord)), chord) << chord_label(chord);
    labels.insert(chord_label(chord));
  }
  EXPECT_EQ(labels.size(), static_cast<size_t>(kChordClasses));
  expect_error(ErrorKind::kInternal, "chord class 97", [] { chord_of_class(97); });
  expect_error(ErrorKind::kInternal, "chord class -1", [] { chord_of_class(-1); });
}

TEST(Chord, LabelsOfTheHeader) {
  EXPECT_EQ(chord_label(Chord::of(6, ChordQuality::kMin7)), "F#:min7");
  EXPECT_EQ(chord_label(Chord::of(10, ChordQuality::kSus)), "Bb:sus4");
  EXPECT_EQ(chord_label(Chord::no_chord()), "N");
}

TEST(Chord, RicherLabelsAreReduced) {
  const std::pair<const char*, const char*> cases[] = {{"G:9", "G:7"},
                                                       {"A:min(9)/5", "A:min"},
                                                       {"C", "C:maj"},
                                                       {"Cb", "B:maj"},
                                                       {"E#:min", "F:min"},
                                                       {"C:sus4(b7)", "C:sus4"},
                                                       {"D:hdim7", "D:dim"},
                                                       {"C:maj/3", "C:maj"},
                                                       {"C:maj(b7)", "C:7"},
                                                       {"C:min(b7)", "C:min7"},
                                                       {"C:(1,b3,5)", "C:min"},
                                                       {"C:(1,3,#5)", "C:aug"},
                                                       {"C:(1,4,5)", "C:sus4"},
                                                       {"C:7(#9)", "C:7"},
                                                       {"F:maj6", "F:maj"},
                                                       {"C:minmaj7/b3", "C:min"},
                                                       {"C:maj(*3)", "C:maj"},
                                                       {"C:13", "C:7"},
                                                       {"X", "N"},
                                                       {"Db:sus2", "C#:sus4"}};
  for (const auto& [rich, reduced] : cases) EXPECT_EQ(chord_label(parse_chord_label(rich)), reduced) << rich;
}

TEST(Chord, BadLabelsAreNamed) {
  for (const char* label : {"", "H:maj", "C:", "C:foo", "Cmaj", "C:maj(", "C:maj(x)", "C:maj/", "C:maj/99", "c:maj",
                            "C:(1,b3", "C:maj(,)", "N:maj"})
    expect_error(ErrorKind::kInput, std::string("'") + label + "'", [&] { parse_chord_label(label); });
}

TEST(Chord, PitchClasses) {
  EXPECT_EQ(chord_pitch_classes(parse_chord_label("G:7")), (std::vector<int>{7, 11, 2, 5}));
  EXPECT_TRUE(chord_pitch_classes(Chord::no_chord()).empty());
}

TEST(Key, ScalesAndLabels) {
  EXPECT_EQ(key_label({3, Mode::kMinor}), "Eb:minor");
  EXPECT_EQ(scale_pitch_classes({0, Mode::kMajor}), (std::vector<int>{0, 2, 4, 5, 7, 9, 11}));
  // The modes of C major have the same tones.
  const std::pair<int, Mode> relatives[] = {
      {2, Mode::kDorian}, {4, Mode::kPhrygian}, {5, Mode::kLydian}, {7, Mode::kMixolydian}, {9, Mode::kMinor}};
  for (const auto& [tonic, mode] : relatives) {
    const auto scale = scale_pitch_classes({tonic, mode});
    EXPECT_EQ(std::set<int>(scale.begin(), scale.end()), (std::set<int>{0, 2, 4, 5, 7, 9, 11}));
    EXPECT_EQ(scale.front(), tonic);
  }
}

}  // namespace
}  // namespace instructme
