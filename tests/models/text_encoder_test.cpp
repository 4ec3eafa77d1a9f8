#include <torch/torch.h>
// The precompiled torch header comes first.
#include "expect_error.h"
#include "instructme/base/files.h"
#include "instructme/base/rng.h"
#include "instructme/models/text_encoder.h"

namespace instructme {
namespace {

constexpr int kPieces = 60;

T5EncoderOptions compact_options() {
  T5EncoderOptions options;
  options.vocab_size = 64;
  options.d_model = 16;
  options.d_kv = 4;
  options.d_ff = 24;
  options.num_layers = 2;
  options.num_heads = 3;
  options.gated = true;
  return options;
}

/// A tokenizer trained once for all tests here.
class TextEncoderTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    shared_folder_ = std::make_unique<TempDir>();
    const std::vector<std::string> verbs{"add", "remove", "extract", "replace", "remix"};
    const std::vector<std::string> things{
        "piano",     "acoustic guitar", "drums",          "bass", "violin", "flute",   "trumpet",  "string ensemble",
        "saxophone", "clarinet",        "electric organ", "harp", "cello",  "marimba", "trombone", "synthesizer"};
    std::vector<std::string> sentences;
    Rng rng(3);
    for (int i = 0; i < 400; ++i) sentences.push_back(rng.pick(verbs) + " the " + rng.pick(things));
    train_tokenizer(sentences, tokenizer_file(), kPieces);
  }
  static void TearDownTestSuite() { shared_folder_.reset(); }
  static std::filesystem::path tokenizer_file() { return shared_folder_->path() / "spiece.model"; }

  static TextEncoder fresh() {
    torch::manual_seed(2);
    TextEncoder encoder = TextEncoder::create(compact_options(), tokenizer_file());
    encoder.module()->eval();
    return encoder;
  }

  TempDir folder_;
  static std::unique_ptr<TempDir> shared_folder_;
};
std::unique_ptr<TempDir> TextEncoderTest::shared_folder_;

TEST_F(TextEncoderTest, TokensArePaddedAtTheEnd) {
  const TextEncoder encoder = fresh();
  const std::vector<std::string> sentences{"add the piano", "remix", ""};
  const TokenBatch batch = encoder.tokenize(sentences);
  ASSERT_EQ(batch.ids.sizes(), batch.mask.sizes());
  int64_t longest = 0;
  for (size_t n = 0; n < sentences.size(); ++n) {
    const std::vector<int> wanted = encoder.tokenizer().encode(sentences[n]);
    longest = std::max(longest, static_cast<int64_t>(wanted.size()));
    for (int64_t l = 0; l < batch.ids.size(1); ++l) {
      const bool token = l < static_cast<int64_t>(wanted.size());
      EXPECT_EQ(batch.mask[static_cast<int64_t>(n)][l].item<bool>(), token);
      EXPECT_EQ(batch.ids[static_cast<int64_t>(n)][l].item<int64_t>(), token ? wanted[static_cast<size_t>(l)] : 0);
    }
  }
  EXPECT_EQ(batch.ids.size(1), longest);
  EXPECT_EQ(batch.ids[2][0].item<int64_t>(), Tokenizer::eos_id());
}

TEST_F(TextEncoderTest, EncodingDependsOnTheSentenceOnly) {
  const TextEncoder encoder = fresh();
  const TextEncoding both = encoder.encode({"add the piano", "remove the acoustic guitar"});
  const TextEncoding alone = encoder.encode({"add the piano"});
  const int64_t length = alone.embeddings.size(1);
  EXPECT_EQ(both.embeddings.size(2), 16);
  EXPECT_EQ(both.mask[0].sum().item<int64_t>(), length);
  EXPECT_TRUE(torch::allclose(both.embeddings[0].slice(0, 0, length), alone.embeddings[0], 1e-4, 1e-5));
  EXPECT_FALSE(torch::allclose(encoder.encode({"add the drums"}).embeddings[0][0], alone.embeddings[0][0], 1e-4, 1e-4));
}

