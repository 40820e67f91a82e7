// Attention within a window: a query sees the keys that are at most `reach` tokens away, and no other is multiplied with it.
#pragma once

#include <cstddef>

#include "infer/attention.h"

namespace filbert {

// As attend_head(). A block of queries is multiplied with the keys that any of them sees; each query's softmax takes its own alone.
void attend_window(const KernelTable& kernels, const AttentionShape& shape, const AttentionHead& head, float scale, std::size_t reach,
                   Workspace::Attention& scratch);

}  // namespace filbert
