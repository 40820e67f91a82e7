// Error becomes the exception of filbert.errors that stands in its row of error_kinds().
#include <algorithm>
#include <exception>
#include <string>

#include <filbert/error.h>

#include "bindings.h"

namespace filbert::python {
namespace {

// "invalid_argument" → InvalidArgumentError
std::string class_of(std::string_view kind) {
  std::string name;
  for (bool upper = true; const char letter : kind) {
    if (letter != '_') name += upper ? static_cast<char>(letter - 'a' + 'A') : letter;
    upper = letter == '_';
  }
  return name + "Error";
}

}  // namespace

void bind_errors(nb::module_& module) {
  module.def("error_kinds", [] {
    nb::list kinds;
    for (const ErrorKindInfo& kind : error_kinds()) {
      kinds.append(nb::make_tuple(nb::str(kind.name.data(), kind.name.size()), nb::str(class_of(kind.name).c_str()),
                                  nb::str(kind.python.data(), kind.python.size())));
    }
    return kinds;
  }, "The kinds of errors: (name, class of filbert.errors, built-in class that it is a kind of).");
  nb::register_exception_translator([](const std::exception_ptr& failure, void*) {
    try {
      std::rethrow_exception(failure);
    } catch (const Error& error) {
      const nb::object raised = nb::module_::import_("filbert.errors").attr(class_of(info(error.kind()).name).c_str());
      // What a message quotes may be anything.
      const nb::object message = nb::steal(PyUnicode_DecodeUTF8(error.what(), static_cast<Py_ssize_t>(std::string_view(error.what()).size()), "replace"));
      PyErr_SetObject(raised.ptr(), message.ptr());
    }
  });
}

}  // namespace filbert::python
