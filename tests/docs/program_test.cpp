// The program of the README, as it stands there (program.cpp): it is compiled, it runs, and the README shows it.
#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filbert/filbert.h>

#include "reference/goldens.h"
#include "reference/tiny_checkpoint.h"

namespace filbert {
namespace {

using namespace reference;

std::string file_content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string output_of(const std::string& command) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
  std::string output;
  std::array<char, 4096> buffer;
  while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) output.append(buffer.data(), got);
  return output;
}

TEST(Program, OfTheReadmePrintsEveryLabelWithItsProbability) {
  const TemporaryDirectory directory;
  const auto checkpoint = directory.path() / "nlptown" / "bert-base-multilingual-uncased-sentiment";
  write_checkpoint({.seed = 17, .labels = {"1 star", "2 stars", "3 stars", "4 stars", "5 stars"}}, checkpoint);

  const auto answer = pipeline("text-classification", checkpoint)("I really love this book\n");
  std::string expected;
  for (const LabelScore& score : answer.scores) expected += fmt::format("{:<7}:\t{:.3f}\n", score.label, score.score);
  EXPECT_EQ(output_of("cd '" + directory.path().string() + "' && '" FILBERT_PROGRAM "'"), expected);
}

TEST(Program, IsTheOneThatTheReadmeShows) {
  const std::string program = file_content(source_directory() / "tests" / "docs" / "program.cpp");
  const std::string readme = file_content(source_directory() / "README.md");
  ASSERT_FALSE(program.empty());
  ASSERT_FALSE(readme.empty()) << "no README.md";
  EXPECT_NE(readme.find("```cpp\n" + program + "```"), std::string::npos)
      << "README.md has no C++ block that equals tests/docs/program.cpp";
}

}  // namespace
}  // namespace filbert
