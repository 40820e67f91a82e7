#include "infer/input_ranges.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "infer/architecture.h"
#include "infer/model.h"

namespace filbert {

void InputObserver::see(const Linear& linear, const Rows& x) {
  if (linear.name.empty()) return;
  Seen& seen = seen_[linear.name];
  seen.sum.resize(linear.in);
  seen.squares.resize(linear.in);
  seen.rows += x.rows;
  for (std::size_t row = 0; row < x.rows; ++row) {
    const float* numbers = x.x + row * x.stride;
    for (std::size_t k = 0; k < linear.in; ++k) {
      seen.sum[k] += numbers[k];
      seen.squares[k] += static_cast<double>(numbers[k]) * numbers[k];
    }
  }
}

InputRanges InputObserver::ranges() const {
  InputRanges ranges;
  for (const auto& [name, seen] : seen_) {
    InputRange& range = ranges[name];
    range.rows = seen.rows;
    for (std::size_t k = 0; k < seen.sum.size(); ++k) {
      const double rows = static_cast<double>(seen.rows), mean = seen.sum[k] / rows;
      range.mean.push_back(static_cast<float>(mean));
      range.deviation.push_back(static_cast<float>(std::sqrt(std::max(0.0, seen.squares[k] / rows - mean * mean))));
    }
  }
  return ranges;
}

InputRanges measure_inputs(const Model& model, const BatchEncoding& inputs) {
  assert(model.dtype == ComputeDtype::f32);
  check_inputs(inputs, model);
  InputObserver observer;
  Workspace workspace;
  workspace.prepared.observer = &observer;
  std::vector<Unit> units;
  cut_into_units(inputs.row_starts, inputs.token_type_ids, num_units(model, inputs.input_ids.size()), model.max_batch_tokens, units);
  const Loop loop{&model.pool};
  for (const Unit& unit : units) {
    model.architecture.embed(model, loop, inputs, unit, workspace);
    model.architecture.encode(model, loop, unit, workspace);
  }
  return observer.ranges();
}

}  // namespace filbert
