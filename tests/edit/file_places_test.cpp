#include <torch/torch.h>
// The precompiled torch header comes first.
#include "expect_error.h"
#include "file_edit_test_support.h"
#include "instructme/annotation/beat_file.h"
#include "instructme/annotation/chord_file.h"
#include "instructme/edit/report.h"
#include "playing_options.h"
#include "small_font.h"

namespace instructme {
namespace {

TEST_F(FileEditTest, NothingThatItWritesReplacesTheSource) {
  write_noise("song_seed1.wav");
  FileEditRequest asked = request("add a violin", "song_seed1.wav", "song.wav");
  asked.variations = 2;
  expect_error(ErrorKind::kUsage, "would overwrite the source", [&] { FileEdit(asked).check(); });
  asked.variations = 1;
  asked.report = path("song_seed1.wav");
  expect_error(ErrorKind::kUsage, "would overwrite the source", [&] { FileEdit(asked).check(); });
  asked.report = path("nowhere") / "report.json";
  expect_error(ErrorKind::kIo, "does not exist", [&] { FileEdit(asked).check(); });
  asked.report.clear();
  FileEdit(asked).check();
}

TEST_F(FileEditTest, StemsReplaceNothingThatIsReadOrWrittenBesideThem) {
  fs::create_directory(path("stems"));
  for (const char* name : {"stems/residual.wav", "stems/song.wav"}) write_noise(name);
  FileEditRequest asked = request("remove the bass", "stems/residual.wav");
  asked.stems = path("stems");
  expect_error(ErrorKind::kUsage, "residual.wav is where a stem", [&] { FileEdit(asked).check(); });
  asked.overwrite = true;
  FileEdit(asked).check();
  asked = request("remove the bass", "stems/song.wav", "stems/1_bass_removed.wav");
  asked.stems = path("stems") / "";
  expect_error(ErrorKind::kUsage, "1_bass_removed.wav is where a stem", [&] { FileEdit(asked).check(); });
  asked.output = path("stems/1_bass.wav");
  FileEdit(asked).check();
  Part part;
  part.notes = {{0.1, 0.1, 72, 90}};
  write_notes(path("stems/2_violin_added.wav"), part, 0.5, 120);
  asked.notes = path("stems/2_violin_added.mid");
  expect_error(ErrorKind::kUsage, "2_violin_added.mid is where a stem", [&] { FileEdit(asked).check(); });
  // Places that cannot be are found before the work.
  asked = request("remove the bass", "stems/song.wav");
  asked.stems = path("stems/song.wav") / "more";
  expect_error(ErrorKind::kIo, "song.wav is a file", [&] { FileEdit(asked).check(); });
  asked.stems.clear();
  asked.report = asked.output;
  expect_error(ErrorKind::kUsage, "the report would overwrite the result", [&] { FileEdit(asked).check(); });
  // What was written there for the next edit stays as it was written.
  asked = request("remove the bass", "stems/song.wav");
  asked.stems = path("stems");
  asked.chords = path("stems/chords.lab");
  asked.beats = path("stems/beats.txt");
  const std::string chords = "# by hand\n0 0.5 A:min9\n", beats = "# by hand\n0.1 1\n";
  write_file_atomically(asked.chords, chords);
  write_file_atomically(asked.beats, beats);
  FileEdit(asked).run(editor());
  EXPECT_EQ(read_text_file(asked.chords), chords);
  EXPECT_EQ(read_text_file(asked.beats), beats);
}

TEST_F(FileEditTest, WhatIsHeardIsKeptBesideTheOutput) {
  SKIP_WITHOUT_SMALL_FONT();
  write_noise("song.wav", AudioEncoding::kPcm16, 24000, 1, 3);
  EditorOptions options = playing_options();
  options.ears = [&](const AudioBuffer& audio, const ProgressCallback&, const CancelToken&) {
    Hearing hearing;
    for (int i = 0; i < 6; ++i) hearing.beats.push_back({0.5 * i, i / 4, i % 4});
    hearing.chord_spans = {{0, audio.seconds(), Chord::of(9, ChordQuality::kMin)}};
    return hearing;
  };
  Editor playing(tiny_pipeline(), options);
  const auto notes_of = [&](const FileEditRequest& asked) {
    std::string all;
    const auto written = FileEdit(asked).run(playing);
    for (const std::string& note : written[0].written.notes) all += note + "\n";
    return all;
  };
  FileEditRequest asked = request("add a bass");
  const fs::path chords = path("out.wav.chords.lab"), beats = path("out.wav.beats.txt");
  asked.keep_harmony = false;
  notes_of(asked);
  EXPECT_FALSE(fs::exists(chords) || fs::exists(beats));
  asked.keep_harmony = true;
  EXPECT_THAT(notes_of(asked),
              testing::HasSubstr("what is heard of the music is in " + chords.string() + " (--chords)"));
  EXPECT_EQ(read_chord_file(chords, 3).size(), 1u);
  EXPECT_EQ(read_beat_file(beats, 3).size(), 6u);
  // What was corrected by hand stays, and is what is played when it is given back.
  write_file_atomically(chords, "0 3 Eb:maj\n");
  EXPECT_THAT(notes_of(asked), testing::HasSubstr("were there already"));
  EXPECT_EQ(read_text_file(chords), "0 3 Eb:maj\n");
  asked.chords = chords;
  asked.beats = beats;
  EXPECT_THAT(notes_of(asked), testing::Not(testing::HasSubstr("what is heard")));
  asked.chords.clear();
  asked.overwrite = true;
  notes_of(asked);
  EXPECT_NE(read_text_file(chords), "0 3 Eb:maj\n");
  // Bars need beats alone, and a part in a range what is around it.
  asked = request("remove the bass in bar 1", "song.wav", "bars.wav");
  notes_of(asked);
  EXPECT_TRUE(fs::exists(path("bars.wav.beats.txt")));
  EXPECT_FALSE(fs::exists(path("bars.wav.chords.lab")));
  // In the folder of stems there are both.
  asked = request("add a bass", "song.wav", "more.wav");
  asked.stems = path("stems");
  notes_of(asked);
  EXPECT_TRUE(fs::exists(path("stems/chords.lab")));
  EXPECT_FALSE(fs::exists(path("more.wav.chords.lab")));
}

TEST_F(FileEditTest, OfMusicWithLossTheLengthIsNotTakenFromTheHeader) {
  write_noise("song.wav");
  write_noise("song.ogg", AudioEncoding::kAuto);
  EXPECT_TRUE(tells_its_length(probe_audio(path("song.wav"))));
  EXPECT_FALSE(tells_its_length(probe_audio(path("song.ogg"))));
  // What can be told of the files that are given is told all the same.
  FileEditRequest asked = request("remove the bass", "song.ogg");
  asked.chords = path("chords.lab");
  write_file_atomically(asked.chords, "0 0.4 A:min\n");
  FileEdit(asked).check();
  write_file_atomically(asked.chords, "0 0.4 what\n");
  expect_error(ErrorKind::kInput, "chords.lab", [&] { FileEdit(asked).check(); });
}

}  // namespace
}  // namespace instructme
