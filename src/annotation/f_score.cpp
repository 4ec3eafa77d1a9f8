#include "instructme/annotation/f_score.h"

namespace instructme {

double FScore::precision() const { return found > 0 ? static_cast<double>(matched) / static_cast<double>(found) : 0; }

double FScore::recall() const { return truth > 0 ? static_cast<double>(matched) / static_cast<double>(truth) : 0; }

double FScore::f1() const {
  return truth + found > 0 ? 2.0 * static_cast<double>(matched) / static_cast<double>(truth + found) : 0;
}

FScore& FScore::operator+=(const FScore& more) {
  matched += more.matched;
  truth += more.truth;
  found += more.found;
  return *this;
}

}  // namespace instructme
