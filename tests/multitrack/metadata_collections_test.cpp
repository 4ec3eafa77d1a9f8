#include <nlohmann/json.hpp>

#include "expect_error.h"
#include "instructme/base/config_reader.h"
#include "multitrack_test_support.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kMoisesId = "0130fd78-0cd5-4f1e-b2d5-3b0d8d1c2c0a";

class Moises : public testing::Test {
 protected:
  void SetUp() override {
    song_ = folder_.path() / "moisesdb_v0.1" / kMoisesId;
    add("drums", "kick drum", "k");
    add("drums", "snare drum", "s");
    add("drums", "drum machine", "m");
    add("bass", "bass guitar", "b");
    add("guitar", "acoustic guitar", "g", true);
    add("guitar", "acoustic guitar", "h");
    add("vocals", "lead male singer", "v");
    add("other", "click track", "c");
    add("wind", "", "w");
    write();
  }
  void add(const std::string& stem, const std::string& type, const std::string& id, bool bleed = false) {
    const auto same = [&](const json& entry) { return entry["stemName"] == stem; };
    auto found = std::find_if(stems_.begin(), stems_.end(), same);
    if (found == stems_.end()) {
      stems_.push_back({{"id", "stem-" + stem}, {"stemName", stem}, {"tracks", json::array()}});
      found = std::prev(stems_.end());
    }
    (*found)["tracks"].push_back({{"id", id}, {"trackType", type}, {"extension", "wav"}, {"has_bleed", bleed}});
    write_tone(song_ / stem / (id + ".wav"), {.channels = 2});
  }
  void write() {
    write_text(song_ / "data.json",
               json{{"song", "Sun"}, {"artist", "Moon"}, {"genre", "bossa_nova"}, {"stems", stems_}}.dump());
  }
  TempDir folder_;
  fs::path song_;
  json stems_ = json::array();
};

TEST_F(Moises, ReadsSongs) {
  ASSERT_EQ(detect_collection(folder_.path(), lexicon()), CollectionKind::kMoises);
  ASSERT_EQ(detect_collection(folder_.path() / "moisesdb_v0.1", lexicon()), CollectionKind::kMoises);
  const auto songs = find(folder_.path());
  ASSERT_EQ(songs.size(), 1u);
  EXPECT_EQ(songs[0].id, kMoisesId);
  EXPECT_EQ(songs[0].title, "Moon - Sun");
  EXPECT_EQ(songs[0].genre, "latin");
  EXPECT_EQ(songs[0].split, "");
  EXPECT_TRUE(songs[0].mix.empty());
  // Microphones of one kit are one stem; clicks are no music; a track without a type goes by its stem.
  EXPECT_THAT(stems_of(songs[0]),
              testing::ElementsAre("kick drum=drum kit", "drum machine=electric drum kit", "bass guitar=bass",
                                   "acoustic guitar=acoustic guitar", "lead male singer=", "wind="));
  ASSERT_EQ(songs[0].stems[0].files.size(), 2u);
  EXPECT_EQ(songs[0].stems[0].files[1].path, song_ / "drums" / "s.wav");
  EXPECT_EQ(songs[0].stems[3].files.size(), 2u);
  EXPECT_TRUE(songs[0].stems[3].has_bleed);
  EXPECT_FALSE(songs[0].stems[2].has_bleed);
}

TEST_F(Moises, DamagedMetadata) {
  const auto problem = [&] { return find(folder_.path()).at(0).problems.at(0); };
  write_text(song_ / "data.json", R"({"song": "Sun", "stems": [)");
  EXPECT_THAT(problem(), testing::HasSubstr("data.json"));
  write_text(song_ / "data.json", R"({"song": "Sun", "stems": 3})");
  EXPECT_THAT(problem(), testing::HasSubstr("no list of stems"));
  write_text(song_ / "data.json", R"({"song": "Sun", "stems": [{"stemName": "bass"}]})");
  EXPECT_THAT(problem(), testing::HasSubstr("tracks"));
  write_text(song_ / "data.json", R"({"song": "Sun", "stems": [{"stemName": "../bass", "tracks": []}]})");
  EXPECT_THAT(problem(), testing::HasSubstr("plain file name"));
}

constexpr const char* kMedleyId = "AClassicEducation_NightOwl";

