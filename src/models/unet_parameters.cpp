#include "instructme/models/unet.h"
#include "unet_blocks.h"

namespace instructme {
namespace {

int64_t linear(int64_t in, int64_t out, bool bias = true) { return in * out + (bias ? out : 0); }

int64_t block(const UNetOptions& options, size_t level, int64_t text_dim, int64_t chord_dim, int64_t source_dim) {
  const int64_t width = options.channels[level];
  const int64_t hidden = options.ffn_hidden(width);
  const int64_t distances = width / options.head_dim * (2 * options.chunk[level] - 1);
  const auto cross = [&](int64_t dim) {
    return width + linear(width, width, false) + linear(dim, 2 * width, false) + linear(width, width);
  };
  int64_t count = 6 * width;
  if (source_dim > 0) {
    count += linear(source_dim, width);
    if (options.source_merge == SourceMerge::kConcatenate) count += linear(width, width, false);
  }
  count += linear(width, 3 * width, false) + linear(width, width) + (options.full_attention ? 0 : distances);
  if (text_dim > 0) count += cross(text_dim);
  if (chord_dim > 0) count += cross(chord_dim) + distances;
  return count + linear(width, 2 * hidden, false) + linear(hidden, width);
}

int64_t source_encoder(const UNetOptions& options) {
  const auto& channels = options.source_channels;
  int64_t count = linear(options.latent_channels, channels.front()) +
                  (options.source_mel > 0 ? linear(options.source_mel, channels.front()) : 0);
  for (size_t level = 0; level < channels.size(); ++level) {
    const int64_t width = channels[level];
    count += options.source_blocks * (width * (kSourceBlockTaps + 2) + linear(width, kSourceBlockExpansion * width) +
                                      linear(kSourceBlockExpansion * width, width));
    if (level + 1 < channels.size()) count += linear(2 * width, channels[level + 1]);
  }
  return count;
}

}  // namespace

int64_t count_parameters(const UNetOptions& options) {
  options.validate();
  const auto& channels = options.channels;
  const size_t levels = channels.size();
  const bool aggregate = options.source == SourceInput::kAggregate;
  int64_t count = 2 * options.text_dim + linear(kTimeFrequencies, options.time_channels) +
                  linear(options.time_channels, options.time_channels) +
                  linear(options.time_channels, 6 * channels.back()) +
                  linear(options.latent_channels, channels.front()) + channels.front() +
                  linear(channels.front(), options.latent_channels);
  count += aggregate ? source_encoder(options) : linear(options.latent_channels, channels.front(), false);
  if (options.chord_classes > 0) count += linear(options.chord_classes, channels.back());
  if (options.text_in_time) count += linear(options.text_dim, options.time_channels, false);
  if (options.source_gate > 0)
    count +=
        2 * linear(options.latent_channels, options.source_gate, false) + linear(channels.front(), options.source_gate);
  for (size_t level = 0; level < levels; ++level) {
    const int64_t width = channels[level];
    count += linear(options.time_channels, 6 * width);
    count += options.down_blocks[level] *
             block(options, level, options.text_dim, 0, aggregate ? options.source_channels[level] : 0);
    count += options.up_blocks[level] * block(options, level, options.text_dim, 0, 0);
    if (options.skip == Skip::kConcatenate) count += linear(2 * width, width);
    if (level + 1 < levels)
      count +=
          linear(2 * width, channels[level + 1]) + linear(channels[level + 1], 2 * width) + width * (kSmoothTaps + 1);
  }
  return count + options.bottleneck_blocks * block(options, levels - 1,
                                                   options.text_in_bottleneck ? options.text_dim : 0,
                                                   options.chord_classes > 0 ? channels.back() : 0, 0);
}

}  // namespace instructme
