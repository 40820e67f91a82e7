// Linear layers for the way back: from the gradient of what a layer gives to that of what it takes, dx = dy · W, which is a linear layer
// again, with the weight turned. Made of the packed weights at first use and kept, as large as those.
#pragma once

#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/at_fork.h"
#include "infer/linear.h"

namespace filbert {

// The weight [out, in] of a layer in f32, as it was before packing.
std::vector<float> unpacked_weight(const KernelTable& kernels, const Linear& linear);

// May be asked from many threads at once.
class TurnedLinears {
 public:
  // [out, in] of `linear`, which must be in f32 and outlive this; without a bias.
  const Linear& of(const KernelTable& kernels, const Loop& loop, const Linear& linear);

 private:
  std::mutex mutex_;
  std::unordered_map<const Linear*, std::unique_ptr<const Linear>> turned_;
  AtFork at_fork_{[this] { mutex_.lock(); }, [this] { mutex_.unlock(); }, [this] { mutex_.unlock(); }};
};

}  // namespace filbert
