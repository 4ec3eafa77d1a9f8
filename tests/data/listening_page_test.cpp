#include "instructme/data/listening_page.h"

#include <regex>

#include "data_test_support.h"
#include "expect_error.h"
#include "instructme/audio/audio_file.h"
#include "instructme/base/strings.h"
#include "instructme/data/triplet_stream.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;

std::vector<ListeningItem> every_item(const ListeningItems& next) {
  std::vector<ListeningItem> items;
  while (auto item = next()) items.push_back(std::move(*item));
  return items;
}

TEST(ListeningPage, EscapesWhatHasAMeaningInHtml) {
  EXPECT_EQ(escape_html("a<b> & \"c\" 'd'\n"), "a&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39; ");
}

TEST(ListeningPage, ShowsExamplesWithFilesThatExist) {
  const TempDir folder;
  std::vector<RenderedSong> made{test_song(1), test_song(2)};
  for (RenderedSong& song : made) {
    song.info.source = "<script>alert('x')</script>";
    song.info.arrangements[0].versions[0].stems[0].preset = "\" onload=\"";
  }
  const SongSet songs(std::move(made));
  ListeningOptions options;
  options.folder = folder.path() / "page";
  options.title = "a & b";
  options.count = 4;
  TripletOptions triplets;
  triplets.seconds = 2;
  const auto items = every_item(draw_items(options, songs, Lexicon::builtin(), triplets));
  ASSERT_EQ(items.size(), 4u);
  EXPECT_GE(items[0].stems.size(), 3u);
  EXPECT_EQ(write_listening_page(options, draw_items(options, songs, Lexicon::builtin(), triplets), 8000), 4u);
  const std::string html = read_text_file(options.folder / "index.html");
  EXPECT_EQ(html.find("<script"), std::string::npos);
  EXPECT_EQ(html.find("\" onload"), std::string::npos);
  EXPECT_EQ(html.find("http"), std::string::npos) << "nothing from elsewhere";
  EXPECT_NE(html.find("a &amp; b"), std::string::npos);
  EXPECT_NE(html.find(escape_html(items[2].example.triplet.sentence)), std::string::npos);
  EXPECT_NE(html.find(chord_label(items[0].example.clip.chords[0].chord)), std::string::npos);
  const std::regex source("src=\"([^\"]*)\"");
  int files = 0;
  for (std::sregex_iterator it(html.begin(), html.end(), source), end; it != end; ++it, ++files)
    EXPECT_TRUE(fs::exists(options.folder / (*it)[1].str())) << (*it)[1];
  EXPECT_GE(files, 4 * 5);
  EXPECT_EQ(probe_audio(options.folder / "000_source.flac").frames, 16000);
  options.count = 0;
  expect_error(ErrorKind::kUsage, "1 to 1000", [&] { draw_items(options, songs, Lexicon::builtin(), triplets); });
}

TEST(ListeningPage, AsksForAnExampleWhenTheOneBeforeIsWritten) {
  const TempDir folder;
  const SongSet songs(std::vector<RenderedSong>{test_song(1)});
  ListeningOptions options;
  options.folder = folder.path() / "page";
  options.count = 3;
  TripletOptions triplets;
  triplets.seconds = 2;
  const ListeningItems draw = draw_items(options, songs, Lexicon::builtin(), triplets);
  int64_t asked = 0;
  const ListeningItems watched = [&] {
    if (asked > 0) {
      const std::string last = format("%03lld_target.flac", static_cast<long long>(asked - 1));
      EXPECT_TRUE(fs::exists(options.folder / last)) << last;
    }
    ++asked;
    return draw();
  };
  EXPECT_EQ(write_listening_page(options, watched, 8000), 3u);
  EXPECT_NE(read_text_file(options.folder / "index.html").find("3 training examples"), std::string::npos);
}

TEST(ListeningPage, SaysNoKeyAndTempoOfRecordings) {
  const TempDir folder;
  for (const bool charted : {true, false}) {
    std::vector<RenderedSong> made{test_song(1)};
    if (!charted) made[0].info.chords.clear(), made[0].info.beats.clear();
    const SongSet songs(std::move(made));
    ListeningOptions options;
    options.folder = folder.path() / (charted ? "charted" : "recorded");
    options.count = 1;
    options.stems = false;
    TripletOptions triplets;
    triplets.seconds = 2;
    write_listening_page(options, draw_items(options, songs, Lexicon::builtin(), triplets), 8000);
    const std::string html = read_text_file(options.folder / "index.html");
    EXPECT_EQ(html.find("beats per minute") != std::string::npos, charted);
  }
}

TEST(ListeningPage, DrawsDifferentExamplesOfShards) {
  const TempDir folder;
  StreamOptions stream_options;
  stream_options.triplets.seconds = 2;
  std::vector<RenderedSong> made{test_song(1)};
  TripletStream stream(stream_options, stored_songs(std::make_shared<const SongSet>(std::move(made))),
                       Lexicon::builtin());
  ShardOptions shards;
  shards.folder = folder.path() / "shards";
  shards.count = 5;
  write_shards(shards, stream);
  ShardSet set(shards.folder);
  ListeningOptions options;
  options.count = 10;
  EXPECT_EQ(every_item(draw_items(options, set)).size(), 5u);
  options.folder = "/proc/nowhere";
  expect_error(ErrorKind::kIo, "/proc/nowhere", [&] { write_listening_page(options, {}, 8000); });
}

}  // namespace
}  // namespace instructme
