#include "instructme/text/tokenizer.h"

#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

#include <optional>
#include <unordered_map>

#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"

namespace instructme {
namespace {

class VectorIterator : public sentencepiece::SentenceIterator {
 public:
  explicit VectorIterator(const std::vector<std::string>& sentences) : sentences_(sentences) {}
  bool done() const override { return at_ >= sentences_.size(); }
  void Next() override { ++at_; }
  const std::string& value() const override { return sentences_[at_]; }
  sentencepiece::util::Status status() const override { return {}; }

 private:
  const std::vector<std::string>& sentences_;
  size_t at_ = 0;
};

/// SentencePiece's own form of normalisation rules: code points in hexadecimal, from TAB to.
std::string normalization_rules() {
  std::string rules;
  for (int letter = 'A'; letter <= 'Z'; ++letter) rules += format("%X\t%X\n", letter, letter - 'A' + 'a');
  for (const int blank : {0x9, 0xA, 0xD, 0xA0}) rules += format("%X\t20\n", blank);
  for (const int apostrophe : {0x2018, 0x2019}) rules += format("%X\t27\n", apostrophe);
  for (const int dash : {0x2010, 0x2011, 0x2013, 0x2014}) rules += format("%X\t2D\n", dash);
  return rules;
}

// A trained model records the path of the rules it was given: a temporary name, which would make every
// file different. The model is a protocol buffer (developers.google.com/protocol-buffers/docs/encoding);
// these functions leave that one field out. Field numbers are those of sentencepiece_model.proto.
constexpr uint64_t kNormalizerSpec = 3, kNormalizationRuleTsv = 6;
constexpr uint64_t kVarint = 0, kBytes = 2;

uint64_t read_varint(const std::string& bytes, size_t& at) {
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    ensure(at < bytes.size(), "a trained tokenizer ends in the middle of a number");
    const auto byte = static_cast<unsigned char>(bytes[at++]);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  throw Error(ErrorKind::kInternal, "a trained tokenizer holds a number that is too long");
}

std::string varint(uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  return out + static_cast<char>(value);
}

/// `message` with `edit` applied to the content of each of its byte fields; nullopt leaves the field out.
template <class Edit>
std::string edit_fields(const std::string& message, Edit edit) {
  std::string out;
  for (size_t at = 0; at < message.size();) {
    const size_t start = at;
    const uint64_t tag = read_varint(message, at);
    const uint64_t type = tag & 7;
    ensure(type == kVarint || type == kBytes, "a trained tokenizer holds an unexpected field");
    const uint64_t value = read_varint(message, at);
    if (type == kVarint) {
      out += message.substr(start, at - start);
      continue;
    }
    ensure(value <= message.size() - at, "a trained tokenizer ends in the middle of a field");
    const std::optional<std::string> content = edit(tag >> 3, message.substr(at, value));
    at += value;
    if (content) out += varint(tag) + varint(content->size()) + *content;
  }
  return out;
}

std::string without_rules_path(const std::string& model) {
  return edit_fields(model, [](uint64_t field, std::string content) -> std::optional<std::string> {
    if (field != kNormalizerSpec) return content;
    return edit_fields(content, [](uint64_t inner, std::string value) -> std::optional<std::string> {
      return inner == kNormalizationRuleTsv ? std::nullopt : std::optional(std::move(value));
    });
  });
}

}  // namespace

struct Tokenizer::Model {
  sentencepiece::SentencePieceProcessor processor;
};

Tokenizer::Tokenizer(const std::filesystem::path& path) : model_(std::make_unique<Model>()) {
  const std::string what = "cannot load the tokenizer '" + path.string() + "': ";
  std::string bytes;
  try {
    bytes = read_text_file(path);
  } catch (const Error& error) {
    throw Error(ErrorKind::kModel, what + error.what());
  }
  auto& processor = model_->processor;
  if (const auto status = processor.LoadFromSerializedProto(bytes); !status.ok())
    throw Error(ErrorKind::kModel, what + "it is damaged or not a SentencePiece model (" + status.ToString() + ")");
  if (processor.pad_id() != pad_id() || processor.eos_id() != eos_id() || processor.unk_id() != unk_id())
    throw Error(ErrorKind::kModel,
                what + format("a T5 tokenizer has pad 0, end of sentence 1 and unknown 2; this one has %d, %d and %d",
                              processor.pad_id(), processor.eos_id(), processor.unk_id()));
}

Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;

std::vector<int> Tokenizer::encode(const std::string& sentence, bool add_eos) const {
  std::vector<int> ids;
  const auto status = model_->processor.Encode(sentence, &ids);
  ensure(status.ok(), "SentencePiece cannot encode: " + status.ToString());
  if (add_eos) ids.push_back(eos_id());
  return ids;
}

std::string Tokenizer::decode(const std::vector<int>& ids) const {
  std::vector<int> pieces;
  for (const int id : ids) {
    ensure(id >= 0 && id < vocab_size(), format("token id %d is outside the vocabulary of %d", id, vocab_size()));
    if (id != pad_id() && id != eos_id()) pieces.push_back(id);
  }
  std::string text;
  const auto status = model_->processor.Decode(pieces, &text);
  ensure(status.ok(), "SentencePiece cannot decode: " + status.ToString());
  return text;
}

int Tokenizer::vocab_size() const { return model_->processor.GetPieceSize(); }

void train_tokenizer(const std::vector<std::string>& sentences, const std::filesystem::path& path, int vocab_size) {
  const TempDir folder("tokenizer");
  const std::filesystem::path rules = folder.path() / "rules.tsv";
  write_file_atomically(rules, normalization_rules());
  const std::unordered_map<std::string, std::string> options = {
      {"model_type", "unigram"},
      {"vocab_size", std::to_string(vocab_size)},
      {"pad_id", "0"},
      {"eos_id", "1"},
      {"unk_id", "2"},
      {"bos_id", "-1"},
      {"character_coverage", "1.0"},
      // Every letter and digit is a piece, so that any plain word can be written.
      {"required_chars", "abcdefghijklmnopqrstuvwxyz0123456789&'-.?!"},
      {"normalization_rule_name", ""},
      {"normalization_rule_tsv", rules.string()},
      {"num_threads", "1"},  // sums in one order: the same file every time
      {"shuffle_input_sentence", "false"},
      {"minloglevel", "3"},
  };
  VectorIterator iterator(sentences);
  std::string model;
  const auto status = sentencepiece::SentencePieceTrainer::Train(options, &iterator, &model);
  if (!status.ok()) {
    // SentencePiece puts "file(line) [condition]" before its sentence.
    std::string reason = status.ToString();
    if (const size_t at = reason.rfind("] "); at != std::string::npos) reason.erase(0, at + 2);
    throw Error(
        ErrorKind::kInput,
        format("cannot train a tokenizer of %d pieces on %zu sentences: ", vocab_size, sentences.size()) + reason);
  }
  write_file_atomically(path, without_rules_path(model));
}

}  // namespace instructme
