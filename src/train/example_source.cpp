#include "instructme/train/example_source.h"

#include <algorithm>
#include <cmath>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"

namespace instructme {
namespace {

class SongExamples : public ExampleSource {
 public:
  SongExamples(const SongSet& songs, const Lexicon& lexicon, const TripletOptions& options)
      : sample_rate_(songs.sample_rate()), sampler_(songs, lexicon, options) {}

  int sample_rate() const override { return sample_rate_; }

  std::vector<Triplet> triplets(int64_t, Rng& rng) const override { return sampler_.sample_group(rng); }

  std::vector<float> mix(int64_t, int64_t samples, Rng& rng) const override {
    // One frame more, as the sampler rounds seconds to samples.
    std::vector<float> mix = sampler_.sample_mix(rng, static_cast<double>(samples + 1) / sample_rate_);
    mix.resize(static_cast<size_t>(samples));
    return mix;
  }

 private:
  int sample_rate_;
  TripletSampler sampler_;
};

class SequenceExamples : public ExampleSource {
 public:
  SequenceExamples(std::shared_ptr<TripletSequence> sequence, const TripletOptions& options)
      : sequence_(std::move(sequence)), options_(options) {}

  int sample_rate() const override { return sequence_->sample_rate(); }

  std::vector<Triplet> triplets(int64_t position, Rng&) const override { return {example(position)}; }

  std::vector<float> mix(int64_t position, int64_t samples, Rng& rng) const override {
    const Triplet triplet = example(position);
    // The target of an extraction is a single stem; sources are mixes.
    return piece(rng.chance(0.5) ? triplet.source : triplet.target, samples, rng);
  }

 private:
  Triplet example(int64_t index) const {
    Triplet triplet = sequence_->at(index).triplet;
    const auto frames = static_cast<size_t>(std::llround(options_.seconds * sequence_->sample_rate()));
    const auto chord_frames = static_cast<int>(std::llround(options_.seconds * options_.chord_frame_rate));
    if (triplet.source.size() != frames || triplet.target.size() != frames || triplet.chord_frames != chord_frames)
      throw Error(ErrorKind::kInput,
                  format("the examples have %zu samples and %d columns of chords where the recipe wants %zu and %d; "
                         "write shards with the recipe's seconds and chord rate",
                         triplet.source.size(), triplet.chord_frames, frames, chord_frames));
    return triplet;
  }

  std::vector<float> piece(const std::vector<float>& wave, int64_t samples, Rng& rng) const {
    const auto length = static_cast<int64_t>(wave.size());
    ensure(samples <= length, "a mix was wanted that is longer than the triplets");
    const int64_t start = rng.integer(0, length - samples);
    std::vector<float> mix(wave.begin() + start, wave.begin() + start + samples);
    double power = 0;
    for (const float x : mix) power += static_cast<double>(x) * x;
    const double wanted = std::pow(10.0, rng.uniform(options_.mix_low_db, options_.mix_high_db) / 20);
    // A pause of a single stem stays one.
    const double level =
        std::max(std::sqrt(power / static_cast<double>(samples)), std::pow(10.0, options_.silence_db / 20));
    for (float& x : mix) x = static_cast<float>(x * wanted / level);
    return mix;
  }

  std::shared_ptr<TripletSequence> sequence_;
  TripletOptions options_;
};

}  // namespace

std::unique_ptr<ExampleSource> make_song_source(const SongSet& songs, const Lexicon& lexicon,
                                                const TripletOptions& options) {
  return std::make_unique<SongExamples>(songs, lexicon, options);
}

std::unique_ptr<ExampleSource> make_sequence_source(std::shared_ptr<TripletSequence> sequence,
                                                    const TripletOptions& options) {
  return std::make_unique<SequenceExamples>(std::move(sequence), options);
}

}  // namespace instructme
