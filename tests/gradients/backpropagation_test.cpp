// Gradients of every family's tiny checkpoints: in double against central differences, in float against those.
#include "gradients/backpropagation.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "reference/family_fixtures.h"

namespace filbert {
namespace {

using namespace reference;

class Backpropagation : public FamilyTest {
 protected:
  std::unique_ptr<const Model> load(const KernelTable& kernels = choose_table(), unsigned num_threads = 2) const {
    return Model::load(fixture().directory, {.num_threads = num_threads}, kernels, fixture().task);
  }
  // Two rows of different lengths, no longer than central differences have time for.
  BatchEncoding rows() const {
    BatchEncoding batch;
    for (std::size_t row = 0; row < std::min<std::size_t>(fixture().rows.size(), 2); ++row) {
      const FamilyRow& of = fixture().rows[row];
      const std::size_t length = std::min<std::size_t>(of.input_ids.size(), 5 + 2 * row);
      const auto first = [&](const std::vector<std::int32_t>& ids) { return std::vector<std::int32_t>(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(length)); };
      batch.add_row(first(of.input_ids), of.token_type_ids ? first(*of.token_type_ids) : std::vector<std::int32_t>());
    }
    return batch;
  }
  // A row as long as the model takes, or longer than any window, bucket or table of distances reaches; and a short one.
  static BatchEncoding long_rows(const Model& model) {
    const FamilyRow& of = fixture().rows.front();
    const std::size_t length = std::min<std::size_t>(model.config.max_tokens.value_or(300), 300);
    const auto repeated = [&](const std::vector<std::int32_t>& ids) {
      std::vector<std::int32_t> all;
      while (all.size() < length) all.push_back(ids[all.size() * 7 / 3 % ids.size()]);
      return all;
    };
    BatchEncoding batch = recorded({&of, 1});
    batch.add_row(repeated(of.input_ids), of.token_type_ids ? repeated(*of.token_type_ids) : std::vector<std::int32_t>());
    return batch;
  }
};

// Weights of a sum of logits, another for each.
template <typename T>
T weight_of(std::size_t row, std::size_t label) {
  return static_cast<T>(std::sin(1.0 + 3.0 * static_cast<double>(row) + static_cast<double>(label)));
}
template <typename T>
LogitGradient<T> weighted_sum() {
  return [](std::size_t row, std::span<const T>, std::span<T> gradient) {
    for (std::size_t label = 0; label < gradient.size(); ++label) gradient[label] = weight_of<T>(row, label);
  };
}
double value_of(const std::vector<double>& logits, std::size_t num_labels) {
  double sum = 0;
  for (std::size_t at = 0; at < logits.size(); ++at) sum += logits[at] * weight_of<double>(at / num_labels, at % num_labels);
  return sum;
}

template <typename T>
double greatest(const std::vector<T>& numbers) {
  double most = 0;
  for (const T number : numbers) most = std::max(most, std::abs(static_cast<double>(number)));
  return most;
}

TEST_P(Backpropagation, LogitsAreTheEngines) {
  const auto model = load();
  const BatchEncoding batch = recorded(fixture().rows);
  const auto x = input_vectors<float>(*model, batch, GradientInput::words);
  const auto logits = backpropagate<float>(*model, batch, x, weighted_sum<float>()).logits;
  const Tensor expected = model->logits(batch);
  ASSERT_EQ(logits.size(), expected.data.size());
  for (std::size_t at = 0; at < logits.size(); ++at) EXPECT_NEAR(logits[at], expected.data[at], 2e-5) << at;
}

TEST_P(Backpropagation, InDoubleAreTheCentralDifferences) {
  const auto model = load(scalar_table(), 1);
  const BatchEncoding batch = rows();
  for (const GradientInput input : {GradientInput::words, GradientInput::embeddings}) {
    const std::vector<double> x = input_vectors<double>(*model, batch, input);
    const auto value = [&](const std::vector<double>& at) {
      return value_of(backpropagate<double>(*model, batch, at, weighted_sum<double>(), {.input = input}).logits, model->config.num_labels());
    };
    const std::vector<double> gradient = backpropagate<double>(*model, batch, x, weighted_sum<double>(), {.input = input}).gradient;
    const double most = greatest(gradient);
    EXPECT_GT(most, 0);
    std::mt19937 random(7);
    for (int trial = 0; trial < 24; ++trial) {  // of some hundred numbers
      const std::size_t at = random() % x.size();
      // Of the fourth order: (8 (f(h) − f(−h)) − (f(2h) − f(−2h))) / 12h.
      constexpr double kStep = 1e-3;
      const auto moved = [&](double step) {
        std::vector<double> to = x;
        to[at] += step;
        return value(to);
      };
      const double difference = (8 * (moved(kStep) - moved(-kStep)) - (moved(2 * kStep) - moved(-2 * kStep))) / (12 * kStep);
      EXPECT_NEAR(gradient[at], difference, 1e-7 * most) << at;
    }
  }
}

TEST_P(Backpropagation, OfLongRowsInDoubleAreTheCentralDifferenceInADirection) {
  const auto model = load(scalar_table(), 1);
  const BatchEncoding batch = long_rows(*model);
  const std::vector<double> x = input_vectors<double>(*model, batch, GradientInput::words);
  const auto at_x = backpropagate<double>(*model, batch, x, weighted_sum<double>());
  const Tensor logits = model->logits(batch);
  ASSERT_EQ(at_x.logits.size(), logits.data.size());
  for (std::size_t at = 0; at < logits.data.size(); ++at) EXPECT_NEAR(at_x.logits[at], logits.data[at], 5e-5) << at;

  std::mt19937 random(11);
  std::vector<double> direction(x.size());
  double along = 0, longest = 0;  // of the gradient along the direction
  for (std::size_t at = 0; at < x.size(); ++at) {
    direction[at] = static_cast<double>(random() % 2001) / 1000 - 1;
    along += direction[at] * at_x.gradient[at];
    longest += std::abs(direction[at] * at_x.gradient[at]);
  }
  constexpr double kStep = 1e-6;  // so small that no ReLU of the many is crossed
  const auto moved = [&](double step) {
    std::vector<double> to = x;
    for (std::size_t at = 0; at < x.size(); ++at) to[at] += step * direction[at];
    return value_of(backpropagate<double>(*model, batch, to, weighted_sum<double>()).logits, model->config.num_labels());
  };
  const double difference = (8 * (moved(kStep) - moved(-kStep)) - (moved(2 * kStep) - moved(-2 * kStep))) / (12 * kStep);
  EXPECT_NEAR(along, difference, 1e-7 * longest);
}

// Also where a head looks at one token of the last layer: then its query alone is seen.
TEST_P(Backpropagation, SeesTheEnginesAttention) {
  const auto model = load();
  const BatchEncoding batch = long_rows(*model);
  EncoderOutputs outputs;
  model->logits(batch, {.output_attentions = true}, outputs);
  std::atomic<std::size_t> seen = 0;
  BackpropagationOptions<float> options;
  options.observer = [&](std::size_t row, std::size_t layer, const TapeHead<float>& head, const float* weights, const float* gradient) {
    const Tensor& expected = outputs.attentions[layer][row];
    const float* of_head = expected.data.data() + (head.head * head.tokens + head.first_position) * head.tokens;
    for (std::size_t at = 0; at < head.queries * head.tokens; ++at) {
      ASSERT_NEAR(weights[at], of_head[at], 1e-5) << layer << " " << row << " " << at;
      ASSERT_TRUE(std::isfinite(gradient[at]));
    }
    ++seen;
  };
  backpropagate<float>(*model, batch, input_vectors<float>(*model, batch, GradientInput::words), weighted_sum<float>(), options);
  std::size_t heads = 0;
  for (const std::vector<Tensor>& rows : outputs.attentions) {
    for (const Tensor& row : rows) heads += row.shape[0];
  }
  EXPECT_EQ(seen, heads);
}

TEST_P(Backpropagation, InFloatAreThoseInDouble) {
  const BatchEncoding batch = recorded(fixture().rows);
  const auto exact_model = load(scalar_table(), 1);
  for (const GradientInput input : {GradientInput::words, GradientInput::embeddings}) {
    const auto exact = backpropagate<double>(*exact_model, batch, input_vectors<double>(*exact_model, batch, input), weighted_sum<double>(), {.input = input});
    for (const KernelTable* table : available_tables()) {
      SCOPED_TRACE(table->name);
      const auto model = load(*table);
      const auto x = input_vectors<float>(*model, batch, input);
      const auto kept = backpropagate<float>(*model, batch, x, weighted_sum<float>(), {.input = input});
      ASSERT_EQ(exact.gradient.size(), kept.gradient.size());
      double difference = 0;
      for (std::size_t at = 0; at < exact.gradient.size(); ++at) difference = std::max(difference, std::abs(exact.gradient[at] - kept.gradient[at]));
      EXPECT_LE(difference, 2e-5 * greatest(exact.gradient));
      // Computed again instead of kept: the same numbers.
      EXPECT_EQ(backpropagate<float>(*model, batch, x, weighted_sum<float>(), {.input = input, .max_bytes = 0}).gradient, kept.gradient);
    }
  }
}

TEST_P(Backpropagation, OfARowDoNotDependOnItsCompany) {
  const auto model = load();
  const std::vector<FamilyRow>& all = fixture().rows;
  const BatchEncoding batch = recorded(all);
  const auto one = [](std::size_t, std::span<const float>, std::span<float> gradient) { std::ranges::fill(gradient, 1.0f); };
  const auto together = backpropagate<float>(*model, batch, input_vectors<float>(*model, batch, GradientInput::words), one);
  std::size_t first = 0;
  for (std::size_t row = 0; row < all.size(); ++row) {
    const BatchEncoding alone = recorded({&all[row], 1});
    const auto own = backpropagate<float>(*model, alone, input_vectors<float>(*model, alone, GradientInput::words), one).gradient;
    EXPECT_TRUE(std::equal(own.begin(), own.end(), together.gradient.begin() + static_cast<std::ptrdiff_t>(first))) << row;
    first += own.size();
  }
}

INSTANTIATE_TEST_SUITE_P(Families, Backpropagation, testing::ValuesIn(fixture_names()), test_name);

}  // namespace
}  // namespace filbert
