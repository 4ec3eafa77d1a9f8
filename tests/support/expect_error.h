#pragma once

#include <gmock/gmock.h>

#include "instructme/base/error.h"

namespace instructme {

/// Runs `action`; passes when it throws an Error of `kind` whose message contains `part`.
template <class Action>
void expect_error(ErrorKind kind, const std::string& part, Action&& action) {
  try {
    action();
    ADD_FAILURE() << "expected an Error containing '" << part << "', nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(static_cast<int>(error.kind()), static_cast<int>(kind)) << error.what();
    EXPECT_THAT(error.what(), testing::HasSubstr(part));
  }
}

}  // namespace instructme
