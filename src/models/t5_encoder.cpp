#include <torch/torch.h>
// The precompiled torch header comes first.
#include <cmath>
#include <limits>

#include "instructme/base/config_reader.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"
#include "instructme/models/t5_encoder.h"
#include "instructme/nn/fused_ops.h"
#include "instructme/nn/linear.h"
#include "instructme/torchx/first_weights.h"
#include "instructme/torchx/state_dict.h"

namespace instructme {
namespace {

using torch::nn::Linear;

constexpr const char* kConfigFile = "config.json";
constexpr const char* kWeightsFile = "model.safetensors";

Linear linear(int64_t inputs, int64_t outputs, double deviation) {
  Linear layer = plain_linear(inputs, outputs, /*bias=*/false);
  if (!NoFirstWeights::wanted()) torch::nn::init::normal_(layer->weight, 0.0, deviation);
  return layer;
}

double inverse_root(int64_t n) { return 1.0 / std::sqrt(static_cast<double>(n)); }

}  // namespace

struct T5NormImpl : torch::nn::Module {
  explicit T5NormImpl(const T5EncoderOptions& options) : eps(options.layer_norm_epsilon) {
    weight = register_parameter("weight", torch::ones({options.d_model}));
  }
  at::Tensor forward(const at::Tensor& x) { return rms_norm(x, weight, eps); }

  double eps;
  at::Tensor weight;
};
TORCH_MODULE(T5Norm);

struct T5AttentionImpl : torch::nn::Module {
  /// The first block's attention owns the table of relative position biases.
  T5AttentionImpl(const T5EncoderOptions& model_options, bool has_position_table) : options(model_options) {
    const int64_t inner = options.num_heads * options.d_kv;
    q = register_module("q", linear(options.d_model, inner, inverse_root(options.d_model * options.d_kv)));
    k = register_module("k", linear(options.d_model, inner, inverse_root(options.d_model)));
    v = register_module("v", linear(options.d_model, inner, inverse_root(options.d_model)));
    o = register_module("o", linear(inner, options.d_model, inverse_root(inner)));
    if (has_position_table) {
      relative_attention_bias = register_module(
          "relative_attention_bias", torch::nn::Embedding(options.relative_attention_num_buckets, options.num_heads));
      torch::nn::init::normal_(relative_attention_bias->weight, 0.0, inverse_root(options.d_model));
    }
  }

  /// -> (1, H, L, L), rows are queries.
  at::Tensor position_bias(int64_t length) {
    const at::Tensor buckets = torch::empty({length, length}, torch::kLong);
    auto table = buckets.accessor<int64_t, 2>();
    for (int64_t query = 0; query < length; ++query)
      for (int64_t key = 0; key < length; ++key)
        table[query][key] = relative_position_bucket(key - query, options.relative_attention_num_buckets,
                                                     options.relative_attention_max_distance);
    const at::Tensor bias = relative_attention_bias->forward(buckets.to(relative_attention_bias->weight.device()));
    return bias.permute({2, 0, 1}).unsqueeze(0);  // (L, L, H) -> (1, H, L, L)
  }

  /// x (N, L, D), bias (N, H, L, L) -> (N, L, D).
  at::Tensor forward(const at::Tensor& x, const at::Tensor& bias) {
    const int64_t batch = x.size(0), length = x.size(1);
    const auto heads = [&](Linear& projection) {
      return projection(x).view({batch, length, options.num_heads, options.d_kv}).transpose(1, 2);  // (N, H, L, K)
    };
    at::Tensor scores = at::matmul(heads(q), heads(k).transpose(-2, -1));  // (N, H, L, L)
    scores = scores.to(bias.scalar_type()) + bias;
    at::Tensor weights = at::softmax(scores, -1).to(x.scalar_type());
    weights = at::dropout(weights, options.dropout_rate, is_training());
    const at::Tensor mixed = at::matmul(weights, heads(v)).transpose(1, 2);  // (N, L, H, K)
    return o(mixed.reshape({batch, length, -1}));
  }

