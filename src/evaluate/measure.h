// What a decision makes of labelled rows, row by row, and the figures of that. Tested by calibrate_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <filbert/calibrate.h>

namespace filbert {

// Of the labels that answers show.
struct Judgement {
  Tensor scores;                           // [rows, labels]
  std::vector<std::uint8_t> is_true;       // [rows · labels]
  std::vector<std::uint8_t> is_predicted;  // [rows · labels] of a softmax at most one a row: none where the answer is rejected
  std::vector<std::size_t> best;           // [rows] of the highest score
  std::vector<std::uint8_t> is_rejected;   // [rows]
  std::vector<double> expected_error = {}; // [rows], or none

  void append(const Judgement& more);
};

// Throws Error(invalid_argument): sizes that contradict each other, no row, a logit that is no number, not one true label of a softmax.
void check_rows(const LabelledLogits& rows, const Decision& decision);
Judgement judge(const LabelledLogits& rows, const Decision& decision);
DecisionFigures figures(const Judgement& judged, const Decision& decision, std::size_t bins);

// The expected calibration error: answers in bins of equal width, ]0, 1/bins], ]1/bins, 2/bins], …; in each the distance between the mean score
// and the share that is right, weighted by their number. Sizes are equal.
double expected_calibration_error(const std::vector<float>& scores, const std::vector<std::uint8_t>& is_right, std::size_t bins);

}  // namespace filbert
