#include "song_options.h"

#include "instructme/audio/audio_memory.h"
#include "instructme/score/mma_arranger.h"
#include "instructme/synth/stem_renderer.h"
#include "part_options.h"
#include "terminal.h"

namespace instructme::cli {

void SongOptions::apply(const CancelToken& cancel) {
  if (split == "train") composer.split = GrooveSplit::kTrain;
  if (split == "held-out") {
    composer.split = GrooveSplit::kHeldOut;
    palette.held_out = true;
  }
  palette.fonts = places(fonts, usual_font_folders());
  palette.kits.assign(kits.begin(), kits.end());
  composer.pop909 = pop909;
  composer.midi.assign(midi.begin(), midi.end());
  ProgressLine looking("files");
  stock = load_music(composer, looking.callback(), cancel);
  looking.finish();
}

std::vector<std::string> add_song_options(CLI::App* command, SongOptions& options) {
  const size_t before = command->get_options().size();
  command->add_option("--seconds", options.composer.seconds, "Length of a song")->check(CLI::Range(12.0, 600.0));
  command
      ->add_option("--performance", options.composer.performance,
                   "How freely the songs are played: timing, tempo, swing, pauses, solos, key changes; 0: as written")
      ->check(CLI::Range(0.0, 2.0));
  command->add_option("--pop909", options.pop909, "Folder or archive of the POP909 collection");
  command->add_option("--midi", options.midi, "Folders with MIDI files");
  command->add_option("--own-weight", options.composer.own_weight, "How often a song is the program's own")
      ->check(CLI::Range(0.0, 1e6));
  command->add_option("--pop909-weight", options.composer.pop909_weight, "How often it is from POP909")
      ->check(CLI::Range(0.0, 1e6));
  command->add_option("--midi-weight", options.composer.midi_weight, "How often it is a MIDI file")
      ->check(CLI::Range(0.0, 1e6));
  command->add_option("--fonts", options.fonts,
                      "SoundFont files, or folders with them (default: those that are installed)");
  command->add_option("--kits", options.kits,
                      "Drum kits of Hydrogen, or folders with them, e.g. " + default_kit_folder().string());
  command->add_flag("--plugins", options.palette.plugins,
                    "Use LV2 instruments and effects too, those of 'data palette' that are installed");
  command->add_flag("--voices", options.palette.voices, "Have melodies sung by the program's own voices");
  command->add_option("--held-out-fonts", options.palette.held_out_fonts,
                      "Names of the fonts, kits, plugins and voices that are kept for testing");
  command
      ->add_option("--split", options.split,
                   "train: no held-out font, style or song; held-out: only those; all: every style and song, and no "
                   "held-out font")
      ->check(CLI::IsMember({"all", "train", "held-out"}));
  command->add_flag("!--no-mma", options.composer.mma, "Only this project's own patterns, without the program MMA");
  std::vector<std::string> names;
  for (const CLI::Option* option : command->get_options()) names.push_back(option->get_name());
  names.erase(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(before));
  return names;
}

void add_block_options(CLI::App* command, StreamOptions& options) {
  command->add_option("--per-song", options.triplets_per_song, "Examples of a song")->check(CLI::Range(1, 10000));
  command->add_option("--block", options.songs_per_block, "Songs whose examples are mixed; they are in memory")
      ->check(CLI::Range(1, 1000));
}

SongSupply make_supply(const SongOptions& options, int sample_rate) {
  RenderOptions render;
  render.sample_rate = sample_rate;
  const Lexicon& lexicon = Lexicon::builtin();
  auto palette = std::make_shared<const Palette>(Palette::scan(options.palette, lexicon));
  return rendered_songs(render, make_composer(options.composer, GrooveLibrary::builtin(), options.stock),
                        std::move(palette), lexicon);
}

nlohmann::json program_versions() {
  return {{"instructme", INSTRUCTME_VERSION},
          {"audio", audio_library_version()},
          {"synthesizer", synthesizer_version()},
          {"mma", mma_version()}};
}

nlohmann::json to_json(const SongOptions& options, const RenderOptions& render) {
  return {{"kind", "rendered"},
          {"composer", composer_json(options.composer, options.stock.get())},
          {"fonts", Palette::scan(options.palette, Lexicon::builtin()).sources()},
          {"split", options.split},
          {"held_out_fonts", options.palette.held_out_fonts},
          {"render", to_json(render)}};
}

}  // namespace instructme::cli
