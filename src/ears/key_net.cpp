#include "instructme/ears/key_net.h"

#include <torch/torch.h>

#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/score/chord.h"
#include "instructme/torchx/quantised_weights.h"

namespace instructme {

using at::Tensor;

KeyNetOptions KeyNetOptions::read(ConfigReader config) {
  KeyNetOptions o;
  config.read("seconds", o.seconds);
  config.finish();
  if (!(o.seconds > 0)) throw Error(ErrorKind::kModel, config.context() + ": seconds must be above 0");
  return o;
}

nlohmann::json KeyNetOptions::to_json() const { return {{"seconds", seconds}}; }

KeyNetImpl::KeyNetImpl(const KeyNetOptions& o) : options(o) {
  weight = register_parameter("weight", torch::zeros({2, kChordQualities, 12}));
  bias = register_parameter("bias", torch::zeros({2}));
  places_ = torch::empty({kChordClasses - 1, kKeys}, at::kLong);
  for (int index = 1; index < kChordClasses; ++index) {
    const Chord chord = chord_of_class(index);
    for (int key = 0; key < kKeys; ++key)
      places_[index - 1][key] =
          (key / 12 * kChordQualities + static_cast<int>(chord.quality)) * 12 + (chord.root - key % 12 + 12) % 12;
  }
}

Tensor KeyNetImpl::forward(const Tensor& chords) {
  ensure(chords.size(-1) == kChordClasses, "keys are told by chords (..., classes)");
  const Tensor table = weight.flatten().index_select(0, places_.flatten().to(weight.device())).view(places_.sizes());
  return at::matmul(chords.slice(-1, 1).to(weight.scalar_type()), table) + bias.repeat_interleave(12);
}

KeyNet load_key_net(const std::filesystem::path& folder) {
  const auto path = folder / "keys.json", weights = folder / "keys.safetensors";
  ConfigReader config(read_json_file(path), path.string());
  KeyNet net(KeyNetOptions::read(config.object("network")));
  config.finish();
  load_into(*net, load_weights(weights), weights.string());
  net->eval();
  return net;
}

void save_key_net(const KeyNet& net, const std::filesystem::path& folder, int64_t steps) {
  make_folder(folder);
  write_json_file(folder / "keys.json", {{"network", net->options.to_json()}});
  save_weights(folder / "keys.safetensors", named_tensors(*net), WeightFormat::kBFloat16,
               {{"steps", std::to_string(steps)}});
}

}  // namespace instructme
