#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

/// Skips the test unless the environment variable names a file of published weights. `found` becomes its path.
#define NEEDS_WEIGHTS(variable, found)                                                                     \
  const char* found##_text = std::getenv(variable);                                                        \
  if (found##_text == nullptr || !std::filesystem::exists(found##_text))                                   \
    GTEST_SKIP() << "set " variable " to a file of published weights to run this test (docs/analysis.md)"; \
  const std::filesystem::path found = found##_text