  T5EncoderOptions options;
  Linear q{nullptr}, k{nullptr}, v{nullptr}, o{nullptr};
  torch::nn::Embedding relative_attention_bias{nullptr};
};
TORCH_MODULE(T5Attention);

/// Published under the name DenseReluDense whether gated or not.
struct T5FeedForwardImpl : torch::nn::Module {
  explicit T5FeedForwardImpl(const T5EncoderOptions& options) : dropout_rate(options.dropout_rate) {
    const double deviation = inverse_root(options.d_model);
    if (options.gated) {
      wi_0 = register_module("wi_0", linear(options.d_model, options.d_ff, deviation));
      wi_1 = register_module("wi_1", linear(options.d_model, options.d_ff, deviation));
    } else {
      wi = register_module("wi", linear(options.d_model, options.d_ff, deviation));
    }
    wo = register_module("wo", linear(options.d_ff, options.d_model, inverse_root(options.d_ff)));
  }

  at::Tensor forward(const at::Tensor& x) {
    const at::Tensor hidden = wi.is_empty() ? at::gelu(wi_0(x), "tanh") * wi_1(x) : at::relu(wi(x));
    return wo(at::dropout(hidden, dropout_rate, is_training()));
  }

  double dropout_rate;
  Linear wi{nullptr}, wi_0{nullptr}, wi_1{nullptr}, wo{nullptr};
};
TORCH_MODULE(T5FeedForward);

struct T5AttentionLayerImpl : torch::nn::Module {
  T5AttentionLayerImpl(const T5EncoderOptions& options, bool has_position_table) {
    attention = register_module("SelfAttention", T5Attention(options, has_position_table));
    norm = register_module("layer_norm", T5Norm(options));
  }
  T5Attention attention{nullptr};
  T5Norm norm{nullptr};
};
TORCH_MODULE(T5AttentionLayer);

struct T5FeedForwardLayerImpl : torch::nn::Module {
  explicit T5FeedForwardLayerImpl(const T5EncoderOptions& options) {
    feed_forward = register_module("DenseReluDense", T5FeedForward(options));
    norm = register_module("layer_norm", T5Norm(options));
  }
  T5FeedForward feed_forward{nullptr};
  T5Norm norm{nullptr};
};
TORCH_MODULE(T5FeedForwardLayer);

struct T5BlockImpl : torch::nn::Module {
  T5BlockImpl(const T5EncoderOptions& options, bool has_position_table)
      : dropout_rate(options.dropout_rate), first(options, has_position_table), second(options) {
    register_module("layer", torch::nn::ModuleList(first, second));
  }

  /// x (N, L, D), bias (N, H, L, L) -> (N, L, D).
  at::Tensor forward(const at::Tensor& x, const at::Tensor& bias) {
    const at::Tensor attended = x + at::dropout(first->attention(first->norm(x), bias), dropout_rate, is_training());
    return attended + at::dropout(second->feed_forward(second->norm(attended)), dropout_rate, is_training());
  }

  double dropout_rate;
  T5AttentionLayer first;
  T5FeedForwardLayer second;
};
TORCH_MODULE(T5Block);

struct T5StackImpl : torch::nn::Module {
  explicit T5StackImpl(const T5EncoderOptions& options) : dropout_rate(options.dropout_rate), norm(options) {
    torch::nn::ModuleList list;
    for (int64_t i = 0; i < options.num_layers; ++i) {
      blocks.emplace_back(options, /*has_position_table=*/i == 0);
      list->push_back(blocks.back());
    }
    register_module("block", list);
    register_module("final_layer_norm", norm);
  }

  /// x (N, L, D), mask (N, L) bool -> (N, L, D).
  at::Tensor forward(at::Tensor x, const at::Tensor& mask) {
    // The lowest finite number instead of -inf: a row without any token then averages instead of
    // becoming not-a-number. Scores stay in at least float32, whose range holds it.
    at::Tensor bias = blocks.front()->first->attention->position_bias(x.size(1));
    bias = bias.to(c10::promoteTypes(bias.scalar_type(), at::kFloat));
    bias = bias.masked_fill(mask.logical_not().unsqueeze(1).unsqueeze(1),
                            static_cast<double>(std::numeric_limits<float>::lowest()));  // (N, H, L, L)
    x = at::dropout(x, dropout_rate, is_training());
    for (T5Block& block : blocks) x = block(x, bias);
    return at::dropout(norm(x), dropout_rate, is_training());
  }

