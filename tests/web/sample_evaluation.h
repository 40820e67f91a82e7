// Evaluations of made-up scores, for tests of their page.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <filbert/evaluate.h>

namespace filbert::reference {

// The names of their pages: "evaluation", of five ordered labels with every notice there is; "evaluation_two", of two models; "evaluation_multi";
// "evaluation_regression"; "evaluation_many", of too many labels for a matrix, with names and texts that want to be markup.
std::vector<std::pair<std::string, EvaluationReport>> sample_evaluations();

}  // namespace filbert::reference
