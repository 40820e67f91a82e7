// How far the inputs of linear layers vary, which no weight says: what a layer norm gives lies around its bias in theory, and in trained
// encoders around something else.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "infer/linear.h"

namespace filbert {

struct Model;

struct InputRange {
  std::size_t rows;                   // that were seen
  std::vector<float> mean, deviation;  // [in]
};
// By Linear::name.
using InputRanges = std::map<std::string, InputRange, std::less<>>;

// Sees what passes through prepare(). One thread at a time.
class InputObserver {
 public:
  void see(const Linear& linear, const Rows& x);
  InputRanges ranges() const;

 private:
  struct Seen {
    std::size_t rows = 0;
    std::vector<double> sum, squares;  // [in]
  };
  std::map<std::string, Seen, std::less<>> seen_;
};

// Runs a model in f32 over `inputs`. The numbers depend on the kernel table, and on no number of threads.
InputRanges measure_inputs(const Model& model, const BatchEncoding& inputs);

}  // namespace filbert
