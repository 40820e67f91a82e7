#include "evaluate/thresholds.h"

#include <algorithm>
#include <limits>

namespace filbert {
namespace {

// What is taken from a score on.
struct Cut {
  float score = 0;
  std::size_t taken = 0, right = 0;

  double precision() const { return static_cast<double>(right) / static_cast<double>(taken); }
};

// A cut for each score there is, highest first.
std::vector<Cut> cuts_of(std::vector<ScoredAnswer> answers) {
  std::stable_sort(answers.begin(), answers.end(), [](const ScoredAnswer& a, const ScoredAnswer& b) { return a.score > b.score; });
  std::vector<Cut> cuts;
  std::size_t right = 0;
  for (std::size_t at = 0; at < answers.size(); ++at) {
    right += answers[at].is_right;
    if (at + 1 < answers.size() && answers[at + 1].score == answers[at].score) continue;
    cuts.push_back({answers[at].score, at + 1, right});
  }
  return cuts;
}

// The lowest cut that is precise enough; else the most precise.
Threshold by_precision(const std::vector<Cut>& cuts, double wanted) {
  Threshold best{std::numeric_limits<float>::infinity(), 0, false};
  Cut most;
  for (const Cut& cut : cuts) {
    if (cut.precision() >= wanted) best = {cut.score, cut.precision(), true};
    if (most.taken == 0 || cut.precision() >= most.precision()) most = cut;
  }
  if (!best.is_met && most.taken != 0) best = {most.score, most.precision(), false};
  return best;
}

}  // namespace

Threshold find_threshold(std::vector<ScoredAnswer> answers, std::size_t support, ThresholdGoal goal, double wanted) {
  const std::vector<Cut> cuts = cuts_of(std::move(answers));
  if (goal == ThresholdGoal::precision) {
    Threshold found = by_precision(cuts, wanted);
    if (!found.is_met) found.score = std::numeric_limits<float>::infinity();
    return found;
  }
  const auto recall = [&](const Cut& cut) { return support == 0 ? 0 : static_cast<double>(cut.right) / static_cast<double>(support); };
  if (goal == ThresholdGoal::recall) {
    for (const Cut& cut : cuts) {
      if (support != 0 && recall(cut) >= wanted) return {cut.score, recall(cut), true};
    }
    return {0, cuts.empty() ? 0 : recall(cuts.back()), false};
  }
  Threshold best{0, 0, false};
  for (const Cut& cut : cuts) {
    const double f1 = 2 * static_cast<double>(cut.right) / static_cast<double>(cut.taken + support);
    if (f1 > 0 && f1 >= best.reached) best = {cut.score, f1, true};
  }
  return best;
}

Threshold threshold_for_accuracy(std::vector<ScoredAnswer> answers, double wanted) { return by_precision(cuts_of(std::move(answers)), wanted); }

}  // namespace filbert
