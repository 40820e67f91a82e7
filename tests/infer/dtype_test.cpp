// bf16 and int8 beside f32: how far they may lie, and what they hold in memory.
#include "infer/model.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include <filbert/error.h>
#include <filbert/pipeline.h>

#include "reference/goldens.h"
#include "reference/rows.h"
#include "reference/tiny_checkpoint.h"

namespace filbert {
namespace {

using namespace reference;

double largest(std::span<const float> values) {
  double most = 0;
  for (const float value : values) most = std::max(most, std::abs(static_cast<double>(value)));
  return most;
}

class EveryDtype : public testing::TestWithParam<std::tuple<const KernelTable*, ComputeDtype>> {
 protected:
  const KernelTable& table = *std::get<0>(GetParam());
  const ComputeDtype dtype = std::get<1>(GetParam());
};
INSTANTIATE_TEST_SUITE_P(Narrow, EveryDtype,
                         testing::Combine(testing::ValuesIn(available_tables()), testing::Values(ComputeDtype::bf16, ComputeDtype::int8)),
                         [](const auto& tested) {
                           return std::string(std::get<0>(tested.param)->name) + "_" + std::string(name(std::get<1>(tested.param)));
                         });

// Random weights are harder than trained ones: nothing in them is redundant. Per layer, bf16 rounds at 2^-9 and int8 at 1/255
// of a row's range; through four layers at most that adds up to a few hundredths of the logits.
TEST_P(EveryDtype, LogitsLieNearThoseOfF32) {
  for (const TinyGoldens& goldens : tiny_goldens()) {
    SCOPED_TRACE(goldens.directory.filename().string());
    const auto exact = Model::load(goldens.directory, {.num_threads = 1}, table);
    const auto narrow = Model::load(goldens.directory, {.num_threads = 1, .dtype = dtype}, table);
    EXPECT_EQ(narrow->dtype, dtype);
    double squares = 0, range = 0;
    std::size_t count = 0;
    for (const GoldenRow& golden : goldens.rows) {
      const Tensor expected = exact->logits(batch_of(golden.row)), logits = narrow->logits(batch_of(golden.row));
      for (std::size_t label = 0; label < logits.data.size(); ++label, ++count) {
        squares += std::pow(static_cast<double>(logits.data[label]) - expected.data[label], 2);
      }
      range = std::max(range, largest(expected.data));
    }
    EXPECT_LE(std::sqrt(squares / static_cast<double>(count)), (dtype == ComputeDtype::bf16 ? 0.02 : 0.04) * range);
    EXPECT_GT(squares, 0) << "as exact as f32: was the dtype taken?";
  }
}

TEST_P(EveryDtype, TablesAgree) {
  const TinyCheckpoint shape{.seed = 21, .hidden_size = 96, .num_hidden_layers = 2, .num_attention_heads = 4, .intermediate_size = 130};
  const TemporaryDirectory directory = write_checkpoint(shape);
  const auto model = Model::load(directory.path(), {.num_threads = 1, .dtype = dtype}, table);
  const auto plain = Model::load(directory.path(), {.num_threads = 1, .dtype = dtype}, scalar_table());
  Random random(22);
  for (const Row& row : random_rows(random, shape, 20)) {
    const Tensor logits = model->logits(batch_of(row)), expected = plain->logits(batch_of(row));
    for (std::size_t label = 0; label < logits.data.size(); ++label) {
      // The tables' f32 parts differ in the last bits; one of those may tip a number over to the next step of 2^-9 or 1/255.
      ASSERT_NEAR(logits.data[label], expected.data[label], 0.02 * (1 + largest(expected.data)));
    }
  }
}

TEST(Dtype, BuiltInModelGivesTheSameLabels) {
  const auto exact = pipeline("text-classification", stars_en_directory());
  const TextGoldens texts = stars_en_goldens();
  std::vector<TextInput> inputs;
  for (const GoldenRow& row : texts.rows) inputs.push_back({.text = row.text});
  inputs.resize(kComputedTexts);
  const auto expected = exact(inputs);
  for (const ComputeDtype dtype : {ComputeDtype::bf16, ComputeDtype::int8}) {
    const auto answers = pipeline("text-classification", stars_en_directory(), {.dtype = dtype})(inputs);
    int same = 0;
    double difference = 0, least = 0, most = 0;
    for (std::size_t row = 0; row < inputs.size(); ++row) {
      same += answers[row].label == expected[row].label;
      for (std::size_t label = 0; label < 5; ++label) {
        difference += std::abs(static_cast<double>(answers[row].logits[label]) - expected[row].logits[label]);
        least = std::min<double>(least, expected[row].logits[label]);
        most = std::max<double>(most, expected[row].logits[label]);
      }
    }
    // Five labels that shade into each other: the sentences that change had two of nearly the same score.
    EXPECT_GE(same / static_cast<double>(kComputedTexts), dtype == ComputeDtype::bf16 ? 0.99 : 0.95) << name(dtype);
    EXPECT_LE(difference / static_cast<double>(5 * inputs.size()), 0.02 * (most - least)) << name(dtype);
  }
}

TEST(Dtype, AutoIsWhatTheInstructionsAreThereFor) {
  const TinyCheckpoint shape{.seed = 23};
  const TemporaryDirectory directory = write_checkpoint(shape);
  for (const KernelTable* table : available_tables()) {
    const auto model = Model::load(directory.path(), {.num_threads = 1, .dtype = ComputeDtype::automatic}, *table);
    EXPECT_EQ(model->dtype, table->native_int8 ? ComputeDtype::int8 : ComputeDtype::f32) << table->name;
  }
}

TEST(Dtype, NamesThereAndBack) {
  for (const ComputeDtype dtype : {ComputeDtype::f32, ComputeDtype::bf16, ComputeDtype::int8, ComputeDtype::automatic}) {
    EXPECT_EQ(compute_dtype_from_name(name(dtype)), dtype);
  }
  try {
    compute_dtype_from_name("f16");
    FAIL() << "an unknown name was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::invalid_argument);
    EXPECT_NE(std::string(error.what()).find("found \"f16\""), std::string::npos) << error.what();
  }
}

TEST(Dtype, NarrowWeightsTakeLessMemory) {
  const auto bytes = [](ComputeDtype dtype) {
    return BertForSequenceClassification::from_pretrained(stars_en_directory(), {.dtype = dtype}).weight_bytes();
  };
  EXPECT_LT(bytes(ComputeDtype::bf16), bytes(ComputeDtype::f32));
  EXPECT_LT(bytes(ComputeDtype::int8), bytes(ComputeDtype::bf16));
}

}  // namespace
}  // namespace filbert
