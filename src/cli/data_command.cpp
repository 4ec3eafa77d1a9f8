#include <cstdio>
#include <memory>

#include "checks.h"
#include "command.h"
#include "instructme/audio/audio_file.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"
#include "instructme/data/triplet.h"
#include "instructme/text/sentences.h"
#include "instructme/text/tokenizer.h"
#include "terminal.h"

namespace instructme::cli {
namespace {

struct TripletArguments {
  std::string songs, out;
  int count = 10;
  uint64_t seed = 0;
  double seconds = 10;
};

int triplets(const TripletArguments& arguments) {
  const CancelToken cancel = cancel_on_signals();
  const SongSet songs(arguments.songs);
  TripletOptions options;
  options.seconds = arguments.seconds;
  const TripletSampler sampler(songs, Lexicon::builtin(), options);
  make_folder(arguments.out);
  std::string table = "name\toperation\tinstruction\tsong\n";
  for (int i = 0; i < arguments.count; ++i) {
    cancel.check();
    Rng rng = Rng(arguments.seed).fork(static_cast<uint64_t>(i));
    Triplet triplet = sampler.sample(rng);
    keep_within_full_scale(triplet);
    const std::string name = format("%05d", i), base = arguments.out + "/" + name;
    write_audio(base + "_source.flac", from_mono(triplet.source, songs.sample_rate()));
    write_audio(base + "_target.flac", from_mono(triplet.target, songs.sample_rate()));
    table += name + "\t" + operation_name(triplet.instruction.operation) + "\t" + triplet.sentence + "\t" +
             songs.name(triplet.song) + "\n";
  }
  write_file_atomically(arguments.out + "/triplets.tsv", table);
  std::printf("%s: %d triplets, listed in triplets.tsv\n", arguments.out.c_str(), arguments.count);
  return 0;
}

void add_triplets(CLI::App& data, Run& run) {
  auto arguments = std::make_shared<TripletArguments>();
  CLI::App* command = data.add_subcommand(
      "triplets", "Write some training examples <instruction, source, target> as sound files, to listen to.");
  command->add_option("SONGS", arguments->songs, "A folder made by 'data render'")->required();
  command->add_option("-o,--out", arguments->out, "Folder for the sound files")->required();
  command->add_option("-n,--count", arguments->count, "How many")->check(CLI::Range(1, 100000));
  command->add_option("--seconds", arguments->seconds, "Length of each")->check(CLI::Range(1.0, 120.0));
  command->add_option("--seed", arguments->seed, "Another number, other examples");
  command->callback([arguments, &run] { run = [arguments] { return triplets(*arguments); }; });
}

struct MixArguments {
  std::string song, out;
  size_t arrangement = 0, version = 0;
};

int mix(const MixArguments& arguments) {
  const SongInfo song = read_song_info(arguments.song);
  if (arguments.arrangement >= song.arrangements.size() ||
      arguments.version >= song.arrangements[arguments.arrangement].versions.size())
    throw Error(ErrorKind::kUsage, format("%s has no arrangement %zu with a version %zu", arguments.song.c_str(),
                                          arguments.arrangement, arguments.version));
  const VersionInfo& version = song.arrangements[arguments.arrangement].versions[arguments.version];
  std::vector<float> sum(static_cast<size_t>(song.frames), 0.0f);
  for (const auto& stem : version.stems) {
    const AudioBuffer audio = read_audio(std::filesystem::path(arguments.song) / stem.file);
    for (size_t i = 0; i < sum.size() && i < audio.samples.size(); ++i) sum[i] += audio.samples[i];
    std::printf("%-20s %-24s %s\n", stem.instrument.c_str(), stem.source.c_str(), stem.preset.c_str());
  }
  write_audio(arguments.out, from_mono(std::move(sum), song.sample_rate),
              {.encoding = fitting_encoding(arguments.out, AudioEncoding::kPcm16)});
  const std::string known = key_and_tempo(song.chords, song.key, song.tempo_bpm);
  std::printf("%s: %s%s%s\n", arguments.out.c_str(), song.title.c_str(), known.empty() ? "" : ", ", known.c_str());
  return 0;
}

void add_mix(CLI::App& data, Run& run) {
  auto arguments = std::make_shared<MixArguments>();
  CLI::App* command = data.add_subcommand("mix", "Write the full mix of one rendered song as a sound file.");
  command->add_option("SONG", arguments->song, "One song's folder, inside a folder made by 'data render'")->required();
  command->add_option("-o,--out", arguments->out, "The sound file to write")->required();
  command->add_option("--arrangement", arguments->arrangement, "Which arrangement, from 0");
  command->add_option("--version", arguments->version, "Which version of the arrangement, from 0");
  command->callback([arguments, &run] { run = [arguments] { return mix(*arguments); }; });
}

struct TokenizerArguments {
  std::string out;
  int vocabulary = 512;
  uint64_t seed = 1;
  size_t sentences = 30000;
};

void add_tokenizer(CLI::App& data, Run& run) {
  auto arguments = std::make_shared<TokenizerArguments>();
  CLI::App* command =
      data.add_subcommand("tokenizer", "Train a SentencePiece tokenizer on sentences made from the lexicon.");
  command->add_option("-o,--out", arguments->out, "The file to write, e.g. spiece.model")->required();
  command->add_option("--vocabulary", arguments->vocabulary, "Number of pieces")->check(CLI::Range(64, 32000));
  command->add_option("--sentences", arguments->sentences, "Number of sentences to learn from");
  command->add_option("--seed", arguments->seed, "Of the sentences");
  command->callback([arguments, &run] {
    run = [arguments] {
      check_place(arguments->out);
      train_tokenizer(lexicon_sentences(Lexicon::builtin(), arguments->seed, arguments->sentences), arguments->out,
                      arguments->vocabulary);
      std::printf("%s: %d pieces\n", arguments->out.c_str(), arguments->vocabulary);
      return 0;
    };
  });
}

}  // namespace

void add_data_command(CLI::App& app, Run& run) {
  CLI::App* data = app.add_subcommand("data", "Make music to train on, and look at it.");
  data->require_subcommand(1);
  data->fallthrough();
  add_render(*data, run);
  add_import(*data, run);
  add_palette(*data, run);
  add_soundfont(*data, run);
  add_shrink(*data, run);
  add_background(*data, run);
  add_mix(*data, run);
  add_triplets(*data, run);
  add_shards(*data, run);
  add_report(*data, run);
  add_listen(*data, run);
  add_tokenizer(*data, run);
}

}  // namespace instructme::cli
