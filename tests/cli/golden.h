#pragma once

#include <string>
#include <vector>

#include "program.h"

namespace instructme {

/// A conversation with the program as text: each command line, what it printed (standard error behind
/// "! "), and its exit code when that is not 0. `folder` is shown as FOLDER.
std::string session(const std::vector<Arguments>& calls, const std::string& folder = "");

/// Compares with tests/golden/NAME.txt and shows the first difference. With the environment variable
/// INSTRUCTME_RENEW_GOLDEN=1 the file is written instead and the test is skipped:
///   INSTRUCTME_RENEW_GOLDEN=1 bin/cli_test --gtest_filter='Golden.*' && git diff tests/golden
void expect_golden(const std::string& name, const std::string& found);

/// Where two texts first differ, for a person; "" when they are equal.
std::string first_difference(const std::string& wanted, const std::string& found);

}  // namespace instructme
