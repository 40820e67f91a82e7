// Rows of ids for tests of stage 2, and how to compare what comes out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <filbert/tensor.h>
#include <filbert/tokenizer.h>

#include "reference/tiny_checkpoint.h"

namespace filbert::reference {

struct Row {
  std::vector<std::int32_t> input_ids;
  std::vector<std::int32_t> token_type_ids;
};

// Random ids that `checkpoint` takes; token types of a single text or of a pair.
Row random_row(Random& random, const TinyCheckpoint& checkpoint, std::size_t length);
std::vector<Row> random_rows(Random& random, const TinyCheckpoint& checkpoint, std::size_t count);

BatchEncoding batch_of(std::span<const Row> rows);
BatchEncoding batch_of(const Row& row);

// The greatest |a − b|; infinite if the sizes differ or a number is not finite.
double greatest_difference(std::span<const double> a, std::span<const double> b);
double greatest_difference(std::span<const float> a, std::span<const double> b);

// Bit for bit, so that 0 and −0 differ.
bool same_bits(std::span<const float> a, std::span<const float> b);

}  // namespace filbert::reference