  double dropout_rate;
  std::vector<T5Block> blocks;
  T5Norm norm;
};

int64_t relative_position_bucket(int64_t distance, int64_t num_buckets, int64_t max_distance) {
  const int64_t half = num_buckets / 2;
  const int64_t exact = half / 2;
  const int64_t offset = distance > 0 ? half : 0;
  distance = std::abs(distance);
  if (distance < exact) return offset + distance;
  // In float32 like the published code, so that distances on a boundary fall to the same side.
  const float octaves = std::log(static_cast<float>(distance) / static_cast<float>(exact)) /
                        static_cast<float>(std::log(static_cast<double>(max_distance) / static_cast<double>(exact)));
  const auto steps = static_cast<int64_t>(octaves * static_cast<float>(half - exact));
  return offset + std::min(exact + steps, half - 1);
}

void T5EncoderOptions::check(const std::string& context) const {
  const auto want = [&](bool good, const std::string& what) {
    if (!good) throw Error(ErrorKind::kModel, context + ": " + what);
  };
  const std::pair<const char*, int64_t> sizes[] = {
      {"vocab_size", vocab_size}, {"d_model", d_model},    {"d_kv", d_kv}, {"d_ff", d_ff},
      {"num_layers", num_layers}, {"num_heads", num_heads}};
  constexpr int64_t kLargest = 1 << 24;  // products of two sizes stay far from overflow
  for (const auto& [name, value] : sizes)
    want(value >= 1 && value <= kLargest, std::string(name) + " is " + std::to_string(value) + ", a size was wanted");
  want(relative_attention_num_buckets >= 4 && relative_attention_num_buckets % 2 == 0,
       "relative_attention_num_buckets is " + std::to_string(relative_attention_num_buckets) +
           ", an even number from 4 on was wanted");
  want(relative_attention_max_distance > relative_attention_num_buckets / 4,
       "relative_attention_max_distance is " + std::to_string(relative_attention_max_distance) + ", more than " +
           std::to_string(relative_attention_num_buckets / 4) + " was wanted");
  want(layer_norm_epsilon > 0, format("layer_norm_epsilon is %g, a positive number was wanted", layer_norm_epsilon));
  want(dropout_rate >= 0 && dropout_rate < 1, format("dropout_rate is %g, wanted from 0 to below 1", dropout_rate));
  for (const int64_t id : {pad_token_id, eos_token_id})
    want(id >= 0 && id < vocab_size,
         "the special token " + std::to_string(id) + " is outside the vocabulary of " + std::to_string(vocab_size));
}

T5EncoderOptions read_t5_options(const std::filesystem::path& config_file) {
  const std::string context = config_file.string();
  ConfigReader config(read_json_file(config_file), context);
  T5EncoderOptions options;
  std::string kind = "t5";
  config.read("model_type", kind);
  if (kind != "t5" && kind != "mt5")
    throw Error(ErrorKind::kModel, context + ": model_type is '" + kind + "', 't5' was wanted");
  config.require("vocab_size", options.vocab_size);
  config.require("d_model", options.d_model);
  config.require("d_kv", options.d_kv);
  config.require("d_ff", options.d_ff);
  config.require("num_layers", options.num_layers);
  config.require("num_heads", options.num_heads);
  config.read("relative_attention_num_buckets", options.relative_attention_num_buckets);
  config.read("relative_attention_max_distance", options.relative_attention_max_distance);
  config.read("layer_norm_epsilon", options.layer_norm_epsilon);
  config.read("dropout_rate", options.dropout_rate);
  config.read("pad_token_id", options.pad_token_id);
  config.read("eos_token_id", options.eos_token_id);
  std::string feed_forward = "relu";
  config.read("feed_forward_proj", feed_forward);
  if (feed_forward != "relu" && feed_forward != "gated-gelu")
    throw Error(ErrorKind::kModel,
                context + ": feed_forward_proj is '" + feed_forward + "', 'relu' or 'gated-gelu' was wanted");
  options.gated = feed_forward == "gated-gelu";
  options.check(context);
  return options;
}

void write_t5_options(const std::filesystem::path& config_file, const T5EncoderOptions& options) {
  write_json_file(config_file, {{"architectures", {"T5EncoderModel"}},
                                {"model_type", "t5"},
                                {"vocab_size", options.vocab_size},
                                {"d_model", options.d_model},
                                {"d_kv", options.d_kv},
                                {"d_ff", options.d_ff},
                                {"num_layers", options.num_layers},
                                {"num_heads", options.num_heads},
                                {"relative_attention_num_buckets", options.relative_attention_num_buckets},
                                {"relative_attention_max_distance", options.relative_attention_max_distance},
                                {"layer_norm_epsilon", options.layer_norm_epsilon},
                                {"dropout_rate", options.dropout_rate},
                                {"feed_forward_proj", options.gated ? "gated-gelu" : "relu"},
                                {"pad_token_id", options.pad_token_id},
                                {"eos_token_id", options.eos_token_id}});
}

T5EncoderImpl::T5EncoderImpl(const T5EncoderOptions& model_options) : options(model_options) {
  options.check("T5 encoder");
  shared = register_module("shared", torch::nn::Embedding(options.vocab_size, options.d_model));  // N(0, 1)
  encoder = register_module("encoder", std::make_shared<T5StackImpl>(options));
}

at::Tensor T5EncoderImpl::forward(const at::Tensor& ids, const at::Tensor& mask) {
  ensure(ids.dim() == 2 && ids.scalar_type() == at::kLong && ids.numel() > 0,
         "T5 wants token numbers (N, L) of int64, not empty");
  ensure(mask.sizes() == ids.sizes() && mask.scalar_type() == at::kBool, "T5 wants a mask (N, L) of bool");
  if (ids.is_cpu())  // elsewhere the check would wait for the device
    ensure(ids.min().item<int64_t>() >= 0 && ids.max().item<int64_t>() < options.vocab_size,
           "a token number is outside the vocabulary of " + std::to_string(options.vocab_size));
  return encoder->forward(shared(ids), mask);
}

T5Encoder load_t5_encoder(const std::filesystem::path& folder) {
  for (const char* name : {kConfigFile, kWeightsFile})
    if (!std::filesystem::exists(folder / name))
      throw Error(ErrorKind::kModel, "the text encoder folder " + folder.string() + " has no " + name);
  const std::filesystem::path file = folder / kWeightsFile;
  T5Encoder encoder(read_t5_options(folder / kConfigFile));

  // Published files may hold the whole model, and the embedding under a second name.
  TensorMap tensors = load_weights(
      file, [](const std::string& name) { return !name.starts_with("decoder.") && !name.starts_with("lm_head."); });
  const std::string name = "shared.weight", alias = "encoder.embed_tokens.weight";
  if (const auto second = tensors.find(alias); second != tensors.end()) {
    const auto [first, inserted] = tensors.emplace(name, second->second);
    if (!inserted &&
        !(first->second.scalar_type() == second->second.scalar_type() && at::equal(first->second, second->second)))
      throw Error(ErrorKind::kModel,
                  file.string() + ": " + name + " and " + alias + " differ, but T5 has one embedding");
    tensors.erase(second);
  }
  load_into(*encoder, tensors, file.string());
  encoder->eval();
  return encoder;
}

void save_t5_encoder(const T5Encoder& encoder, const std::filesystem::path& folder,
                     std::optional<WeightFormat> format) {
  make_folder(folder);
  write_t5_options(folder / kConfigFile, encoder->options);
  // Other programs ask for this note about the framework.
  const std::map<std::string, std::string> metadata = {{"format", "pt"}};
  if (format)
    save_weights(folder / kWeightsFile, named_tensors(*encoder), *format, metadata);
  else
    save_tensors(folder / kWeightsFile, named_tensors(*encoder), metadata);
}

}  // namespace instructme
