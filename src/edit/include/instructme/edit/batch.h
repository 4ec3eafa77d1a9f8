#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "instructme/edit/file_edit.h"

namespace instructme {

/// Which lines of a manifest are this process's: those whose number, counted from 0, is `index` modulo `count`.
struct BatchShard {
  int index = 0, count = 1;
};
/// "2/8", counted from 1. Throws kUsage.
BatchShard parse_shard(const std::string& text);

struct BatchResult {
  int64_t done = 0, skipped = 0, failed = 0;
};

/// Edits the songs of a manifest, a JSON object in each line: "file", "sentence" and "output" and, if wanted, "seed",
/// "mode", "steps", "guidance", "pan", "parts", "part_notes", "range", "strength", "chords", "beats", "key", "notes",
/// "stems", "report", "thorough" and "force", with the meaning of the options of the command; relative paths count from
/// the manifest's folder. What a line says goes before `defaults`. After each line `tell` gets one object: "line",
/// "file", "output", "status" ("done", "skipped" or "failed"), and "seconds", "gain", "notes" and "request" (a hash),
/// or "error". The same object lies beside the output as `<output>.json`; an output whose object says that it was made
/// from the same line and files (by size and time) by the same model and sounds is skipped, so a batch that was stopped
/// goes on where it was, and shards may run at the same time. A line that fails does not stop the others; one with the
/// output of a line before it does. Throws kIo for a manifest that cannot be read, kCancelled.
BatchResult run_batch(Editor& editor, const std::filesystem::path& manifest, const BatchShard& shard,
                      const EditOptions& defaults, const std::function<void(const nlohmann::json&)>& tell,
                      const CancelToken& cancel = {});

}  // namespace instructme
