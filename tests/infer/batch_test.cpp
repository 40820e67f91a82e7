// Contract 2: a row's logits have the same bits alone, in any batch and with any number of threads, in every dtype.
#include "infer/model.h"

#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "reference/rows.h"
#include "reference/sanitizers.h"
#include "reference/tiny_checkpoint.h"

namespace filbert {
namespace {

using namespace reference;

// Of each shape and table; fewer where plain loops run, or the same code for other numbers.
constexpr int kBatches = kUnderSanitizer ? 8 : 200, kFewerBatches = kUnderSanitizer ? 3 : 10;
constexpr std::size_t kRows = 48;

// Sizes that fill vectors and tiles, and sizes that leave rests in each of them.
const std::vector<TinyCheckpoint>& shapes() {
  static const std::vector<TinyCheckpoint> shapes = {
      {.seed = 1, .hidden_size = 64, .num_attention_heads = 2, .intermediate_size = 128, .max_position_embeddings = 512},
      {.seed = 2, .vocab_size = 57, .hidden_size = 33, .num_hidden_layers = 2, .num_attention_heads = 3,
       .intermediate_size = 47, .max_position_embeddings = 512, .labels = {"a", "b", "c", "d", "e"}, .dtype = "BF16"},
      {.seed = 3, .hidden_size = 20, .num_hidden_layers = 1, .num_attention_heads = 1, .intermediate_size = 161,
       .max_position_embeddings = 512, .labels = {"only"}, .dtype = "F16"},
  };
  return shapes;
}

// Lengths from 1 to 512, the short ones more often, as texts are.
std::vector<Row> rows_of_all_lengths(Random& random, const TinyCheckpoint& shape) {
  std::vector<Row> rows;
  for (const std::size_t length : {1u, 2u, 3u, 16u, 17u, 63u, 64u, 65u, 511u, 512u}) rows.push_back(random_row(random, shape, length));
  while (rows.size() < kRows) {
    const double share = random.uniform();
    rows.push_back(random_row(random, shape, 1 + static_cast<std::size_t>(511 * share * share * share)));
  }
  return rows;
}

std::vector<std::vector<float>> logits_of_each_alone(const Model& model, const std::vector<Row>& rows) {
  std::vector<std::vector<float>> logits;
  for (const Row& row : rows) logits.push_back(model.logits(batch_of(row)).data);
  return logits;
}

// Draws a batch of `rows`, some of them more than once; returns how many of its rows have other bits than alone.
int rows_that_differ(const Model& model, Random& random, const std::vector<Row>& rows,
                     const std::vector<std::vector<float>>& alone, std::size_t most_rows) {
  std::vector<std::size_t> drawn(random.between(1, most_rows));
  BatchEncoding batch;
  for (std::size_t& index : drawn) {
    index = random.between(0, rows.size() - 1);
    batch.add_row(rows[index].input_ids, rows[index].token_type_ids);
  }
  const Tensor logits = model.logits(batch);
  int differ = 0;
  for (std::size_t row = 0; row < drawn.size(); ++row) differ += !same_bits(logits[row], alone[drawn[row]]);
  return differ;
}

class Batch : public testing::TestWithParam<std::tuple<const KernelTable*, ComputeDtype>> {
 protected:
  const KernelTable& table = *std::get<0>(GetParam());
  const ComputeDtype dtype = std::get<1>(GetParam());
};
INSTANTIATE_TEST_SUITE_P(Encoder, Batch,
                         testing::Combine(testing::ValuesIn(available_tables()),
                                          testing::Values(ComputeDtype::f32, ComputeDtype::bf16, ComputeDtype::int8)),
                         [](const auto& tested) {
                           return std::string(std::get<0>(tested.param)->name) + "_" + std::string(name(std::get<1>(tested.param)));
                         });

TEST_P(Batch, RowInAnyBatchWithAnyNumberOfThreadsEqualsRowAlone) {
  for (const TinyCheckpoint& shape : shapes()) {
    SCOPED_TRACE(tiny_config(shape).dump());
    const TemporaryDirectory directory = write_checkpoint(shape);
    Random random(shape.seed);
    std::vector<Row> rows = rows_of_all_lengths(random, shape);
    std::vector<std::unique_ptr<const Model>> models;
    const bool fewer = &table == &scalar_table() || dtype != ComputeDtype::f32;
    if (fewer) rows.resize(12);  // each of the lengths that are named
    for (const unsigned num_threads : fewer ? std::vector{1u, 3u} : std::vector{1u, 2u, 3u, 5u, 8u}) {
      const std::size_t max_batch_tokens = num_threads == 3 ? 50 : 4096;  // nor on how a batch is cut
      models.push_back(Model::load(directory.path(), {.num_threads = num_threads, .dtype = dtype, .max_batch_tokens = max_batch_tokens}, table));
    }
    const auto alone = logits_of_each_alone(*models.front(), rows);
    for (const auto& model : models) {  // alone, too, whatever the number of threads
      EXPECT_EQ(logits_of_each_alone(*model, rows), alone) << model->pool.size() << " threads";
    }
    for (int count = 0; count < (fewer ? kFewerBatches : kBatches); ++count) {
      const Model& model = *models[random.between(0, models.size() - 1)];
      EXPECT_EQ(rows_that_differ(model, random, rows, alone, count % 10 == 0 ? 40 : 8), 0)
          << "batch " << count << ", " << model.pool.size() << " threads";
    }
  }
}

// Run under tsan, too.
TEST_P(Batch, ManyThreadsMayCallOneModelAtOnce) {
  constexpr unsigned kCallers = 8;
  const TinyCheckpoint& shape = shapes()[1];
  const TemporaryDirectory directory = write_checkpoint(shape);
  const auto model = Model::load(directory.path(), {.num_threads = 3, .dtype = dtype}, table);
  Random random(9);
  const std::vector<Row> rows = rows_of_all_lengths(random, shape);
  const auto alone = logits_of_each_alone(*model, rows);

  std::vector<int> differ(kCallers, 0);
  std::vector<std::thread> callers;
  for (unsigned caller = 0; caller < kCallers; ++caller) {
    callers.emplace_back([&, caller] {
      Random own(100 + caller);
      for (int count = 0; count < 12; ++count) differ[caller] += rows_that_differ(*model, own, rows, alone, 6);
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(differ, std::vector<int>(kCallers, 0));
}

TEST(Batch, MovedModelsWork) {
  const TinyCheckpoint& shape = shapes()[1];
  const TemporaryDirectory directory = write_checkpoint(shape);
  auto first = BertForSequenceClassification::from_pretrained(directory.path(), {.num_threads = 2});
  Random random(10);
  const BatchEncoding batch = batch_of(random_rows(random, shape, 4));
  const Tensor expected = first(batch).logits;
  auto second = BertForSequenceClassification::from_pretrained(directory.path(), {.num_threads = 1});
  second = std::move(first);
  EXPECT_TRUE(same_bits(second(batch).logits.data, expected.data));
}

}  // namespace
}  // namespace filbert
