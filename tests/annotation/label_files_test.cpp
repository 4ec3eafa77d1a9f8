#include <gtest/gtest.h>

#include <clocale>

#include "expect_error.h"
#include "instructme/annotation/beat_file.h"
#include "instructme/annotation/chord_file.h"
#include "instructme/annotation/key_file.h"
#include "instructme/base/files.h"

namespace instructme {
namespace {

class LabelFiles : public testing::Test {
 protected:
  std::filesystem::path file(const std::string& text) const {
    write_file_atomically(folder_.path() / "song.lab", text);
    return folder_.path() / "song.lab";
  }
  template <class Reader>
  void refuses(Reader reader, const std::string& text, const std::string& part) const {
    expect_error(ErrorKind::kInput, part, [&] { reader(file(text)); });
  }

  const TempDir folder_;
};

TEST_F(LabelFiles, ChordsAreReadAsMirexWritesThem) {
  const auto chords =
      read_chord_file(file("# made by ear\r\n0.0 2.5 N\n\n2.500\t4 C:maj\n4 5 X\n 6 7.25 Bb:min7/5 \n"));
  ASSERT_EQ(chords.size(), 3u);
  EXPECT_TRUE(chords[0].chord.none);
  EXPECT_EQ(chords[1].chord, Chord::of(0, ChordQuality::kMaj));
  EXPECT_DOUBLE_EQ(chords[1].end_s, 4.0);
  EXPECT_EQ(chords[2].chord, Chord::of(10, ChordQuality::kMin7));
  EXPECT_DOUBLE_EQ(chords[2].start_s, 6.0);
  EXPECT_TRUE(read_chord_file(file("")).empty());
}

TEST_F(LabelFiles, ChordsComeBackFromAFile) {
  std::vector<ChordSpan> chords;
  for (int c = 0; c < kChordClasses; ++c) chords.push_back({0.1 * c, 0.1 * (c + 1), chord_of_class(c)});
  write_chord_file(folder_.path() / "out.lab", chords);
  const auto back = read_chord_file(folder_.path() / "out.lab");
  ASSERT_EQ(back.size(), chords.size());
  for (size_t i = 0; i < back.size(); ++i) {
    EXPECT_EQ(back[i].chord, chords[i].chord);
    EXPECT_NEAR(back[i].start_s, chords[i].start_s, 1e-6);
    EXPECT_NEAR(back[i].end_s, chords[i].end_s, 1e-6);
  }
}

TEST_F(LabelFiles, WrongChordLinesAreNamed) {
  const auto read = [](const std::filesystem::path& path) { read_chord_file(path); };
  refuses(read, "0 1 C:maj\n1 2\n", "song.lab, line 2: wanted 'start end chord', as in '0.00 1.85 C:maj', found '1 2'");
  refuses(read, "0 1 C:maj extra\n", "line 1");
  refuses(read, "0 1 C:maj\n# the bridge\n1 2 H:maj\n", "song.lab, line 3: 'H:maj' is not a chord label");
  refuses(read, "0 one C:maj\n", "line 1: 'one' is not a time in seconds");
  refuses(read, "0 nan C:maj\n", "'nan' is not a time");
  refuses(read, "0 1e999 C:maj\n", "'1e999' is not a time");
  refuses(read, "-1 1 C:maj\n", "'-1' is not a time");
  refuses(read, "1 1 C:maj\n", "line 1: it ends at 1 s, but must end after its start at 1 s");
  refuses(read, "0 2 C:maj\n1.5 3 G:maj\n", "line 2: it starts at 1.5 s, before the line above ends at 2 s");
  expect_error(ErrorKind::kIo, "absent.lab", [&] { read_chord_file(folder_.path() / "absent.lab"); });
}

TEST_F(LabelFiles, LabelsOfOtherMusicAreRefused) {
  EXPECT_EQ(read_chord_file(file("0 1.5 C:maj\n1.5 4 N\n"), 4.2).size(), 2u);
  EXPECT_EQ(read_chord_file(file("0 1.5 C:maj\n1.5 4 X\n"), 4.2).size(), 1u);  // it ends where X does
  EXPECT_EQ(read_beat_file(file("0.5 2\n1 1\n4.5 2\n"), 4).size(), 3u);
  const auto chords = [](const std::filesystem::path& path) { read_chord_file(path, 4); };
  refuses(chords, "# nothing\n", "song.lab holds no chords: a line for each was wanted");
  refuses(chords, "0 9 C:maj\n", "song.lab ends at 9.00 s, but the music at 4.00 s: it belongs to other music");
  refuses(chords, "0 2 C:maj\n", "must be made to end there");
  const auto beats = [](const std::filesystem::path& path) { read_beat_file(path, 4); };
  refuses(beats, "", "song.lab holds no beats: a line for each was wanted");
  refuses(beats, "1 1\n9 2\n", "song.lab, line 2: the beat at 9 s is after the end of the music");
}

TEST_F(LabelFiles, ATimeWithoutChordsIsNoMistakeButInTheChordsOfMusic) {
  const std::string gap = "0 1 C:maj\n2 4 G:maj\n";
  EXPECT_EQ(read_chord_file(file(gap)).size(), 2u);
  const auto read = [](const std::filesystem::path& path) { read_chord_file(path, 4); };
  refuses(read, gap, "song.lab, line 2: it starts at 2 s, but the line above ends at 1 s");
  EXPECT_EQ(read_chord_file(file("0 1 C:maj\n1 2 X\n2 4 G:maj\n"), 4).size(), 2u);
  EXPECT_EQ(read_chord_file(file("0.5 1.99 C:maj\n2 4 G:maj\n"), 4).size(), 2u);
}

TEST_F(LabelFiles, FilesOfOtherEditorsAreReadOrTheReasonIsTold) {
  const std::string mark = "\xEF\xBB\xBF";
  EXPECT_DOUBLE_EQ(read_chord_file(file(mark + "0.000000 2 C:maj\r\n")).at(0).end_s, 2);
  EXPECT_EQ(read_beat_file(file(mark + "0.5 1\n")).size(), 1u);
  EXPECT_EQ(read_key_file(file(mark + "# keys\n0 10 C:major\n")).size(), 1u);
  const auto read = [](const std::filesystem::path& path) { read_beat_file(path); };
  std::string wide, reversed;
  for (const char c : std::string("0 1")) wide += {c, '\0'}, reversed += {'\0', c};
  for (const std::string& text : {"\xFF\xFE" + wide, wide, "\xFE\xFF" + reversed, reversed})
    refuses(read, text, "song.lab is UTF-16 text; save it as UTF-8");
}

TEST_F(LabelFiles, TimesHaveAPointInEveryLocale) {
  if (std::setlocale(LC_NUMERIC, "de_DE.UTF-8") == nullptr && std::setlocale(LC_NUMERIC, "fr_FR.UTF-8") == nullptr)
    GTEST_SKIP() << "needs a locale with a decimal comma";
  const std::string text = chord_text({{0, 1234567.5, Chord::no_chord()}});
  std::setlocale(LC_NUMERIC, "C");
  EXPECT_EQ(text, "0.000000\t1234567.500000\tN\n");
}

TEST_F(LabelFiles, ChordsAreTextToo) {
  const std::string text = chord_text({{0, 1.5, Chord::of(9, ChordQuality::kMin)}, {1.5, 2, Chord::no_chord()}});
  EXPECT_EQ(text, "0.000000\t1.500000\tA:min\n1.500000\t2.000000\tN\n");
  EXPECT_EQ(parse_chords(text, "here").size(), 2u);
  expect_error(ErrorKind::kInput, "here, line 1", [] { parse_chords("0 1\n", "here"); });
}

TEST_F(LabelFiles, BeatsComeBackFromAFile) {
  const std::vector<Beat> beats = {{0.25, 0, 2}, {0.75, 1, 0}, {1.25, 1, 1}, {1.75, 1, 2}, {2.25, 2, 0}};
  write_beat_file(folder_.path() / "beats.txt", beats);
  EXPECT_EQ(read_text_file(folder_.path() / "beats.txt").substr(0, 22), "0.250000\t3\n0.750000\t1\n");
  const auto back = read_beat_file(folder_.path() / "beats.txt");
  ASSERT_EQ(back.size(), beats.size());
  for (size_t i = 0; i < back.size(); ++i) {
    EXPECT_DOUBLE_EQ(back[i].time_s, beats[i].time_s);
    EXPECT_EQ(back[i].bar, beats[i].bar);
    EXPECT_EQ(back[i].position, beats[i].position);
  }
}

TEST_F(LabelFiles, WrongBeatLinesAreNamed) {
  const auto read = [](const std::filesystem::path& path) { read_beat_file(path); };
  refuses(read, "0.5 1\n1.0\n", "song.lab, line 2: wanted 'time position', as in '0.52 1', found '1.0'");
  refuses(read, "0.5 1\n0.5 2\n", "line 2: the beat at 0.5 s is not after the one above");
  refuses(read, "0.5 1\n1 3\n", "line 2: position 3 follows position 1; wanted 2, or 1 for a new bar");
  refuses(read, "0.5 0\n", "line 1: '0' is not a position in the bar");
  refuses(read, "0.5 1.5\n", "'1.5' is not a position");
  refuses(read, "x 1\n", "'x' is not a time");
}

TEST_F(LabelFiles, KeysComeBackFromAFile) {
  const auto keys = read_key_file(file("0 10 D#:min\n10 20.5 Gb:major\n20.5 30 A:dorian\n"));
  ASSERT_EQ(keys.size(), 3u);
  EXPECT_EQ(key_label(keys[0].key), "Eb:minor");
  EXPECT_EQ(key_label(keys[1].key), "F#:major");
  EXPECT_EQ(key_label(keys[2].key), "A:dorian");
  write_key_file(folder_.path() / "keys.txt", keys);
  EXPECT_EQ(read_text_file(folder_.path() / "keys.txt").substr(0, 27), "0.000000\t10.000000\tEb:minor");
  const auto read = [](const std::filesystem::path& path) { read_key_file(path); };
  refuses(read, "0 10 C:maj\n10 20 C\n", "song.lab, line 2: 'C' is not a key such as 'Eb:minor'");
  refuses(read, "0 10 C:locrian\n", "'C:locrian'");
  refuses(read, "0 10 :major\n", "':major'");
}

}  // namespace
}  // namespace instructme
