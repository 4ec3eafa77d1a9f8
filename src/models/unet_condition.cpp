#include <torch/torch.h>

#include <limits>

#include "instructme/base/error.h"
#include "instructme/models/unet.h"
#include "instructme/nn/fused_ops.h"
#include "unet_blocks.h"
#include "unet_frames.h"

namespace instructme {
namespace {

std::string shape(const at::Tensor& x) {
  if (!x.defined()) return "nothing";
  std::string text = "(";
  for (int64_t d = 0; d < x.dim(); ++d) text += (d ? ", " : "") + std::to_string(x.size(d));
  return text + ")";
}

void require_shape(bool fits, const std::string& name, const std::string& wanted, const at::Tensor& found) {
  if (!fits)
    throw Error(ErrorKind::kModel, "The U-Net wants " + name + " of shape " + wanted + ", but got " + shape(found) +
                                       "; check that the parts belong to the same model.");
}

// Mean of what each of the U-Net's bottleneck frames covers: chords (N, T_p, P) over `frames` of which
// `padded` are run -> (N, padded / multiple, P).
at::Tensor resample_chords(const at::Tensor& chords, int64_t frames, int64_t padded, int64_t multiple) {
  const int64_t length = chords.size(1);
  // Lengthened as the latents are, so that both keep the same time.
  const int64_t extended = std::max<int64_t>(length, (length * padded + frames / 2) / frames);
  const at::Tensor x = extend_last_frame(chords, extended);
  if (x.size(1) == padded / multiple) return x;
  const auto wide = x.scalar_type() == at::kBFloat16 ? x.to(at::kFloat) : x;
  return at::adaptive_avg_pool1d(wide.transpose(1, 2), padded / multiple).transpose(1, 2);
}

at::Tensor side_by_side(const at::Tensor& first, const at::Tensor& second) {
  return first.defined() ? at::cat({first, second}) : at::Tensor();
}

// Lengthens a text to `length` tokens that nothing attends to.
TextKeyValue extend_text(const TextKeyValue& text, int64_t length) {
  const int64_t missing = length - text.mask_bias.size(3);
  if (missing == 0) return text;
  const int64_t tokens = text.mask_bias.size(3);
  const int64_t heads = text.keys.size(2) / tokens;
  const int64_t batch = text.keys.size(0);
  const int64_t channels = text.keys.size(1);
  const at::Tensor keys = text.keys.view({batch, channels, heads, tokens});
  const at::Tensor values = text.values.view({batch, heads, tokens, channels});
  return {at::constant_pad_nd(keys, {0, missing}).flatten(2),
          at::constant_pad_nd(values, {0, 0, 0, missing}).flatten(1, 2),
          at::constant_pad_nd(text.mask_bias, {0, missing}, -std::numeric_limits<double>::infinity())};
}

}  // namespace

int64_t UNetCondition::batch() const {
  if (source_input.defined()) return source_input.size(0);
  for (const BlockCondition& block : blocks) {
    if (block.source.defined()) return block.source.size(0);
    if (block.text.keys.defined()) return block.text.keys.size(0);
  }
  return 0;
}

UNetCondition concatenate(const UNetCondition& first, const UNetCondition& second) {
  ensure(first.frames == second.frames && first.blocks.size() == second.blocks.size(),
         "two conditions can be run together only when they are of the same length and model");
  UNetCondition both;
  both.frames = first.frames;
  both.text_time = side_by_side(first.text_time, second.text_time);
  both.source_input = side_by_side(first.source_input, second.source_input);
  both.gated_source = side_by_side(first.gated_source, second.gated_source);
  for (size_t i = 0; i < first.blocks.size(); ++i) {
    const BlockCondition& a = first.blocks[i];
    const BlockCondition& b = second.blocks[i];
    BlockCondition block;
    block.chords = {side_by_side(a.chords.keys, b.chords.keys), side_by_side(a.chords.values, b.chords.values)};
    block.source = side_by_side(a.source, b.source);
    if (a.text.keys.defined()) {
      const int64_t length = std::max(a.text.mask_bias.size(3), b.text.mask_bias.size(3));
      const TextKeyValue x = extend_text(a.text, length);
      const TextKeyValue y = extend_text(b.text, length);
      block.text = {side_by_side(x.keys, y.keys), side_by_side(x.values, y.values),
                    side_by_side(x.mask_bias, y.mask_bias)};
    }
    both.blocks.push_back(std::move(block));
  }
  return both;
}

UNetCondition UNetImpl::encode_condition(const at::Tensor& z_s, const at::Tensor& text, const at::Tensor& text_mask,
                                         const at::Tensor& chords, const at::Tensor& text_drop) {
  const at::Tensor& weight = output->weight;
  require_shape(z_s.defined() && z_s.dim() == 3 && z_s.size(1) >= 1 &&
                    z_s.size(2) == options.latent_channels + options.source_mel,
                "z_s", "(N, T, " + std::to_string(options.latent_channels + options.source_mel) + ")", z_s);
  const int64_t batch = z_s.size(0);
  const int64_t frames = z_s.size(1);
  require_shape(text.defined() && text.dim() == 3 && text.size(0) == batch && text.size(1) >= 1 &&
                    text.size(2) == options.text_dim,
                "the text embedding", "(N, L, " + std::to_string(options.text_dim) + ")", text);
  const int64_t length = text.size(1);
  require_shape(!text_mask.defined() || text_mask.sizes() == at::IntArrayRef({batch, length}), "the text mask",
                "(N, L)", text_mask);
  require_shape(!text_drop.defined() || text_drop.sizes() == at::IntArrayRef({batch}), "the text drop mask", "(N)",
                text_drop);
  require_shape(options.chord_classes == 0 || (chords.defined() && chords.dim() == 3 && chords.size(0) == batch &&
                                               chords.size(1) >= 1 && chords.size(2) == options.chord_classes),
                "chords", "(N, T_p, " + std::to_string(options.chord_classes) + ")", chords);
  const int64_t padded = padded_frames(frames, options.frame_multiple());

  // The null text is one token at the first place.
  const auto booleans = at::TensorOptions().dtype(at::kBool).device(weight.device());
  at::Tensor mask = text_mask.defined() ? text_mask.to(booleans) : at::ones({batch, length}, booleans);
  at::Tensor null = mask.any(1).logical_not();
  if (text_drop.defined()) null = null.logical_or(text_drop.to(booleans));
  const at::Tensor first = at::arange(length, booleans.dtype(at::kLong)).eq(0);
  mask = at::where(null.unsqueeze(1), first.unsqueeze(0), mask);
  const at::Tensor words = at::where(null.view({batch, 1, 1}), null_text, text.to(weight.options()));
  // What is masked must not be able to leak as 0 * inf either.
  const at::Tensor tokens = rms_norm(words.masked_fill(mask.logical_not().unsqueeze(2), 0.0).contiguous(), text_norm);
  const at::Tensor mask_bias =
      at::zeros({batch, 1, 1, length}, weight.options())
          .masked_fill_(mask.logical_not().view({batch, 1, 1, length}), -std::numeric_limits<double>::infinity());

  UNetCondition condition;
  condition.frames = frames;
  if (text_time) {
    const at::Tensor weights = mask.to(weight.scalar_type()).unsqueeze(2);  // (N, L, 1)
    condition.text_time = text_time((tokens * weights).sum(1) / weights.sum(1));
  }
  const at::Tensor source = extend_last_frame(z_s.to(weight.options()), padded);
  std::vector<at::Tensor> features(static_cast<size_t>(options.levels()));
  if (source_encoder) features = source_encoder(source);
  if (source_input) condition.source_input = source_input(source);
  if (gate_input) condition.gated_source = gate_input(z_s.narrow(2, 0, options.latent_channels).to(weight.options()));
  at::Tensor chord_features;
  if (chord_input)
    chord_features = chord_input(
        resample_chords(chords.to(weight.device()), frames, padded, options.frame_multiple()).to(weight.scalar_type()));

  size_t next = 0;
  const auto encode = [&](int64_t count, const at::Tensor& level_source) {
    for (int64_t block = 0; block < count; ++block)
      condition.blocks.push_back(
          blocks[next++]->as<ChunkTransformerBlock>()->encode(tokens, mask_bias, chord_features, level_source));
  };
  for (size_t level = 0; level < features.size(); ++level) encode(options.down_blocks[level], features[level]);
  encode(options.bottleneck_blocks, {});
  for (size_t level = features.size(); level-- > 0;) encode(options.up_blocks[level], {});
  return condition;
}

}  // namespace instructme
