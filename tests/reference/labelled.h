// Token classifiers of tests/data/families with other labels.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "reference/tiny_checkpoint.h"

namespace filbert::reference {

// A copy of tests/data/families/`fixture` whose id2label is `labels`, as many as the checkpoint has.
TemporaryDirectory with_labels(const std::filesystem::path& fixture, const std::vector<std::string>& labels);

}  // namespace filbert::reference
