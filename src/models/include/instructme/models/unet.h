#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/cloneable.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "instructme/base/config_reader.h"
#include "instructme/nn/chunk_transformer.h"
#include "instructme/nn/timestep_embedding.h"

namespace instructme {

/// How the source latent z_s reaches the network.
enum class SourceInput {
  kAggregate,    ///< multi-scale aggregation: a convolution encoder, one feature map per down level (section 3.2)
  kConcatenate,  ///< channels of z_s beside those of z_t at the input, as AUDIT does
};

/// How an up level takes the output of the down level of the same resolution.
enum class Skip { kConcatenate, kAdd };

/// The denoiser's sizes. "Level" 0 has the latent's frame rate, each further one half of that.
/// In JSON the fields have the same names; see configs/unet/.
struct UNetOptions {
  int64_t latent_channels = 64;
  std::vector<int64_t> channels{192, 256, 256};  ///< per level
  std::vector<int64_t> down_blocks{2, 2, 2};     ///< per level
  std::vector<int64_t> up_blocks{2, 2, 2};       ///< per level
  int64_t bottleneck_blocks = 2;
  int64_t head_dim = 64;
  std::vector<int64_t> chunk{64, 64, 64};              ///< K frames per level, even
  double ffn_ratio = 2.0;                              ///< hidden channels of the gated feed-forward layer / channels
  int64_t text_dim = 192;                              ///< channels of the text encoder
  bool text_in_bottleneck = true;                      ///< Figure 3 draws it, section 3.1 does not mention it
  int64_t chord_classes = 97;                          ///< d_p; 0 = no chord condition (the ablation of Table 4)
  SourceInput source = SourceInput::kAggregate;        ///< "aggregate", "concatenate"
  std::vector<int64_t> source_channels{96, 128, 128};  ///< per level, of the convolution encoder
  int64_t source_blocks = 1;                           ///< convolution blocks per level
  /// Log-mel bands of the source beside z_s at the input of that encoder; 0 = none, as in the paper. The latent
  /// carries the phase of every partial, in which loudness and timbre have to be found first; here they lie open.
  int64_t source_mel = 0;
  SourceMerge source_merge = SourceMerge::kAdd;  ///< "add", "concatenate"
  bool full_attention = false;                   ///< "self_attention": "chunk" or "full" (AUDIT)
  ChunkFusion fusion = ChunkFusion::kAttention;  ///< "attention", "block"
  Skip skip = Skip::kConcatenate;                ///< "concatenate", "add" (no weights)
  int64_t time_channels = 128;
  /// Channels of the source gate, 0 = none, as in the paper: the answer also gets a linear image of z_s whose
  /// hidden channels are weighted by the features, so that keeping or dropping a part of the source does not
  /// have to be learned as copying it through all blocks.
  int64_t source_gate = 0;
  /// The mean of the text's tokens is added to the time embedding, which modulates every block. Not in the paper;
  /// cross-attention alone takes long to find out that the words matter.
  bool text_in_time = false;
  double gate_init = 0.2;  ///< initial weight of residual branches

  int64_t levels() const { return static_cast<int64_t>(channels.size()); }
  /// Inputs are padded to a multiple of this many frames.
  int64_t frame_multiple() const { return int64_t{1} << (levels() - 1); }
  int64_t ffn_hidden(int64_t width) const;
  /// Throws kModel naming the first field that does not fit.
  void validate() const;
};

/// Reads every field (absent ones keep their default), refuses unknown keys and validates. Throws kModel.
UNetOptions read_unet_options(ConfigReader config);
nlohmann::json to_json(const UNetOptions& options);

/// The number of trainable values of UNet(options), without building it.
int64_t count_parameters(const UNetOptions& options);

/// Everything that is constant over the sampling steps of one edit: keys and values of the text and
/// chords and the source's features, for every block in the order in which they run.
struct UNetCondition {
  int64_t frames = 0;  ///< T of the latents it was made for
  std::vector<BlockCondition> blocks;
  at::Tensor text_time;     ///< (N, time_channels), only with text_in_time
  at::Tensor source_input;  ///< (N, T', C_0), only with "source": "concatenate"
  at::Tensor gated_source;  ///< (N, T, source_gate): the image of z_s that the source gate weights

  int64_t batch() const;
};

/// Both conditions side by side along N, for one forward pass with classifier-free guidance (Eq. 4).
/// Texts of different length are fine. Throws kInternal when the frames differ.
UNetCondition concatenate(const UNetCondition& first, const UNetCondition& second);

/// A convolution encoder over z_s with one feature map per level (multi-scale aggregation, section 3.2).
class SourceEncoderImpl : public torch::nn::Cloneable<SourceEncoderImpl> {
 public:
  explicit SourceEncoderImpl(const UNetOptions& options);
  void reset() override;
  /// Source (N, T, latent_channels + source_mel) -> per level l (N, T / 2^l, source_channels[l]).
  std::vector<at::Tensor> forward(const at::Tensor& source);

