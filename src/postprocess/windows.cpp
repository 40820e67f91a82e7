// From the windows of a long text to one row of scores. Tested by windows_test.cpp.
#include <algorithm>
#include <array>

#include <filbert/postprocess.h>

#include "base/names.h"

namespace filbert {
namespace {

constexpr std::array<std::string_view, 5> kCombineNames = {"mean", "max", "first", "logit-mean", "vote"};

double sum(std::span<const std::size_t> weights) {
  double total = 0;
  for (const std::size_t weight : weights) total += static_cast<double>(weight);
  return total;
}

Tensor weighted_mean(const Tensor& rows, std::span<const std::size_t> weights) {
  Tensor mean({1, rows.row_size()});
  const double total = sum(weights);
  for (std::size_t column = 0; column < rows.row_size(); ++column) {
    double value = 0;
    for (std::size_t row = 0; row < rows.rows(); ++row) value += static_cast<double>(weights[row]) * rows[row][column];
    mean.data[column] = static_cast<float>(value / total);
  }
  return mean;
}

std::vector<float> highest(const Tensor& rows) {
  std::vector<float> scores(rows[0].begin(), rows[0].end());
  for (std::size_t row = 1; row < rows.rows(); ++row) {
    std::ranges::transform(scores, rows[row], scores.begin(), [](float a, float b) { return std::max(a, b); });
  }
  return scores;
}

std::vector<float> votes(const Tensor& rows, std::span<const std::size_t> weights) {
  std::vector<std::size_t> votes(rows.row_size());
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    votes[static_cast<std::size_t>(std::ranges::max_element(rows[row]) - rows[row].begin())] += weights[row];
  }
  std::vector<float> scores;
  for (const std::size_t vote : votes) scores.push_back(static_cast<float>(static_cast<double>(vote) / sum(weights)));
  return scores;
}

}  // namespace

Combine combine_from_name(std::string_view name) {
  return from_name<Combine>("combine", name, kCombineNames);
}

std::string_view name(Combine combine) { return kCombineNames[static_cast<std::size_t>(combine)]; }

std::vector<float> combine(Combine how, FunctionToApply function, const Tensor& logits, const Tensor& scores,
                           std::span<const std::size_t> weights) {
  switch (how) {
    case Combine::mean: return weighted_mean(scores, weights).data;
    case Combine::max: return highest(scores);
    case Combine::first: break;
    case Combine::logit_mean: return apply(function, weighted_mean(logits, weights)).data;
    case Combine::vote: return votes(scores, weights);
  }
  return {scores[0].begin(), scores[0].end()};
}

}  // namespace filbert
