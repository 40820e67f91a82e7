#include <filbert/tensor.h>

#include <functional>
#include <numeric>

namespace filbert {

Tensor::Tensor(std::vector<std::size_t> sizes)
    : shape(std::move(sizes)),
      data(shape.empty() ? 0 : std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>())) {}

}  // namespace filbert
