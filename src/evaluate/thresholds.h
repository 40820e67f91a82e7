// From which score on a label is worth believing: one pass over its scores, highest first. Tested by thresholds_test.cpp.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include <filbert/calibrate.h>

namespace filbert {

struct ScoredAnswer {
  float score = 0;
  bool is_right = false;
};

struct Threshold {
  float score = 0;     // infinity: never
  double reached = 0;  // the precision, recall or F1 there; where what was wanted cannot be had, the highest that can
  bool is_met = true;
};

// `answers` are those that a threshold chooses among, `support` how many there are to be found. Equal scores stay together. Throws nothing;
// a goal of `none` is the caller's mistake.
Threshold find_threshold(std::vector<ScoredAnswer> answers, std::size_t support, ThresholdGoal goal, double wanted);

// The lowest score from which on at least `wanted` of the answers are right, or else that of the highest share.
Threshold threshold_for_accuracy(std::vector<ScoredAnswer> answers, double wanted);

}  // namespace filbert
