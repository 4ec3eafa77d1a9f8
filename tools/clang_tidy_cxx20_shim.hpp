// Only for clang-tidy, as --extra-arg=-include<this file>: clang 14 to 16 cannot parse libtorch 1.13 with
// libstdc++ 12 in C++20, because a constexpr vector of the incomplete c10::IValue is instantiated too
// early. Here std::vector is seen once without constexpr. Nothing is compiled with this file.
#pragma once

#include <compare>
#include <initializer_list>
#include <memory>
#include <string>

#undef _GLIBCXX20_CONSTEXPR
#define _GLIBCXX20_CONSTEXPR
#define __fill_a1 __fill_a1_tidy_shim
#include <vector>
#undef __fill_a1
#undef _GLIBCXX20_CONSTEXPR
#define _GLIBCXX20_CONSTEXPR constexpr
