#include "instructme/text/tokenizer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "expect_error.h"
#include "instructme/base/files.h"
#include "instructme/base/process.h"
#include "instructme/base/rng.h"
#include "instructme/base/strings.h"
#include "instructme/text/sentences.h"

namespace instructme {
namespace {

const std::filesystem::path kShipped =
    std::filesystem::path(INSTRUCTME_SOURCE_DIR) / "models/default/text_encoder/spiece.model";

#define SKIP_WITHOUT(program) \
  if (!program_exists(program)) GTEST_SKIP() << program << " is not installed"

std::vector<std::string> sentences(size_t count) { return lexicon_sentences(Lexicon::builtin(), 1, count); }

std::string lines_of(const std::vector<std::string>& sentences) {
  std::string lines;
  for (const auto& sentence : sentences) lines += sentence + "\n";
  return lines;
}

class TrainedTokenizer : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!program_exists("spm_train")) return;
    folder_ = std::make_unique<TempDir>();
    path_ = folder_->path() / "spiece.model";
    train_tokenizer(sentences(4000), path_, 300);
  }
  static void TearDownTestSuite() { folder_.reset(); }
  void SetUp() override { SKIP_WITHOUT("spm_train"); }

  static std::unique_ptr<TempDir> folder_;
  static std::filesystem::path path_;
};
std::unique_ptr<TempDir> TrainedTokenizer::folder_;
std::filesystem::path TrainedTokenizer::path_;

TEST_F(TrainedTokenizer, KeepsTheT5Convention) {
  const Tokenizer tokenizer(path_);
  EXPECT_EQ(tokenizer.vocab_size(), 300);
  const std::vector<int> ids = tokenizer.encode("remove the drums");
  ASSERT_GT(ids.size(), 1u);
  EXPECT_EQ(ids.back(), 1);
  const std::vector<int> bare = tokenizer.encode("remove the drums", false);
  EXPECT_EQ(std::vector<int>(ids.begin(), ids.end() - 1), bare);
  for (const int id : bare) EXPECT_GT(id, 2) << "no special piece inside a plain sentence";
  EXPECT_EQ(tokenizer.encode(""), std::vector<int>{1});
  const std::vector<int> foreign = tokenizer.encode("\u6f22", false);
  EXPECT_NE(std::find(foreign.begin(), foreign.end(), 2), foreign.end());
}

TEST_F(TrainedTokenizer, EveryIdIsInTheVocabularyAndSentencesComeBack) {
  const Tokenizer tokenizer(path_);
  for (const auto& sentence : lexicon_sentences(Lexicon::builtin(), 99, 3000)) {
    const std::vector<int> ids = tokenizer.encode(sentence);
    for (const int id : ids) ASSERT_TRUE(id > 0 && id < tokenizer.vocab_size());
    EXPECT_EQ(tokenizer.decode(ids), sentence);
  }
}

TEST_F(TrainedTokenizer, LettersAreLowerCased) {
  const Tokenizer tokenizer(path_);
  EXPECT_EQ(tokenizer.encode("Remove the DRUMS"), tokenizer.encode("remove the drums"));
  EXPECT_EQ(tokenizer.encode("  i\u2019d  remove\tthe drums "), tokenizer.encode("i'd remove the drums"));
}

TEST_F(TrainedTokenizer, DecodeLeavesOutPaddingAndRefusesForeignIds) {
  const Tokenizer tokenizer(path_);
  std::vector<int> ids = tokenizer.encode("add a piano");
  ids.insert(ids.end(), {0, 0, 0});
  EXPECT_EQ(tokenizer.decode(ids), "add a piano");
  expect_error(ErrorKind::kInternal, "outside the vocabulary", [&] { tokenizer.decode({300}); });
  expect_error(ErrorKind::kInternal, "outside the vocabulary", [&] { tokenizer.decode({-1}); });
}

TEST_F(TrainedTokenizer, TrainingIsReproducible) {
  const std::filesystem::path again = folder_->path() / "again.model";
  train_tokenizer(sentences(4000), again, 300);
  EXPECT_EQ(read_text_file(again), read_text_file(path_));
}

TEST_F(TrainedTokenizer, MovesLikeAValue) {
  Tokenizer tokenizer(path_);
  const std::vector<int> ids = tokenizer.encode("remove bass");
  const Tokenizer moved = std::move(tokenizer);
  EXPECT_EQ(moved.encode("remove bass"), ids);
}

