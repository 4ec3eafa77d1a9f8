#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "instructme/data/composer.h"
#include "instructme/data/dataset_renderer.h"
#include "instructme/data/triplet_stream.h"

namespace instructme::cli {

/// How songs are made: shared by `data render`, `data shards` and `train --stream`.
struct SongOptions {
  ComposerOptions composer;
  PaletteOptions palette;
  std::string split = "all", pop909;
  std::vector<std::string> midi;
  std::vector<std::string> fonts, kits;

  std::shared_ptr<const MusicStock> stock;  ///< after apply()

  /// Brings the options to the places that read them, and reads the music of others that they name. Throws what
  /// load_music throws.
  void apply(const CancelToken& cancel = {});
};
/// Returns the names of the options.
std::vector<std::string> add_song_options(CLI::App* command, SongOptions& options);
/// How many examples are drawn from a song and mixed with those of others: for `data shards` and `train --stream`.
void add_block_options(CLI::App* command, StreamOptions& options);

/// Songs made on the fly, after apply(). Throws what finding the fonts and the composer throws.
SongSupply make_supply(const SongOptions& options, int sample_rate);
/// Versions of the programs and libraries that decide what music sounds like and how it is stored.
nlohmann::json program_versions();
/// How the songs are made, for a manifest.
nlohmann::json to_json(const SongOptions& options, const RenderOptions& render);

}  // namespace instructme::cli
