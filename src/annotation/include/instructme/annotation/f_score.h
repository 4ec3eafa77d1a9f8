#pragma once

#include <cstddef>

namespace instructme {

/// How many events were found; those of several songs may be added.
struct FScore {
  size_t matched = 0;  ///< pairs of a true and a found event
  size_t truth = 0;
  size_t found = 0;

  double precision() const;  ///< 0..1; 0 when nothing was found
  double recall() const;     ///< 0..1; 0 when there is nothing to find
  double f1() const;         ///< harmonic mean of the two; 0 when one of them has no events
  FScore& operator+=(const FScore& more);
};

}  // namespace instructme