TEST_F(TrainedTokenizer, DamagedModelsAreRefused) {
  const std::string bytes = read_text_file(path_);
  const std::filesystem::path damaged = folder_->path() / "damaged.model";
  const auto expect_refused = [&](const std::string& content) {
    write_file_atomically(damaged, content);
    expect_error(ErrorKind::kModel, "damaged.model", [&] { Tokenizer{damaged}; });
  };
  expect_refused("");
  expect_refused("this is not a model");
  expect_refused(bytes.substr(0, bytes.size() / 2));
  std::string garbled = bytes;
  for (size_t i = 0; i < garbled.size(); i += 7) garbled[i] = static_cast<char>(garbled[i] ^ 0x5a);
  expect_refused(garbled);
  expect_error(ErrorKind::kModel, "missing.model", [&] { Tokenizer{folder_->path() / "missing.model"}; });
}

TEST_F(TrainedTokenizer, NoTemporaryPathStaysInTheModel) {
  const std::string bytes = read_text_file(path_);
  EXPECT_EQ(bytes.find("sentences.txt"), std::string::npos);
  EXPECT_EQ(bytes.find("rules.tsv"), std::string::npos);
  EXPECT_EQ(bytes.find(std::filesystem::temp_directory_path().string() + "/"), std::string::npos);
}

TEST_F(TrainedTokenizer, ALineBreakInASentenceIsASpace) {
  std::vector<std::string> broken = sentences(4000);
  for (auto& sentence : broken) std::replace(sentence.begin(), sentence.end(), ' ', '\n');
  train_tokenizer(broken, folder_->path() / "broken.model", 300);
  EXPECT_EQ(read_text_file(folder_->path() / "broken.model"), read_text_file(path_));
}

TEST(TrainTokenizer, AMissingProgramIsNamedWithItsPackage) {
  const TempDir folder;
  const char* path = std::getenv("PATH");
  const std::string before = path ? path : "";
  ::setenv("PATH", folder.path().c_str(), 1);
  expect_error(ErrorKind::kMissing, "apt-get install sentencepiece",
               [&] { train_tokenizer({"add a piano"}, folder.path() / "m", 100); });
  ::setenv("PATH", before.c_str(), 1);
}

TEST(TrainTokenizer, TooLittleTextAndUnwritableTargetsAreErrors) {
  SKIP_WITHOUT("spm_train");
  const TempDir folder;
  expect_error(ErrorKind::kInput, "500 pieces on 2 sentences", [&] {
    train_tokenizer({"add a piano", "remove it"}, folder.path() / "m", 500);
  });
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "m"));
  expect_error(ErrorKind::kIo, "", [&] { train_tokenizer(sentences(2000), "/nonexistent/m", 200); });
}

