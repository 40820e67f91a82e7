// Every family as transformers saved it (tests/data/families, made by tools/make_family_goldens.py): the same ids, and logits within 1e-5.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filbert/error.h>

#include "infer/architecture.h"
#include "infer/model.h"
#include "reference/goldens.h"
#include "reference/reference_bert.h"

namespace filbert {
namespace {

using namespace reference;

struct FamilyRow {
  std::string text;
  std::optional<std::string> text_pair;
  std::vector<std::int32_t> input_ids;
  std::optional<std::vector<std::int32_t>> token_type_ids;  // absent where the tokenizer gives none
  std::vector<std::vector<double>> logits;                  // one for the text, or one for each token
};

struct Fixture {
  std::filesystem::path directory;
  std::string family;
  Task task = Task::sequence_classification;
  std::vector<FamilyRow> rows;

  std::string name() const { return family + "/" + directory.filename().string(); }
  TextInput input(const FamilyRow& row) const {
    return {row.text, row.text_pair ? std::optional<std::string_view>(*row.text_pair) : std::nullopt};
  }
};

std::ostream& operator<<(std::ostream& out, const Fixture& fixture) { return out << fixture.name(); }

FamilyRow family_row(const nlohmann::json& json, Task task) {
  FamilyRow row{.text = json.at("text"), .text_pair = {}, .input_ids = json.at("input_ids"), .token_type_ids = {}, .logits = {}};
  if (json.contains("text_pair")) row.text_pair = json.at("text_pair").get<std::string>();
  if (json.contains("token_type_ids")) row.token_type_ids = json.at("token_type_ids").get<std::vector<std::int32_t>>();
  if (task == Task::sequence_classification) {
    row.logits = {json.at("logits").get<std::vector<double>>()};
  } else {
    row.logits = json.at("logits").get<std::vector<std::vector<double>>>();
  }
  return row;
}

std::vector<Fixture> fixtures() {
  std::vector<Fixture> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(source_directory() / "tests" / "data" / "families")) {
    if (entry.path().filename() != "goldens.json") continue;
    std::ifstream file(entry.path());
    const auto json = nlohmann::json::parse(file);
    const bool sequence = json.at("made").at("head") == "sequence";
    Fixture fixture{entry.path().parent_path(), json.at("made").at("family"), sequence ? Task::sequence_classification : Task::token_classification,
                    {}};
    for (const auto& row : json.at("rows")) fixture.rows.push_back(family_row(row, fixture.task));
    found.push_back(std::move(fixture));
  }
  std::ranges::sort(found, {}, &Fixture::directory);
  return found;
}

class Families : public testing::TestWithParam<Fixture> {
 protected:
  std::unique_ptr<const Model> load(const ModelOptions& options = {.num_threads = 2}, const KernelTable& kernels = choose_table()) const {
    return Model::load(GetParam().directory, options, kernels, GetParam().task);
  }

  // The recorded ids, which a failing tokenizer does not touch.
  static BatchEncoding recorded(std::span<const FamilyRow> rows) {
    BatchEncoding batch;
    for (const FamilyRow& row : rows) {
      batch.add_row(row.input_ids, row.token_type_ids ? *row.token_type_ids : std::vector<std::int32_t>());
    }
    return batch;
  }
};

TEST_P(Families, TokenizerGivesTheRecordedIds) {
  const Tokenizer tokenizer = AutoTokenizer::from_pretrained(GetParam().directory);
  const Config config = Config::from_pretrained(GetParam().directory);
  const std::size_t max_length = std::min(tokenizer.model_max_length().value_or(config.default_max_length()), config.default_max_length());
  for (const FamilyRow& row : GetParam().rows) {
    SCOPED_TRACE(row.text);
    const TextInput input = GetParam().input(row);
    const BatchEncoding encoding = tokenizer(std::span(&input, 1), {.truncation = Truncation::longest_first, .max_length = max_length});
    EXPECT_EQ(encoding.input_ids, row.input_ids);
    if (row.token_type_ids) {
      EXPECT_EQ(encoding.token_type_ids, *row.token_type_ids);
    }
  }
}

// 1e-5: the order of f32 sums.
TEST_P(Families, EveryTableGivesTheRecordedLogits) {
  double greatest = 0;
  for (const KernelTable* table : available_tables()) {
    SCOPED_TRACE(table->name);
    const auto model = load({.num_threads = 1}, *table);
    for (const FamilyRow& row : GetParam().rows) {
      SCOPED_TRACE(row.text);
      const Tensor logits = model->logits(recorded({&row, 1}));
      ASSERT_EQ(logits.rows(), row.logits.size());
      for (std::size_t at = 0; at < row.logits.size(); ++at) {
        const double difference = greatest_difference(logits[at], row.logits[at]);
        EXPECT_LE(difference, 1e-5) << "row " << at;
        greatest = std::max(greatest, difference);
      }
    }
  }
  RecordProperty("greatest_difference", std::to_string(greatest * 1e6) + "e-6");
}

// Contract 2, in every dtype: the bits alone are those in a batch, whatever the number of threads.
TEST_P(Families, RowInBatchEqualsRowAlone) {
  const std::vector<FamilyRow>& rows = GetParam().rows;
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

// The other head is not there, and is not made up.
TEST_P(Families, OtherHeadIsRefused) {
  const Task other = GetParam().task == Task::sequence_classification ? Task::token_classification : Task::sequence_classification;
  EXPECT_THROW(Model::load(GetParam().directory, {}, choose_table(), other), Error);
}

std::string test_name(const testing::TestParamInfo<Fixture>& info) {
  std::string name = info.param.name();
  std::ranges::replace_if(name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(Saved, Families, testing::ValuesIn(fixtures()), test_name);

TEST(FamiliesTable, EveryModelTypeHasBothHeads) {
  std::map<std::string, std::set<Task>, std::less<>> heads;
  for (const Fixture& fixture : fixtures()) heads[fixture.family].insert(fixture.task);
  for (const std::string_view model_type : model_types()) {
    EXPECT_EQ(heads[std::string(model_type)].size(), 2u) << model_type << ": tools/make_family_goldens.py makes what is missing";
  }
}

}  // namespace
}  // namespace filbert
