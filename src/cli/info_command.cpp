#include <cstdio>
#include <memory>

#include "checks.h"
#include "command.h"
#include "instructme/audio/audio_file.h"
#include "instructme/base/strings.h"
#include "instructme/pipeline/pipeline.h"
#include "instructme/torchx/runtime.h"

namespace instructme::cli {
namespace {

struct InfoArguments {
  std::string what, model;
  bool speed = false;
};

long long parameters(const torch::nn::Module& module) {
  long long count = 0;
  for (const auto& parameter : module.parameters()) count += parameter.numel();
  return count;
}

void print_model(const std::string& folder) {
  const Pipeline pipeline = Pipeline::load(folder);
  std::printf("model           %s\n", folder.c_str());
  std::printf("VAE             %.2f M parameters, %lld channels at %.0f frames/s\n", parameters(*pipeline.vae) * 1e-6,
              static_cast<long long>(pipeline.config.vae.latent_channels),
              static_cast<double>(pipeline.config.vae.sample_rate) /
                  static_cast<double>(pipeline.config.vae.samples_per_latent()));
  std::printf("U-Net           %.2f M parameters\n", parameters(*pipeline.unet) * 1e-6);
  if (pipeline.mask) std::printf("mask head       %.2f M parameters\n", parameters(*pipeline.mask) * 1e-6);
  std::printf("text encoder    %.2f M parameters\n", parameters(*pipeline.text.module()) * 1e-6);
  std::printf("diffusion       %s-prediction, %lld steps\n", prediction_name(pipeline.config.prediction).c_str(),
              static_cast<long long>(pipeline.config.schedule.steps));
}

void print_words() {
  const Lexicon& lexicon = Lexicon::builtin();
  std::vector<std::string> instruments, genres, moods, operations;
  for (const auto& entry : lexicon.instruments()) instruments.push_back(entry.name);
  for (const auto& entry : lexicon.genres()) genres.push_back(entry.name);
  for (const auto& entry : lexicon.moods()) moods.push_back(entry.name);
  for (const auto& entry : lexicon.operations()) operations.push_back(entry.name);
  std::printf("operations   %s\ninstruments  %s\ngenres       %s\nmoods        %s\n", join(operations, ", ").c_str(),
              join(instruments, ", ").c_str(), join(genres, ", ").c_str(), join(moods, ", ").c_str());
}

int info(const CLI::App& command, const InfoArguments& arguments) {
  if (!arguments.what.empty())
    refuse_given(command, {"--model", "--speed"},
                 "is about the program, not about " + arguments.what + "; leave one of them out");
  if (arguments.what == "words") {
    print_words();
  } else if (!arguments.what.empty()) {
    const AudioInfo audio = probe_audio(arguments.what);
    const std::string length = audio.frames < 0 ? "length not told" : format("%.2f s", audio.seconds());
    std::printf("%s: %s, %d Hz, %d channel(s), %s, %s\n", arguments.what.c_str(), length.c_str(), audio.sample_rate,
                audio.channels, audio.container.c_str(), audio.encoding.c_str());
  } else {
    std::printf("instructme      %s\n", INSTRUCTME_VERSION);
    std::printf("machine         %s\n", describe_runtime().c_str());
    if (arguments.speed)
      std::printf("matrix products %.0f GFLOP/s float32, %.0f GFLOP/s bfloat16\n", measure_matmul_gflops(false),
                  measure_matmul_gflops(true));
    print_model(find_model(arguments.model));
  }
  return 0;
}

}  // namespace

void add_info_command(CLI::App& app, Run& run) {
  auto arguments = std::make_shared<InfoArguments>();
  CLI::App* command =
      app.add_subcommand("info", "Say what is here: program, machine, model, a music file, or the known words.");
  command->add_option(
      "WHAT", arguments->what,
      "A music file: its properties; the word 'words': every instrument, genre, mood and operation that\n"
      "sentences may name; nothing: program, machine and model");
  command->add_option("-m,--model", arguments->model, "Model folder");
  command->add_flag("--speed", arguments->speed, "Measure the rate of matrix products");
  command->callback([arguments, command, &run] { run = [arguments, command] { return info(*command, *arguments); }; });
}

}  // namespace instructme::cli
