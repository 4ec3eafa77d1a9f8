#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "instructme/edit/editor.h"

namespace instructme::cli {

/// The paths that were asked for, or those of the usual ones that exist.
std::vector<std::filesystem::path> places(const std::vector<std::string>& asked,
                                          const std::vector<std::filesystem::path>& usual);
/// Where Debian installs SoundFonts.
std::vector<std::filesystem::path> usual_font_folders();

/// Where new parts come from: for `edit`, `session apply` and `evaluate`.
struct PartFlags {
  std::string parts = "auto", part_notes = "auto";
  std::vector<std::string> fonts;

  void add_to(CLI::App& command);
  PartMaker maker() const { return parse_part_maker(parts); }
  PartNotes notes() const { return parse_part_notes(part_notes); }
  /// Throws kUsage for what would be told in vain, as the model makes the parts.
  void check() const;
  /// Who plays parts; nobody without a SoundFont. Throws kMissing for a font that was named and is not there.
  std::shared_ptr<Accompanist> player() const;
  /// The same, and nobody when the model is to make the parts.
  std::shared_ptr<Accompanist> accompanist() const;
};

}  // namespace instructme::cli
