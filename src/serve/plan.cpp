#include "serve/plan.h"

namespace filbert::serve {

void ClassifyResult::throw_problems() const {
  for (const Outcome& outcome : outcomes) {
    if (outcome.problem) throw *outcome.problem;
  }
}

}  // namespace filbert::serve
