#include "instructme/ears/listener.h"

#include <torch/torch.h>

#include <cmath>
#include <numbers>

#include "expect_error.h"
#include "instructme/base/files.h"
#include "instructme/ears/key_net.h"
#include "instructme/ears/tagger.h"
#include "tiny_ears.h"

namespace instructme {
namespace {

/// A model folder of small networks with random weights.
class ListenerTest : public testing::Test {
 protected:
  void SetUp() override {
    torch::manual_seed(1);
    save_tiny_ears(folder_.path() / "ears");
    TaggerOptions tagger;
    tagger.channels = {2, 2, 2, 2};
    tagger.hidden = 8;
    tagger.instruments = {"bass", "piano"};
    tagger.genres = {"jazz", "rock"};
    KeyNet keys(KeyNetOptions{});
    torch::nn::init::normal_(keys->weight);
    save_key_net(keys, folder_.path() / "ears", 0);
    save_tagger({Tagger(tagger), {0.5, 0.4}, {0.5, 0.5}}, folder_.path() / "ears", 0);
  }

  static AudioBuffer tone(int rate, int channels, double seconds) {
    AudioBuffer audio{rate, channels, {}};
    for (int64_t i = 0; i < std::llround(seconds * rate); ++i)
      for (int c = 0; c < channels; ++c)
        audio.samples.push_back(
            static_cast<float>(0.2 * std::sin(2 * std::numbers::pi * 440 * static_cast<double>(i) / rate)));
    return audio;
  }

