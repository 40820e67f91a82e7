#include "infer/distinct_rows.h"

#include <vector>

#include <gtest/gtest.h>

namespace filbert {
namespace {

BatchEncoding batch(const std::vector<std::vector<std::int32_t>>& rows, const std::vector<std::vector<std::int32_t>>& types = {}) {
  BatchEncoding batch;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    batch.add_row(rows[row], types.empty() ? std::vector<std::int32_t>(rows[row].size(), 0) : types[row]);
  }
  return batch;
}

DistinctRows distinct_rows(const BatchEncoding& inputs) {
  DistinctRows distinct;
  distinct.find(batch({{7}, {7}, {8, 9}}));  // what another batch left behind has no say
  distinct.find(inputs);
  return distinct;
}

TEST(DistinctRows, EachOnceInTheOrderOfFirstAppearance) {
  const DistinctRows distinct = distinct_rows(batch({{1, 2}, {3}, {1, 2}, {1}, {3}, {1, 2}}));
  EXPECT_EQ(distinct.inputs.input_ids, (std::vector<std::int32_t>{1, 2, 3, 1}));
  EXPECT_EQ(distinct.inputs.row_starts, (std::vector<std::size_t>{0, 2, 3, 4}));
  EXPECT_EQ(distinct.place, (std::vector<std::size_t>{0, 1, 0, 2, 1, 0}));
}

TEST(DistinctRows, TypesCount) {
  EXPECT_TRUE(distinct_rows(batch({{1, 2}, {1, 2}}, {{0, 0}, {0, 1}})).place.empty());
  EXPECT_EQ(distinct_rows(batch({{1, 2}, {1, 2}}, {{0, 1}, {0, 1}})).inputs.batch_size(), 1u);
}

TEST(DistinctRows, NothingIsCopiedWhereAllAreDistinct) {
  const DistinctRows distinct = distinct_rows(batch({{1}, {2}, {1, 2}}));
  EXPECT_TRUE(distinct.place.empty());
  EXPECT_EQ(distinct.inputs.batch_size(), 0u);
  EXPECT_TRUE(distinct_rows(batch({})).place.empty());
}

}  // namespace
}  // namespace filbert
