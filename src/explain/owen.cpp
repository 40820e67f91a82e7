#include "explain/owen.h"

#include <algorithm>
#include <cmath>
#include <queue>
#include <tuple>

namespace filbert {
namespace {

constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();
constexpr std::size_t kShapBatch = 5;  // default_batch_size of shap's Text masker: a batch is begun while it has fewer sets

class OwenRun {
 public:
  OwenRun(const ShapProblem& problem, const PartitionTree& tree, RandomState* ties)
      : problem_(problem),
        tree_(tree),
        first_leaves_(tree.first_leaves()),
        ties_(ties),
        sets_(problem.num_players()),
        credit_(tree.num_nodes()),
        interactions_(tree.joins.size(), std::numeric_limits<double>::quiet_NaN()) {
    sets_.add_row(0);
    sets_.add_row(1);
    outputs_ = problem.none;
    outputs_.insert(outputs_.end(), problem.all.begin(), problem.all.end());
  }

  ShapValues run(std::size_t batch_size, std::size_t max_evals) {
    push(tree_.root(), 0, 1, 1.0);
    std::size_t evaluated = 2;
    bool stopped = false;
    while (!queue_.empty() && evaluated < max_evals && !stopped) {
      stopped = problem_.budget.over();
      if (!stopped) evaluated += share_out(std::min(batch_size, max_evals - evaluated));
    }
    if (stopped && evaluated == 2) return no_values();
    const bool exact = queue_.empty();
    for (; !queue_.empty(); queue_.pop()) credit(queue_.top());
    return {.values = lowered(), .interactions = interactions_, .exact = exact, .truncated = !exact, .stopped = stopped};
  }

 private:
  // A node whose part is to be shared out: what it changes in a context, which is the set `off`; `on` is that and the node's players.
  struct Pending {
    double priority;
    double tie;
    std::size_t order;
    std::size_t node;
    std::size_t off;  // rows of sets_ and outputs_
    std::size_t on;
    double weight;
    bool operator<(const Pending& other) const {
      return std::tie(priority, other.tie, other.order) < std::tie(other.priority, tie, order);
    }
  };

  double output(std::size_t row) const { return outputs_[row * problem_.game.num_outputs + problem_.output]; }
  void credit(const Pending& pending) { credit_[pending.node] += (output(pending.on) - output(pending.off)) * pending.weight; }

  void push(std::size_t node, std::size_t off, std::size_t on, double weight) {
    double change = 0;
    const std::size_t num_outputs = problem_.game.num_outputs;
    for (std::size_t i = 0; i < num_outputs; ++i) {
      change = std::max(change, std::abs(outputs_[on * num_outputs + i] - outputs_[off * num_outputs + i]));
    }
    // The root's tie is none, and a leaf draws one although nothing waits for it.
    const double tie = ties_ != nullptr && node != tree_.root() ? ties_->randn() : 0;
    const Pending pending = {change * weight, tie, pushed_++, node, off, on, weight};
    if (tree_.is_leaf(node)) {
      credit(pending);
    } else {
      queue_.push(pending);
    }
  }

  // The set `row` with the players of `node`.
  void add_set(std::size_t row, std::size_t node) {
    sets_.add_row(0);
    const auto begin = sets_.kept.begin();
    const auto players = static_cast<std::ptrdiff_t>(sets_.num_players);
    const auto added = begin + players * static_cast<std::ptrdiff_t>(sets_.rows - 1);
    std::copy_n(begin + players * static_cast<std::ptrdiff_t>(row), players, added);
    std::fill_n(added + static_cast<std::ptrdiff_t>(first_leaves_[node]), tree_.size(node), std::uint8_t{1});
  }

  // Shares out those that come first, two sets each. Returns the number of sets.
  std::size_t share_out(std::size_t batch_size) {
    std::vector<Pending> batch;
    const std::size_t begin = sets_.rows;
    while (!queue_.empty() && sets_.rows - begin < batch_size) {
      batch.push_back(queue_.top());
      queue_.pop();
      const PartitionTree::Join& join = tree_.join(batch.back().node);
      add_set(batch.back().off, join.left);
      add_set(batch.back().off, join.right);
    }
    Masks asked(sets_.num_players);
    asked.rows = sets_.rows - begin;
    asked.kept.assign(sets_.kept.end() - static_cast<std::ptrdiff_t>(asked.rows * sets_.num_players), sets_.kept.end());
    const std::vector<double> found = problem_.game.values(asked);
    outputs_.insert(outputs_.end(), found.begin(), found.end());
    for (std::size_t i = 0; i < batch.size(); ++i) share_out(batch[i], begin + 2 * i, begin + 2 * i + 1);
    return asked.rows;
  }

  void share_out(const Pending& parent, std::size_t with_left, std::size_t with_right) {
    const PartitionTree::Join& join = tree_.join(parent.node);
    if (parent.off == 0) {
      interactions_[parent.node - tree_.num_leaves] = output(parent.on) - output(with_left) - output(with_right) + output(0);
    }
    const double weight = parent.weight / 2;
    push(join.left, parent.off, with_left, weight);
    push(join.right, parent.off, with_right, weight);
    push(join.left, with_right, parent.on, weight);
    push(join.right, with_left, parent.on, weight);
  }

  // What lies on phrases, spread over their players.
  std::vector<double> lowered() {
    for (std::size_t node = tree_.num_nodes(); node-- > tree_.num_leaves;) {
      const PartitionTree::Join& join = tree_.join(node);
      for (const std::size_t side : {join.left, join.right}) {
        credit_[side] += credit_[node] * static_cast<double>(tree_.size(side)) / static_cast<double>(join.size);
      }
    }
    credit_.resize(tree_.num_leaves);
    return std::move(credit_);
  }

  ShapValues no_values() const {
    ShapValues none = filbert::no_values(problem_.num_players());
    none.interactions = interactions_;
    return none;
  }

  const ShapProblem& problem_;
  const PartitionTree& tree_;
  std::vector<std::size_t> first_leaves_;
  RandomState* ties_;
  Masks sets_;                        // every set that was asked for; the first two are the ends
  std::vector<double> outputs_;       // [sets, num_outputs]
  std::vector<double> credit_;        // [nodes]
  std::vector<double> interactions_;  // [joins]
  std::priority_queue<Pending> queue_;
  std::size_t pushed_ = 0;
};

}  // namespace

std::size_t owen_coalitions(const PartitionTree& tree) {
  if (tree.num_leaves == 0) return 1;
  std::vector<std::size_t> contexts(tree.num_nodes(), 1);
  std::size_t sets = 2;
  for (std::size_t node = tree.num_nodes(); node-- > tree.num_leaves;) {
    if (contexts[node] > (kNoLimit - sets) / 2) return kNoLimit;
    sets += 2 * contexts[node];
    const PartitionTree::Join& join = tree.join(node);
    contexts[join.left] = contexts[join.right] = 2 * contexts[node];
  }
  return sets;
}

ShapValues exact_owen(const ShapProblem& problem, const PartitionTree& tree) {
  return OwenRun(problem, tree, nullptr).run(std::max<std::size_t>(problem.game.batch_size, 1), kNoLimit);
}

ShapValues partition_owen(const ShapProblem& problem, const PartitionTree& tree, std::size_t max_evals, RandomState& ties) {
  return OwenRun(problem, tree, &ties).run(kShapBatch, max_evals);
}

}  // namespace filbert
