#include "golden.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "instructme/base/files.h"
#include "instructme/base/strings.h"

namespace instructme {
namespace {

std::string with_placeholder(std::string text, const std::string& folder) {
  if (folder.empty()) return text;
  for (size_t at = 0; (at = text.find(folder, at)) != std::string::npos;) text.replace(at, folder.size(), "FOLDER");
  return text;
}

std::string quoted(const std::string& word) {
  if (!word.empty() && word.find_first_of(" '&;*?") == std::string::npos) return word;
  std::string text = "\"";
  text.append(word).append("\"");
  return text;
}

}  // namespace

std::string session(const std::vector<Arguments>& calls, const std::string& folder) {
  std::string text;
  for (const auto& call : calls) {
    const Outcome outcome = run_program(call);
    if (!text.empty()) text.append("\n");
    text.append("$ instructme");
    for (const auto& word : call) text.append(" ").append(quoted(word));
    text.append("\n").append(outcome.out);
    if (!outcome.out.empty() && outcome.out.back() != '\n') text += "\n";
    for (const auto& line : lines_of(outcome.err)) text.append("! ").append(line).append("\n");
    if (outcome.exit_code != 0) text += format("exit code %d\n", outcome.exit_code);
  }
  return with_placeholder(text, folder);
}

std::string first_difference(const std::string& wanted, const std::string& found) {
  if (wanted == found) return "";
  const auto a = split(wanted, '\n'), b = split(found, '\n');
  size_t line = 0;
  while (line < a.size() && line < b.size() && a[line] == b[line]) ++line;
  const auto line_of = [&](const std::vector<std::string>& lines) {
    return line < lines.size() ? lines[line] : std::string("<end of text>");
  };
  const std::string left = line_of(a), right = line_of(b);
  size_t column = 0;
  while (column < left.size() && column < right.size() && left[column] == right[column]) ++column;
  std::string text = format("line %zu, column %zu differs\n", line + 1, column + 1);
  for (size_t i = line > 2 ? line - 2 : 0; i < line; ++i) text.append("    same    |").append(a[i]).append("\n");
  text.append("    wanted  |").append(left).append("\n    found   |").append(right);
  return text.append("\n            |").append(column, ' ').append("^\n");
}

void expect_golden(const std::string& name, const std::string& found) {
  const auto file = std::filesystem::path(INSTRUCTME_SOURCE_DIR) / "tests" / "golden" / (name + ".txt");
  const char* renew = std::getenv("INSTRUCTME_RENEW_GOLDEN");
  if (renew != nullptr && std::string(renew) == "1") {
    write_file_atomically(file, found);
    GTEST_SKIP() << file << " was written anew";
  }
  ASSERT_TRUE(std::filesystem::exists(file)) << file << " is missing; make it with INSTRUCTME_RENEW_GOLDEN=1";
  const std::string difference = first_difference(read_text_file(file), found);
  EXPECT_TRUE(difference.empty())
      << file << ": " << difference
      << "If that is meant, write it anew with INSTRUCTME_RENEW_GOLDEN=1 and look at git diff.";
}

}  // namespace instructme
