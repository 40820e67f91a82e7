// Tiny checkpoints of every family as transformers saved them, with what it answered (tests/data/families, made by
// tools/make_family_goldens.py).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <filbert/tokenizer.h>

#include "infer/model.h"

namespace filbert::reference {

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
  std::string transformers, tokenizer, weights;  // the version, and the files that are there
  std::size_t max_length = 0;
  std::vector<FamilyRow> rows;

  std::string name() const { return family + "/" + directory.filename().string(); }
  TextInput input(const FamilyRow& row) const {
    return {row.text, row.text_pair ? std::optional<std::string_view>(*row.text_pair) : std::nullopt};
  }
};

inline std::ostream& operator<<(std::ostream& out, const Fixture& fixture) { return out << fixture.name(); }

// All of them, by directory. Throws where a file is not the one whose answers were recorded.
std::vector<Fixture> fixtures();

// The recorded ids, which a failing tokenizer does not touch.
BatchEncoding recorded(std::span<const FamilyRow> rows);

// A test of each of them, by its directory below tests/data/families, "bert/token-v4": it is read when the test looks into it, since a process that
// runs one test should not read them all.
class FamilyTest : public testing::TestWithParam<std::string> {
 protected:
  static const Fixture& fixture();
};
std::vector<std::string> fixture_names();
// For INSTANTIATE_TEST_SUITE_P.
std::string test_name(const testing::TestParamInfo<std::string>& info);

}  // namespace filbert::reference
