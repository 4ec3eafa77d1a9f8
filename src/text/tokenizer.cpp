#include "instructme/text/tokenizer.h"

#include <algorithm>

#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/process.h"
#include "instructme/base/strings.h"
#include "sentencepiece_model.h"
#include "sentencepiece_normalizer.h"
#include "unigram.h"

namespace instructme {
namespace {

constexpr double kTrainingTimeout = 3600.0;  // seconds

/// SentencePiece's own form of normalisation rules: code points in hexadecimal, from TAB to.
std::string normalization_rules() {
  std::string rules;
  for (int letter = 'A'; letter <= 'Z'; ++letter) rules += format("%X\t%X\n", letter, letter - 'A' + 'a');
  for (const int blank : {0x9, 0xA, 0xD, 0xA0}) rules += format("%X\t20\n", blank);
  for (const int apostrophe : {0x2018, 0x2019}) rules += format("%X\t27\n", apostrophe);
  for (const int dash : {0x2010, 0x2011, 0x2013, 0x2014}) rules += format("%X\t2D\n", dash);
  return rules;
}

/// Throws kModel without the file's name.
SentencePieceModel parse_t5_model(const std::string& bytes) {
  SentencePieceModel model = parse_sentencepiece_model(bytes);
  const int pad = model.control_id(model.pad_piece), eos = model.control_id(model.eos_piece);
  if (pad != Tokenizer::pad_id() || eos != Tokenizer::eos_id() || model.unk_id != Tokenizer::unk_id())
    throw Error(ErrorKind::kModel,
                format("a T5 tokenizer has pad 0, end of sentence 1 and unknown 2; this one has %d, %d and %d", pad,
                       eos, model.unk_id));
  return model;
}

/// The sentence in what spm_train prints when it gives up: "file(line) [condition] sentence".
std::string failure_of(const ProcessResult& result) {
  const size_t at = result.output.rfind("] ");
  if (at == std::string::npos) return "";
  return trim(std::string_view(result.output).substr(at + 2, result.output.find('\n', at) - at - 2));
}

}  // namespace

struct Tokenizer::Model {
  explicit Model(SentencePieceModel model) : normalize(model), unigram(std::move(model)) {}
  SentencePieceNormalizer normalize;
  UnigramModel unigram;
};

Tokenizer::Tokenizer(const std::filesystem::path& path) {
  try {
    model_ = std::make_unique<Model>(parse_t5_model(read_text_file(path)));
  } catch (const Error& error) {
    throw Error(ErrorKind::kModel, "cannot load the tokenizer '" + path.string() + "': " + error.what());
  }
}

Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;

std::vector<int> Tokenizer::encode(const std::string& sentence, bool add_eos) const {
  std::vector<int> ids = model_->unigram.encode(model_->normalize(sentence));
  if (add_eos) ids.push_back(eos_id());
  return ids;
}

std::string Tokenizer::decode(const std::vector<int>& ids) const {
  for (const int id : ids)
    ensure(id >= 0 && id < vocab_size(), format("token id %d is outside the vocabulary of %d", id, vocab_size()));
  return model_->unigram.decode(ids);
}

int Tokenizer::vocab_size() const { return static_cast<int>(model_->unigram.model().pieces.size()); }

void train_tokenizer(const std::vector<std::string>& sentences, const std::filesystem::path& path, int vocab_size) {
  if (!program_exists("spm_train"))
    throw Error(ErrorKind::kMissing,
                "training a tokenizer needs the program 'spm_train', which is not installed: "
                "apt-get install sentencepiece");
  const TempDir folder("tokenizer");
  const std::filesystem::path rules = folder.path() / "rules.tsv", text = folder.path() / "sentences.txt",
                              prefix = folder.path() / "trained";
  write_file_atomically(rules, normalization_rules());
  std::string lines;
  for (const auto& sentence : sentences) {
    const size_t start = lines.size();
    lines += sentence + "\n";
    // One sentence a line; a line break inside one is a space to the model anyway.
    std::replace(lines.begin() + static_cast<std::ptrdiff_t>(start), lines.end() - 1, '\n', ' ');
  }
  write_file_atomically(text, lines);
  const ProcessResult result = run_process(
      {
          "spm_train",
          "--input=" + text.string(),
          "--model_prefix=" + prefix.string(),
          "--model_type=unigram",
          "--vocab_size=" + std::to_string(vocab_size),
          "--pad_id=0",
          "--eos_id=1",
          "--unk_id=2",
          "--bos_id=-1",
          "--character_coverage=1.0",
          // Every letter and digit is a piece, so that any plain word can be written.
          "--required_chars=abcdefghijklmnopqrstuvwxyz0123456789&'-.?!",
          "--normalization_rule_name=",
          "--normalization_rule_tsv=" + rules.string(),
          "--num_threads=1",  // sums in one order: the same file every time
          "--shuffle_input_sentence=false",
          "--minloglevel=3",
      },
      kTrainingTimeout);
  const std::string what =
      format("cannot train a tokenizer of %d pieces on %zu sentences: ", vocab_size, sentences.size());
  if (result.exit_code != 0) {
    const std::string reason = failure_of(result);
    if (!reason.empty()) throw Error(ErrorKind::kInput, what + reason);
    throw Error(ErrorKind::kIo,
                what + format("spm_train ended with code %d: ", result.exit_code) + trim(result.output));
  }
  const std::string model = without_training_paths(read_text_file(prefix.string() + ".model"));
  try {
    parse_t5_model(model);
  } catch (const Error& error) {
    throw Error(ErrorKind::kInternal, what + "spm_train wrote an unusable model: " + error.what());
  }
  write_file_atomically(path, model);
}

}  // namespace instructme
