#include <cstdio>
#include <limits>
#include <memory>

#include "command.h"
#include "edit_options.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "instructme/session/session.h"
#include "terminal.h"

namespace instructme::cli {
namespace {

struct SessionArguments {
  EditFlags flags;
  std::string folder, file, sentence, name, output, stems, layer;
  double level_db = 0;
  bool off = false;
  int64_t seed = -1;
};

using Arguments = std::shared_ptr<SessionArguments>;

/// A model that is loaded when it is needed first.
class LazyEditor {
 public:
  explicit LazyEditor(const SessionArguments& arguments) : arguments_(arguments) {}
  Editor& operator()() {
    if (!editor_)
      editor_ = std::make_unique<Editor>(find_model(arguments_.flags.model), arguments_.flags.editor_options());
    return *editor_;
  }

 private:
  const SessionArguments& arguments_;
  std::unique_ptr<Editor> editor_;
};

void print_layers(const Session& session) {
  std::printf("layers\n");
  for (const SessionLayer& layer : session.layers())
    std::printf("%4d  %-20s %8s%s%s%s\n", layer.id, layer.name.c_str(), format("%+.1f dB", layer.level_db).c_str(),
                layer.removed ? "  removed" : "", layer.muted ? "  muted" : "", layer.soloed ? "  solo" : "");
}

void print_log(const Session& session) {
  for (const SessionEntry& entry : session.log())
    std::printf("%c%4d %5s  %s%s\n", entry.current ? '*' : ' ', entry.id,
                entry.parent < 0 ? "" : format("<- %d", entry.parent).c_str(), entry.text.c_str(),
                entry.branches.empty() ? "" : ("  [" + join(entry.branches, ", ") + "]").c_str());
}

void tell(const std::vector<std::string>& notes) {
  for (const std::string& note : notes) std::fprintf(stderr, "note: %s\n", note.c_str());
}

void apply(Session& session, SessionArguments& arguments) {
  const CancelToken cancel = cancel_on_signals();
  // What an edit of a file checks and reads holds for an edit in a session too.
  const FileEdit edit(arguments.flags.request(session.music().string(), arguments.sentence));
  std::fprintf(stderr, "understood: %s\n", plain_sentence(edit.plan()).c_str());
  LazyEditor editor(arguments);
  ProgressLine line("steps");
  const auto notes = session.apply([&]() -> Editor& { return editor(); }, edit.plan(),
                                   edit.options_for(session.music_info()), line.callback(), cancel);
  line.finish();
  tell(notes);
}

void reroll(Session& session, SessionArguments& arguments) {
  const CancelToken cancel = cancel_on_signals();
  LazyEditor editor(arguments);
  ProgressLine line("steps");
  const auto seed = arguments.seed < 0 ? std::nullopt : std::optional<uint64_t>(arguments.seed);
  const auto notes = session.reroll([&]() -> Editor& { return editor(); }, seed, line.callback(), cancel);
  line.finish();
  tell(notes);
}

/// One command of `session`: what it does with the open session; then the layers are shown.
CLI::App* add_action(CLI::App& session, Run& run, const Arguments& arguments, const char* name, const char* help,
                     void (*action)(Session&, SessionArguments&)) {
  CLI::App* command = session.add_subcommand(name, help);
  command->add_option("FOLDER", arguments->folder, "The session")->required();
  command->callback([arguments, action, &run] {
    run = [arguments, action] {
      Session opened = Session::open(arguments->folder);
      action(opened, *arguments);
      print_layers(opened);
      return 0;
    };
  });
  return command;
}

void add_layer_action(CLI::App& session, Run& run, const Arguments& arguments, const char* name, const char* help,
                      const char* off_help, void (*action)(Session&, SessionArguments&)) {
  CLI::App* command = add_action(session, run, arguments, name, help, action);
  command->add_option("LAYER", arguments->layer, "Number or name of the layer, see 'session log'")->required();
  command->add_flag("--off", arguments->off, off_help);
}

/// What makes the sound; all else that an edit was told is in the session.
void add_editor_options(CLI::App& command, EditFlags& flags) {
  command.add_option("-m,--model", flags.model, "Model folder (default: the one that came with the program)");
  command.add_option("--fonts", flags.parts.fonts,
                     "SoundFont files, or folders with them, to play on (default: those that are installed)");
  command.add_flag("--bfloat16", flags.editor.bfloat16,
                   "Faster on processors with AMX or AVX512-BF16, and nothing on others");
  command.add_option("--device", flags.editor.device, "cpu or cuda")->check(CLI::IsMember({"cpu", "cuda"}));
}

}  // namespace

void add_session_command(CLI::App& app, Run& run) {
  const auto arguments = std::make_shared<SessionArguments>();
  CLI::App* session =
      app.add_subcommand("session", "Edit a piece of music round after round, with undo, branches and a mix.");
  session->require_subcommand(1);
  session->footer("\nA session is a folder with the music, the stems of every edit, and all that was done.");

  CLI::App* begin = session->add_subcommand("new", "Begin a session with a copy of a piece of music.");
  begin->add_option("FOLDER", arguments->folder, "The session, a new folder")->required();
  begin->add_option("FILE", arguments->file, "The music")->required();
  begin->callback([arguments, &run] {
    run = [arguments] {
      print_layers(Session::create(arguments->folder, arguments->file));
      return 0;
    };
  });

  CLI::App* edit = add_action(*session, run, arguments, "apply", "Edit the mix by a sentence.", apply);
  edit->add_option("SENTENCE", arguments->sentence, "What is to be done, in quotes")->required();
  arguments->flags.add_to(*edit);
  CLI::App* again =
      add_action(*session, run, arguments, "reroll", "Make the last edit anew with another seed.", reroll);
  again->add_option("--seed", arguments->seed, "The seed; -1: one more than last time")
      ->check(CLI::Range(int64_t{-1}, std::numeric_limits<int64_t>::max()));
  add_editor_options(*again, arguments->flags);

  add_action(*session, run, arguments, "undo", "Take the last change back.",
             [](Session& s, SessionArguments&) { s.undo(); });
  add_action(*session, run, arguments, "redo", "Make what was taken back again.",
             [](Session& s, SessionArguments&) { s.redo(); });
  add_action(*session, run, arguments, "branch", "Name where the session stands and go on under that name.",
             [](Session& s, SessionArguments& a) { s.branch(a.name); })
      ->add_option("NAME", arguments->name, "The new branch")
      ->required();
  add_action(*session, run, arguments, "switch", "Go to where a branch stands.",
             [](Session& s, SessionArguments& a) { s.switch_to(a.name); })
      ->add_option("NAME", arguments->name, "The branch; the first is called main")
      ->required();
  add_layer_action(*session, run, arguments, "mute", "Leave a layer out of the mix; what was removed comes back.",
                   "Let it sound again",
                   [](Session& s, SessionArguments& a) { s.mute(s.layer_called(a.layer), !a.off); });
  add_layer_action(*session, run, arguments, "solo", "Hear only this layer, and others that are soloed.",
                   "Hear all again", [](Session& s, SessionArguments& a) { s.solo(s.layer_called(a.layer), !a.off); });
  CLI::App* level = add_action(*session, run, arguments, "level", "Set how loud a layer is.",
                               [](Session& s, SessionArguments& a) { s.level(s.layer_called(a.layer), a.level_db); });
  level->add_option("LAYER", arguments->layer, "Number or name of the layer, see 'session log'")->required();
  level->add_option("DB", arguments->level_db, "dB relative to how it was made")->required();
  CLI::App* out = add_action(*session, run, arguments, "export", "Write the mix, and its layers if wanted.",
                             [](Session& s, SessionArguments& a) {
                               for (const std::string& note : s.export_mix(a.output, a.stems).notes)
                                 std::fprintf(stderr, "note: %s\n", note.c_str());
                             });
  out->add_option("-o,--output", arguments->output, "Where to write; the ending chooses the format")->required();
  out->add_option("--stems", arguments->stems, "Folder for the layers that are heard; they add up to the mix");
  add_action(*session, run, arguments, "log", "All that was done, and the layers of the mix.",
             [](Session& s, SessionArguments&) { print_log(s); });
}

}  // namespace instructme::cli
