// What a forward pass leaves of its inside, for every family: it changes no logit, and fits together. tools/run_parity holds the numbers
// against transformers.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "infer/model.h"
#include "reference/expect_error.h"
#include "reference/family_fixtures.h"

namespace filbert {
namespace {

using namespace reference;

constexpr OutputOptions kAll{.output_hidden_states = true, .output_attentions = true, .output_queries_keys_values = true, .output_contexts = true};

class Outputs : public testing::TestWithParam<Fixture> {
 protected:
  std::unique_ptr<const Model> load() const { return Model::load(GetParam().directory, {.num_threads = 2}, choose_table(), GetParam().task); }
};

TEST_P(Outputs, LogitsKeepTheirBits) {
  const auto model = load();
  const BatchEncoding batch = recorded(GetParam().rows);
  EncoderOutputs outputs;
  EXPECT_EQ(model->logits(batch, kAll, outputs).data, model->logits(batch).data);
}

TEST_P(Outputs, HaveTheShapesOfTheModel) {
  const auto model = load();
  const BatchEncoding batch = recorded(GetParam().rows);
  EncoderOutputs outputs;
  model->logits(batch, kAll, outputs);
  ASSERT_EQ(outputs.hidden_states.size(), model->num_layers() + 1);
  for (const Tensor& states : outputs.hidden_states) EXPECT_EQ(states.shape, (std::vector{batch.input_ids.size(), model->config.hidden_size}));
  for (const auto* tensors : {&outputs.queries, &outputs.keys, &outputs.values, &outputs.contexts}) {
    ASSERT_EQ(tensors->size(), model->num_layers());
    for (const Tensor& tensor : *tensors) EXPECT_EQ(tensor.rows(), batch.input_ids.size());
  }
  ASSERT_EQ(outputs.attentions.size(), model->num_layers());
  for (const std::vector<Tensor>& rows : outputs.attentions) {
    ASSERT_EQ(rows.size(), batch.batch_size());
    for (std::size_t row = 0; row < rows.size(); ++row) {
      EXPECT_EQ(rows[row].shape.at(1), batch.row_length(row));
      EXPECT_EQ(rows[row].shape.at(2), batch.row_length(row));
    }
  }
}

// A query's weights are shares of one, and what they make of the values is the context: but where a family convolves, which adds to it.
TEST_P(Outputs, WeightsMakeTheContextsOfTheValues) {
  const auto model = load();
  const BatchEncoding batch = recorded(GetParam().rows);
  EncoderOutputs outputs;
  model->logits(batch, kAll, outputs);
  for (std::size_t layer = 0; layer < model->num_layers(); ++layer) {
    const Tensor& values = outputs.values[layer];
    for (std::size_t row = 0; row < batch.batch_size(); ++row) {
      const Tensor& weights = outputs.attentions[layer][row];
      const std::size_t tokens = batch.row_length(row), heads = weights.rows(), size = values.row_size() / heads, first = batch.row_starts[row];
      for (std::size_t head = 0; head < heads; ++head) {
        for (std::size_t query = 0; query < tokens; ++query) {
          const float* weight = weights[head].data() + query * tokens;
          EXPECT_NEAR(std::accumulate(weight, weight + tokens, 0.0), 1.0, 1e-5);
          if (GetParam().family == "nystromformer") continue;
          for (std::size_t column = head * size; column < (head + 1) * size; ++column) {
            double sum = 0;
            for (std::size_t key = 0; key < tokens; ++key) sum += static_cast<double>(weight[key]) * values[first + key][column];
            ASSERT_NEAR(outputs.contexts[layer][first + query][column], sum, 1e-4 * std::max(1.0, std::abs(sum)));
          }
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Families, Outputs, testing::ValuesIn(fixtures()), fixture_name);

const Fixture& first_of(const std::vector<Fixture>& all, std::string_view family) { return *std::ranges::find(all, family, &Fixture::family); }

TEST(OutputOptions, LayersThatAreNotAskedForAreEmpty) {
  const std::vector<Fixture> all = fixtures();
  const Fixture& fixture = first_of(all, "bert");
  const auto model = Model::load(fixture.directory, {.num_threads = 1}, choose_table(), fixture.task);
  OutputOptions options = kAll;
  options.layers = {1};
  EncoderOutputs outputs;
  model->logits(recorded(fixture.rows), options, outputs);
  EXPECT_TRUE(outputs.hidden_states[0].data.empty());
  EXPECT_FALSE(outputs.hidden_states[1].data.empty());
  EXPECT_FALSE(outputs.hidden_states[2].data.empty());
  EXPECT_TRUE(outputs.attentions[0].empty());
  EXPECT_FALSE(outputs.attentions[1].empty());
  EXPECT_TRUE(outputs.queries[0].data.empty());
  EXPECT_TRUE(outputs.contexts[0].data.empty());
}

TEST(OutputOptions, LayerThatIsNotThereIsRefused) {
  const std::vector<Fixture> all = fixtures();
  const Fixture& fixture = first_of(all, "bert");
  const auto model = Model::load(fixture.directory, {.num_threads = 1}, choose_table(), fixture.task);
  EncoderOutputs outputs;
  expect_error(ErrorKind::invalid_argument, {"layers", "numbers from 0 to", "found 99"},
               [&] { model->logits(recorded(fixture.rows), {.output_attentions = true, .layers = {{0, 99}}}, outputs); });
}

}  // namespace
}  // namespace filbert
