#include <torch/torch.h>
// The precompiled torch header comes first.
#include "expect_error.h"
#include "instructme/base/files.h"
#include "instructme/base/rng.h"
#include "instructme/models/t5_encoder.h"
#include "instructme/torchx/state_dict.h"
#include "t5_reference.h"

namespace instructme {
namespace {

/// Small, with every size different, so that a mix-up of two sizes cannot pass.
T5EncoderOptions small_options(bool gated) {
  T5EncoderOptions options;
  options.vocab_size = 13;
  options.d_model = 6;
  options.d_kv = 4;
  options.d_ff = 10;
  options.num_layers = 2;
  options.num_heads = 3;
  options.relative_attention_num_buckets = 8;
  options.relative_attention_max_distance = 20;
  options.layer_norm_epsilon = 1e-3;  // large enough to be seen
  options.gated = gated;
  return options;
}

/// Published names with sizes.
std::map<std::string, std::vector<int64_t>> published_names(const T5EncoderOptions& o) {
  const int64_t inner = o.num_heads * o.d_kv;
  std::map<std::string, std::vector<int64_t>> names{
      {"shared.weight", {o.vocab_size, o.d_model}},
      {"encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight",
       {o.relative_attention_num_buckets, o.num_heads}},
      {"encoder.final_layer_norm.weight", {o.d_model}}};
  for (int64_t i = 0; i < o.num_layers; ++i) {
    const std::string layer = "encoder.block." + std::to_string(i) + ".layer.";
    for (const char* name : {"q", "k", "v"}) names[layer + "0.SelfAttention." + name + ".weight"] = {inner, o.d_model};
    names[layer + "0.SelfAttention.o.weight"] = {o.d_model, inner};
    names[layer + "0.layer_norm.weight"] = names[layer + "1.layer_norm.weight"] = {o.d_model};
    if (o.gated) {
      names[layer + "1.DenseReluDense.wi_0.weight"] =
          names[layer + "1.DenseReluDense.wi_1.weight"] = {o.d_ff, o.d_model};
    } else {
      names[layer + "1.DenseReluDense.wi.weight"] = {o.d_ff, o.d_model};
    }
    names[layer + "1.DenseReluDense.wo.weight"] = {o.d_model, o.d_ff};
  }
  return names;
}

/// Fixed random weights under the published names.
TensorMap random_weights(const T5EncoderOptions& options) {
  Rng rng(5);
  TensorMap weights;
  for (const auto& [name, shape] : published_names(options)) {
    at::Tensor tensor = torch::empty(shape);
    for (int64_t i = 0; i < tensor.numel(); ++i) tensor.data_ptr<float>()[i] = static_cast<float>(0.5 * rng.normal());
    weights[name] = tensor;
  }
  return weights;
}

std::map<std::string, Matrix> matrices(const TensorMap& tensors) {
  std::map<std::string, Matrix> result;
  for (const auto& [name, tensor] : tensors) {
    const size_t rows = tensor.dim() == 2 ? static_cast<size_t>(tensor.size(0)) : 1;
    Matrix matrix(rows, static_cast<size_t>(tensor.numel()) / rows);
    for (size_t i = 0; i < matrix.values.size(); ++i)
      matrix.values[i] = static_cast<double>(tensor.data_ptr<float>()[i]);
    result.emplace(name, matrix);
  }
  return result;
}

T5Encoder random_encoder(const T5EncoderOptions& options) {
  T5Encoder encoder(options);
  load_into(*encoder, random_weights(options), "weights");
  encoder->eval();
  return encoder;
}

/// (N, L) with the first `lengths[n]` true.
at::Tensor mask_of(const std::vector<int64_t>& lengths, int64_t length) {
  return torch::arange(length).unsqueeze(0) < torch::tensor(lengths).unsqueeze(1);
}

at::Tensor random_ids(int64_t batch, int64_t length, int64_t vocab) {
  Rng rng(9);
  at::Tensor ids = torch::empty({batch, length}, torch::kLong);
  for (int64_t i = 0; i < ids.numel(); ++i) ids.data_ptr<int64_t>()[i] = rng.integer(0, vocab - 1);
  return ids;
}

class T5Kinds : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(T5, T5Kinds, testing::Bool(),
                         [](const auto& parameter) { return parameter.param ? "gated" : "relu"; });

TEST_P(T5Kinds, EqualsThePublishedDefinition) {
  const T5EncoderOptions options = small_options(GetParam());
  const TensorMap weights = random_weights(options);
  T5Encoder encoder = random_encoder(options);
  const std::vector<int64_t> lengths{27, 5, 1};
  const int64_t length = 27;  // longer than the furthest bucket
  const at::Tensor ids = random_ids(3, length, options.vocab_size);
  const at::Tensor found = encoder->forward(ids, mask_of(lengths, length));
  ASSERT_EQ(found.sizes(), (std::vector<int64_t>{3, length, options.d_model}));

  const std::map<std::string, Matrix> reference_weights = matrices(weights);
  const T5Reference reference(options, reference_weights);
  double largest = 0;
  for (int64_t n = 0; n < 3; ++n) {
    const int64_t* row = ids.data_ptr<int64_t>() + n * length;
    const Matrix wanted = reference.encode({row, row + length}, static_cast<size_t>(lengths[static_cast<size_t>(n)]));
    for (int64_t l = 0; l < length; ++l)
      for (int64_t d = 0; d < options.d_model; ++d) {
        const double value = wanted.at(static_cast<size_t>(l), static_cast<size_t>(d));
        largest = std::max(largest, std::abs(value));
        ASSERT_NEAR(found[n][l][d].item<double>(), value, 1e-5) << n << " " << l << " " << d;
      }
  }
  EXPECT_GT(largest, 0.5) << "the comparison would say nothing";
}

TEST_P(T5Kinds, HasThePublishedNamesAndShapes) {
  const T5EncoderOptions options = small_options(GetParam());
  std::map<std::string, std::vector<int64_t>> found;
  for (const auto& [name, tensor] : named_tensors(*T5Encoder(options))) found[name] = tensor.sizes().vec();
  EXPECT_EQ(found, published_names(options));
}

TEST_P(T5Kinds, EveryParameterLearns) {
  T5Encoder encoder = random_encoder(small_options(GetParam()));
  const at::Tensor out = encoder->forward(random_ids(2, 25, 13), mask_of({25, 7}, 25));
  (out * torch::randn_like(out)).sum().backward();
  for (const auto& item : encoder->named_parameters()) {
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    EXPECT_GT(item.value().grad().abs().sum().item<double>(), 1e-4) << item.key();
  }
}

TEST_P(T5Kinds, FolderRoundTrip) {
  const TempDir folder;
  T5Encoder first = random_encoder(small_options(GetParam()));
  save_t5_encoder(first, folder.path() / "new" / "t5");
  T5Encoder second = load_t5_encoder(folder.path() / "new" / "t5");
  EXPECT_FALSE(second->is_training());
  const at::Tensor ids = random_ids(2, 8, 13), mask = mask_of({8, 3}, 8);
  EXPECT_TRUE(torch::equal(first->forward(ids, mask), second->forward(ids, mask)));
  EXPECT_EQ(SafetensorsFile(folder.path() / "new" / "t5" / "model.safetensors").metadata().at("format"), "pt");
}

TEST(T5Encoder, BucketsByHand) {
  // 32 buckets, 128 tokens: exact up to 7, then boundaries 8 * 16^(k/8) = 8, 11.3, 16, 22.6, 32, 45.3, 64, 90.5.
  const std::map<int64_t, int64_t> wanted{
      {0, 0},      {-1, 1},   {-7, 7},   {-8, 8},   {-11, 8},  {-12, 9},  {-15, 9},  {-16, 10}, {-22, 10},  {-23, 11},
      {-31, 11},   {-32, 12}, {-45, 12}, {-46, 13}, {-63, 13}, {-64, 14}, {-90, 14}, {-91, 15}, {-127, 15}, {-128, 15},
      {-5000, 15}, {1, 17},   {7, 23},   {8, 24},   {12, 25},  {64, 30},  {91, 31},  {5000, 31}};
  for (const auto& [distance, bucket] : wanted)
    EXPECT_EQ(relative_position_bucket(distance, 32, 128), bucket) << distance;
  // 8 buckets, 20 tokens: exact 0 and 1, boundaries 2 and 2 * 10^(1/2) = 6.3.
  for (const auto& [distance, bucket] :
       std::map<int64_t, int64_t>{{-1, 1}, {-2, 2}, {-6, 2}, {-7, 3}, {-20, 3}, {1, 5}, {2, 6}, {6, 6}, {7, 7}})
    EXPECT_EQ(relative_position_bucket(distance, 8, 20), bucket) << distance;
}

TEST(T5Encoder, PaddingDoesNotMatter) {
  T5Encoder encoder = random_encoder(small_options(true));
  const at::Tensor ids = random_ids(2, 20, 13);
  const at::Tensor padded = encoder->forward(ids, mask_of({20, 6}, 20))[1].slice(0, 0, 6);
  const at::Tensor alone = encoder->forward(ids.slice(0, 1).slice(1, 0, 6), mask_of({6}, 6))[0];
  EXPECT_TRUE(torch::allclose(padded, alone, 1e-5, 1e-6));
}

TEST(T5Encoder, ASentenceWithoutTokensStaysFinite) {
  T5Encoder encoder = random_encoder(small_options(false));
  const at::Tensor out = encoder->forward(random_ids(2, 4, 13), mask_of({4, 0}, 4));
  EXPECT_TRUE(torch::isfinite(out).all().item<bool>());
}

TEST(T5Encoder, DropoutOnlyInTraining) {
  T5EncoderOptions options = small_options(true);
  options.dropout_rate = 0.5;
  T5Encoder encoder = random_encoder(options);
  const at::Tensor ids = random_ids(1, 8, 13), mask = mask_of({8}, 8);
  EXPECT_TRUE(torch::equal(encoder->forward(ids, mask), encoder->forward(ids, mask)));
  encoder->train();
  EXPECT_FALSE(torch::equal(encoder->forward(ids, mask), encoder->forward(ids, mask)));
}

TEST(T5Encoder, OtherFloatingTypes) {
  T5Encoder encoder = random_encoder(small_options(true));
  const at::Tensor ids = random_ids(2, 9, 13), mask = mask_of({9, 4}, 9);
  const at::Tensor single = encoder->forward(ids, mask);
  encoder->to(torch::kDouble);
  EXPECT_TRUE(torch::allclose(encoder->forward(ids, mask), single.to(torch::kDouble), 1e-4, 1e-5));
  encoder->to(torch::kBFloat16);
  const at::Tensor half = encoder->forward(ids, mask);
  EXPECT_EQ(half.scalar_type(), torch::kBFloat16);
  EXPECT_LT((half.to(torch::kFloat) - single).abs().max().item<double>(), 0.1);
}

TEST(T5Encoder, FreshWeightsHaveThePublishedSpread) {
  torch::manual_seed(1);
  T5EncoderOptions options;
  options.vocab_size = 500;
  options.num_layers = 1;
  const TensorMap weights = named_tensors(*T5Encoder(options));
  const auto spread = [&](const std::string& name) { return weights.at(name).std().item<double>(); };
  const std::string layer = "encoder.block.0.layer.";
  EXPECT_NEAR(spread("shared.weight"), 1.0, 0.02);
  EXPECT_NEAR(spread(layer + "0.SelfAttention.q.weight"), 1 / std::sqrt(512.0 * 64), 1e-4);
  EXPECT_NEAR(spread(layer + "0.SelfAttention.v.weight"), 1 / std::sqrt(512.0), 1e-3);
  EXPECT_NEAR(spread(layer + "1.DenseReluDense.wo.weight"), 1 / std::sqrt(2048.0), 1e-3);
}

TEST(T5Encoder, WrongCalls) {
  T5Encoder encoder = random_encoder(small_options(false));
  const at::Tensor ids = random_ids(2, 4, 13), mask = mask_of({4, 2}, 4);
  expect_error(ErrorKind::kInternal, "(N, L) of int64", [&] { encoder->forward(ids[0], mask[0]); });
  expect_error(ErrorKind::kInternal, "(N, L) of int64", [&] { encoder->forward(ids.to(torch::kInt), mask); });
  expect_error(ErrorKind::kInternal, "not empty", [&] { encoder->forward(ids.slice(0, 0, 0), mask.slice(0, 0, 0)); });
  expect_error(ErrorKind::kInternal, "mask", [&] { encoder->forward(ids, mask.slice(1, 0, 3)); });
  expect_error(ErrorKind::kInternal, "mask", [&] { encoder->forward(ids, mask.to(torch::kFloat)); });
  expect_error(ErrorKind::kInternal, "vocabulary of 13", [&] { encoder->forward(ids + 13, mask); });
  expect_error(ErrorKind::kInternal, "vocabulary of 13", [&] { encoder->forward(ids - 13, mask); });
}

TEST(T5Encoder, WrongOptions) {
  const auto refused = [](const std::string& part, const std::function<void(T5EncoderOptions&)>& change) {
    T5EncoderOptions options = small_options(false);
    change(options);
    expect_error(ErrorKind::kModel, part, [&] { T5Encoder encoder(options); });
  };
  refused("d_model is 0", [](auto& o) { o.d_model = 0; });
  refused("num_layers is -1", [](auto& o) { o.num_layers = -1; });
  refused("num_buckets is 7", [](auto& o) { o.relative_attention_num_buckets = 7; });
  refused("max_distance is 2", [](auto& o) { o.relative_attention_max_distance = 2; });
  refused("layer_norm_epsilon", [](auto& o) { o.layer_norm_epsilon = 0; });
  refused("dropout_rate", [](auto& o) { o.dropout_rate = 1; });
  refused("special token 13", [](auto& o) { o.eos_token_id = 13; });
}

/// A folder as published: a configuration with many keys of no concern and a whole model.
class PublishedFolder : public testing::Test {
 protected:
  PublishedFolder() {
    weights_ = random_weights(options_);
    files_ = weights_;
    const auto inner = options_.num_heads * options_.d_kv;
    files_["decoder.final_layer_norm.weight"] = torch::ones({options_.d_model});
    files_["decoder.block.0.layer.1.EncDecAttention.q.weight"] = torch::ones({inner, options_.d_model});
    files_["lm_head.weight"] = torch::ones({options_.vocab_size, options_.d_model});
    write_config(config_);
  }

