// The order of the tree: a folder includes only folders before it, and stage 1 and stage 2 never see each other.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "reference/goldens.h"

namespace filbert {
namespace {

const std::vector<std::string> kFolders = {"base", "kernels", "load", "tokenize", "infer", "postprocess", "gradients", "evaluate", "explain", "serve", "cli"};

// Where in the order a folder stands; past the end for one that is not in it.
std::size_t place(const std::string& folder) { return std::ranges::find(kFolders, folder) - kFolders.begin(); }

bool may_include(const std::string& folder, const std::string& included) {
  if (folder == "infer" && included == "tokenize") return false;  // they meet in BatchEncoding
  return place(included) < kFolders.size() && place(included) <= place(folder);
}

// The folders of src/ that `file` includes.
std::vector<std::string> included_folders(const std::filesystem::path& file) {
  static const std::regex pattern(R"(^\s*#\s*include\s*"([^"/]+)/[^"]*")");
  std::vector<std::string> folders;
  std::ifstream lines(file);
  std::smatch match;
  for (std::string line; std::getline(lines, line);) {
    if (std::regex_search(line, match, pattern)) folders.push_back(match[1]);
  }
  return folders;
}

TEST(IncludeOrder, AFolderIncludesOnlyFoldersBeforeIt) {
  const auto src = reference::source_directory() / "src";
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(src)) {
    if (!entry.is_regular_file()) continue;
    const auto relative = entry.path().lexically_relative(src);
    // pipeline.cpp and token_pipeline.cpp lie above the stages that they join.
    const std::string folder = relative.has_parent_path() ? relative.begin()->string() : "postprocess";
    EXPECT_LT(place(folder), kFolders.size()) << relative << " is in no folder of the list";
    for (const std::string& included : included_folders(entry.path())) {
      EXPECT_TRUE(may_include(folder, included)) << "src/" << relative.string() << " includes " << included << "/";
    }
    ++files;
  }
  EXPECT_GT(files, 20);
}

TEST(IncludeOrder, PublicHeadersIncludeOnlyPublicHeaders) {
  for (const auto& entry : std::filesystem::directory_iterator(reference::source_directory() / "include" / "filbert")) {
    std::ifstream lines(entry.path());
    for (std::string line; std::getline(lines, line);) {
      EXPECT_FALSE(line.starts_with("#include \"")) << entry.path().filename() << ": " << line;
    }
  }
}

}  // namespace
}  // namespace filbert
