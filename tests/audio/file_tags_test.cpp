#include <flacfile.h>
#include <gtest/gtest.h>
#include <id3v2tag.h>
#include <mpegfile.h>
#include <tpropertymap.h>
#include <wavfile.h>
#include <xiphcomment.h>

#include "instructme/audio/audio_file.h"
#include "instructme/base/files.h"
#include "signals.h"

namespace fs = std::filesystem;

namespace instructme {
namespace {

class FileTags : public testing::Test {
 protected:
  FileTags() {
    write_audio(source_, noise(44100, 2, 3000, 0.5));
    TagLib::FLAC::File file(source_.c_str());
    TagLib::PropertyMap tags;
    tags["TITLE"] = TagLib::String("Caf\u00e9", TagLib::String::UTF8);
    tags["ALBUMARTIST"] = TagLib::String("Nobody");
    tags["BPM"] = TagLib::String("120");
    tags["ARTIST"] = TagLib::StringList("One").append("Two");
    file.setProperties(tags);
    auto* const cover = new TagLib::FLAC::Picture;  // the file's, from here on
    cover->setMimeType("image/png");
    cover->setType(TagLib::FLAC::Picture::FrontCover);
    cover->setData(TagLib::ByteVector("no picture, but bytes"));
    file.addPicture(cover);
    EXPECT_TRUE(file.save());
  }

  fs::path write(const char* name) const {
    const fs::path path = folder_.path() / name;
    write_audio(path, noise(44100, 2, 3000, 0.5), {.tags = {{"title", "another"}}, .tags_of = source_});
    return path;
  }

  static void expect_properties(const TagLib::PropertyMap& found, const char* name) {
    EXPECT_EQ(found["TITLE"].toString().to8Bit(true), "Caf\u00e9") << name;
    EXPECT_EQ(found["ALBUMARTIST"].toString().to8Bit(), "Nobody") << name;
    EXPECT_EQ(found["BPM"].toString().to8Bit(), "120") << name;
    EXPECT_EQ(found["ARTIST"].size(), 2u) << name;
  }

  TempDir folder_;
  fs::path source_ = folder_.path() / "source.flac";
};

TEST_F(FileTags, AllOfThemAndThePicturesGoIntoEveryFormat) {
  TagLib::FLAC::File flac(write("a.flac").c_str());
  expect_properties(flac.properties(), "flac");
  ASSERT_EQ(flac.pictureList().size(), 1u);
  EXPECT_EQ(flac.pictureList()[0]->data(), TagLib::ByteVector("no picture, but bytes"));
  TagLib::MPEG::File mp3(write("a.mp3").c_str());
  expect_properties(mp3.properties(), "mp3");
  EXPECT_EQ(mp3.ID3v2Tag()->frameList("APIC").size(), 1u);
  TagLib::RIFF::WAV::File wav(write("a.wav").c_str());
  expect_properties(wav.properties(), "wav");
  EXPECT_EQ(wav.ID3v2Tag()->frameList("APIC").size(), 1u);
  for (const char* name : {"a.ogg", "a.opus", "a.aiff"}) EXPECT_EQ(probe_audio(write(name)).channels, 2) << name;
}

TEST_F(FileTags, TheSamplesStayAsTheyAre) {
  for (const char* name : {"a.wav", "a.flac", "a.aiff"}) {
    const fs::path plain = folder_.path() / (std::string("plain_") + name);
    write_audio(plain, noise(44100, 2, 3000, 0.5));
    EXPECT_EQ(read_audio(write(name)).samples, read_audio(plain).samples) << name;
  }
}

TEST_F(FileTags, WithoutTagsTheOthersAreWritten) {
  const fs::path bare = folder_.path() / "bare.wav", path = folder_.path() / "b.wav";
  write_audio(bare, noise(44100, 2, 3000, 0.5));
  write_audio(path, noise(44100, 2, 3000, 0.5), {.tags = {{"title", "its own"}}, .tags_of = bare});
  EXPECT_EQ(probe_audio(path).tags.at("title"), "its own");
}

}  // namespace
}  // namespace instructme