  TempDir folder_;
};

TEST_F(ListenerTest, HearsAnyFormatAndCoversAllOfIt) {
  Listener listener(folder_.path());
  for (const auto& [rate, channels, seconds] :
       {std::tuple{44100, 2, 3.3}, {8000, 1, 2.0}, {192000, 1, 0.4}, {48000, 6, 0.05}, {24000, 1, 0.0001}}) {
    const AudioBuffer audio = tone(rate, channels, seconds);
    const Hearing heard = listener.listen(audio);
    EXPECT_DOUBLE_EQ(heard.duration_s, audio.seconds());
    EXPECT_EQ(static_cast<double>(heard.chords.size()), std::max(1.0, std::ceil(seconds * heard.chord_rate - 1e-6)));
    ASSERT_FALSE(heard.chord_spans.empty());
    EXPECT_EQ(heard.chord_spans.front().start_s, 0.0);
    EXPECT_EQ(heard.chord_spans.back().end_s, heard.duration_s);
    for (size_t i = 1; i < heard.chord_spans.size(); ++i) {
      EXPECT_EQ(heard.chord_spans[i - 1].end_s, heard.chord_spans[i].start_s);
      EXPECT_FALSE(heard.chord_spans[i - 1].chord == heard.chord_spans[i].chord);
    }
    ASSERT_EQ(heard.instruments.size(), 2u);
    EXPECT_GE(heard.instruments[0].probability, heard.instruments[1].probability);
    EXPECT_EQ(heard.genres.size(), 2u);
    EXPECT_EQ(static_cast<double>(heard.instruments[0].over_time.size()), std::max(1.0, std::ceil(seconds)));
  }
}

TEST_F(ListenerTest, SilenceHasNothing) {
  const Hearing heard = Listener(folder_.path()).listen({24000, 1, std::vector<float>(48000, 0.0f)});
  EXPECT_TRUE(heard.beats.empty());
  EXPECT_TRUE(heard.keys.empty());
  EXPECT_TRUE(heard.instruments.empty());
  EXPECT_TRUE(heard.has_tagger);
  ASSERT_EQ(heard.chord_spans.size(), 1u);
  EXPECT_TRUE(heard.chord_spans[0].chord.none);
  EXPECT_EQ(heard.chord_spans[0].end_s, 2.0);
}

TEST_F(ListenerTest, RefusesWhatCannotBeHeard) {
  Listener listener(folder_.path());
  expect_error(ErrorKind::kInput, "empty", [&] { listener.listen({24000, 1, {}}); });
  expect_error(ErrorKind::kInput, "not finite", [&] { listener.listen({24000, 1, {0.0f, NAN}}); });
  const std::atomic<bool> stop = true;
  expect_error(ErrorKind::kCancelled, "", [&] { listener.listen(tone(24000, 1, 1.0), {}, CancelToken(&stop)); });
  const TempDir empty;
  expect_error(ErrorKind::kMissing, "ears/chords.json", [&] { Listener{empty.path()}; });
}

TEST_F(ListenerTest, DoesWithoutATagger) {
  std::filesystem::remove(folder_.path() / "ears" / "tagger.json");
  const Hearing heard = Listener(folder_.path()).listen(tone(24000, 1, 1.0));
  EXPECT_TRUE(heard.instruments.empty());
  EXPECT_FALSE(heard.has_tagger);
  EXPECT_FALSE(heard.chords.empty());
}

TEST_F(ListenerTest, BeatsEndWithTheSound) {
  BeatNet eager = load_beat_net(folder_.path() / "ears");
  {
    const torch::NoGradGuard no_grad;
    eager->output->bias.fill_(8.0);  // hears beats everywhere
  }
  save_beat_net(eager, folder_.path() / "ears", 0);
  AudioBuffer audio = tone(24000, 1, 3.0);
  const std::vector<float> silence(48000, 0.0f);
  audio.samples.insert(audio.samples.begin(), silence.begin(), silence.end());
  audio.samples.insert(audio.samples.end(), silence.begin(), silence.end());
  const Hearing heard = Listener(folder_.path()).listen(audio);
  ASSERT_GT(heard.beats.size(), 2u);
  EXPECT_EQ(heard.beats.front().bar, 0);
  EXPECT_NEAR(heard.beats.front().time_s, 2.0, 0.3);  // beats at 240 a minute are 0.25 s apart
  EXPECT_GT(heard.beats.front().time_s, 1.85);
  EXPECT_NEAR(heard.beats.back().time_s, 5.0, 0.3);
  EXPECT_LT(heard.beats.back().time_s, 5.15);
}

TEST_F(ListenerTest, NoBeatLiesBehindTheEnd) {
  BeatNet steady = load_beat_net(folder_.path() / "ears");
  int in_last_frame = 0;
  // As sure of a beat in every frame, so that there is one in every twelfth; by rounding, from the first or second on.
  for (const double sure : {6.0, 7.0, 8.0, 9.0}) {
    {
      const torch::NoGradGuard no_grad;
      steady->output->weight.zero_();
      steady->output->bias.fill_(sure);
    }
    save_beat_net(steady, folder_.path() / "ears", 0);
    Listener listener(folder_.path());
    for (const int frames : {48, 60}) {
      const double frames_s = static_cast<double>(frames) / kBeatRate;
      const Hearing heard = listener.listen(tone(24000, 1, frames_s + 1.0 / 24000));  // and a frame of one sample
      ASSERT_GT(heard.beats.size(), 3u);
      in_last_frame += heard.beats.back().time_s >= frames_s;
      EXPECT_LT(heard.beats.back().time_s, heard.duration_s);
      for (const ChordSpan& span : heard.chord_spans) EXPECT_LT(span.start_s, span.end_s);
    }
  }
  EXPECT_GT(in_last_frame, 0);
}

TEST_F(ListenerTest, ChannelsThatCancelEachOtherAreHeard) {
  Listener listener(folder_.path());
  const AudioBuffer one = tone(24000, 1, 1.0);
  std::vector<float> opposite;
  for (const float sample : one.samples) opposite.push_back(-sample);
  EXPECT_EQ(listener.listen(from_planar({one.samples, opposite}, 24000)).chords, listener.listen(one).chords);
}

TEST_F(ListenerTest, WindowsOfInstrumentsHaveTheSurestOfTheirHalfSeconds) {
  const AudioBuffer audio = tone(24000, 1, 2.3);
  const Hearing heard = Listener(folder_.path()).listen(audio);
  CalibratedTagger tagger = load_tagger(folder_.path() / "ears");
  const at::Tensor wave = torch::tensor(audio.samples);
  const at::Tensor blocks = listen_for_tags(tagger.net, wave).blocks;
  ASSERT_EQ(blocks.size(0), 5);
  for (const HeardTag& tag : heard.instruments) {
    const at::Tensor of_tag = blocks.select(1, tag.name == "bass" ? 0 : 1);
    ASSERT_EQ(tag.over_time.size(), 3u);
    for (int64_t window = 0; window < 3; ++window)
      EXPECT_EQ(tag.over_time[static_cast<size_t>(window)],
                of_tag.slice(0, 2 * window, 2 * window + 2).max().item<float>());
  }
}

TEST_F(ListenerTest, EarsOfAFolderAreLoadedWhenTheyAreNeeded) {
  EXPECT_FALSE(ears_of(folder_.path() / "absent"));
  const Ears ears = ears_of(folder_.path());
  ASSERT_TRUE(ears);
  const AudioBuffer audio = tone(24000, 1, 1);
  EXPECT_EQ(ears(audio, {}, {}).chords, Listener(folder_.path()).listen(audio).chords);
  std::filesystem::remove(folder_.path() / "ears" / "beats.json");
  EXPECT_FALSE(ears_of(folder_.path()));
}

TEST(RememberingEars, DoNotListenAgain) {
  int calls = 0;
  const Ears ears = remembering([&](const AudioBuffer& audio, const ProgressCallback&, const CancelToken&) {
    ++calls;
    Hearing hearing;
    hearing.duration_s = audio.seconds();
    return hearing;
  });
  const AudioBuffer a{8000, 1, std::vector<float>(8000, 0.1f)}, b{8000, 1, std::vector<float>(8000, 0.2f)},
      wide{8000, 2, a.samples}, fast{16000, 1, a.samples};
  EXPECT_EQ(ears(a, {}, {}).duration_s, 1.0);
  EXPECT_EQ(ears(wide, {}, {}).duration_s, 0.5);
  EXPECT_EQ(ears(a, {}, {}).duration_s, 1.0);
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(ears(fast, {}, {}).duration_s, 0.5);
  ears(a, {}, {});
  EXPECT_EQ(calls, 3);
  ears(b, {}, {});
  ears(a, {}, {});
  EXPECT_EQ(calls, 4);
  ears(fast, {}, {});  // two pieces ago
  EXPECT_EQ(calls, 5);
}

}  // namespace
}  // namespace instructme