  void write_config(const std::string& text) { write_file_atomically(folder_.path() / "config.json", text); }
  T5Encoder load() {
    save_tensors(folder_.path() / "model.safetensors", files_);
    return load_t5_encoder(folder_.path());
  }
  void expect_refused(const std::string& part) {
    expect_error(ErrorKind::kModel, part, [&] { load(); });
  }
  std::string changed(const std::string& from, const std::string& to) const {
    std::string text = config_;
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos);
    return text.replace(at, from.size(), to);
  }

  const T5EncoderOptions options_ = small_options(true);
  const std::string config_ = R"({
    "architectures": ["T5ForConditionalGeneration"], "d_ff": 10, "d_kv": 4, "d_model": 6,
    "decoder_start_token_id": 0, "dropout_rate": 0.1, "eos_token_id": 1, "feed_forward_proj": "gated-gelu",
    "initializer_factor": 1.0, "is_encoder_decoder": true, "layer_norm_epsilon": 1e-3, "model_type": "t5",
    "n_positions": 512, "num_heads": 3, "num_layers": 2, "output_past": true, "pad_token_id": 0,
    "relative_attention_num_buckets": 8, "relative_attention_max_distance": 20, "vocab_size": 13,
    "task_specific_params": {"summarization": {"early_stopping": true}}, "use_cache": true})";
  TempDir folder_;
  TensorMap weights_, files_;
};

