// Every family as transformers saved it (tests/data/families, made by tools/make_family_goldens.py): the same ids, and logits within 1e-5.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <filbert/error.h>
#include <filbert/quantize.h>

#include "base/file.h"
#include "infer/architecture.h"
#include "infer/input_ranges.h"
#include "infer/model.h"
#include "reference/expect_error.h"
#include "reference/family_fixtures.h"
#include "reference/goldens.h"
#include "reference/reference_bert.h"
#include "reference/tiny_checkpoint.h"

namespace filbert {
namespace {

using namespace reference;

BatchEncoding encode(const Tokenizer& tokenizer, const Fixture& fixture, const FamilyRow& row) {
  const TextInput input = fixture.input(row);
  return tokenizer(std::span(&input, 1), {.truncation = Truncation::longest_first, .max_length = fixture.max_length});
}

// The largest difference to what was recorded for a row; infinite if it is about other numbers.
double greatest_difference_to(const FamilyRow& row, const Tensor& logits) {
  if (logits.rows() != row.logits.size()) return std::numeric_limits<double>::infinity();
  double greatest = 0;
  for (std::size_t at = 0; at < row.logits.size(); ++at) greatest = std::max(greatest, greatest_difference(logits[at], row.logits[at]));
  return greatest;
}

constexpr double kFamilyTolerance = 1e-5;  // the order of f32 sums

class SavedModel : public FamilyTest {
 protected:
  std::unique_ptr<const Model> load(const ModelOptions& options = {.num_threads = 2}, const KernelTable& kernels = choose_table()) const {
    return Model::load(fixture().directory, options, kernels, fixture().task);
  }
};

TEST_P(SavedModel, TokenizerGivesTheRecordedIds) {
  const Tokenizer tokenizer = AutoTokenizer::from_pretrained(fixture().directory);
  for (const FamilyRow& row : fixture().rows) {
    SCOPED_TRACE(row.text);
    const BatchEncoding encoding = encode(tokenizer, fixture(), row);
    EXPECT_EQ(encoding.input_ids, row.input_ids);
    if (row.token_type_ids) {
      EXPECT_EQ(encoding.token_type_ids, *row.token_type_ids);
    }
  }
}

TEST_P(SavedModel, EveryTableGivesTheRecordedLogits) {
  double greatest = 0;
  for (const KernelTable* table : available_tables()) {
    SCOPED_TRACE(table->name);
    const auto model = load({.num_threads = 1}, *table);
    for (const FamilyRow& row : fixture().rows) {
      SCOPED_TRACE(row.text);
      const double difference = greatest_difference_to(row, model->logits(recorded({&row, 1})));
      EXPECT_LE(difference, kFamilyTolerance);
      greatest = std::max(greatest, difference);
    }
  }
  RecordProperty("greatest_difference", std::to_string(greatest * 1e6) + "e-6");
}

// Contract 2, in every dtype: the bits alone are those in a batch, whatever the number of threads.
TEST_P(SavedModel, RowInBatchEqualsRowAlone) {
  const std::vector<FamilyRow>& rows = fixture().rows;
  for (const ComputeDtype dtype : {ComputeDtype::f32, ComputeDtype::bf16, ComputeDtype::int8}) {
    SCOPED_TRACE(name(dtype));
    const auto one_thread = load({.num_threads = 1, .dtype = dtype}), three = load({.num_threads = 3, .dtype = dtype});
    const Tensor batch = three->logits(recorded(rows));
    std::size_t at = 0;
    for (const FamilyRow& row : rows) {
      const Tensor alone = one_thread->logits(recorded({&row, 1}));
      for (std::size_t index = 0; index < alone.rows(); ++index, ++at) {
        EXPECT_TRUE(std::ranges::equal(alone[index], batch[at])) << row.text << ", row " << index;
        EXPECT_TRUE(std::ranges::all_of(alone[index], [](float logit) { return std::isfinite(logit); }));
      }
    }
    EXPECT_EQ(at, batch.rows());
  }
}

// Written in 8 bits without calibration, it is the one that int8 makes of the original at load.
TEST_P(SavedModel, QuantizedCheckpointHasTheBitsOfInt8) {
  const TemporaryDirectory made;
  const std::filesystem::path to = made.path() / "int8";
  write_quantized(fixture().directory, to, {.calibration_tokens = 0});
  const BatchEncoding batch = recorded(fixture().rows);
  const auto quantized = Model::load(to, {.num_threads = 1}, choose_table(), fixture().task);
  EXPECT_EQ(quantized->logits(batch).data, load({.num_threads = 1, .dtype = ComputeDtype::int8})->logits(batch).data);
}

// With calibration, each group whose input is a layer norm's was seen.
TEST_P(SavedModel, CalibrationSeesEveryLayerNorm) {
  const auto model = load({.num_threads = 1});
  const InputRanges ranges = measure_inputs(*model, recorded(fixture().rows));
  for (std::size_t layer = 0; layer < num_stored_layers(model->config); ++layer) {
    for (const LinearGroup& group : model->architecture.linear_groups(model->config, layer)) {
      const auto seen = [&](const std::string& linear) { return ranges.contains(linear); };
      EXPECT_TRUE(!group.norm || std::ranges::any_of(group.linears, seen)) << group.name;
    }
  }
}

// The other head is not there, and is not made up.
TEST_P(SavedModel, OtherHeadIsRefused) {
  const Task other = fixture().task == Task::sequence_classification ? Task::token_classification : Task::sequence_classification;
  EXPECT_THROW(Model::load(fixture().directory, {}, choose_table(), other), Error);
}

INSTANTIATE_TEST_SUITE_P(Families, SavedModel, testing::ValuesIn(fixture_names()), test_name);

TEST(SavedModels, EveryModelTypeHasBothHeads) {
  std::map<std::string, std::set<Task>, std::less<>> heads;
  for (const Fixture& fixture : fixtures()) heads[fixture.family].insert(fixture.task);
  for (const std::string_view model_type : model_types()) {
    EXPECT_EQ(heads[std::string(model_type)].size(), 2u) << model_type << ": tools/make_family_goldens.py makes what is missing";
  }
}

// Whether text becomes the recorded logits.
bool proves(const Fixture& fixture) {
  try {
    const Tokenizer tokenizer = AutoTokenizer::from_pretrained(fixture.directory);
    const auto model = Model::load(fixture.directory, {.num_threads = 1}, choose_table(), fixture.task);
    return std::ranges::all_of(fixture.rows, [&](const FamilyRow& row) {
      const BatchEncoding encoding = encode(tokenizer, fixture, row);
      return encoding.input_ids == row.input_ids && greatest_difference_to(row, model->logits(encoding)) <= kFamilyTolerance;
    });
  } catch (const Error&) {
    return false;
  }
}

// "a, b"
std::string list(const std::set<std::string>& names) { return fmt::format("{}", fmt::join(names, ", ")); }

// What the fixtures prove, as the README shows it.
std::string compatibility_table() {
  const std::map<std::string, std::string> weights = {{"safetensors", "model.safetensors"}, {"safetensors-shards", "model.safetensors in shards"},
                                                      {"bin", "pytorch_model.bin"}, {"bin-shards", "pytorch_model.bin in shards"}};
  struct Row {
    std::set<std::string> sequence, token, tokenizers;
  };
  std::map<std::string, Row> rows;
  for (const Fixture& fixture : fixtures()) {
    Row& row = rows[fixture.family];
    if (!proves(fixture)) continue;
    (fixture.task == Task::sequence_classification ? row.sequence : row.token).insert(weights.at(fixture.weights));
    row.tokenizers.insert(fixture.tokenizer == "vocab.json" ? "vocab.json with merges.txt" : fixture.tokenizer);
  }
  std::string table = "| model_type | a label a text | a label a token | tokenizer |\n|---|---|---|---|\n";
  for (const std::string_view model_type : model_types()) {
    const Row& row = rows[std::string(model_type)];
    table += fmt::format("| {} | {} | {} | {} |\n", model_type, list(row.sequence), list(row.token), list(row.tokenizers));
  }
  return table;
}

// FILBERT_WRITE_README=1 writes it there.
TEST(SavedModels, ReadmeShowsWhatTheyProve) {
  const std::filesystem::path path = source_directory() / "README.md";
  constexpr std::string_view kBegin = "<!-- written by tests/infer/families_test.cpp -->\n", kEnd = "<!-- to here -->\n";
  std::string readme = read_file(path);
  const std::size_t begin = readme.find(kBegin) + kBegin.size(), end = readme.find(kEnd);
  ASSERT_LE(begin, end);
  ASSERT_NE(end, std::string::npos);
  const std::string table = compatibility_table();
  if (std::getenv("FILBERT_WRITE_README") != nullptr) {
    readme.replace(begin, end - begin, table);
    write_file_atomic(path, readme);
    return;
  }
  EXPECT_EQ(readme.substr(begin, end - begin), table) << "FILBERT_WRITE_README=1 filbert_tests --gtest_filter=SavedModels.* writes it";
}

}  // namespace
}  // namespace filbert
