#include "instructme/train/mulan_task.h"

#include <torch/torch.h>

#include <set>

#include "ear_clips.h"
#include "expect_error.h"
#include "instructme/text/lexicon.h"

namespace instructme {
namespace {

LabelledClip band() {
  LabelledClip clip = made_up_clip(2.0, 0.5, 0.0);
  clip.tempo_bpm = 140;
  clip.key = {9, Mode::kMinor};
  clip.instruments = {{"piano", {-20, -20}}, {"drum kit", {-25, -25}}, {"flute", {-90, -90}}};
  return clip;
}

TEST(MuLanTask, APlainDescriptionSaysAllThatIsHeard) {
  Rng rng(1);
  EXPECT_EQ(describe_clip(band(), Lexicon::builtin(), rng, true),
            "fast tense rock music in minor with piano and drum kit");
}

TEST(MuLanTask, DescriptionsVaryAndNeverNameWhatIsNotHeard) {
  std::set<std::string> all;
  for (uint64_t i = 0; i < 50; ++i) {
    Rng rng(i);
    const std::string text = describe_clip(band(), Lexicon::builtin(), rng);
    all.insert(text);
    EXPECT_EQ(text.find("flute"), std::string::npos) << text;
    EXPECT_NE(text.find("music"), std::string::npos);
  }
  EXPECT_GT(all.size(), 30u);
}

TEST(MuLanTask, ReadsItsOptionsStrictly) {
  const auto read = [](nlohmann::json keys) {
    return MuLanTaskOptions::read(ConfigReader(std::move(keys), "training"));
  };
  EXPECT_EQ(read({{"batch", 4}}).batch, 4);
  expect_error(ErrorKind::kModel, "at least batch", [&] { read({{"bank", 3}}); });
}

}  // namespace
}  // namespace instructme
