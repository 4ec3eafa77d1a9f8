#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "instructme/base/cancel.h"
#include "instructme/base/progress.h"
#include "instructme/data/triplet_sequence.h"

namespace instructme {

/// Triplets in tar archives that programs for WebDataset read: `<split>-000000.tar`, … with three files for every
/// example, `KEY.source.flac`, `KEY.target.flac` and `KEY.json`. Beside them `manifest.json` says how they were made,
/// and `index.tsv` where each example is (docs/formats.md).
struct ShardOptions {
  std::filesystem::path folder;
  std::string split = "train";  ///< first part of the archives' names: letters, digits, '-' and '_'
  int64_t count = 0;            ///< examples
  int64_t per_shard = 256;      ///< examples of an archive; the last may have fewer
  int bits = 16;                ///< of a sample, 16 or 24: errors of up to half a step, 2^-bits of full scale, and more
                                ///< in an example that reaches full scale
  nlohmann::json how;  ///< for the manifest: seed, options and sources of the examples, versions of the programs
};

struct ShardReport {
  int64_t written = 0, kept = 0;  ///< archives
  int64_t bytes = 0;              ///< of all archives
  double hours = 0;               ///< of examples
};

/// Writes the first `count` examples of `sequence`. Archives appear one by one when complete; a run that was stopped
/// goes on behind them, and the bytes are those of a run never stopped. A set may grow by a larger count; from the
/// moment its last archive is replaced by a fuller one, it is complete only when all are written. Throws kUsage for bad
/// options or when the folder holds shards made otherwise or more examples, kCancelled, kIo, kInput for a damaged
/// archive in the folder, and what the sequence throws.
ShardReport write_shards(const ShardOptions& options, TripletSequence& sequence, const ProgressCallback& progress = {},
                         const CancelToken& cancel = {});

/// The three files of one example: content by the extension after the key ("source.flac", "target.flac", "json").
std::map<std::string, std::string> encode_example(const LabelledTriplet& example, int sample_rate, int bits);
/// The way back; `name` is what error messages call it. Throws kInput.
LabelledTriplet decode_example(const std::map<std::string, std::string>& files, const std::string& name);

/// Shards opened for reading. Source and target are those of the sequence that was written to within half a step of 16
/// or 24 bits (see ShardOptions); everything else is the same, but which stems they are the sum of is not told. After
/// the last example the sequence begins again with the archives in another order, which depends on the number of times
/// only. Immutable.
class ShardSet : public TripletSequence {
 public:
  /// Throws kIo when manifest, index or an archive is missing, kInput when one is damaged or truncated.
  explicit ShardSet(std::filesystem::path folder);

  int sample_rate() const override { return sample_rate_; }
  int64_t size() const override { return static_cast<int64_t>(rows_.size()); }
  LabelledTriplet at(int64_t index) override;

  const nlohmann::json& manifest() const { return manifest_; }
  double seconds() const { return seconds_; }  ///< length of an example
  /// Labels of one example, without its audio.
  LabelledTriplet labels(int64_t index) const;
  std::map<std::string, std::string> songs() const override;

 private:
  struct Row {
    std::string key, song;
    size_t shard = 0;
    int64_t offset = 0;
  };
  size_t row_of(int64_t index) const;
  LabelledTriplet read(const Row& row, bool with_audio) const;
  void read_index();

  std::filesystem::path folder_;
  nlohmann::json manifest_;
  std::vector<std::string> shards_;     // file names
  std::vector<size_t> first_of_shard_;  // rows; one more at the end
  std::vector<Row> rows_;
  int sample_rate_ = 0;
  double seconds_ = 0;
};

/// Whether the folder has a manifest of shards.
bool is_shard_folder(const std::filesystem::path& folder);

}  // namespace instructme
