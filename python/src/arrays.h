// Arrays of numpy that own a vector of the library: nothing is copied on the way out.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <nanobind/ndarray.h>

#include "bindings.h"

namespace filbert::python {

template <typename T>
nb::object as_array(std::vector<T>&& numbers, std::initializer_list<std::size_t> shape) {
  auto kept = std::make_unique<std::vector<T>>(std::move(numbers));
  T* const data = kept->data();
  nb::capsule owner(kept.get(), [](void* vector) noexcept { delete static_cast<std::vector<T>*>(vector); });
  static_cast<void>(kept.release());  // the capsule's from here on
  return nb::cast(nb::ndarray<nb::numpy, T>(data, shape.size(), shape.begin(), owner));
}

// What a caller gives as ids or masks; the package's Python side makes such arrays of whatever it is given.
using IdArray = nb::ndarray<const std::int64_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

}  // namespace filbert::python
