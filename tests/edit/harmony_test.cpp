#include <torch/torch.h>
// The precompiled torch header comes first.
#include "expect_error.h"
#include "instructme/base/files.h"
#include "instructme/edit/harmony.h"

namespace instructme {
namespace {

class HarmonyFiles : public testing::Test {
 protected:
  std::filesystem::path file(const std::string& text) {
    const auto path = folder_.path() / "file.txt";
    write_file_atomically(path, text);
    return path;
  }
  TempDir folder_;
};

TEST_F(HarmonyFiles, ChordsComeBackAsTheyWereWritten) {
  const std::vector<ChordSpan> chords =
      read_chord_file(file("# by hand\n0 1.5 C:maj\n1.5\t3 A:min7\r\n\n3 4 N\n"), 4.2);
  ASSERT_EQ(chords.size(), 3u);
  EXPECT_EQ(chord_label(chords[1].chord), "A:min7");
  EXPECT_EQ(chords[1].end_s, 3);
  EXPECT_TRUE(chords[2].chord.none);
  const auto again = read_chord_file(file(chord_file_text(chords)), 4.2);
  ASSERT_EQ(again.size(), 3u);
  EXPECT_TRUE(again[1].chord == chords[1].chord);
}

TEST_F(HarmonyFiles, WrongChordsAreNamed) {
  for (const auto& [text, part] :
       std::vector<std::pair<std::string, std::string>>{{"", "holds no chords"},
                                                        {"0 1 C:maj\n1 x D:maj\n", "line 2"},
                                                        {"0 1\n", "line 1"},
                                                        {"0 2 C:maj\n1 3 D:maj\n", "begins before"},
                                                        {"0 1 H:maj\n", "line 1"},
                                                        {"0 9 C:maj\n", "belongs to other music"},
                                                        {"0 2 C:maj\n", "belongs to other music"}})
    expect_error(ErrorKind::kInput, part, [&, text = text] { read_chord_file(file(text), 4); });
  expect_error(ErrorKind::kIo, "cannot read", [] { read_chord_file("/nowhere/chords.lab", 4); });
}

TEST_F(HarmonyFiles, BeatsMakeBars) {
  const std::vector<Beat> beats = read_beat_file(file("0.5 3\n1.0 1\n1.5 2\n2.0 3\n2.5 1\n"), 4);
  ASSERT_EQ(beats.size(), 5u);
  EXPECT_EQ(beats[0].bar, -1);
  EXPECT_EQ(beats[1].bar, 0);
  EXPECT_EQ(beats[3].position, 2);
  EXPECT_EQ(beats[4].bar, 1);
  EXPECT_NEAR(*tempo_bpm(beats), 120, 1e-9);
  EXPECT_FALSE(tempo_bpm({beats[0]}).has_value());
  for (const auto& [text, part] : std::vector<std::pair<std::string, std::string>>{{"", "holds no beats"},
                                                                                   {"1 1\n0.5 2\n", "line 2"},
                                                                                   {"1 0\n", "line 1"},
                                                                                   {"1 1.5\n", "line 1"},
                                                                                   {"1\n", "line 1"},
                                                                                   {"9 1\n", "after the end"}})
    expect_error(ErrorKind::kInput, part, [&, text = text] { read_beat_file(file(text), 4); });
}

TEST(ParseKey, ReadsWhatPeopleWrite) {
  for (const auto& [text, label] : std::vector<std::pair<std::string, std::string>>{{"C", "C:major"},
                                                                                    {"Am", "A:minor"},
                                                                                    {"F# minor", "F#:minor"},
                                                                                    {"bb", "Bb:major"},
                                                                                    {"D dorian", "D:dorian"},
                                                                                    {"Eb:minor", "Eb:minor"},
                                                                                    {"Cb", "B:major"}})
    EXPECT_EQ(key_label(parse_key(text)), label) << text;
  for (const char* text : {"", "H", " ", "C blues", "12"})
    expect_error(ErrorKind::kUsage, "is no key", [&] { parse_key(text); });
}

TEST(ChordMatrix, HasTheChordOfEachFrame) {
  const Chord c = Chord::of(0, ChordQuality::kMaj), a = Chord::of(9, ChordQuality::kMin);
  const at::Tensor matrix = chord_matrix({{0, 0.8, c}, {0.8, 1.6, a}}, 0.4, 20);
  EXPECT_TRUE(matrix.sum(1).equal(torch::ones({20})));
  const auto spans = chord_spans(matrix);
  ASSERT_EQ(spans.size(), 3u);
  EXPECT_TRUE(spans[0].chord == c);
  EXPECT_NEAR(spans[0].end_s, 0.4, 1e-9);
  EXPECT_TRUE(spans[1].chord == a);
  EXPECT_TRUE(spans[2].chord.none);
}

TEST(InKey, ForeignChordsBecomeUnlikely) {
  const at::Tensor uniform = torch::full({3, kChordClasses}, 1.0 / kChordClasses);
  const at::Tensor weighted = in_key(uniform, {0, Mode::kMajor});
  const auto of = [&](int root, ChordQuality quality) {
    return weighted[0][chord_class(Chord::of(root, quality))].item<double>();
  };
  EXPECT_NEAR(weighted.sum().item<double>(), 3, 1e-5);
  EXPECT_NEAR(of(0, ChordQuality::kMaj) / of(6, ChordQuality::kMaj), 10, 1e-3);
  EXPECT_EQ(of(0, ChordQuality::kMaj), of(9, ChordQuality::kMin));
}

}  // namespace
}  // namespace instructme
