#pragma once

/// Compiles a function for several instruction sets; the best one the processor has is chosen when the
/// program is loaded. Goes before functions with plain loops, not templates. With sanitizers and other
/// compilers there is one version.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define INSTRUCTME_MULTIVERSION \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"), optimize("O3")))
#else
#define INSTRUCTME_MULTIVERSION
#endif
