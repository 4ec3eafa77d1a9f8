#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "instructme/base/config_reader.h"
#include "instructme/ears/tagger.h"
#include "instructme/models/vae.h"
#include "instructme/text/tokenizer.h"

namespace instructme {

/// Sizes of both towers. In JSON the fields have the same names.
struct MuLanOptions {
  int64_t features = 512;    ///< F, of the tagger that the music tower goes on from
  int64_t channels = 256;    ///< of the music tower's hidden layer
  double dropout = 0.3;      ///< of features, in training
  int64_t vocab_size = 512;  ///< of the tokenizer
  int64_t text_channels = 96;
  int64_t text_blocks = 2;
  int64_t text_kernel = 5;
  int64_t expansion = 2;
  int64_t embedding = 128;  ///< E, of the common space

  static MuLanOptions read(ConfigReader config);  ///< throws kModel
  nlohmann::json to_json() const;
};

/// Music and descriptions of it in one space (Huang et al. 2022, "MuLan"; paper, section 3.3): two towers trained so
/// that a piece and its own description are nearer than it and others. The music tower stands on a trained tagger, as
/// towers that begin from nothing learn the few songs there are by heart; all of it is differentiable, so a sampler can
/// follow the gradient of the similarity through the VAE's decoder to the latent that it samples (Eq. 5 and 6).
/// Letters: N batch, B blocks of half a second, F features, L tokens, E embedding, S samples.
class MuLanImpl : public torch::nn::Module {
 public:
  explicit MuLanImpl(const MuLanOptions& options);

  /// features (N, B, F) as TaggerImpl::features has them -> (N, E) float of unit length.
  at::Tensor embed_music(const at::Tensor& features);
  /// ids (N, L) int64, mask (N, L) bool, true = a token -> (N, E) float of unit length.
  at::Tensor embed_text(const at::Tensor& ids, const at::Tensor& mask);
  /// The contrastive loss of N pairs, both ways (Radford et al. 2021). music and text (N, E); `same` (N, N) bool, true
  /// for pairs that are no mistake besides the diagonal, which are left out.
  at::Tensor loss(const at::Tensor& music, const at::Tensor& text, const at::Tensor& same);

  MuLanOptions options;
  torch::nn::Linear music_input{nullptr}, music_output{nullptr}, text_output{nullptr};
  torch::nn::ModuleList text_blocks;
  torch::nn::Embedding tokens{nullptr};
  at::Tensor music_norm, text_norm;  ///< (2 F), (text_channels)
  at::Tensor log_scale;              ///< (1): logarithm of the inverse temperature
};
TORCH_MODULE(MuLan);

/// A MuLan with its tagger and its tokenizer.
class MuLanJudge {
 public:
  /// Reads ears/mulan.json, ears/mulan.safetensors, the tagger beside them and text_encoder/spiece.model of a model
  /// folder. Throws kMissing when there is no MuLan, kModel, kIo.
  static MuLanJudge load(const std::filesystem::path& model_folder);
  /// Throws kModel when the music tower does not take the features of this tagger.
  MuLanJudge(MuLan net, Tagger tagger, Tokenizer tokenizer);

  /// Cosine similarity, -1..1, of each piece with each description: waves (N, S) float of 24 kHz and any level, M
  /// descriptions -> (N, M) float. Differentiable in the waves. One thread at a time.
  at::Tensor similarity(const at::Tensor& waves, const std::vector<std::string>& descriptions);
  /// The same for latents (N, T, C) of a VAE; differentiable in the latents.
  at::Tensor similarity(Vae& vae, const at::Tensor& latents, const std::vector<std::string>& descriptions);
  MuLan& net() { return net_; }
  Tagger& tagger() { return tagger_; }
  const Tokenizer& tokenizer() const { return tokenizer_; }

 private:
  MuLan net_;
  Tagger tagger_;
  Tokenizer tokenizer_;
};

/// Token numbers (N, L) and mask (N, L) of sentences, padded at the end.
std::pair<at::Tensor, at::Tensor> token_batch(const Tokenizer& tokenizer, const std::vector<std::string>& sentences);

/// mulan.json and mulan.safetensors, 8-bit. Throws kIo.
void save_mulan(const MuLan& net, const std::filesystem::path& folder, int64_t steps);

}  // namespace instructme
