#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "instructme/data/shards.h"
#include "instructme/data/song_set.h"

namespace instructme {

struct ListeningOptions {
  std::filesystem::path folder;  ///< for index.html and what it shows
  std::string title;
  int64_t count = 10;  ///< examples, drawn at random
  uint64_t seed = 0;
  bool stems = true;  ///< of songs: also all stems that sound in the clip
};

/// One example and its stems, with a name each.
struct ListeningItem {
  LabelledTriplet example;
  std::vector<std::pair<std::string, std::vector<float>>> stems;
};

/// A page for a browser, without scripts or anything from elsewhere: index.html, FLAC files of 16 bits, and pictures of
/// the spectrograms where the program can write PNG. Throws kIo, and kUsage for a count below 1.
void write_listening_page(const ListeningOptions& options, const std::vector<ListeningItem>& items, int sample_rate);

/// Examples drawn from songs as training draws them. Throws what TripletSampler throws.
std::vector<ListeningItem> draw_items(const ListeningOptions& options, const SongSet& songs, const Lexicon& lexicon,
                                      const TripletOptions& triplets = {});
/// Different examples of a set of shards; fewer than wanted when it has fewer.
std::vector<ListeningItem> draw_items(const ListeningOptions& options, ShardSet& shards);

/// Text as it may stand in HTML, between tags or in a quoted attribute.
std::string escape_html(const std::string& text);

}  // namespace instructme
