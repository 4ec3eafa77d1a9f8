#include "instructme/ears/mulan.h"

#include <torch/torch.h>

#include <cmath>

#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"
#include "instructme/nn/fused_ops.h"
#include "instructme/nn/linear.h"
#include "instructme/torchx/quantised_weights.h"

namespace instructme {

using at::Tensor;

namespace {

constexpr double kFirstScale = 10.0, kGreatestScale = 100.0;  // inverse temperatures

torch::nn::ModuleList tower_blocks(int64_t count, int64_t channels, int64_t expansion, int64_t kernel) {
  torch::nn::ModuleList list;
  for (int64_t i = 0; i < count; ++i)
    list->push_back(ConvBlock(channels, expansion, kernel, 1.0 / std::sqrt(static_cast<double>(count))));
  return list;
}

Tensor unit(const Tensor& x) { return x / x.norm(2, -1, true).clamp_min(1e-6); }

}  // namespace

MuLanOptions MuLanOptions::read(ConfigReader config) {
  MuLanOptions o;
  config.read("features", o.features);
  config.read("channels", o.channels);
  config.read("dropout", o.dropout);
  config.read("vocab_size", o.vocab_size);
  config.read("text_channels", o.text_channels);
  config.read("text_blocks", o.text_blocks);
  config.read("text_kernel", o.text_kernel);
  config.read("expansion", o.expansion);
  config.read("embedding", o.embedding);
  config.finish();
  if (o.features < 1 || o.channels < 1 || !(o.dropout >= 0 && o.dropout < 1) || o.vocab_size < 1 ||
      o.text_channels < 1 || o.text_blocks < 0 || o.text_kernel < 1 || o.text_kernel % 2 == 0 || o.expansion < 1 ||
      o.embedding < 1)
    throw Error(ErrorKind::kModel,
                config.context() + ": all sizes must be positive, text_kernel odd and dropout below 1");
  return o;
}

nlohmann::json MuLanOptions::to_json() const {
  return {{"features", features},       {"channels", channels},           {"dropout", dropout},
          {"vocab_size", vocab_size},   {"text_channels", text_channels}, {"text_blocks", text_blocks},
          {"text_kernel", text_kernel}, {"expansion", expansion},         {"embedding", embedding}};
}

MuLanImpl::MuLanImpl(const MuLanOptions& o) : options(o) {
  music_norm = register_parameter("music_norm", torch::ones({2 * o.features}));
  music_input = register_module("music_input", make_linear(2 * o.features, o.channels));
  music_output = register_module("music_output", make_linear(o.channels, o.embedding));
  tokens = register_module("tokens", torch::nn::Embedding(o.vocab_size, o.text_channels));
  text_blocks =
      register_module("text_blocks", tower_blocks(o.text_blocks, o.text_channels, o.expansion, o.text_kernel));
  text_norm = register_parameter("text_norm", torch::ones({o.text_channels}));
  text_output = register_module("text_output", make_linear(2 * o.text_channels, o.embedding));
  log_scale = register_parameter("log_scale", torch::full({1}, std::log(kFirstScale)));
}

Tensor MuLanImpl::embed_music(const Tensor& features) {
  ensure(features.dim() == 3 && features.size(2) == options.features && features.size(1) > 0,
         "the music tower wants features (N, B, F) of its tagger");
  const Tensor x = features.to(music_input->weight.scalar_type());
  const Tensor whole = torch::cat({x.mean(1), std::get<0>(x.max(1))}, 1);  // (N, 2 F)
  const Tensor seen = torch::dropout(rms_norm(whole, music_norm), options.dropout, is_training());
  return unit(music_output(fused_silu(music_input(seen))).to(at::kFloat));
}

Tensor MuLanImpl::embed_text(const Tensor& ids, const Tensor& mask) {
  ensure(ids.dim() == 2 && ids.sizes() == mask.sizes(), "the text tower wants tokens (N, L) and their mask");
  const auto type = music_input->weight.scalar_type();
  const Tensor there = mask.unsqueeze(2).to(type);  // (N, L, 1)
  Tensor h = tokens(ids).to(type) * there;
  // What follows the last token stays zero, so that padding changes nothing.
  for (const auto& block : *text_blocks) h = block->as<ConvBlockImpl>()->forward(h) * there;
  h = fused_silu(rms_norm(h, text_norm)) * there;
  const Tensor mean = h.sum(1) / there.sum(1).clamp_min(1);
  const Tensor most = std::get<0>((h - (1 - there) * 1e4).max(1));
  return unit(text_output(torch::cat({mean, most}, 1)).to(at::kFloat));
}

Tensor MuLanImpl::loss(const Tensor& music, const Tensor& text, const Tensor& same) {
  const Tensor scale = log_scale.to(at::kFloat).exp().clamp_max(kGreatestScale);
  const Tensor own = torch::eye(music.size(0), same.options()).to(at::kBool);
  const Tensor logits = (music.matmul(text.t()) * scale).masked_fill(same & ~own, -1e4);  // (N, N)
  const Tensor diagonal = torch::arange(music.size(0), same.options().dtype(at::kLong));
  return 0.5 * (at::cross_entropy_loss(logits, diagonal) + at::cross_entropy_loss(logits.t(), diagonal));
}

std::pair<Tensor, Tensor> token_batch(const Tokenizer& tokenizer, const std::vector<std::string>& sentences) {
  ensure(!sentences.empty(), "there is no sentence to tokenize");
  std::vector<std::vector<int>> ids;
  size_t longest = 0;
  for (const std::string& sentence : sentences) {
    ids.push_back(tokenizer.encode(sentence));
    longest = std::max(longest, ids.back().size());
  }
  const auto n = static_cast<int64_t>(ids.size()), l = static_cast<int64_t>(longest);
  Tensor numbers = torch::full({n, l}, Tokenizer::pad_id(), at::kLong), mask = torch::zeros({n, l}, at::kBool);
  auto number = numbers.accessor<int64_t, 2>();
  auto there = mask.accessor<bool, 2>();
  for (int64_t i = 0; i < n; ++i) {
    const auto& row = ids[static_cast<size_t>(i)];
    for (size_t k = 0; k < row.size(); ++k) {
      number[i][static_cast<int64_t>(k)] = row[k];
      there[i][static_cast<int64_t>(k)] = true;
    }
  }
  return {numbers, mask};
}

MuLanJudge::MuLanJudge(MuLan net, Tagger tagger, Tokenizer tokenizer)
    : net_(std::move(net)), tagger_(std::move(tagger)), tokenizer_(std::move(tokenizer)) {
  if (net_->options.features != tagger_->feature_channels())
    throw Error(ErrorKind::kModel, format("this MuLan takes %lld features, its tagger has %lld: train it again",
                                          static_cast<long long>(net_->options.features),
                                          static_cast<long long>(tagger_->feature_channels())));
  for (torch::nn::Module* part :
       {static_cast<torch::nn::Module*>(net_.get()), static_cast<torch::nn::Module*>(tagger_.get())}) {
    part->eval();
    for (auto& parameter : part->parameters()) parameter.set_requires_grad(false);
  }
}

MuLanJudge MuLanJudge::load(const std::filesystem::path& model_folder) {
  const auto ears = model_folder / "ears", path = ears / "mulan.json", weights = ears / "mulan.safetensors";
  if (!std::filesystem::is_regular_file(path))
    throw Error(ErrorKind::kMissing, "the model folder '" + model_folder.string() +
                                         "' has no ears/mulan.json; train one ('instructme train mulan')");
  ConfigReader config(read_json_file(path), path.string());
  MuLan net(MuLanOptions::read(config.object("network")));
  config.finish();
  load_into(*net, load_weights(weights), weights.string());
  return {net, load_tagger(ears).net, Tokenizer(model_folder / "text_encoder" / "spiece.model")};
}

Tensor MuLanJudge::similarity(const Tensor& waves, const std::vector<std::string>& descriptions) {
  const auto [ids, mask] = token_batch(tokenizer_, descriptions);
  return net_->embed_music(tagger_->features_of_wave(waves)).matmul(net_->embed_text(ids, mask).t());
}

Tensor MuLanJudge::similarity(Vae& vae, const Tensor& latents, const std::vector<std::string>& descriptions) {
  return similarity(vae->decode(latents, latents.size(1) * vae->options().samples_per_latent()), descriptions);
}

void save_mulan(const MuLan& net, const std::filesystem::path& folder, int64_t steps) {
  make_folder(folder);
  write_json_file(folder / "mulan.json", {{"network", net->options.to_json()}});
  save_weights(folder / "mulan.safetensors", named_tensors(*net), WeightFormat::kInt8,
               {{"steps", std::to_string(steps)}});
}

}  // namespace instructme
