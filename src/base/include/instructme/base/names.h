#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"

namespace instructme {

/// The values of an enumeration with their names, for reading and writing them.
template <class Enum, size_t Size>
using Names = std::array<std::pair<Enum, const char*>, Size>;

/// Throws kInternal for a value that is not among them.
template <class Enum, size_t Size>
const char* name_of(Enum value, const Names<Enum, Size>& names) {
  for (const auto& [known, name] : names)
    if (known == value) return name;
  throw Error(ErrorKind::kInternal, "an enumerator has no name");
}

/// `what` says what the names are of, as in "sampler". Throws `kind`, with the known ones, for a name that is not among
/// them.
template <class Enum, size_t Size>
Enum value_called(const std::string& name, const Names<Enum, Size>& names, const std::string& what,
                  ErrorKind kind = ErrorKind::kUsage) {
  std::vector<std::string> known;
  for (const auto& [value, text] : names) {
    if (name == text) return value;
    known.emplace_back(text);
  }
  throw Error(kind, "no " + what + " is called '" + name + "'" + did_you_mean(name, known) + "; known are " +
                        join(known, ", "));
}

}  // namespace instructme
