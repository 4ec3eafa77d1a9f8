#include "fields.h"

#include <algorithm>

#include "instructme/base/strings.h"

namespace instructme::effect_fields {

void Checker::number(const char* key, double value, double low, double high) const {
  if (value >= low && value <= high) return;  // NaN is not
  throw Error(kind_, where_ + format(": %s is %g, it must be from %g to %g", key, value, low, high));
}

void check_relations(const ChorusSettings& s, ErrorKind kind, const std::string& where) {
  if (s.depth_s >= s.delay_s)
    throw Error(kind, where + format(": depth_s is %g, it must be below delay_s, which is %g", s.depth_s, s.delay_s));
}

void check_relations(const SaturationSettings& s, ErrorKind kind, const std::string& where) {
  if (s.oversampling == 3) throw Error(kind, where + ": oversampling is 3, it must be 1, 2 or 4");
}

void check_relations(const BandLimitSettings& s, ErrorKind kind, const std::string& where) {
  if (s.low_hz >= s.high_hz)
    throw Error(kind, where + format(": low_hz is %g, it must be below high_hz, which is %g", s.low_hz, s.high_hz));
}

size_t JsonReader::index_of(const std::string& key, const std::string& name,
                            const std::vector<std::string>& names) const {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end())
    throw Error(ErrorKind::kModel, in_.context() + ": " + key + " is '" + name + "', it must be one of " +
                                       join(names, " ") + did_you_mean(name, names));
  return static_cast<size_t>(found - names.begin());
}

void JsonReader::expect_array(const std::string& key, const nlohmann::json& value) const {
  if (!value.is_array())
    throw Error(ErrorKind::kModel, in_.context() + ": " + key + " must be a list, found " + value.type_name());
}

}  // namespace instructme::effect_fields
