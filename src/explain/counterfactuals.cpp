#include "explain/counterfactuals.h"

#include <algorithm>
#include <set>
#include <utility>

namespace filbert {
namespace {

constexpr std::size_t kBeam = 4;         // sets that are extended
constexpr std::size_t kExtensions = 16;  // players that each is extended by: those that do most alone

struct Tried {
  PlayerSet set;
  double distance = 0;
  bool satisfies = false;
};

// Asks about sets, as long as evaluations are left.
class Asker {
 public:
  Asker(const SetQuestion& question, const Budget& budget) : question_(question), budget_(budget) {}

  std::size_t left() const { return question_.max_evals - asked_; }
  bool stopped() const { return stopped_; }

  // What is known of each of `sets`, in their order; fewer if evaluations or time run out.
  std::vector<Tried> ask(const std::vector<PlayerSet>& sets) {
    std::vector<Tried> answers;
    const Game& game = question_.game;
    while (answers.size() < sets.size() && left() > 0 && !(stopped_ = budget_.over())) {
      Masks masks(game.num_players);
      const std::size_t first = answers.size();
      const std::size_t rows = std::min({game.batch_size, sets.size() - first, left()});
      for (std::size_t row = 0; row < rows; ++row) {
        const auto mask = masks.add_row(static_cast<std::uint8_t>(question_.keeps ? 0 : 1));
        for (const std::size_t player : sets[first + row]) mask[player] = question_.keeps ? 1 : 0;
      }
      const std::vector<double> values = game.values(masks);
      asked_ += rows;
      for (std::size_t row = 0; row < rows; ++row) {
        const std::span<const double> outputs(values.data() + row * game.num_outputs, game.num_outputs);
        answers.push_back({sets[first + row], question_.distance(outputs), question_.satisfies(outputs)});
      }
    }
    return answers;
  }

 private:
  const SetQuestion& question_;
  const Budget& budget_;
  std::size_t asked_ = 0;
  bool stopped_ = false;
};

bool nearer(const Tried& a, const Tried& b) { return a.distance < b.distance; }

// Every set of `size` of `players` players, or nothing if there are more than `most`.
std::vector<PlayerSet> all_sets(std::size_t players, std::size_t size, std::size_t most) {
  std::vector<PlayerSet> sets;
  PlayerSet set(size);
  for (std::size_t i = 0; i < size; ++i) set[i] = i;
  while (true) {
    if (sets.size() == most) return {};
    sets.push_back(set);
    std::size_t at = size;
    while (at > 0 && set[at - 1] == players - size + at - 1) --at;
    if (at == 0) return sets;
    ++set[at - 1];
    for (; at < size; ++at) set[at] = set[at - 1] + 1;
  }
}

// The nearest of the last size, each with one of the players that do most alone.
std::vector<PlayerSet> extended(const std::vector<Tried>& nearest, const std::vector<std::size_t>& strongest) {
  std::set<PlayerSet> sets;
  for (std::size_t i = 0; i < std::min(kBeam, nearest.size()); ++i) {
    std::size_t added = 0;
    for (const std::size_t player : strongest) {
      PlayerSet set = nearest[i].set;
      const auto place = std::lower_bound(set.begin(), set.end(), player);
      if (place != set.end() && *place == player) continue;
      set.insert(place, player);
      sets.insert(std::move(set));
      if (++added == kExtensions) break;
    }
  }
  return {sets.begin(), sets.end()};
}

// `found` without the players that it does not need.
Tried pruned(Tried found, Asker& asker) {
  while (found.set.size() > 1) {
    std::vector<PlayerSet> smaller;
    for (std::size_t i = 0; i < found.set.size(); ++i) {
      smaller.push_back(found.set);
      smaller.back().erase(smaller.back().begin() + static_cast<std::ptrdiff_t>(i));
    }
    std::vector<Tried> answers = asker.ask(smaller);
    std::erase_if(answers, [](const Tried& tried) { return !tried.satisfies; });
    if (answers.empty()) return found;
    found = *std::min_element(answers.begin(), answers.end(), nearer);
  }
  return found;
}

// Of those that satisfy, the smallest and the most certain of them.
void keep_best(std::vector<Tried> found, std::size_t max_sets, SetAnswer& answer) {
  std::stable_sort(found.begin(), found.end(), [](const Tried& a, const Tried& b) {
    return std::pair(a.set.size(), a.distance) < std::pair(b.set.size(), b.distance);
  });
  for (const Tried& tried : found) {
    if (answer.sets.size() == max_sets || tried.set.size() > found.front().set.size()) break;
    if (std::find(answer.sets.begin(), answer.sets.end(), tried.set) == answer.sets.end()) answer.sets.push_back(tried.set);
  }
}

}  // namespace

SetAnswer smallest_sets(const SetQuestion& question, const Budget& budget) {
  const std::size_t n = question.game.num_players;
  SetAnswer answer;
  Asker asker(question, budget);
  std::vector<Tried> nearest;
  std::vector<std::size_t> strongest;
  bool exact = true;
  for (std::size_t size = 0; size <= n; ++size) {
    std::vector<PlayerSet> sets = exact ? all_sets(n, size, asker.left() + 1) : extended(nearest, strongest);
    if (sets.empty() && exact) {  // too many to try all
      exact = false;
      sets = extended(nearest, strongest);
    }
    std::vector<Tried> tried = asker.ask(sets);
    if (tried.size() < sets.size()) exact = false;
    std::stable_sort(tried.begin(), tried.end(), nearer);
    std::vector<Tried> found;
    for (const Tried& each : tried) {
      if (each.satisfies && found.size() < question.max_sets) found.push_back(exact ? each : pruned(each, asker));
    }
    answer.stopped = asker.stopped();
    if (!found.empty()) {
      answer.exact = exact;
      keep_best(std::move(found), question.max_sets, answer);
      return answer;
    }
    if (tried.empty() || asker.stopped() || asker.left() == 0) break;
    if (size == 1) {
      for (const Tried& each : tried) strongest.push_back(each.set.front());
    }
    nearest = std::move(tried);
  }
  answer.exact = exact && !answer.stopped;  // none of any size
  return answer;
}

}  // namespace filbert
