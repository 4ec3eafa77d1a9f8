#pragma once

#include <filesystem>
#include <functional>
#include <optional>
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

/// Gives one example after the other, so that no two need be in memory; nothing behind the last.
using ListeningItems = std::function<std::optional<ListeningItem>()>;

/// A page for a browser, without scripts or anything from elsewhere: index.html, FLAC files of 16 bits, and pictures of
/// the spectrograms where the program can write PNG. Returns the number of examples. Throws kIo, and what `next`
/// throws.
size_t write_listening_page(const ListeningOptions& options, const ListeningItems& next, int sample_rate);

/// Examples drawn from songs as training draws them; `songs` and `lexicon` must outlive them. Throws what
/// TripletSampler throws, and kUsage for a count outside 1..1000.
ListeningItems draw_items(const ListeningOptions& options, const SongSet& songs, const Lexicon& lexicon,
                          const TripletOptions& triplets = {});
/// Different examples of a set of shards, which must outlive them; fewer than wanted when it has fewer. Throws as
/// above.
ListeningItems draw_items(const ListeningOptions& options, ShardSet& shards);

/// Text as it may stand in HTML, between tags or in a quoted attribute.
std::string escape_html(const std::string& text);

}  // namespace instructme
