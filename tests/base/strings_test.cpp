#include "instructme/base/strings.h"

#include "expect_error.h"

namespace instructme {
namespace {

using Words = std::vector<std::string>;

TEST(Strings, LowerIsAsciiOnly) {
  EXPECT_EQ(lower("AbZ[@09"), "abz[@09");
  EXPECT_EQ(lower("É"), "É");
  EXPECT_EQ(lower(""), "");
}

TEST(Strings, Trim) {
  EXPECT_EQ(trim(" \t\r\n a b \n"), "a b");
  EXPECT_EQ(trim(" \t"), "");
  EXPECT_EQ(trim(""), "");
  EXPECT_EQ(trim("x"), "x");
}

TEST(Strings, TheMarkBeforeTextFromWindowsIsLeftOut) {
  EXPECT_EQ(without_mark("\xEF\xBB\xBFÄ"), "Ä");
  EXPECT_EQ(without_mark("\xEF\xBB\xBF"), "");
  for (const char* text : {"", "a", "Ä\xEF\xBB\xBF", "\xEF\xBB"}) EXPECT_EQ(without_mark(text), text);
}

TEST(Strings, SplitKeepsEmptyItemsAndJoinUndoesIt) {
  EXPECT_EQ(split("a,b", ','), (Words{"a", "b"}));
  EXPECT_EQ(split("", ','), (Words{""}));
  EXPECT_EQ(split(",a,,", ','), (Words{"", "a", "", ""}));
  for (const char* text : {"", "a", ",", "a,,b,", "no separator"}) EXPECT_EQ(join(split(text, ','), ","), text);
  EXPECT_EQ(join({"a", "b", "c"}, " or "), "a or b or c");
  EXPECT_EQ(join({}, ","), "");
}

TEST(Strings, EditDistance) {
  EXPECT_EQ(edit_distance("", ""), 0);
  EXPECT_EQ(edit_distance("", "abc"), 3);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3);
  EXPECT_EQ(edit_distance("paino", "piano"), 1) << "neighbours swapped";
  EXPECT_EQ(edit_distance("ca", "abc"), 3) << "optimal string alignment, not the unrestricted distance of 2";
  EXPECT_EQ(edit_distance("drum", "drums"), 1);
  for (const char* a : {"violin", "viola", "cello", ""})
    for (const char* b : {"violin", "voila", "hello"}) EXPECT_EQ(edit_distance(a, b), edit_distance(b, a));
}

TEST(Strings, NearestComesFirstAndFarOnesNotAtAll) {
  const Words known{"cello", "viola", "violin", "trumpet"};
  EXPECT_EQ(nearest("violim", known), (Words{"violin", "viola"}));
  EXPECT_EQ(nearest("VIOLIN", known).front(), "violin");
  EXPECT_EQ(nearest("violim", known, 1), (Words{"violin"}));
  EXPECT_EQ(nearest("xylophone", known), Words{});
  EXPECT_EQ(nearest("cello", {"cello", "cello"}), (Words{"cello"}));
  EXPECT_EQ(nearest("cello", {}), Words{});
  // The longer the word, the more mistakes are allowed.
  EXPECT_EQ(nearest("trumXYZetistic", {"trumpetistic"}), (Words{"trumpetistic"}));
  EXPECT_EQ(nearest("trXYZt", {"trumpt"}), Words{});
}

TEST(Strings, DidYouMean) {
  EXPECT_EQ(did_you_mean("violn", {"violin", "viola"}), " (did you mean 'violin' or 'viola'?)");
  EXPECT_EQ(did_you_mean("xylophone", {"violin"}), "");
}

TEST(Strings, Format) {
  EXPECT_EQ(format("%d of %s, %.2f", 3, "x", 0.5), "3 of x, 0.50");
  EXPECT_EQ(format("%s", std::string(5000, 'a').c_str()), std::string(5000, 'a'));
  EXPECT_EQ(format("%s", ""), "");
}

}  // namespace
}  // namespace instructme
