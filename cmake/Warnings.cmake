# Warnings for this project's own targets only; dependencies are included as SYSTEM.
add_library(instructme_warnings INTERFACE)
target_compile_options(
  instructme_warnings INTERFACE -Wall -Wextra -Wshadow -Wundef -Wnon-virtual-dtor -Woverloaded-virtual
                                # GCC 12 reports string concatenation falsely (GCC bug 105651).
                                $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
                                $<$<BOOL:${INSTRUCTME_WERROR}>:-Werror>)
