// Stage 2 against the oracle and against transformers, with every kernel table that this CPU can run.
#include "infer/model.h"

#include <string>

#include <gtest/gtest.h>

#include "reference/goldens.h"
#include "reference/reference_bert.h"
#include "reference/rows.h"
#include "reference/sanitizers.h"
#include "reference/tiny_checkpoint.h"

namespace filbert {
namespace {

using namespace reference;

// The order of f32 sums: logits of up to about 5, hundreds of terms each. Transformers' own f32 is no nearer to the oracle.
constexpr double kTolerance = 1e-5;

// The greatest difference of all logits of `rows`, computed in one batch, from the oracle's.
double difference_from_oracle(const Model& model, const ReferenceBert& oracle, const std::vector<Row>& rows) {
  const Tensor logits = model.logits(batch_of(rows));
  EXPECT_EQ(logits.shape, (std::vector<std::size_t>{rows.size(), model.config.num_labels()}));
  double greatest = 0;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const Vector expected = oracle.logits(rows[row].input_ids, rows[row].token_type_ids);
    greatest = std::max(greatest, greatest_difference(logits[row], expected));
  }
  return greatest;
}

class EveryTable : public testing::TestWithParam<const KernelTable*> {};
INSTANTIATE_TEST_SUITE_P(Encoder, EveryTable, testing::ValuesIn(available_tables()),
                         [](const auto& table) { return std::string(table.param->name); });

TEST_P(EveryTable, AgreesWithTheOracleOnRandomShapes) {
  constexpr int kShapes = kUnderSanitizer ? 8 : 40;
  Random random(20240);
  double greatest = 0;
  for (int count = 0; count < kShapes; ++count) {
    const TinyCheckpoint shape = random_shape(random);
    SCOPED_TRACE(tiny_config(shape).dump() + " " + shape.dtype);
    const TemporaryDirectory directory = write_checkpoint(shape);
    const auto model = Model::load(directory.path(), {.num_threads = 1 + count % 3u}, *GetParam());
    const double difference = difference_from_oracle(*model, ReferenceBert(directory.path()), random_rows(random, shape, 6));
    EXPECT_LE(difference, kTolerance);
    greatest = std::max(greatest, difference);
  }
  RecordProperty("greatest_difference", std::to_string(greatest * 1e6) + "e-6");
}

TEST_P(EveryTable, AgreesWithTheOracleForEveryActivation) {
  double greatest = 0;
  for (const std::string& name : activation_names()) {
    SCOPED_TRACE(name);
    const TinyCheckpoint shape{.seed = 3, .hidden_size = 40, .num_attention_heads = 2, .intermediate_size = 91, .hidden_act = name};
    const TemporaryDirectory directory = write_checkpoint(shape);
    const auto model = Model::load(directory.path(), {.num_threads = 1}, *GetParam());
    Random random(4);
    const double difference = difference_from_oracle(*model, ReferenceBert(directory.path()), random_rows(random, shape, 5));
    EXPECT_LE(difference, kTolerance);
    greatest = std::max(greatest, difference);
  }
  RecordProperty("greatest_difference", std::to_string(greatest * 1e6) + "e-6");
}

// Weights far larger than trained ones: activations run into their flat ends, attention picks single tokens.
// 1e-4: logits of up to about 60, so that f32 itself ends ten times earlier.
TEST_P(EveryTable, AgreesWithTheOracleOnLargeWeights) {
  for (const std::string& name : activation_names()) {
    SCOPED_TRACE(name);
    const TinyCheckpoint shape{.seed = 8, .num_hidden_layers = 1, .hidden_act = name, .edit_tensors = [](Arrays& arrays) {
      for (auto& [tensor, array] : arrays) {
        const double gain = tensor.find("query") != std::string::npos || tensor.find("intermediate") != std::string::npos ? 20
                            : tensor.starts_with("classifier")                                                             ? 5
                                                                                                                            : 1;
        for (double& value : array.values) value = rounded_to(value * gain, "F32");
      }
    }};
    const TemporaryDirectory directory = write_checkpoint(shape);
    const auto model = Model::load(directory.path(), {.num_threads = 1}, *GetParam());
    Random random(5);
    EXPECT_LE(difference_from_oracle(*model, ReferenceBert(directory.path()), random_rows(random, shape, 5)), 1e-4);
  }
}

TEST_P(EveryTable, AgreesWithTheOracleOnLongRows) {
  const TinyCheckpoint shape{.seed = 6, .hidden_size = 36, .num_hidden_layers = 1, .num_attention_heads = 3,
                             .intermediate_size = 50, .max_position_embeddings = 512};
  const TemporaryDirectory directory = write_checkpoint(shape);
  const auto model = Model::load(directory.path(), {.num_threads = 2}, *GetParam());
  Random random(7);
  const std::vector<Row> rows = {random_row(random, shape, 512), random_row(random, shape, 1), random_row(random, shape, 257)};
  EXPECT_LE(difference_from_oracle(*model, ReferenceBert(directory.path()), rows), kTolerance);
}

TEST_P(EveryTable, GivesTheLogitsOfTransformersOnTinyCheckpoints) {
  double greatest = 0;
  for (const TinyGoldens& goldens : tiny_goldens()) {
    SCOPED_TRACE(goldens.directory.filename().string());
    const auto model = Model::load(goldens.directory, {.num_threads = 1}, *GetParam());
    for (const GoldenRow& golden : goldens.rows) {
      const double difference = greatest_difference(model->logits(batch_of(golden.row))[0], golden.logits);
      EXPECT_LE(difference, kTolerance) << golden.row.input_ids.size() << " tokens";
      greatest = std::max(greatest, difference);
    }
  }
  RecordProperty("greatest_difference", std::to_string(greatest * 1e6) + "e-6");
}

TEST(Encoder, NamesAndDtypesOfTheFileDoNotChangeTheNumbers) {
  const TinyCheckpoint plain{.seed = 11, .dtype = "BF16"};
  const TemporaryDirectory directory = write_checkpoint(plain);
  Random random(12);
  const BatchEncoding batch = batch_of(random_rows(random, plain, 5));
  const Tensor expected = BertForSequenceClassification::from_pretrained(directory.path())(batch).logits;

  TinyCheckpoint as_f32 = plain, old_names = plain, without_prefix = plain, shifted = plain;
  as_f32.edit_tensors = [](Arrays& arrays) {  // the values are rounded already: exact in F32
    for (auto& [name, array] : arrays) array.dtype = "F32";
  };
  old_names.gamma_beta = true;
  without_prefix.bert_prefix = false;
  // A tensor that is ignored, first in the file and three bytes long: every other one lies on an odd address.
  shifted.edit_tensors = [](Arrays& arrays) { arrays["!position_ids"] = {{1}, {0.0}, "F16"}; };
  for (const TinyCheckpoint& same : {as_f32, old_names, without_prefix, shifted}) {
    const TemporaryDirectory other = write_checkpoint(same);
    EXPECT_TRUE(same_bits(BertForSequenceClassification::from_pretrained(other.path())(batch).logits.data, expected.data))
        << (&same - &as_f32);
  }
}

TEST(Encoder, ZeroLayersAreEmbeddingsPoolerAndClassifier) {
  const TinyCheckpoint shape{.seed = 13, .num_hidden_layers = 0};
  const TemporaryDirectory directory = write_checkpoint(shape);
  const auto model = Model::load(directory.path(), {.num_threads = 1}, choose_table());
  Random random(14);
  EXPECT_LE(difference_from_oracle(*model, ReferenceBert(directory.path()), random_rows(random, shape, 7)), kTolerance);
}

TEST(Encoder, AnEmptyBatchHasNoRowsOfLogits) {
  const TemporaryDirectory directory = write_checkpoint({});
  const Tensor logits = BertForSequenceClassification::from_pretrained(directory.path())(BatchEncoding{}).logits;
  EXPECT_EQ(logits.rows(), 0u);
  EXPECT_TRUE(logits.data.empty());
}

TEST(Encoder, TokenTypesAbsentAreZeros) {
  const TinyCheckpoint shape{.seed = 15};
  const TemporaryDirectory directory = write_checkpoint(shape);
  const auto model = BertForSequenceClassification::from_pretrained(directory.path());
  BatchEncoding with, without;
  const std::vector<std::int32_t> ids = {2, 9, 33, 3}, zeros(4, 0);
  with.add_row(ids, zeros);
  without.add_row(ids);
  EXPECT_TRUE(same_bits(model(with).logits.data, model(without).logits.data));
}

TEST(Encoder, SaysWhatItHolds) {
  const TinyCheckpoint shape{.seed = 16, .num_hidden_layers = 1, .dtype = "F16"};
  const TemporaryDirectory directory = write_checkpoint(shape);
  const auto model = BertForSequenceClassification::from_pretrained(directory.path(), {.num_threads = 3});
  std::size_t parameters = 0;
  for (const auto& [name, array] : tiny_tensors(shape)) parameters += array.values.size();
  EXPECT_EQ(model.num_parameters(), parameters);
  EXPECT_EQ(model.dtype(), "F16");
  EXPECT_EQ(model.num_threads(), 3u);
  EXPECT_EQ(model.config().hidden_size, 32u);
  EXPECT_GT(model.weight_bytes(), parameters * sizeof(std::uint16_t));
  EXPECT_EQ(std::string(model.kernels()), choose_table().name);
}

}  // namespace
}  // namespace filbert