TEST_F(TextEncoderTest, FolderRoundTrip) {
  const TextEncoder first = fresh();
  first.save(folder_.path() / "text");
  const TextEncoder second = TextEncoder::load(folder_.path() / "text");
  const std::vector<std::string> sentences{"replace the bass", "extract the flute"};
  EXPECT_TRUE(torch::equal(first.encode(sentences).embeddings, second.encode(sentences).embeddings));
  EXPECT_EQ(read_text_file(folder_.path() / "text" / "spiece.model"), read_text_file(tokenizer_file()));
}

TEST_F(TextEncoderTest, EightBitsAreNearlyTheSame) {
  const TextEncoder first = fresh();
  first.save(folder_.path() / "plain");
  first.save(folder_.path() / "small", WeightFormat::kInt8);
  const auto size = [&](const char* name) {
    return std::filesystem::file_size(folder_.path() / name / "model.safetensors");
  };
  EXPECT_LT(size("small"), 0.6 * size("plain"));  // its smallest matrices stay as they are
  const at::Tensor exact = first.encode({"replace the bass"}).embeddings;
  const at::Tensor near = TextEncoder::load(folder_.path() / "small").encode({"replace the bass"}).embeddings;
  EXPECT_FALSE(torch::equal(exact, near));
  EXPECT_LT((exact - near).norm().item<double>(), 0.03 * exact.norm().item<double>());
}

TEST_F(TextEncoderTest, TrainsThroughTheModule) {
  const TextEncoder encoder = fresh();
  T5Encoder module = encoder.module();
  torch::optim::SGD optimizer(module->parameters(), 0.01);
  const auto loss = [&] { return encoder.encode({"add the drums"}).embeddings.square().mean(); };
  const double before = loss().item<double>();
  for (int i = 0; i < 5; ++i) {
    optimizer.zero_grad();
    loss().backward();
    optimizer.step();
  }
  EXPECT_LT(loss().item<double>(), before);
}

TEST_F(TextEncoderTest, FreshOnesLearnLoadedOnesDoNot) {
  const TextEncoder created = TextEncoder::create(compact_options(), tokenizer_file());
  EXPECT_TRUE(created.module()->is_training());
  created.save(folder_.path());
  EXPECT_FALSE(TextEncoder::load(folder_.path()).module()->is_training());
}

TEST_F(TextEncoderTest, PartsThatDoNotBelongTogether) {
  T5EncoderOptions options = compact_options();
  options.vocab_size = kPieces - 1;
  expect_error(ErrorKind::kModel, "has 60 pieces, but the T5 encoder knows only 59",
               [&] { TextEncoder::create(options, tokenizer_file()); });
  options = compact_options();
  options.eos_token_id = 2;
  expect_error(ErrorKind::kModel, "end of sentence 2", [&] { TextEncoder::create(options, tokenizer_file()); });
  expect_error(ErrorKind::kModel, "nowhere", [&] { TextEncoder::create(options, folder_.path() / "nowhere"); });
}

TEST_F(TextEncoderTest, MissingOrDamagedFiles) {
  for (const char* name : {"spiece.model", "config.json", "model.safetensors"}) {
    fresh().save(folder_.path());
    std::filesystem::resize_file(folder_.path() / name, 20);
    expect_error(ErrorKind::kModel, name, [&] { TextEncoder::load(folder_.path()); });
    std::filesystem::remove(folder_.path() / name);
    expect_error(ErrorKind::kModel, std::string("has no ") + name, [&] { TextEncoder::load(folder_.path()); });
  }
}

TEST_F(TextEncoderTest, WrongSentences) {
  const TextEncoder encoder = fresh();
  expect_error(ErrorKind::kInternal, "no sentence", [&] { encoder.encode({}); });
  std::string endless;
  for (int i = 0; i < 600; ++i) endless += "add drums ";
  expect_error(ErrorKind::kInput, "at most 512", [&] { encoder.encode({"add drums", endless}); });
}

}  // namespace
}  // namespace instructme
