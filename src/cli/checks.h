#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace instructme::cli {

/// Throws kUsage when one of these options of a command was given; `why` goes on behind its name.
void refuse_given(const CLI::App& command, const std::vector<std::string>& options, const std::string& why);

/// Throws kIo where no file of this name could be written, so that this is told before the work for it. "" is no file.
void check_place(const std::string& file);

/// Throws kInput when none of the songs that were wanted is there, with the reason why the first was refused. `done`
/// is what was to be done with them.
void require_songs(int64_t there, const std::vector<std::string>& refused, const std::string& done);

}  // namespace instructme::cli
