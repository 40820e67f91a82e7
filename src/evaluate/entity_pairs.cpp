// Which predicted entity is the answer to which gold one. Tested by evaluate_entities_test.cpp.
#include <algorithm>
#include <array>
#include <tuple>

#include <filbert/evaluate_entities.h>

namespace filbert {
namespace {

constexpr std::array<std::string_view, kEntityOutcomes> kOutcomes = {"right", "wrong_type", "wrong_ends", "wrong_both", "missed", "spurious"};

struct Candidate {
  EntityPair pair;
  std::size_t overlap = 0;
};

std::size_t overlap_of(const EntitySpan& a, const EntitySpan& b) {
  const std::size_t begin = std::max(a.begin, b.begin), end = std::min(a.end, b.end);
  return end > begin ? end - begin : 0;
}

EntityOutcome outcome_of(const EntitySpan& gold, const EntitySpan& predicted) {
  const bool same_ends = gold.begin == predicted.begin && gold.end == predicted.end, same_type = gold.type == predicted.type;
  if (same_ends) return same_type ? EntityOutcome::right : EntityOutcome::wrong_type;
  return same_type ? EntityOutcome::wrong_ends : EntityOutcome::wrong_both;
}

std::vector<Candidate> candidates_of(const EntityText& text) {
  std::vector<Candidate> candidates;
  for (std::size_t gold = 0; gold < text.gold.size(); ++gold) {
    for (std::size_t predicted = 0; predicted < text.predicted.size(); ++predicted) {
      const EntityOutcome outcome = outcome_of(text.gold[gold], text.predicted[predicted]);
      const std::size_t overlap = overlap_of(text.gold[gold], text.predicted[predicted]);
      const bool same_ends = outcome == EntityOutcome::right || outcome == EntityOutcome::wrong_type;  // empty spans overlap nothing
      if (same_ends || overlap > 0) candidates.push_back({{static_cast<std::ptrdiff_t>(gold), static_cast<std::ptrdiff_t>(predicted), outcome}, overlap});
    }
  }
  std::ranges::stable_sort(candidates, [](const Candidate& a, const Candidate& b) {
    return std::tuple(a.pair.outcome, b.overlap) < std::tuple(b.pair.outcome, a.overlap);
  });
  return candidates;
}

}  // namespace

std::string_view name(EntityOutcome outcome) { return kOutcomes[static_cast<std::size_t>(outcome)]; }

std::vector<EntityPair> pair_entities(const EntityText& text) {
  std::vector<bool> has_gold(text.gold.size()), has_predicted(text.predicted.size());
  std::vector<EntityPair> pairs;
  for (const Candidate& candidate : candidates_of(text)) {
    const auto gold = static_cast<std::size_t>(candidate.pair.gold), predicted = static_cast<std::size_t>(candidate.pair.predicted);
    if (has_gold[gold] || has_predicted[predicted]) continue;
    has_gold[gold] = has_predicted[predicted] = true;
    pairs.push_back(candidate.pair);
  }
  for (std::size_t gold = 0; gold < has_gold.size(); ++gold) {
    if (!has_gold[gold]) pairs.push_back({static_cast<std::ptrdiff_t>(gold), -1, EntityOutcome::missed});
  }
  for (std::size_t predicted = 0; predicted < has_predicted.size(); ++predicted) {
    if (!has_predicted[predicted]) pairs.push_back({-1, static_cast<std::ptrdiff_t>(predicted), EntityOutcome::spurious});
  }
  const auto place = [&](const EntityPair& pair) {
    const EntitySpan& span = pair.gold >= 0 ? text.gold[static_cast<std::size_t>(pair.gold)] : text.predicted[static_cast<std::size_t>(pair.predicted)];
    return std::pair(span.begin, span.end);
  };
  std::ranges::stable_sort(pairs, [&](const EntityPair& a, const EntityPair& b) { return place(a) < place(b); });
  return pairs;
}

}  // namespace filbert
