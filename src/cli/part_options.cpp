#include "part_options.h"

#include "instructme/base/error.h"

namespace instructme::cli {

std::vector<std::filesystem::path> places(const std::vector<std::string>& asked,
                                          const std::vector<std::filesystem::path>& usual) {
  if (!asked.empty()) return {asked.begin(), asked.end()};
  std::vector<std::filesystem::path> present;
  for (const auto& path : usual)
    if (std::filesystem::exists(path)) present.push_back(path);
  return present;
}

std::vector<std::filesystem::path> usual_font_folders() { return {"/usr/share/sounds/sf2", "/usr/share/sounds/sf3"}; }

void PartFlags::add_to(CLI::App& command) {
  command
      .add_option("--parts", parts,
                  "New parts are made by the model, or written for the beats and chords of the music and played on a\n"
                  "SoundFont; auto: played where that can be done")
      ->check(CLI::IsMember({"auto", "model", "played"}));
  command
      .add_option("--part-notes", part_notes,
                  "A part that is played in the place of another one plays the notes that are heard of that one, or\n"
                  "others, which are written; auto: those that are heard where that can be done")
      ->check(CLI::IsMember({"auto", "heard", "written"}));
  command.add_option("--fonts", fonts,
                     "SoundFont files, or folders with them, to play on (default: those that are installed)");
}

void PartFlags::check() const {
  if (maker() != PartMaker::kModel) return;
  const char* const in_vain = !fonts.empty() ? "--fonts" : notes() != PartNotes::kAuto ? "--part-notes" : nullptr;
  if (in_vain != nullptr)
    throw Error(ErrorKind::kUsage, std::string(in_vain) +
                                       " is for parts that are played, and with --parts model none is: leave one of "
                                       "them out");
}

std::shared_ptr<Accompanist> PartFlags::accompanist() const {
  return maker() == PartMaker::kModel ? nullptr : player();
}

std::shared_ptr<Accompanist> PartFlags::player() const {
  PaletteOptions sounds;
  sounds.fonts = places(fonts, usual_font_folders());
  sounds.voices = true;
  return sounds.fonts.empty() ? nullptr : std::make_shared<Accompanist>(sounds);
}

}  // namespace instructme::cli
