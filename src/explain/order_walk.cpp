#include "explain/order_walk.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace filbert {
namespace {

// Asks for the sets along orders and along their mirrors, as many in a call as the game wants.
class Walker {
 public:
  explicit Walker(const ShapProblem& problem) : problem_(problem), sets_(problem.num_players()), row_(problem.num_players()) {}

  std::optional<std::vector<WalkedPair>> walk(const std::vector<std::vector<std::size_t>>& orders) {
    found_.clear();
    for (const std::vector<std::size_t>& order : orders) {
      if (!ask(order.begin(), order.end()) || !ask(order.rbegin(), order.rend())) return std::nullopt;
    }
    if (!flush()) return std::nullopt;
    std::vector<WalkedPair> pairs;
    const double* values = found_.data();
    for (const std::vector<std::size_t>& order : orders) {
      const std::vector<double> forwards = changes(order.begin(), order.end(), values);
      const std::vector<double> back = changes(order.rbegin(), order.rend(), values + order.size() - 1);
      WalkedPair& pair = pairs.emplace_back();
      for (std::size_t i = 0; i < forwards.size(); ++i) {
        pair.changes.push_back((forwards[i] + back[i]) / 2);
        pair.widest = std::max(pair.widest, std::abs(forwards[i] - back[i]) / 2);
      }
      values += 2 * (order.size() - 1);
    }
    return pairs;
  }

 private:
  template <typename Iterator>
  bool ask(Iterator begin, Iterator end) {
    std::fill(row_.begin(), row_.end(), std::uint8_t{0});
    for (; begin + 1 != end; ++begin) {
      row_[*begin] = 1;
      sets_.add_row(row_);
      if (sets_.rows >= problem_.game.batch_size && !flush()) return false;
    }
    return true;
  }

  bool flush() {
    if (sets_.rows == 0) return true;
    if (problem_.budget.over()) return false;
    const std::vector<double> values = problem_.game.values(sets_);
    for (std::size_t row = 0; row < sets_.rows; ++row) found_.push_back(values[row * problem_.game.num_outputs + problem_.output]);
    sets_.clear();
    return true;
  }

  // [players] `values` are those of a walk between its ends.
  template <typename Iterator>
  std::vector<double> changes(Iterator begin, Iterator end, const double* values) const {
    std::vector<double> found(problem_.num_players());
    double before = problem_.none[problem_.output];
    for (; begin != end; ++begin, ++values) {
      const double after = begin + 1 == end ? problem_.all[problem_.output] : *values;
      found[*begin] = after - before;
      before = after;
    }
    return found;
  }

  const ShapProblem& problem_;
  Masks sets_;
  std::vector<std::uint8_t> row_;
  std::vector<double> found_;  // a walk's sets between its ends, walk after walk
};

}  // namespace

std::vector<std::size_t> order_of_tree(const PartitionTree& tree, const std::function<bool()>& left_first) {
  std::vector<std::size_t> order;
  std::vector<std::size_t> open = {tree.root()};
  while (!open.empty()) {
    const std::size_t node = open.back();
    open.pop_back();
    if (tree.is_leaf(node)) {
      order.push_back(node);
      continue;
    }
    const PartitionTree::Join& join = tree.join(node);
    const bool left = left_first();
    open.push_back(left ? join.right : join.left);
    open.push_back(left ? join.left : join.right);
  }
  return order;
}

std::optional<std::vector<WalkedPair>> walk_pairs(const ShapProblem& problem, const std::vector<std::vector<std::size_t>>& orders) {
  return Walker(problem).walk(orders);
}

}  // namespace filbert
