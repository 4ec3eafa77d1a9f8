#pragma once

#include <optional>
#include <string>

#include "instructme/text/plan.h"
#include "piece_reader.h"

namespace instructme {

/// Reads times off the pieces of a sentence: "from 0:10 to 0:20", "the last four bars".
class TimeReader : public PieceReader {
 public:
  using PieceReader::PieceReader;

  /// Said with a preposition that leaves no doubt that a time follows, or two clock times or bars without one.
  std::optional<PlanRange> range();
  /// Two moments, or one with what says that it goes on from there.
  std::optional<PlanRange> second_range(bool open, bool joined_by_and, bool bare_seconds);
  /// What is said by pointing at the time before it: "we have permission up to 1:45, from then on remove the flute".
  std::optional<PlanRange> pointing(const PlanRange& last);
  /// "At bar 9", "at 0:30".
  std::optional<PlanRange> entry();

 private:
  /// A moment as said; without a unit only where the other end of the range tells it.
  struct Moment {
    double value = 0;
    bool bare = false, is_start = false, is_end = false, counted = false;
  };

  std::optional<Moment> moment();
  bool to();
  bool onwards();
  /// Whether the range ends where no number tells: "until the drop", "to the last chorus".
  bool ends_elsewhere();
  /// The text of the piece so many before this one; "" where there is none.
  std::string text_before(size_t count) const;
  /// Whether what stands here is said to begin there: "starting in bar 9", "which starts with bar 9".
  bool begins_here() const;
  /// "The beginning to bar 8".
  std::optional<PlanRange> bars_from_start();
  /// "Bar 8" behind "up to"; the words before it are read by others. "Until bar 9" is not read, as nobody knows whether
  /// bar 9 is meant, too.
  std::optional<PlanRange> bars_up_to();
  /// "bar 5 to bar 8", "bars 5-8"; `open`: "bar 5 on" or simply "bar 5" go up to the end.
  std::optional<PlanRange> bar_range(bool open, bool joined_by_and);
  /// "first 10 seconds", "last 4 bars".
  std::optional<PlanRange> edge_range();
};

}  // namespace instructme
