// The trie of Unigram's pieces against a map of them.
#include "tokenize/unigram.h"

#include <map>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace filbert {
namespace {

std::int32_t id_of(const PieceTrie& trie, std::string_view text) {
  std::uint32_t node = PieceTrie::kRoot;
  for (const char byte : text) {
    node = trie.step(node, static_cast<unsigned char>(byte));
    if (node == PieceTrie::kNone) return -1;
  }
  return trie.id(node);
}

TEST(PieceTrie, FindsWhatAMapFinds) {
  std::mt19937 random(1);
  const auto text = [&](std::size_t most) {
    std::string made(random() % (most + 1), ' ');
    for (char& byte : made) byte = "ab\0\xFF"[random() % 4];
    return made;
  };
  for (int round = 0; round < 500; ++round) {
    std::vector<std::string> pieces(random() % 40);
    for (std::string& piece : pieces) piece = text(round % 2 == 0 ? 4 : 24);  // equal ones; and longer than a key
    std::map<std::string, std::int32_t> ids;
    for (std::size_t id = 0; id < pieces.size(); ++id) ids[pieces[id]] = static_cast<std::int32_t>(id);
    const PieceTrie trie(std::vector<std::string_view>(pieces.begin(), pieces.end()));
    for (const auto& [piece, id] : ids) EXPECT_EQ(id_of(trie, piece), piece.empty() ? -1 : id);
    for (int other = 0; other < 50; ++other) {
      const std::string asked = text(6);
      EXPECT_EQ(id_of(trie, asked), asked.empty() || !ids.contains(asked) ? -1 : ids.at(asked));
    }
  }
}

TEST(PieceTrie, NodeOfManyChildrenFindsEach) {
  std::vector<std::string> pieces;
  for (int byte = 0; byte < 256; ++byte) pieces.push_back({'x', static_cast<char>(byte)});
  const PieceTrie trie(std::vector<std::string_view>(pieces.begin(), pieces.end()));
  for (int byte = 0; byte < 256; ++byte) EXPECT_EQ(id_of(trie, pieces[static_cast<std::size_t>(byte)]), byte);
  EXPECT_EQ(id_of(trie, "x"), -1);
}

}  // namespace
}  // namespace filbert
