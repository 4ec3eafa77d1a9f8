#pragma once

#include "instructme/ears/mulan.h"
#include "instructme/text/lexicon.h"
#include "instructme/train/chord_task.h"

namespace instructme {

struct MuLanTaskOptions {
  int64_t batch = 64;
  int64_t bank = 1500;     ///< clips of which features are kept in memory; hearing them is most of the work
  double seconds = 7;      ///< of a clip that are looked at, drawn anew each time
  int64_t retrieval = 50;  ///< clips of a set, evenly from all of it, among which each description must find its own

  static MuLanTaskOptions read(ConfigReader config);  ///< throws kModel
};

/// A sentence about a clip, in the words of the lexicon: some or all of its audible instruments, mostly its genre, its
/// tempo as a word, major or minor, and a mood that goes with these, as far as they are known. What is said, and by
/// which of the lexicon's words, is drawn; with `plain`, everything is said by the canonical names.
std::string describe_clip(const LabelledClip& clip, const Lexicon& lexicon, Rng& rng, bool plain = false);

/// A clip without its wave, and what a tagger goes by in it: (B, F), bfloat16.
struct HeardClip {
  LabelledClip clip;
  at::Tensor features;
};
HeardClip hear_clip(Tagger& tagger, LabelledClip clip);
/// `count` of the clips (or all, when there are fewer), evenly from all of them, as clips of one song lie together.
std::vector<HeardClip> hear_evenly(Tagger& tagger, std::vector<LabelledClip> clips, int64_t count);

/// Share of plain descriptions that find their own clip first, and among the first five.
struct Retrieval {
  double recall_1 = 0, recall_5 = 0;
};
Retrieval score_retrieval(MuLan& net, const Tokenizer& tokenizer, const Lexicon& lexicon,
                          const std::vector<HeardClip>& clips);

/// Trains both towers, but not the tagger below one of them, on clips and sentences about them.
class MuLanTask : public TrainingTask {
 public:
  /// Draws and hears the bank, which takes a while. `lexicon` outlives the task.
  MuLanTask(MuLan net, Tagger tagger, Tokenizer tokenizer, const Lexicon& lexicon, MuLanTaskOptions options,
            const ClipSource& training, std::vector<ClipCollection> validation);

  std::vector<Player> players() override;
  Batch make_batch(int64_t step, Rng rng) const override;
  LossValue loss(size_t player, const Batch& batch, int64_t step, at::Generator generator) override;
  /// Per set: how many descriptions find their own clip first among `retrieval` (or all, when there are fewer),
  /// "<set>_recall_1", and among the first five, "<set>_recall_5".
  std::map<std::string, double> validate() override;
  /// mulan.json and mulan.safetensors.
  void export_model(const std::string& folder, int64_t step) override;

 private:
  MuLan net_;
  Tokenizer tokenizer_;
  const Lexicon& lexicon_;
  MuLanTaskOptions options_;
  std::vector<HeardClip> bank_;
  std::vector<std::pair<std::string, std::vector<HeardClip>>> validation_;
};

}  // namespace instructme
