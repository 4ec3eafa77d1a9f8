#include <torch/torch.h>
// The precompiled torch header comes first.
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/models/text_encoder.h"

namespace instructme {
namespace {

constexpr const char* kTokenizerFile = "spiece.model";

}  // namespace

TextEncoder::TextEncoder(T5Encoder encoder, const std::filesystem::path& tokenizer_file)
    : encoder_(std::move(encoder)), tokenizer_(tokenizer_file), tokenizer_bytes_(read_text_file(tokenizer_file)) {
  const T5EncoderOptions& t5 = options();
  if (tokenizer_.vocab_size() > t5.vocab_size)
    throw Error(ErrorKind::kModel, tokenizer_file.string() + " has " + std::to_string(tokenizer_.vocab_size()) +
                                       " pieces, but the T5 encoder knows only " + std::to_string(t5.vocab_size) +
                                       "; they do not belong together");
  if (t5.pad_token_id != Tokenizer::pad_id() || t5.eos_token_id != Tokenizer::eos_id())
    throw Error(ErrorKind::kModel,
                "the T5 encoder wants padding " + std::to_string(t5.pad_token_id) + " and end of sentence " +
                    std::to_string(t5.eos_token_id) + ", but the tokens of " + tokenizer_file.string() + " are " +
                    std::to_string(Tokenizer::pad_id()) + " and " + std::to_string(Tokenizer::eos_id()));
}

TextEncoder TextEncoder::load(const std::filesystem::path& folder) {
  const std::filesystem::path tokenizer_file = folder / kTokenizerFile;
  if (!std::filesystem::exists(tokenizer_file))
    throw Error(ErrorKind::kModel, "the text encoder folder " + folder.string() + " has no " + kTokenizerFile);
  return TextEncoder(load_t5_encoder(folder), tokenizer_file);
}

TextEncoder TextEncoder::create(const T5EncoderOptions& options, const std::filesystem::path& tokenizer_file) {
  return TextEncoder(T5Encoder(options), tokenizer_file);
}

void TextEncoder::save(const std::filesystem::path& folder, std::optional<WeightFormat> format) const {
  save_t5_encoder(encoder_, folder, format);
  write_file_atomically(folder / kTokenizerFile, tokenizer_bytes_);
}

TokenBatch TextEncoder::tokenize(const std::vector<std::string>& sentences) const {
  ensure(!sentences.empty(), "no sentence to tokenize");
  std::vector<std::vector<int>> rows;
  size_t longest = 0;
  for (const std::string& sentence : sentences) {
    rows.push_back(tokenizer_.encode(sentence, /*add_eos=*/true));
    longest = std::max(longest, rows.back().size());
    if (rows.back().size() > static_cast<size_t>(kMaxTokens))
      throw Error(ErrorKind::kInput, "the sentence '" + sentence.substr(0, 60) + "…' has " +
                                         std::to_string(rows.back().size()) + " tokens, at most " +
                                         std::to_string(kMaxTokens) + " are possible; shorten it");
  }
  const auto count = static_cast<int64_t>(rows.size()), length = static_cast<int64_t>(longest);
  TokenBatch batch{torch::full({count, length}, Tokenizer::pad_id(), torch::kLong),
                   torch::zeros({count, length}, torch::kBool)};
  auto ids = batch.ids.accessor<int64_t, 2>();
  auto mask = batch.mask.accessor<bool, 2>();
  for (int64_t n = 0; n < count; ++n) {
    const std::vector<int>& row = rows[static_cast<size_t>(n)];
    for (int64_t l = 0; l < static_cast<int64_t>(row.size()); ++l) {
      ids[n][l] = row[static_cast<size_t>(l)];
      mask[n][l] = true;
    }
  }
  return batch;
}

TextEncoding TextEncoder::encode(const std::vector<std::string>& sentences) const {
  const TokenBatch batch = tokenize(sentences);
  T5Encoder encoder = encoder_;  // shares the weights
  const at::Device device = encoder->shared->weight.device();
  const at::Tensor mask = batch.mask.to(device);
  return {encoder->forward(batch.ids.to(device), mask), mask};
}

}  // namespace instructme
