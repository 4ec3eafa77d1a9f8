#include "instructme/edit/batch.h"

#include <chrono>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "instructme/base/config_reader.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/hash.h"
#include "instructme/base/json_nesting.h"
#include "instructme/base/strings.h"
#include "instructme/torchx/runtime.h"
#include "stopwatch.h"

namespace fs = std::filesystem;

namespace instructme {

using nlohmann::json;

namespace {

FileEditRequest read_request(const json& line, const std::string& context, const fs::path& folder,
                             const EditOptions& defaults) {
  FileEditRequest request{.options = defaults};
  std::string mode, parts, part_notes, range, strength;
  ConfigReader config(line, context);
  const auto path = [&](const char* key, fs::path& value, bool wanted = false) {
    std::string text;
    wanted ? config.require(key, text) : config.read(key, text);
    if (!text.empty()) value = folder / text;
  };
  path("file", request.file, true);
  path("output", request.output, true);
  config.require("sentence", request.sentence);
  config.read("seed", request.options.seed);
  config.read("steps", request.options.steps);
  config.read("guidance", request.options.guidance);
  config.read("pan", request.options.pan);
  if (bool thorough = false; config.has("thorough")) {
    config.read("thorough", thorough);
    request.options.thorough = thorough;
  }
  config.read("force", request.options.force);
  config.read("mode", mode);
  config.read("parts", parts);
  config.read("part_notes", part_notes);
  config.read("range", range);
  // As --dry-run --json has it, or as the option.
  if (config.raw("strength").is_number()) {
    double share = 0;
    config.read("strength", share);
    strength = format("%.17g", share);
  } else {
    config.read("strength", strength);
  }
  config.read("key", request.key);
  path("chords", request.chords);
  path("beats", request.beats);
  path("notes", request.notes);
  path("stems", request.stems);
  path("report", request.report);
  for (const char* key : {"range", "strength", "key", "chords", "beats", "notes", "stems", "report"})
    if (config.has(key) && config.raw(key) == "")
      throw Error(ErrorKind::kInput, context + ": '" + key + "' is empty; leave it out, or say what is meant");
  config.finish();
  if (!parts.empty()) request.options.parts = parse_part_maker(parts);
  if (!part_notes.empty()) request.options.part_notes = parse_part_notes(part_notes);
  if (!mode.empty()) request.options.mode = parse_edit_mode(mode);
  const auto within = [&](const char* key, double value, double least, double most) {
    if (value < least || value > most)
      throw Error(ErrorKind::kInput, context + format(": '%s' lies in %g to %g, not %g", key, least, most, value));
  };
  within("steps", static_cast<double>(request.options.steps), 0, 1000);
  within("guidance", request.options.guidance, -1, 30);
  if (!range.empty()) request.range = parse_range(range);
  if (!strength.empty()) request.strength = parse_strength(strength);
  if (request.output.empty()) throw Error(ErrorKind::kInput, context + ": 'output' is empty");
  return request;
}

fs::path record_of(const fs::path& output) { return output.string() + ".json"; }

/// What tells that a file is not what it was: its size and when it was written.
std::string state_of(const fs::path& file) {
  if (file.empty()) return "";
  std::error_code code;
  const auto size = static_cast<unsigned long long>(fs::file_size(file, code));
  const auto written = static_cast<long long>(fs::last_write_time(file, code).time_since_epoch().count());
  return format(" %llu %lld", size, written);
}

/// Why a line of a manifest must not write what it says.
struct Conflict {
  size_t line = 0;      ///< of the other
  bool source = false;  ///< it reads what would be written over
};

/// The lines of a manifest that would write over what one before them writes, whichever shard that is in, over what
/// they write themselves, or over what another one reads.
std::map<size_t, Conflict> conflicts_in(const std::vector<std::string>& lines, const fs::path& folder) {
  std::map<fs::path, size_t> first, read;
  std::map<size_t, Conflict> conflicts;
  const auto each = [&](const std::initializer_list<const char*>& keys, const auto& visit) {
    for (size_t i = 0; i < lines.size(); ++i) {
      const json line = json::parse(lines[i], nullptr, false);
      if (!line.is_object()) continue;
      for (const char* key : keys)
        if (line.contains(key) && line[key].is_string() && !line[key].get_ref<const std::string&>().empty())
          visit(i, key, folder / line[key].get<std::string>());
    }
  };
  const auto same = [](const fs::path& place) { return (place / "").lexically_normal(); };
  each({"file", "chords", "beats", "notes"},
       [&](size_t i, const std::string&, const fs::path& place) { read.emplace(same(place), i); });
  each({"output", "report", "stems"}, [&](size_t i, const std::string& key, const fs::path& place) {
    const auto claim = [&](const fs::path& written) {
      const auto [owner, is_new] = first.emplace(same(written), i);
      if (!is_new) conflicts.emplace(i, Conflict{owner->second});
      // Its own source is looked at with the edit.
      if (const auto reader = read.find(same(written)); reader != read.end() && reader->second != i)
        conflicts.emplace(i, Conflict{reader->second, true});
    };
    claim(place);
    if (key == "output") claim(record_of(place));
  });
  return conflicts;
}

/// What decides how an edit comes out besides its line and its files.
std::string state_of(const Editor& editor, const EditOptions& o) {
  std::string state = editor.model_folder().empty() ? "" : folder_hash(editor.model_folder());
  if (const auto& accompanist = editor.options().accompanist)
    for (const auto* sounds : {&accompanist->options().fonts, &accompanist->options().kits})
      for (const fs::path& path : *sounds) state += " " + path.string() + state_of(path);
  return state + format(" %d %d %d %d %llu %lld %.17g %.17g %d %d", editor.options().transcribes != nullptr,
                        static_cast<int>(o.mode), static_cast<int>(o.parts), static_cast<int>(o.part_notes),
                        static_cast<unsigned long long>(o.seed), static_cast<long long>(o.steps), o.guidance, o.pan,
                        o.thorough ? static_cast<int>(*o.thorough) : -1, o.force);
}

bool is_done(const fs::path& output, const std::string& key) {
  std::error_code code;
  if (!fs::exists(output, code) || !fs::exists(record_of(output), code)) return false;
  try {
    return read_json_file(record_of(output)).value("request", "") == key;
  } catch (const std::exception&) {
    return false;  // a record that cannot be read is made anew
  }
}

}  // namespace

BatchShard parse_shard(const std::string& text) {
  BatchShard shard;
  int used = 0;
  if (std::sscanf(text.c_str(), "%d/%d%n", &shard.index, &shard.count, &used) != 2 ||
      used != static_cast<int>(text.size()) || shard.index < 1 || shard.index > shard.count)
    throw Error(ErrorKind::kUsage, "'" + text + "' is no shard: write which of how many, from 1/8 to 8/8");
  --shard.index;
  return shard;
}

BatchResult run_batch(Editor& editor, const fs::path& manifest, const BatchShard& shard, const EditOptions& defaults,
                      const std::function<void(const json&)>& tell, const CancelToken& cancel) {
  const std::vector<std::string> lines = split(read_text_file(manifest), '\n');
  const std::string state = state_of(editor, defaults);
  const std::map<size_t, Conflict> conflicts = conflicts_in(lines, manifest.parent_path());
  BatchResult all;
  int64_t number = -1;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (trim(lines[i]).empty() || ++number % shard.count != shard.index) continue;
    cancel.check();
    json told = {{"line", i + 1}};
    const std::string context = manifest.string() + format(", line %zu", i + 1);
    try {
      const json line = json::parse(lines[i], nullptr, false);
      if (is_nested_too_deeply(line)) throw Error(ErrorKind::kInput, context + " is nested too deeply to be used");
      if (!line.is_object()) throw Error(ErrorKind::kInput, context + " is no JSON object");
      FileEditRequest request = read_request(line, context, manifest.parent_path(), defaults);
      told["file"] = request.file.string();
      told["output"] = request.output.string();
      if (const auto found = conflicts.find(i); found != conflicts.end()) {
        const auto& [other, source] = found->second;
        throw Error(
            ErrorKind::kInput,
            context + (other == i ? ": its output, the record of that, report and stems need a place each"
                       : source ? format(": it would write over what line %zu reads; give it another place", other + 1)
                                : format(": line %zu has the same output, report or stems; give each line "
                                         "its own",
                                         other + 1)));
      }
      const std::string key =
          hash_text(stable_hash(line.dump() + state + state_of(request.file) + state_of(request.chords) +
                                state_of(request.beats) + state_of(request.notes)));
      const fs::path output = request.output;
      if (is_done(output, key)) {
        told["status"] = "skipped";
        ++all.skipped;
        tell(told);
        continue;
      }
      make_folder(output.parent_path().empty() ? "." : output.parent_path());
      double seconds = 0;
      WrittenEdit written;
      {
        const Stopwatch watch(seconds);
        written = FileEdit(std::move(request)).run(editor, {}, {}, cancel).front();
      }
      told["status"] = "done";
      told["seconds"] = std::round(seconds * 100) / 100;
      told["gain"] = written.written.gain;
      told["notes"] = written.written.notes;
      told["request"] = key;
      write_json_file(record_of(output), told);
      ++all.done;
    } catch (const std::exception& error) {
      const auto* const known = dynamic_cast<const Error*>(&error);
      if (known != nullptr && known->kind() == ErrorKind::kCancelled) throw;
      const std::string text = error.what();
      told["status"] = "failed";
      // One song may be too long for the memory, and the next not.
      told["error"] = known == nullptr && is_out_of_memory(error) ? "there is not enough memory for it"
                                                                  : text.substr(0, text.find('\n'));
      ++all.failed;
    }
    tell(told);
  }
  return all;
}

}  // namespace instructme
