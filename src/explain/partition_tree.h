// The tree of phrases: neighbours join, the pair that belongs together most first, until one phrase is the whole text. What belongs
// together is a matter of spelling alone: pieces of a word, then words up to a comma, a bracket, the end of a sentence. Behaviour: shap
// 0.51 (maskers/_text.py: Text.clustering, partition_tree), in O(n log n). Tested by partition_tree_test.cpp.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace filbert {

struct PartitionTree {
  // Nodes are numbered as in scipy's linkage: leaves 0 … num_leaves − 1, then the joins, each after its two sides; the last is the root.
  struct Join {
    std::size_t left = 0;
    std::size_t right = 0;
    std::size_t size = 0;  // leaves
    bool operator==(const Join&) const = default;
  };
  std::size_t num_leaves = 0;
  std::vector<Join> joins;  // [num_leaves − 1], none of no leaves

  bool is_leaf(std::size_t node) const { return node < num_leaves; }
  const Join& join(std::size_t node) const { return joins[node - num_leaves]; }
  std::size_t size(std::size_t node) const { return is_leaf(node) ? 1 : join(node).size; }
  std::size_t num_nodes() const { return num_leaves + joins.size(); }
  // Of a tree with leaves.
  std::size_t root() const { return num_nodes() - 1; }

  // [num_nodes] the first leaf of each: its leaves are first … first + size(node) − 1, since only neighbours join.
  std::vector<std::size_t> first_leaves() const;
};

// `segments` are the text in order, each with what follows up to the next: the space at its end says whether a word ends there. Two
// phrases that meet in two `separator` tokens join last; empty: there is none. So do those that meet before the segment `second_text`,
// where another text begins; 0: there is one text.
PartitionTree partition_tree(std::span<const std::string> segments, std::string_view separator = {}, std::size_t second_text = 0);

}  // namespace filbert