std::string medley_metadata(const std::string& bleed = "'no'") {
  const std::string id = kMedleyId;
  return "album: Shaking Through Volume 2\nartist: A Classic Education\ncomposer:\n- A Classic Education\n"
         "excerpt: 'no'\ngenre: Singer/Songwriter\nhas_bleed: " +
         bleed + "\ninstrumental: 'no'\nmix_filename: " + id +
         "_MIX.wav\norigin: Weathervane Music\nproducer:\n- A W\n" + "raw_dir: " + id + "_RAW\nstem_dir: " + id +
         "_STEMS\nstems:\n" +  //
         "  S01:\n    component: bass\n    filename: " + id + "_STEM_01.wav\n    instrument: electric bass\n" +
         "    raw:\n      R01:\n        filename: " + id + "_RAW_01_01.wav\n        instrument: electric bass\n" +
         "  S02:\n    component: ''\n    filename: " + id +
         "_STEM_02.wav\n    instrument:\n    - violin\n    - viola\n" +
         "  S03:\n    component: melody\n    filename: " + id + "_STEM_03.wav\n    instrument: male singer\n" +
         "title: Night Owl\nversion: 1.2\n";
}

class Medley : public testing::Test {
 protected:
  void SetUp() override {
    const std::string id = kMedleyId;
    song_ = folder_.path() / "Audio" / id;
    for (int i = 1; i <= 3; ++i)
      write_tone(song_ / (id + "_STEMS") / (id + format("_STEM_%02d.wav", i)), {.channels = 2});
    write_tone(song_ / (id + "_RAW") / (id + "_RAW_01_01.wav"));
    write_tone(song_ / (id + "_MIX.wav"), {.channels = 2});
  }
  void expect_song(const MultitrackSong& song) {
    EXPECT_THAT(song.problems, testing::IsEmpty());
    EXPECT_EQ(song.id, kMedleyId);
    EXPECT_EQ(song.title, "A Classic Education - Night Owl");
    EXPECT_EQ(song.genre, "folk");
    EXPECT_EQ(song.mix.filename(), std::string(kMedleyId) + "_MIX.wav");
    EXPECT_THAT(stems_of(song),
                testing::ElementsAre("electric bass=bass", "violin + viola=string sections", "male singer="));
    EXPECT_TRUE(fs::exists(song.stems.at(1).files.at(0).path));
    EXPECT_FALSE(song.stems[0].has_bleed);
  }
  const std::string metadata_name_ = std::string(kMedleyId) + "_METADATA.yaml";
  TempDir folder_;
  fs::path song_;
};

TEST_F(Medley, FindsMetadataInAllItsPlaces) {
  for (const fs::path& place :
       {folder_.path() / "Metadata", song_, folder_.path() / "medleydb" / "data" / "Metadata"}) {
    write_text(place / metadata_name_, medley_metadata());
    ASSERT_EQ(detect_collection(folder_.path(), lexicon()), CollectionKind::kMedley);
    expect_song(find(folder_.path()).at(0));
    expect_song(find(folder_.path() / "Audio").at(0));
    fs::remove(place / metadata_name_);
  }
  const TempDir elsewhere;
  write_text(elsewhere.path() / metadata_name_, medley_metadata());
  FindOptions options;
  options.metadata = elsewhere.path();
  expect_song(find(folder_.path(), options).at(0));
}

TEST_F(Medley, Bleed) {
  write_text(song_ / metadata_name_, medley_metadata("'yes'"));
  const auto songs = find(folder_.path());
  ASSERT_EQ(songs.at(0).stems.size(), 3u);
  for (const MultitrackStem& stem : songs[0].stems) EXPECT_TRUE(stem.has_bleed);
}

TEST_F(Medley, MissingAndDamagedMetadata) {
  const auto problem = [&] { return find(folder_.path()).at(0).problems.at(0); };
  EXPECT_THAT(problem(), testing::HasSubstr(metadata_name_));
  write_text(song_ / metadata_name_, "stems: {S01: {filename: a.wav}}\n");
  EXPECT_THAT(problem(), testing::HasSubstr("'instrument'"));
  write_text(song_ / metadata_name_, "- a list\n");
  EXPECT_THAT(problem(), testing::HasSubstr("no metadata"));
  write_text(song_ / metadata_name_, "stems: {S01: {instrument: piano, filename: /etc/passwd}}\n");
  EXPECT_THAT(problem(), testing::HasSubstr("plain file name"));
  write_text(song_ / metadata_name_, "has_bleed: perhaps\nstems: {}\n");
  EXPECT_THAT(problem(), testing::HasSubstr("'has_bleed'"));
  write_text(song_ / metadata_name_, medley_metadata());
  make_unreachable(song_ / (std::string(kMedleyId) + "_MIX.wav"));
  EXPECT_THAT(problem(), testing::HasSubstr("_MIX.wav' cannot be read"));
}

}  // namespace
}  // namespace instructme
