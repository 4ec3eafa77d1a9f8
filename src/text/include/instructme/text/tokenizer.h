#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace instructme {

/// Splits sentences into the token ids of a T5 encoder with a SentencePiece model (Kudo and
/// Richardson, 2018); reads the `spiece.model` of any published T5. T5's convention is required:
/// pad 0, end of sentence 1, unknown 2. Immutable after loading; safe to share between threads.
class Tokenizer {
 public:
  /// Throws kModel when the file is missing, damaged or does not keep T5's convention.
  explicit Tokenizer(const std::filesystem::path& path);
  ~Tokenizer();
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;

  std::vector<int> encode(const std::string& sentence, bool add_eos = true) const;
  /// Padding and end-of-sentence ids are left out. Throws kInternal for an id outside the vocabulary.
  std::string decode(const std::vector<int>& ids) const;

  /// Number of pieces in the model; a T5's embedding table may have more rows.
  int vocab_size() const;
  static constexpr int pad_id() { return 0; }
  static constexpr int eos_id() { return 1; }
  static constexpr int unk_id() { return 2; }

 private:
  struct Model;
  std::unique_ptr<Model> model_;
};

/// Trains a unigram SentencePiece model with T5's ids and writes it to `path` atomically. Letters are
/// lower-cased by the model itself (ASCII; that keeps the file small, where SentencePiece's own
/// NFKC case folding adds 250 kB). The same file for the same sentences. Runs the program spm_train of
/// SentencePiece. Thread-safe. Throws kMissing when that program is not installed, kInput when there is
/// too little text for `vocab_size` pieces, kIo when the file cannot be written.
void train_tokenizer(const std::vector<std::string>& sentences, const std::filesystem::path& path, int vocab_size);

}  // namespace instructme
