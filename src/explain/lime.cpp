#include "explain/lime.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/names.h"
#include "explain/lime_fit.h"
#include "explain/lime_samples.h"

namespace filbert {
namespace {

constexpr std::array<std::string_view, 5> kSelections = {"auto", "none", "forward_selection", "highest_weights", "lasso_path"};

void check(const LimeOptions& options) {
  const auto refuse = [](const std::string& message) { throw Error(ErrorKind::invalid_argument, message); };
  if (options.num_samples < 2) refuse(fmt::format("num_samples: expected at least 2, found {}", options.num_samples));
  if (options.num_features == 0 && options.feature_selection != FeatureSelection::none) refuse("num_features: expected at least 1, found 0");
  if (!(options.kernel_width > 0)) refuse(fmt::format("kernel_width: expected a number above 0, found {}", options.kernel_width));
}

}  // namespace

FeatureSelection feature_selection_from_name(std::string_view name) {
  return from_name<FeatureSelection>("feature_selection", name, kSelections);
}

std::string_view name(FeatureSelection selection) { return kSelections[static_cast<std::size_t>(selection)]; }

LimeExplanation lime_of(const Game& game, std::size_t output, const LimeOptions& options, const Budget& budget) {
  check(options);
  const std::size_t num_players = game.num_players;
  const std::size_t num_samples = num_players == 0 ? 1 : options.num_samples;  // nothing to remove: the text is all there is
  std::vector<double> weights(num_players + 1);                                // of a sample that keeps so many
  for (std::size_t kept = 0; kept <= num_players; ++kept) weights[kept] = lime_weight(lime_distance(kept, num_players), options.kernel_width);

  LimeSamples samples(num_players, num_samples, options.seed);
  WeightedMoments moments(num_players);
  Masks batch(num_players);
  bool over = budget.over();
  while (moments.rows() < num_samples && !(over && moments.rows() > 0)) {
    const std::size_t most = over ? 1 : std::max<std::size_t>(game.batch_size, 1);
    batch.clear();
    while (batch.rows < std::min(most, num_samples - moments.rows())) samples.add_next(batch);
    const std::vector<double> values = game.values(batch);
    for (std::size_t row = 0; row < batch.rows; ++row) {
      const auto kept = static_cast<std::size_t>(std::ranges::count(batch[row], 1));
      moments.add(batch[row], values[row * game.num_outputs + output], weights[kept]);
    }
    over = budget.over();
  }
  LimeExplanation explanation = fit_line(moments, options.feature_selection, options.num_features);
  explanation.stopped = moments.rows() < num_samples;
  return explanation;
}

std::vector<std::size_t> submodular_pick(const std::vector<FeatureWeights>& texts, std::size_t count) {
  std::size_t num_features = 0;
  for (const auto& text : texts) {
    for (const auto& [feature, weight] : text) num_features = std::max(num_features, feature + 1);
  }
  std::vector<double> importance(num_features);
  for (const auto& text : texts) {
    for (const auto& [feature, weight] : text) importance[feature] += std::abs(weight);
  }
  for (double& each : importance) each = std::sqrt(each);

  std::vector<bool> covered(num_features);
  std::vector<bool> used(texts.size());
  std::vector<std::size_t> picked;
  while (picked.size() < std::min(count, texts.size())) {
    std::size_t best = 0;
    double most = -1;
    for (std::size_t text = 0; text < texts.size(); ++text) {
      if (used[text]) continue;
      double adds = 0;
      for (const auto& [feature, weight] : texts[text]) {
        if (weight != 0 && !covered[feature]) adds += importance[feature];
      }
      if (adds >= most) best = text, most = adds;
    }
    used[best] = true;
    picked.push_back(best);
    for (const auto& [feature, weight] : texts[best]) {
      if (weight != 0) covered[feature] = true;
    }
  }
  return picked;
}

}  // namespace filbert
