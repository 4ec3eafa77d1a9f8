#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "instructme/edit/file_edit.h"
#include "part_options.h"

namespace instructme::cli {

/// --thorough, and --quick for the opposite.
void add_thorough(CLI::App& command, EditOptions& edit);

/// What `edit` and `session apply` can be told alike.
struct EditFlags {
  std::string model, mode = "auto", range, strength, chords, beats, key, notes;
  EditorOptions editor;
  EditOptions edit;
  PartFlags parts;

  void add_to(CLI::App& command);
  EditorOptions editor_options() const;
  EditOptions edit_options() const;
  /// Throws kUsage for what cannot be had together.
  FileEditRequest request(const std::string& file, const std::string& sentence) const;
};

}  // namespace instructme::cli
