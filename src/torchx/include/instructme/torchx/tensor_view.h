#pragma once

#include <ATen/core/Tensor.h>

#include "instructme/tensorfile/safetensors.h"

namespace instructme {

/// The values of a file in a tensor of its own memory, on the CPU, of the file's type and shape.
at::Tensor copy_of(const TensorView& view);

}  // namespace instructme
