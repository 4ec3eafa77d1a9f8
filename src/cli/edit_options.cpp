#include "edit_options.h"

#include "command.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "instructme/pretrained/note_transcriber.h"

namespace instructme::cli {

void add_thorough(CLI::App& command, EditOptions& edit) {
  CLI::Option* const thorough =
      command
          .add_flag_function(
              "--thorough", [&edit](int64_t) { edit.thorough = true; },
              format(
                  "Hear the music at three speeds to take instruments out: a little cleaner, in three times the time\n"
                  "(without --quick done anyway where no more than %g s of music are heard)",
                  kThoroughUpTo_s))
          ->disable_flag_override();
  command
      .add_flag_function(
          "--quick", [&edit](int64_t) { edit.thorough = false; }, "Hear the music at one speed only")
      ->excludes(thorough)
      ->disable_flag_override();
}

void EditFlags::add_to(CLI::App& command) {
  command.add_option("--range", range, "Where, unless the sentence says: 0:10-0:20, 2-5 (seconds), 90- or 'bars 5-8'");
  command.add_option("--strength", strength,
                     "How much of the change is made, unless the sentence says: up to 1, or a percentage");
  command.add_option("--chords", chords, "File of the music's chords: start, end and chord in each line");
  command.add_option("--beats", beats,
                     "File of the music's beats: time and place in the bar in each line; without it, ranges in bars\n"
                     "are counted by beats that are heard");
  command.add_option("--key", key, "Key of the music, e.g. 'F# minor'");
  command.add_option("--notes", notes,
                     "MIDI file whose notes a new part plays, all but those of drums; it begins with the music");
  // An unset variable of the shell would change all of the music.
  const CLI::Validator said(
      [](const std::string& text) {
        return text.empty() ? "nothing is given; leave the option out, or say what is meant" : "";
      },
      "");
  for (const char* name : {"--range", "--strength", "--chords", "--beats", "--key", "--notes"})
    command.get_option(name)->check(said);
  command.add_option("-m,--model", model, "Model folder (default: the one that came with the program)");
  command.add_option("--mode", mode, "compose, direct, or auto: compose where it can be done")
      ->check(CLI::IsMember({"auto", "compose", "direct"}));
  command.add_option("--seed", edit.seed, "Another number, another version; the same number, the same bytes")
      ->check(CLI::NonNegativeNumber);
  command.add_option("--steps", edit.steps, "Sampling steps: more is slower and richer; 0: as the model says")
      ->check(CLI::Range(0, 1000));
  command
      .add_option("--guidance", edit.guidance,
                  "How hard to follow the sentence, 1 plain, 2 to 4 stronger; -1: as the model says")
      ->check(CLI::Range(-1.0, 30.0));
  command
      .add_option("--pan", edit.pan, "Where added parts stand: -1 left, 0 middle, 1 right; for music of two channels")
      ->check(CLI::Range(-1.0, 1.0));
  parts.add_to(command);
  add_thorough(command, edit);
  command.add_flag("--bfloat16", editor.bfloat16,
                   "Faster on processors with AMX or AVX512-BF16, and nothing on others");
  command.add_option("--device", editor.device, "cpu or cuda")->check(CLI::IsMember({"cpu", "cuda"}));
  command.add_flag("--force", edit.force, "Take out instruments that are not heard in the music, too");
}

EditorOptions EditFlags::editor_options() const {
  EditorOptions options = editor;
  options.accompanist = parts.accompanist();
  options.transcribes = transcriber_of(find_transcriber(""));
  return options;
}

EditOptions EditFlags::edit_options() const {
  EditOptions options = edit;
  options.mode = parse_edit_mode(mode);
  options.parts = parts.maker();
  options.part_notes = parts.notes();
  return options;
}

FileEditRequest EditFlags::request(const std::string& file, const std::string& sentence) const {
  parts.check();
  if (mode == "direct" && (parts.maker() == PartMaker::kPlayed || parts.notes() != PartNotes::kAuto))
    throw Error(ErrorKind::kUsage,
                std::string("with --mode direct the model renders everything, and no part is played: "
                            "leave it out, or ") +
                    (parts.maker() == PartMaker::kPlayed ? "--parts played" : "--part-notes"));
  FileEditRequest request{.file = file, .sentence = sentence, .options = edit_options()};
  if (!range.empty()) request.range = parse_range(range);
  if (!strength.empty()) request.strength = parse_strength(strength);
  request.chords = chords;
  request.beats = beats;
  request.key = key;
  request.notes = notes;
  return request;
}

}  // namespace instructme::cli
