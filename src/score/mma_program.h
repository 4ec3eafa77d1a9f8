#pragma once

namespace instructme {

inline constexpr const char* kMmaProgram = "mma";
/// Throws kMissing when MMA is not installed.
void require_mma();

}  // namespace instructme
