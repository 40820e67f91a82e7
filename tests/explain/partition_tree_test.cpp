#include "explain/partition_tree.h"

#include <gtest/gtest.h>

#include "explain/toy_games.h"

namespace filbert {
namespace {

using Joins = std::vector<PartitionTree::Join>;

// "(((0 1) 2) 3)"
std::string brackets(const PartitionTree& tree, std::size_t node) {
  if (tree.is_leaf(node)) return std::to_string(node);
  return "(" + brackets(tree, tree.join(node).left) + " " + brackets(tree, tree.join(node).right) + ")";
}

TEST(PartitionTree, PiecesOfAWordJoinFirst) {
  const std::vector<std::string> segments = {"", "I ", "ate ", "a ", "Can", "no", "li", ""};
  const PartitionTree tree = partition_tree(segments);
  EXPECT_EQ(tree.joins, (Joins{{4, 5, 2}, {8, 6, 3}, {0, 1, 2}, {2, 3, 2}, {10, 11, 4}, {9, 7, 4}, {12, 13, 8}}));
}

TEST(PartitionTree, CommasAndSentenceEndsJoinLate) {
  const std::vector<std::string> segments = {"",    "This ", "movie ", "was ", "not ", "good", ", ", "but ", "the ", "act", "ing ", "was ",
                                             "great", ".",   ""};
  const PartitionTree tree = partition_tree(segments);
  EXPECT_EQ(brackets(tree, tree.root()), "(((((0 1) (2 3)) ((4 5) 6)) ((7 (8 (9 10))) ((11 12) 13))) 14)");
}

TEST(PartitionTree, WhatFollowsAnApostropheStaysWithIt) {
  const PartitionTree tree = partition_tree(std::vector<std::string>{"", "It ", "'", "s ", "great ", ""});
  EXPECT_EQ(brackets(tree, tree.root()), "((0 ((1 2) 3)) (4 5))");
}

// 200 random sequences of words, pieces, brackets, marks, special tokens and odd spaces.
TEST(PartitionTree, IsThatOfShap) {
  const nlohmann::json goldens = reference::golden("shap_trees.json");
  const std::string separator = goldens["separator"];
  for (const nlohmann::json& row : goldens["trees"]) {
    const std::string letters = row[0];
    SCOPED_TRACE(letters);
    std::vector<std::string> segments;
    for (const char letter : letters) segments.push_back(goldens["alphabet"][std::string(1, letter)]);
    EXPECT_EQ(partition_tree(segments, separator).joins,
              reference::tree_of_merges(segments.size(), row[1].get<std::vector<std::size_t>>()).joins);
  }
}

TEST(PartitionTree, OfOneSegmentHasNoJoin) {
  EXPECT_TRUE(partition_tree(std::vector<std::string>{}).joins.empty());
  EXPECT_TRUE(partition_tree(std::vector<std::string>{"one"}).joins.empty());
}

TEST(PartitionTree, LeavesOfAPhraseStandTogether) {
  RandomState random(5);
  const PartitionTree tree = reference::random_tree(40, random);
  const std::vector<std::size_t> first = tree.first_leaves();
  for (std::size_t node = tree.num_leaves; node < tree.num_nodes(); ++node) {
    EXPECT_EQ(first[tree.join(node).right], first[tree.join(node).left] + tree.size(tree.join(node).left));
  }
}

TEST(PartitionTree, TenThousandWordsAreNoTrouble) {
  std::vector<std::string> segments;
  RandomState random(6);
  const char* const words[] = {"the ", "good ", "food", ", ", ". ", "(", ") ", "un"};
  for (int i = 0; i < 10000; ++i) segments.emplace_back(words[random.randint(0, std::size(words))]);
  EXPECT_EQ(partition_tree(segments).joins.back().size, 10000U);
}

TEST(PartitionTree, TextsOfAPairJoinLast) {
  const std::vector<std::string> segments = {"so ", "good", "and ", "so ", "bad"};
  const PartitionTree tree = partition_tree(segments, {}, 2);
  EXPECT_EQ(tree.joins.back(), (PartitionTree::Join{5, 7, 5}));
  EXPECT_EQ(tree.joins[0], (PartitionTree::Join{0, 1, 2}));
}

}  // namespace
}  // namespace filbert
