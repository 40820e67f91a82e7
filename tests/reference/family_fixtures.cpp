#include "reference/family_fixtures.h"

#include <algorithm>
#include <cctype>
#include <fstream>
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

}  // namespace

std::vector<Fixture> fixtures() {
  std::vector<Fixture> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(source_directory() / "tests" / "data" / "families")) {
    if (entry.path().filename() != "goldens.json") continue;
    std::ifstream file(entry.path());
    const auto json = nlohmann::json::parse(file);
    const auto& made = json.at("made");
    Fixture fixture{.directory = entry.path().parent_path(),
                    .family = made.at("family"),
                    .task = made.at("head") == "sequence" ? Task::sequence_classification : Task::token_classification,
                    .transformers = made.at("transformers"),
                    .tokenizer = made.at("tokenizer"),
                    .weights = made.at("weights"),
                    .max_length = made.at("max_length"),
                    .rows = {}};
    for (const auto& [name, digest] : made.at("sha256").items()) {
      if (digest != sha256(read_file(fixture.directory / name))) throw std::runtime_error(entry.path().string() + ": recorded from another " + name);
    }
    for (const auto& row : json.at("rows")) fixture.rows.push_back(family_row(row, fixture.task));
    found.push_back(std::move(fixture));
  }
  std::ranges::sort(found, {}, &Fixture::directory);
  return found;
}

BatchEncoding recorded(std::span<const FamilyRow> rows) {
  BatchEncoding batch;
  for (const FamilyRow& row : rows) batch.add_row(row.input_ids, row.token_type_ids ? *row.token_type_ids : std::vector<std::int32_t>());
  return batch;
}

std::string fixture_name(const testing::TestParamInfo<Fixture>& info) {
  std::string name = info.param.name();
  std::ranges::replace_if(name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
}

}  // namespace filbert::reference
