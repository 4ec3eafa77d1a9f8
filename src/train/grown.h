#pragma once

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <string>
#include <vector>

namespace instructme {

/// Names that a network knows, in their order, and after them those of `more` that it does not.
inline std::vector<std::string> with_more(std::vector<std::string> names, const std::vector<std::string>& more) {
  for (const std::string& name : more)
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  return names;
}

/// The rows of a smaller tensor become the first ones of `to`. Without gradients.
inline void adopt_rows(const at::Tensor& to, const at::Tensor& from) {
  to.detach().narrow(0, 0, from.size(0)).copy_(from.detach());
}

}  // namespace instructme
