#include <cstdio>
#include <memory>

#include "checks.h"
#include "command.h"
#include "instructme/base/config_reader.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"
#include "instructme/multitrack/collection_report.h"
#include "instructme/multitrack/song_import.h"
#include "terminal.h"

namespace instructme::cli {
namespace {

struct ImportArguments {
  std::string path, out, kind = "auto", metadata, json;
  std::vector<std::string> names;
  bool check = false;
  FindOptions find;
  ExamineOptions examine;
  ImportOptions import;
};

std::map<std::string, std::string> parse_names(const std::vector<std::string>& names) {
  std::map<std::string, std::string> instruments;
  for (const auto& text : names) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      throw Error(ErrorKind::kUsage, "--name wants STEM=INSTRUMENT, found '" + text + "'");
    instruments[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return instruments;
}

int import(ImportArguments& arguments) {
  const CancelToken cancel = cancel_on_signals();
  const Lexicon& lexicon = Lexicon::builtin();
  if (!arguments.check && arguments.out.empty())
    throw Error(ErrorKind::kUsage, "import wants --out, or --check to look only");
  const CollectionKind kind =
      arguments.kind == "auto" ? detect_collection(arguments.path, lexicon) : parse_collection_name(arguments.kind);
  if (!arguments.metadata.empty() && kind != CollectionKind::kMedley)
    throw Error(ErrorKind::kUsage, std::string("--metadata is for MedleyDB, and this is read as '") +
                                       collection_name(kind) + "': leave it out, or give --kind medleydb");
  check_place(arguments.json);
  arguments.find.instruments = parse_names(arguments.names);
  arguments.find.metadata = arguments.metadata;
  const std::vector<MultitrackSong> songs = find_songs(arguments.path, kind, lexicon, arguments.find);
  arguments.examine.jobs = arguments.import.jobs;
  ProgressLine looking("songs");
  const CollectionReport report = examine_songs(songs, arguments.examine, looking.callback(), cancel);
  looking.finish();
  std::fputs(to_text(report).c_str(), stdout);
  if (!arguments.json.empty()) write_json_file(arguments.json, to_json(report));
  if (arguments.check) return 0;

  arguments.import.folder = arguments.out;
  ProgressLine line("songs");
  const ImportReport done = import_songs(songs, arguments.import, lexicon, line.callback(), cancel);
  line.finish();
  for (const auto& note : done.notes) std::printf("note: %s\n", note.c_str());
  for (const auto& refused : done.refused) std::printf("refused: %s\n", refused.c_str());
  std::printf("%s: %lld songs imported, %lld were there already, %lld left out, %zu refused\n", arguments.out.c_str(),
              static_cast<long long>(done.imported), static_cast<long long>(done.kept),
              static_cast<long long>(done.left_out), done.refused.size());
  for (const auto& [split, count] : done.splits)
    std::printf("  %s/%s: %lld\n", arguments.out.c_str(), split.c_str(), static_cast<long long>(count));
  require_songs(done.imported + done.kept, done.refused, "imported");
  return 0;
}

}  // namespace

void add_import(CLI::App& data, Run& run) {
  auto arguments = std::make_shared<ImportArguments>();
  CLI::App* command = data.add_subcommand("import", "Make songs to train on from recordings in separate tracks.");
  command->footer(
      "\nKnown layouts: slakh (Slakh2100), musdb (MUSDB18-HQ), moisesdb, medleydb, fretsonfire, and folders: one\n"
      "folder per song with sound files named after instruments (drums.wav, bass.flac, …). What was found is shown\n"
      "before any work is done.");
  command->add_option("COLLECTION", arguments->path, "Folder of the collection")->required();
  command->add_option("-o,--out", arguments->out, "Folder for the songs, in train/, validation/ and test/");
  command->add_flag("--check", arguments->check, "Only say what is there and what is wrong with it");
  command->add_flag("--thorough", arguments->examine.thorough, "Listen to every file, not only to its header");
  command->add_option("--json", arguments->json, "Also write what was found to this file");
  command->add_option("--kind", arguments->kind, "The layout, when it is not recognised")
      ->check(CLI::IsMember({"auto", "slakh", "musdb", "moisesdb", "medleydb", "fretsonfire", "folders"}));
  command->add_option("--name", arguments->names, "STEM=INSTRUMENT: what a stem's name means here");
  command->add_option("--metadata", arguments->metadata, "MedleyDB: the folder with the metadata files");
  command->add_option("--licence", arguments->find.licence, "What to note where the collection states no licence");
  command->add_flag("!--named-only", arguments->import.keep_unnamed,
                    "Leave out stems without an instrument, such as singing");
  command->add_flag("!--no-bleed", arguments->import.with_bleed, "Leave out songs whose stems bleed into each other");
  command->add_flag("--flac", arguments->import.flac, "Half the disk space, slower to read");
  command->add_option("-j,--jobs", arguments->import.jobs, "Songs at a time")->check(CLI::Range(1, 256));
  command->callback([arguments, &run] { run = [arguments] { return import(*arguments); }; });
}

}  // namespace instructme::cli