  UNetOptions options;
  torch::nn::Linear input{nullptr};
  torch::nn::Linear mel_input{nullptr};  ///< with source_mel
  torch::nn::ModuleList blocks;          ///< source_blocks per level
  torch::nn::ModuleList down;
};
TORCH_MODULE(SourceEncoder);

/// The noise predictor: a 1-D U-Net over latent frames made of chunk transformer blocks (sections 3.1
/// and 3.2, Fig. 3). N batch, T latent frames (any T >= 1), L text tokens. All inputs may be float32;
/// they are cast to the weights' dtype (float32, float64 or bfloat16; convert the module as a whole).
/// forward() and encode_condition() are thread-safe while weights do not change.
class UNetImpl : public torch::nn::Cloneable<UNetImpl> {
 public:
  explicit UNetImpl(const UNetOptions& options);
  void reset() override;

  /// z_s (N, T, latent_channels + source_mel): the source's latent and, with source_mel, its LogMel beside it; text (N,
  /// L, text_dim), L >= 1; text_mask (N, L) true at tokens, undefined: all; chords (N, T_p, chord_classes)
  /// probabilities over the same time as z_s at any frame rate, not used without chord condition; text_drop (N) bool,
  /// undefined: none. A text that is dropped or has no token is replaced by the learned null text. Differentiable.
  /// Throws kModel for shapes that do not fit the options.
  UNetCondition encode_condition(const at::Tensor& z_s, const at::Tensor& text, const at::Tensor& text_mask,
                                 const at::Tensor& chords, const at::Tensor& text_drop = {});

  /// z_t (N, T, latent_channels), t (N) in [0, 1000] -> (N, T, latent_channels) in the dtype of z_t.
  /// Throws kModel when the condition is of another batch or length.
  at::Tensor forward(const at::Tensor& z_t, const at::Tensor& t, const UNetCondition& condition);

  /// The last features before the output layer, normalised: (N, T, channels[0]) in the weights' dtype.
  at::Tensor features(const at::Tensor& z_t, const at::Tensor& t, const UNetCondition& condition);

  /// The output layers: features(...) and the same condition -> (N, T, latent_channels) in the weights' dtype.
  at::Tensor answer(const at::Tensor& features, const UNetCondition& condition);

  /// Starts the source gate from a basis (any number >= source_gate of rows, latent_channels) of directions in
  /// which sources are easily told apart, such as the spectrum behind the latent: the strongest source_gate rows
  /// are taken, and a gate of one returns z_s as far as they span it. Throws kInternal without source gate.
  void initialise_source_gate(const at::Tensor& basis);

  UNetOptions options;
  at::Tensor null_text;  ///< (text_dim)
  at::Tensor text_norm;  ///< (text_dim)
  TimestepEmbedding time{nullptr};
  torch::nn::Linear text_time{nullptr};   ///< with text_in_time: text_dim -> time_channels
  torch::nn::ModuleList time_modulation;  ///< per level, then the bottleneck: time_channels -> 6 C
  torch::nn::Linear input{nullptr};
  torch::nn::Linear source_input{nullptr};  ///< "concatenate": the z_s half of the input layer
  SourceEncoder source_encoder{nullptr};    ///< "aggregate"
  torch::nn::Linear chord_input{nullptr};
  torch::nn::ModuleList blocks;       ///< in the order in which they run
  torch::nn::ModuleList down;         ///< (2 C_l) -> C_(l+1) over pairs of frames
  torch::nn::ModuleList up;           ///< C_(l+1) -> (2 C_l), two frames of each
  torch::nn::ModuleList smooth;       ///< per up: a short filter over time across the pair's seam
  torch::nn::ModuleList skip_merge;   ///< per level: W1 of W1 x + W2 skip, the concatenation without a copy
  torch::nn::ModuleList skip_input;   ///< per level: W2
  at::Tensor output_norm;             ///< (C_0)
  torch::nn::Linear output{nullptr};  ///< zero at first
  torch::nn::Linear gate_input{nullptr}, gate{nullptr}, gate_output{nullptr};  ///< the source gate; gate zero at first

 private:
  at::Tensor run_blocks(at::Tensor x, size_t& next, int64_t count, const at::Tensor& modulation,
                        const UNetCondition& condition);
};
TORCH_MODULE(UNet);

}  // namespace instructme
