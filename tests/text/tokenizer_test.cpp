#include "instructme/text/tokenizer.h"

#include <gtest/gtest.h>

#include <set>

#include "expect_error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"
#include "instructme/text/sentences.h"

namespace instructme {
namespace {

const std::filesystem::path kShipped =
    std::filesystem::path(INSTRUCTME_SOURCE_DIR) / "models/default/text_encoder/spiece.model";

std::vector<std::string> sentences(size_t count) { return lexicon_sentences(Lexicon::builtin(), 1, count); }

class TrainedTokenizer : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TempDir>();
    path_ = folder_->path() / "spiece.model";
    train_tokenizer(sentences(4000), path_, 300);
  }
  static void TearDownTestSuite() { folder_.reset(); }

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

TEST(TrainTokenizer, TooLittleTextAndUnwritableTargetsAreErrors) {
  const TempDir folder;
  expect_error(ErrorKind::kInput, "500 pieces on 2 sentences", [&] {
    train_tokenizer({"add a piano", "remove it"}, folder.path() / "m", 500);
  });
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "m"));
  expect_error(ErrorKind::kIo, "", [&] { train_tokenizer(sentences(2000), "/nonexistent/m", 200); });
}

TEST(TrainTokenizer, PrintsNothing) {
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
  EXPECT_LT(static_cast<double>(pieces) / static_cast<double>(words), 1.6);
  EXPECT_LT(std::filesystem::file_size(kShipped), 30000u);
}

}  // namespace
}  // namespace instructme