TEST_F(PublishedFolder, WholeModelLoads) {
  T5Encoder found = load(), wanted = random_encoder(options_);
  const at::Tensor ids = random_ids(2, 9, 13), mask = mask_of({9, 4}, 9);
  EXPECT_TRUE(torch::equal(found->forward(ids, mask), wanted->forward(ids, mask)));
}

TEST_F(PublishedFolder, EmbeddingUnderItsSecondName) {
  files_["encoder.embed_tokens.weight"] = files_["shared.weight"].clone();
  load();
  files_.erase("shared.weight");
  EXPECT_TRUE(torch::equal(load()->shared->weight, weights_["shared.weight"]));
  files_["shared.weight"] = weights_["shared.weight"] + 1;
  expect_refused("encoder.embed_tokens.weight differ");
}

TEST_F(PublishedFolder, HalfPrecisionWeightsBecomeFloat) {
  for (auto& [name, tensor] : files_) tensor = tensor.to(torch::kHalf);
  EXPECT_EQ(load()->shared->weight.scalar_type(), torch::kFloat);
}

TEST_F(PublishedFolder, WeightsThatDoNotFit) {
  files_.erase("encoder.final_layer_norm.weight");
  files_["encoder.surprise"] = torch::ones({1});
  expect_refused("missing: 'encoder.final_layer_norm.weight'; 1 tensor unexpected: 'encoder.surprise'");
  files_ = weights_;
  write_config(changed("\"d_ff\": 10", "\"d_ff\": 11"));
  expect_refused("wi_0.weight' (wanted [11, 6], found [10, 6])");
  write_config(changed("gated-gelu", "relu"));
  expect_refused("missing: 'encoder.block.0.layer.1.DenseReluDense.wi.weight'");
}

TEST_F(PublishedFolder, ConfigurationThatDoesNotFit) {
  write_config(changed("\"d_kv\": 4,", ""));
  expect_refused("'d_kv' is missing");
  write_config(changed("\"d_kv\": 4,", "\"d_kv\": \"4\","));
  expect_refused("'d_kv'");
  write_config(changed("gated-gelu", "gated-silu"));
  expect_refused("'gated-silu'");
  write_config(changed("\"t5\"", "\"bert\""));
  expect_refused("model_type is 'bert'");
  write_config("{");
  expect_refused("not valid JSON");
}

TEST_F(PublishedFolder, OldConfigurationsMeanRelu) {
  write_config(changed("\"feed_forward_proj\": \"gated-gelu\",", ""));
  EXPECT_FALSE(read_t5_options(folder_.path() / "config.json").gated);
}

TEST_F(PublishedFolder, MissingFiles) {
  expect_error(ErrorKind::kModel, "has no model.safetensors", [&] { load_t5_encoder(folder_.path()); });
  expect_error(ErrorKind::kModel, "has no config.json", [&] { load_t5_encoder(folder_.path() / "nowhere"); });
}

}  // namespace
}  // namespace instructme
