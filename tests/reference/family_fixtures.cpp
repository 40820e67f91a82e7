#include "reference/family_fixtures.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <map>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "reference/goldens.h"

namespace filbert::reference {
namespace {

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

std::filesystem::path families_directory() { return source_directory() / "tests" / "data" / "families"; }

Fixture read_fixture(const std::string& name) {
  const std::filesystem::path path = families_directory() / name / "goldens.json";
  std::ifstream file(path);
  const auto json = nlohmann::json::parse(file);
  const auto& made = json.at("made");
  Fixture fixture{.directory = path.parent_path(),
                  .family = made.at("family"),
                  .task = made.at("head") == "sequence" ? Task::sequence_classification : Task::token_classification,
                  .transformers = made.at("transformers"),
                  .tokenizer = made.at("tokenizer"),
                  .weights = made.at("weights"),
                  .max_length = made.at("max_length"),
                  .rows = {}};
  for (const auto& [file_name, digest] : made.at("sha256").items()) {
    if (digest != sha256(read_file(fixture.directory / file_name))) throw std::runtime_error(path.string() + ": recorded from another " + file_name);
  }
  for (const auto& row : json.at("rows")) fixture.rows.push_back(family_row(row, fixture.task));
  return fixture;
}

}  // namespace

std::vector<std::string> fixture_names() {
  std::vector<std::string> names;
  for (const auto& family : std::filesystem::directory_iterator(families_directory())) {
    if (!family.is_directory()) continue;
    for (const auto& cell : std::filesystem::directory_iterator(family)) names.push_back(cell.path().lexically_relative(families_directory()).string());
  }
  std::ranges::sort(names);
  return names;
}

const Fixture& FamilyTest::fixture() {
  static std::map<std::string, Fixture> read;
  const auto found = read.find(GetParam());
  return found != read.end() ? found->second : read.emplace(GetParam(), read_fixture(GetParam())).first->second;
}

std::vector<Fixture> fixtures() {
  std::vector<Fixture> all;
  for (const std::string& name : fixture_names()) all.push_back(read_fixture(name));
  return all;
}

BatchEncoding recorded(std::span<const FamilyRow> rows) {
  BatchEncoding batch;
  for (const FamilyRow& row : rows) batch.add_row(row.input_ids, row.token_type_ids ? *row.token_type_ids : std::vector<std::int32_t>());
  return batch;
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::ranges::replace_if(name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
}

}  // namespace filbert::reference
