// The module filbert._filbert: the C++ library as the package's Python files need it. They check what people give, and have the names and the manners of
// transformers; here is what has to be fast, or to be asked of the library. Every function that computes releases the GIL.
#pragma once

#include <nanobind/nanobind.h>

namespace filbert::python {

namespace nb = nanobind;

void bind_errors(nb::module_& module);
void bind_hub(nb::module_& module);
void bind_tokenizer(nb::module_& module);
void bind_models(nb::module_& module);
void bind_classifier(nb::module_& module);
void bind_entities(nb::module_& module);
void bind_explain(nb::module_& module);

}  // namespace filbert::python
