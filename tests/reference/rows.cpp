#include "reference/rows.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace filbert::reference {

Row random_row(Random& random, const TinyCheckpoint& checkpoint, std::size_t length) {
  Row row;
  const std::size_t second = random.between(0, 2 * length);  // where text_pair begins; half of the rows have none
  const std::size_t second_type = random.between(0, checkpoint.type_vocab_size - 1);
  for (std::size_t token = 0; token < length; ++token) {
    row.input_ids.push_back(static_cast<std::int32_t>(random.between(0, checkpoint.vocab_size - 1)));
    row.token_type_ids.push_back(token < second ? 0 : static_cast<std::int32_t>(second_type));
  }
  return row;
}

std::vector<Row> random_rows(Random& random, const TinyCheckpoint& checkpoint, std::size_t count) {
  std::vector<Row> rows;
  const std::size_t longest = checkpoint.max_position_embeddings;
  for (std::size_t index = 0; index < count; ++index) {
    const std::size_t length = index == 0 ? 1 : index == 1 ? longest : random.between(1, longest);
    rows.push_back(random_row(random, checkpoint, length));
  }
  return rows;
}

BatchEncoding batch_of(std::span<const Row> rows) {
  BatchEncoding batch;
  for (const Row& row : rows) batch.add_row(row.input_ids, row.token_type_ids);
  return batch;
}

BatchEncoding batch_of(const Row& row) { return batch_of(std::span(&row, 1)); }

double greatest_difference(std::span<const double> a, std::span<const double> b) {
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  double greatest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(a[i] - b[i]);
    if (!std::isfinite(difference)) return std::numeric_limits<double>::infinity();
    greatest = std::max(greatest, difference);
  }
  return greatest;
}

double greatest_difference(std::span<const float> a, std::span<const double> b) {
  return greatest_difference(std::vector<double>(a.begin(), a.end()), b);
}

bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

}  // namespace filbert::reference
