// What a forward pass leaves of its inside, for every family: it changes no logit, fits together, and is what transformers computes in the
// places that tests/data/families/outputs.json has (made by tools/make_outputs_goldens.py). tests/parity/outputs_parity.py compares all.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <numeric>
#include <ostream>
#include <span>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "infer/model.h"
#include "reference/expect_error.h"
#include "reference/family_fixtures.h"
#include "reference/goldens.h"

namespace filbert {
namespace {

using namespace reference;

constexpr OutputOptions kAll{.output_hidden_states = true, .output_attentions = true, .output_queries_keys_values = true, .output_contexts = true};

class Outputs : public FamilyTest {
 protected:
  std::unique_ptr<const Model> load() const { return Model::load(fixture().directory, {.num_threads = 2}, choose_table(), fixture().task); }
};

TEST_P(Outputs, LogitsKeepTheirBits) {
  const auto model = load();
  const BatchEncoding batch = recorded(fixture().rows);
  EncoderOutputs outputs;
  EXPECT_EQ(model->logits(batch, kAll, outputs).data, model->logits(batch).data);
}

TEST_P(Outputs, HaveTheShapesOfTheModel) {
  const auto model = load();
  const BatchEncoding batch = recorded(fixture().rows);
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
  const BatchEncoding batch = recorded(fixture().rows);
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
          if (fixture().family == "nystromformer") continue;
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

// Contract 2 holds for the inside as well: the bits alone are those in a batch, whatever the number of threads.
TEST_P(Outputs, RowInBatchEqualsRowAlone) {
  const auto model = load(), one_thread = Model::load(fixture().directory, {.num_threads = 1}, choose_table(), fixture().task);
  const std::vector<FamilyRow>& rows = fixture().rows;
  const BatchEncoding batch = recorded(rows);
  EncoderOutputs together;
  model->logits(batch, kAll, together);
  for (std::size_t row = 0; row < rows.size(); ++row) {
    SCOPED_TRACE(rows[row].text);
    EncoderOutputs alone;
    one_thread->logits(recorded({&rows[row], 1}), kAll, alone);
    const auto same = [&](const std::vector<Tensor>& of_row, const std::vector<Tensor>& of_batch) {
      return std::ranges::equal(of_row, of_batch, [&](const Tensor& one, const Tensor& all) {
        const std::size_t width = all.row_size();
        return std::ranges::equal(one.data, std::span(all.data).subspan(batch.row_starts[row] * width, batch.row_length(row) * width));
      });
    };
    EXPECT_TRUE(same(alone.hidden_states, together.hidden_states));
    EXPECT_TRUE(same(alone.queries, together.queries));
    EXPECT_TRUE(same(alone.keys, together.keys));
    EXPECT_TRUE(same(alone.values, together.values));
    EXPECT_TRUE(same(alone.contexts, together.contexts));
    for (std::size_t layer = 0; layer < model->num_layers(); ++layer) {
      EXPECT_EQ(alone.attentions[layer].front().data, together.attentions[layer][row].data);
    }
  }
}

// Rounded weights and activations change the numbers, not what they are: those of f32 are near.
TEST_P(Outputs, NarrowDtypesGiveThemToo) {
  const BatchEncoding batch = recorded(fixture().rows);
  EncoderOutputs exact;
  load()->logits(batch, kAll, exact);
  for (const ComputeDtype dtype : {ComputeDtype::bf16, ComputeDtype::int8}) {
    SCOPED_TRACE(name(dtype));
    const auto model = Model::load(fixture().directory, {.num_threads = 2, .dtype = dtype}, choose_table(), fixture().task);
    EncoderOutputs outputs;
    EXPECT_EQ(model->logits(batch, kAll, outputs).data, model->logits(batch).data);
    for (auto of : {&EncoderOutputs::hidden_states, &EncoderOutputs::queries, &EncoderOutputs::keys, &EncoderOutputs::values,
                    &EncoderOutputs::contexts}) {
      const Tensor& found = (outputs.*of).front();
      const Tensor& expected = (exact.*of).front();
      ASSERT_EQ(found.shape, expected.shape);
      double error = 0, size = 0;
      for (std::size_t at = 0; at < found.data.size(); ++at) {
        error += std::pow(static_cast<double>(found.data[at]) - expected.data[at], 2);
        size += std::pow(expected.data[at], 2);
      }
      EXPECT_LE(std::sqrt(error / size), 0.1);  // a layer of 16 random columns; trained models are nearer
    }
    for (const Tensor& weights : outputs.attentions.back()) {
      for (std::size_t head = 0; head < weights.rows(); ++head) {
        const auto of_head = weights[head];
        EXPECT_NEAR(std::accumulate(of_head.begin(), of_head.end(), 0.0), static_cast<double>(weights.shape[1]), 1e-4);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Families, Outputs, testing::ValuesIn(fixture_names()), test_name);

// Of one row of a checkpoint and its last layer, as transformers has it.
struct RecordedOutputs {
  std::string fixture;
  std::size_t row = 0, layer = 0;
  std::vector<double> attentions;                                  // [heads, tokens, tokens]
  std::vector<double> taken, given, query, key, value, context;  // of the last token
};

std::vector<RecordedOutputs> recorded_outputs() {
  std::ifstream file(source_directory() / "tests" / "data" / "families" / "outputs.json");
  const auto json = nlohmann::json::parse(file);
  std::vector<RecordedOutputs> all;
  for (const auto& of : json.at("outputs")) {
    all.push_back({of.at("fixture"), json.at("made").at("row"), of.at("layer"), of.at("attentions"), of.at("hidden_states")[0],
                   of.at("hidden_states")[1], of.at("queries"), of.at("keys"), of.at("values"), of.at("contexts")});
  }
  return all;
}

void compare(const Fixture& fixture, const RecordedOutputs& expected) {
  const auto model = Model::load(fixture.directory, {.num_threads = 2}, choose_table(), fixture.task);
  const BatchEncoding batch = recorded(fixture.rows);
  EncoderOutputs outputs;
  model->logits(batch, kAll, outputs);
  ASSERT_EQ(expected.layer + 1, model->num_layers());
  const std::size_t layer = expected.layer, last_token = batch.row_starts[expected.row + 1] - 1;
  const auto expect_near = [](std::span<const float> found, const std::vector<double>& numbers) {
    ASSERT_EQ(found.size(), numbers.size());
    for (std::size_t at = 0; at < found.size(); ++at) {
      EXPECT_NEAR(found[at], numbers[at], 1e-5 * std::max(1.0, std::abs(numbers[at])));  // the order of f32 sums
    }
  };
  expect_near(outputs.attentions[layer][expected.row].data, expected.attentions);
  expect_near(outputs.hidden_states[layer][last_token], expected.taken);
  expect_near(outputs.hidden_states[layer + 1][last_token], expected.given);
  expect_near(outputs.queries[layer][last_token], expected.query);
  expect_near(outputs.keys[layer][last_token], expected.key);
  expect_near(outputs.values[layer][last_token], expected.value);
  expect_near(outputs.contexts[layer][last_token], expected.context);
}

TEST(RecordedOutputs, AreThoseOfTransformers) {
  const std::vector<Fixture> all = fixtures();
  for (const RecordedOutputs& recorded_row : recorded_outputs()) {
    SCOPED_TRACE(recorded_row.fixture);
    const auto fixture = std::ranges::find(all, recorded_row.fixture, &Fixture::name);
    ASSERT_NE(fixture, all.end());
    compare(*fixture, recorded_row);
  }
}

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
