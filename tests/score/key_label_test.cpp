#include "instructme/score/key_label.h"

#include "expect_error.h"

namespace instructme {
namespace {

TEST(ParseKey, ReadsWhatPeopleWrite) {
  for (const auto& [text, label] : std::vector<std::pair<std::string, std::string>>{{"C", "C:major"},
                                                                                    {"Am", "A:minor"},
                                                                                    {"F# minor", "F#:minor"},
                                                                                    {"bb", "Bb:major"},
                                                                                    {"D dorian", "D:dorian"},
                                                                                    {"Eb:minor", "Eb:minor"},
                                                                                    {"D#:min", "Eb:minor"},
                                                                                    {"Cb", "B:major"},
                                                                                    {"CM", "C:major"},
                                                                                    {"BbM", "Bb:major"},
                                                                                    {"cm", "C:minor"}})
    EXPECT_EQ(key_label(parse_key(text)), label) << text;
  for (const char* text : {"", "H", " ", "C blues", "12"})
    expect_error(ErrorKind::kUsage, "is no key", [&] { parse_key(text); });
}

TEST(ParseKeyLabel, TakesLabelsOnly) {
  EXPECT_EQ(key_label(parse_key_label("D#:min", "song")), "Eb:minor");
  for (const char* text : {"", "C", "F# minor", ":major", "C:", "C:locrian", " :major"})
    expect_error(ErrorKind::kInput, "song: '", [&] { parse_key_label(text, "song"); });
}

}  // namespace
}  // namespace instructme