TEST(TrainTokenizer, PrintsNothing) {
  SKIP_WITHOUT("spm_train");
  const TempDir folder;
  testing::internal::CaptureStderr();
  testing::internal::CaptureStdout();
  train_tokenizer(sentences(2000), folder.path() / "m", 200);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(ShippedTokenizer, WritesEveryNameOfTheLexiconInFewPieces) {
  const Tokenizer tokenizer(kShipped);
  size_t pieces = 0, words = 0;
  for (const auto& sentence : lexicon_sentences(Lexicon::builtin(), 5, 5000)) {
    const std::vector<int> ids = tokenizer.encode(sentence, false);
    EXPECT_EQ(std::count(ids.begin(), ids.end(), Tokenizer::unk_id()), 0) << sentence;
    EXPECT_EQ(tokenizer.decode(ids), sentence);
    pieces += ids.size();
    words += split(sentence, ' ').size();
  }
  EXPECT_LT(static_cast<double>(pieces) / static_cast<double>(words), 1.75);
  EXPECT_LT(std::filesystem::file_size(kShipped), 30000u);
}

/// Sentences that reach every corner of normalisation and of the search for pieces.
std::vector<std::string> difficult_sentences() {
  std::string every_byte, long_word(5000, 'q'), long_sentence;
  for (int byte = 1; byte < 256; ++byte)
    if (byte != '\n') every_byte += static_cast<char>(byte);
  for (int i = 0; i < 800; ++i) long_sentence += "remove the drums and Add a PIANO, ";
  std::vector<std::string> all = {
      "",
      " ",
      "     ",
      "\t \r ",
      "a",
      "  two  spaces   inside  ",
      "REMOVE The Drums",
      "\u6f22\u5b57\u6f22\u5b57 drums \u6f22 \u5b57",
      "\U0001F3B9 add \U0001F3B9\U0001F941 piano\U0001F3B8",
      "\u2581 already \u2581marked\u2581",
      "\u2581",
      "caf\u00e9 cafe\u0301 \u00c5 A\u030a \u01d5 q\u0323\u0307",
      "\uff32\uff45\uff4d\uff4f\uff56\uff45\u3000\uff44\uff52\uff55\uff4d\uff53\uff11\uff12",
      "\ufb01nd the \ufb02ute in the o\ufb03ce \u0132 \u01c4",
      "\uff76\uff9e\uff77\uff9e \u30ab\u3099 \ud55c\uae00 \u1112\u1161\u11ab",
      "\u2460 \u2163 \u00bd \u33a5 \u2122 \u212b \ufdfa x\u00b2",
      "zero\u200bwidth \u200ejoin\ufeff no\u00a0break \u2028line \u0085next",
      "don\u2019t \u2018quote\u2019 a\u2014b a\u2013b \u201cx\u201d",
      "a\x80z \xc0\xaf \xe2\x96 \xed\xa0\x80 \xf0\x9f\x8e \xf4\x90\x80\x80 \xff\xfe",
      "\xe2",
      "trailing \xf0\x9f",
      std::string("a\0b", 3),
      "\ufffd \U0010ffff \ud7ff",
      "<unk> <pad> </s> <s> <0x41> <extra_id_0>",
      every_byte,
      long_word,
      long_sentence,
  };
  const std::vector<std::string> alphabet = {"a",          "e",      "t",      " ",      "  ",   "D",     "\u00e9",
                                             "e\u0301",    "\ufb01", "\uff21", "\u2581", "\x80", "\xe2",  "\u6f22",
                                             "\U0001F3B9", "remove", "[solo]", "[so",    "7",    "\u3000"};
  Rng rng(7);
  for (int i = 0; i < 400; ++i) {
    std::string mixed;
    for (int length = static_cast<int>(rng.integer(1, 30)); length > 0; --length) mixed += rng.pick(alphabet);
    all.push_back(mixed);
  }
  return all;
}

/// Encodes and decodes with the programs of the SentencePiece package and expects the same here.
void expect_like_sentencepiece(const std::filesystem::path& model, const std::vector<std::string>& sentences) {
  const TempDir folder;
  write_file_atomically(folder.path() / "in.txt", lines_of(sentences));
  const auto lines = [&](const std::string& program, const std::string& option, const std::string& in,
                         const std::string& out) {
    const ProcessResult result =
        run_process({program, "--model=" + model.string(), option, "--output=" + (folder.path() / out).string(),
                     (folder.path() / in).string()});
    EXPECT_EQ(result.exit_code, 0) << result.output;
    return split(read_text_file(folder.path() / out), '\n');
  };
  const auto ids = lines("spm_encode", "--output_format=id", "in.txt", "ids.txt");
  const auto texts = lines("spm_decode", "--input_format=id", "ids.txt", "texts.txt");
  ASSERT_GE(ids.size(), sentences.size());
  ASSERT_GE(texts.size(), sentences.size());
  const Tokenizer tokenizer(model);
  for (size_t i = 0; i < sentences.size(); ++i) {
    std::vector<int> expected;
    std::istringstream numbers(ids[i]);
    for (int id = 0; numbers >> id;) expected.push_back(id);
    ASSERT_EQ(tokenizer.encode(sentences[i], false), expected) << "sentence " << i << ": " << sentences[i];
    ASSERT_EQ(tokenizer.decode(expected), texts[i]) << "sentence " << i << ": " << sentences[i];
  }
}

std::vector<std::string> reference_sentences() {
  std::vector<std::string> all = lexicon_sentences(Lexicon::builtin(), 3, 500);
  for (auto& sentence : difficult_sentences()) all.push_back(std::move(sentence));
  return all;
}

/// A model with T5's ids from the training program itself, with options that train_tokenizer does not use.
std::filesystem::path train_with(const TempDir& folder, std::vector<std::string> options) {
  auto text = sentences(1500);
  for (int i = 0; i < 20; ++i) text.push_back("un caf\u00e9 na\u00efve \u30ac\u30ae find the flute office 12");
  write_file_atomically(folder.path() / "text.txt", lines_of(text));
  options.insert(options.begin(),
                 {"spm_train", "--input=" + (folder.path() / "text.txt").string(),
                  "--model_prefix=" + (folder.path() / "m").string(), "--pad_id=0", "--eos_id=1", "--unk_id=2",
                  "--bos_id=-1", "--minloglevel=3", "--num_threads=1", "--character_coverage=1.0"});
  const ProcessResult result = run_process(options);
  EXPECT_EQ(result.exit_code, 0) << result.output;
  return folder.path() / "m.model";
}

class LikeSentencePiece : public testing::Test {
 protected:
  void SetUp() override {
    SKIP_WITHOUT("spm_train");
    SKIP_WITHOUT("spm_encode");
  }
};

TEST_F(LikeSentencePiece, TheShippedModel) { expect_like_sentencepiece(kShipped, reference_sentences()); }

TEST_F(LikeSentencePiece, TheNormalisationOfPublishedT5Models) {
  const TempDir folder;
  const auto model = train_with(folder, {"--vocab_size=300", "--normalization_rule_name=nmt_nfkc"});
  expect_like_sentencepiece(model, reference_sentences());
  const Tokenizer tokenizer(model);
  EXPECT_EQ(tokenizer.encode("\ufb01nd caf\u00e9"), tokenizer.encode("find cafe\u0301"));
  EXPECT_EQ(tokenizer.encode("\uff41\uff44\uff44"), tokenizer.encode("add"));
}

TEST_F(LikeSentencePiece, ByteFallbackAndUserDefinedSymbols) {
  const TempDir folder;
  const auto model = train_with(folder, {"--vocab_size=600", "--normalization_rule_name=nmt_nfkc_cf",
                                         "--byte_fallback=true", "--user_defined_symbols=[solo],[so,DR,\u00c5"});
  expect_like_sentencepiece(model, reference_sentences());
  EXPECT_EQ(Tokenizer(model).decode(Tokenizer(model).encode("add \U0001F3B9")), "add \U0001F3B9");
}

TEST_F(LikeSentencePiece, SpacesKeptAndNoDummyPrefix) {
  const TempDir folder;
  const auto plain = train_with(folder, {"--vocab_size=300", "--add_dummy_prefix=false",
                                         "--remove_extra_whitespaces=false", "--normalization_rule_name=identity"});
  expect_like_sentencepiece(plain, reference_sentences());
  const auto kept = train_with(folder, {"--vocab_size=300", "--remove_extra_whitespaces=false"});
  expect_like_sentencepiece(kept, reference_sentences());
  const auto suffix = train_with(folder, {"--vocab_size=300", "--treat_whitespace_as_suffix=true"});
  expect_like_sentencepiece(suffix, reference_sentences());
}

TEST_F(LikeSentencePiece, OtherModelTypesAndConventionsAreRefused) {
  const TempDir folder;
  const auto bpe = train_with(folder, {"--vocab_size=300", "--model_type=bpe"});
  expect_error(ErrorKind::kModel, "a unigram model is needed; this one is of type bpe", [&] { Tokenizer{bpe}; });
  const auto other = train_with(folder, {"--vocab_size=300", "--pad_id=3"});
  expect_error(ErrorKind::kModel, "pad 0, end of sentence 1 and unknown 2", [&] { Tokenizer{other}; });
}

TEST(DamagedTokenizer, IsRefusedOrHarmless) {
  const TempDir folder;
  const std::filesystem::path path = folder.path() / "damaged.model";
  const std::string bytes = read_text_file(kShipped);
  const std::vector<std::string> difficult = difficult_sentences();
  size_t refused = 0, at = 0;
  const auto try_one = [&](const std::string& content) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
    try {
      const Tokenizer tokenizer(path);
      for (int i = 0; i < 20; ++i) {
        // Any text may come out of a damaged table; ids must stay inside the vocabulary.
        for (const int id : tokenizer.encode(difficult[at++ % difficult.size()]))
          ASSERT_TRUE(id >= 0 && id < tokenizer.vocab_size());
      }
    } catch (const Error& error) {
      ASSERT_EQ(error.kind(), ErrorKind::kModel) << error.what();
      ASSERT_NE(std::string(error.what()).find("damaged.model"), std::string::npos) << error.what();
      ++refused;
    }
  };
  for (size_t size = 0; size < bytes.size(); size += size < 100 || bytes.size() - size < 100 ? 1 : 37)
    try_one(bytes.substr(0, size));
  EXPECT_GT(refused, 200u);
  refused = 0;
  Rng rng(11);
  const auto position = [&] { return static_cast<size_t>(rng.integer(0, static_cast<int64_t>(bytes.size()) - 1)); };
  for (int i = 0; i < 1000; ++i) {
    std::string changed = bytes;
    for (int64_t flips = rng.integer(1, 4); flips > 0; --flips)
      changed[position()] ^= static_cast<char>(1 << rng.integer(0, 7));
    try_one(changed);
  }
  EXPECT_GT(refused, 100u);
}

}  // namespace
}  // namespace instructme
