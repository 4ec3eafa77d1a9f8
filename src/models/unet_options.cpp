#include <cmath>
#include <utility>

#include "instructme/base/error.h"
#include "instructme/models/unet.h"

namespace instructme {
namespace {

constexpr std::pair<const char*, SourceInput> kSources[] = {{"aggregate", SourceInput::kAggregate},
                                                            {"concatenate", SourceInput::kConcatenate}};
constexpr std::pair<const char*, SourceMerge> kMerges[] = {{"add", SourceMerge::kAdd},
                                                           {"concatenate", SourceMerge::kConcatenate}};
constexpr std::pair<const char*, bool> kAttentions[] = {{"chunk", false}, {"full", true}};
constexpr std::pair<const char*, ChunkFusion> kFusions[] = {{"attention", ChunkFusion::kAttention},
                                                            {"block", ChunkFusion::kBlock}};
constexpr std::pair<const char*, Skip> kSkips[] = {{"concatenate", Skip::kConcatenate}, {"add", Skip::kAdd}};

template <class T, size_t N>
void read_word(ConfigReader& config, const std::string& key, const std::pair<const char*, T> (&words)[N], T& value) {
  if (!config.has(key)) return;
  std::string found;
  config.read(key, found);
  std::string known;
  for (const auto& [word, meaning] : words) {
    if (found == word) {
      value = meaning;
      return;
    }
    known += (known.empty() ? "\"" : ", \"") + std::string(word) + "\"";
  }
  throw Error(ErrorKind::kModel,
              config.context() + ": \"" + key + "\" is \"" + found + "\", but must be one of " + known + ".");
}

template <class T, size_t N>
std::string word_of(const std::pair<const char*, T> (&words)[N], T value) {
  for (const auto& [word, meaning] : words)
    if (meaning == value) return word;
  throw Error(ErrorKind::kInternal, "an option has a value without a name");
}

void require(bool condition, const std::string& message) {
  if (!condition) throw Error(ErrorKind::kModel, "U-Net options: " + message + ".");
}

void require_per_level(const std::vector<int64_t>& values, const UNetOptions& options, const std::string& name,
                       int64_t least) {
  require(values.size() == options.channels.size(), "\"" + name + "\" has " + std::to_string(values.size()) +
                                                        " values, but \"channels\" has " +
                                                        std::to_string(options.levels()) + " levels");
  for (int64_t value : values)
    require(value >= least,
            "\"" + name + "\" has a " + std::to_string(value) + ", but wants at least " + std::to_string(least));
}

}  // namespace

int64_t UNetOptions::ffn_hidden(int64_t width) const {
  // A multiple of 16, which vector units like.
  return std::max<int64_t>(16, std::llround(ffn_ratio * static_cast<double>(width) / 16.0) * 16);
}

void UNetOptions::validate() const {
  require(!channels.empty() && channels.size() <= 8, "\"channels\" wants 1 to 8 levels");
  require(latent_channels >= 1, "\"latent_channels\" must be at least 1");
  require(head_dim >= 1, "\"head_dim\" must be at least 1");
  require_per_level(channels, *this, "channels", 1);
  require_per_level(down_blocks, *this, "down_blocks", 0);
  require_per_level(up_blocks, *this, "up_blocks", 0);
  require_per_level(chunk, *this, "chunk", 2);
  for (int64_t value : channels)
    require(value % head_dim == 0, "\"channels\" has " + std::to_string(value) +
                                       ", which is not a multiple of \"head_dim\" " + std::to_string(head_dim));
  for (int64_t value : chunk)
    require(value % 2 == 0, "\"chunk\" has " + std::to_string(value) + ", but chunks must be even for half overlap");
  require(bottleneck_blocks >= 0, "\"bottleneck_blocks\" must not be negative");
  require(chord_classes == 0 || bottleneck_blocks > 0, "chords enter in the bottleneck, which has no blocks");
  require(chord_classes >= 0, "\"chord_classes\" must not be negative");
  require(ffn_ratio > 0, "\"ffn_ratio\" must be above 0");
  require(text_dim >= 1, "\"text_dim\" must be at least 1");
  require(time_channels >= 1, "\"time_channels\" must be at least 1");
  require(!(full_attention && fusion == ChunkFusion::kBlock),
          "\"self_attention\": \"full\" has no chunks to fuse after the block; set \"fusion\" to \"attention\"");
  require(!full_attention || head_dim % 2 == 0, "\"self_attention\": \"full\" wants an even \"head_dim\"");
  require(source_gate >= 0, "\"source_gate\" must not be negative");
  if (source == SourceInput::kAggregate) {
    require_per_level(source_channels, *this, "source_channels", 1);
    require(source_blocks >= 0, "\"source_blocks\" must not be negative");
    require(source_mel >= 0, "\"source_mel\" must not be negative");
  } else {
    require(source_mel == 0, "\"source_mel\" goes with \"source\": \"aggregate\"");
  }
}

UNetOptions read_unet_options(ConfigReader config) {
  UNetOptions options;
  config.read("latent_channels", options.latent_channels);
  config.read("channels", options.channels);
  config.read("down_blocks", options.down_blocks);
  config.read("up_blocks", options.up_blocks);
  config.read("bottleneck_blocks", options.bottleneck_blocks);
  config.read("head_dim", options.head_dim);
  config.read("chunk", options.chunk);
  config.read("ffn_ratio", options.ffn_ratio);
  config.read("text_dim", options.text_dim);
  config.read("text_in_bottleneck", options.text_in_bottleneck);
  config.read("chord_classes", options.chord_classes);
  read_word(config, "source", kSources, options.source);
  config.read("source_channels", options.source_channels);
  config.read("source_blocks", options.source_blocks);
  config.read("source_mel", options.source_mel);
  read_word(config, "source_merge", kMerges, options.source_merge);
  read_word(config, "self_attention", kAttentions, options.full_attention);
  read_word(config, "fusion", kFusions, options.fusion);
  read_word(config, "skip", kSkips, options.skip);
  config.read("time_channels", options.time_channels);
  config.read("source_gate", options.source_gate);
  config.read("text_in_time", options.text_in_time);
  config.read("gate_init", options.gate_init);
  config.finish();
  options.validate();
  return options;
}

nlohmann::json to_json(const UNetOptions& options) {
  return {{"latent_channels", options.latent_channels},
          {"channels", options.channels},
          {"down_blocks", options.down_blocks},
          {"up_blocks", options.up_blocks},
          {"bottleneck_blocks", options.bottleneck_blocks},
          {"head_dim", options.head_dim},
          {"chunk", options.chunk},
          {"ffn_ratio", options.ffn_ratio},
          {"text_dim", options.text_dim},
          {"text_in_bottleneck", options.text_in_bottleneck},
          {"chord_classes", options.chord_classes},
          {"source", word_of(kSources, options.source)},
          {"source_channels", options.source_channels},
          {"source_blocks", options.source_blocks},
          {"source_mel", options.source_mel},
          {"source_merge", word_of(kMerges, options.source_merge)},
          {"self_attention", word_of(kAttentions, options.full_attention)},
          {"fusion", word_of(kFusions, options.fusion)},
          {"skip", word_of(kSkips, options.skip)},
          {"time_channels", options.time_channels},
          {"source_gate", options.source_gate},
          {"text_in_time", options.text_in_time},
          {"gate_init", options.gate_init}};
}

}  // namespace instructme
