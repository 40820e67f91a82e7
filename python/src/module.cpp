#include <filbert/version.h>

#include "bindings.h"

NB_MODULE(_filbert, module) {
  namespace python = filbert::python;
  module.doc() = "The C++ side of filbert. Use the package's own names; these may change with any version.";
  module.attr("__version__") = FILBERT_VERSION;
  python::bind_errors(module);
  python::bind_hub(module);
  python::bind_tokenizer(module);
  python::bind_models(module);
  python::bind_classifier(module);
  python::bind_entities(module);
  python::bind_explain(module);
}
