// Texts that Python gives, a list of str, as the library takes them: views, valid while the object lives. The strings are held, whatever becomes of the
// list, so that other threads may run meanwhile.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <filbert/tokenizer.h>

#include "bindings.h"

namespace filbert::python {

struct Texts {
  // `text_pairs` is a list as long, whose places may be None, or None itself. Throws filbert.errors.NotTextError where something is no text, and names
  // its row, counted from `first_row`; with `keep_errors` such rows are left out of `inputs` and told in `errors`.
  Texts(nb::handle texts, nb::handle text_pairs, std::size_t first_row = 0, bool keep_errors = false);

  std::vector<TextInput> inputs;
  std::vector<std::string> errors;  // [rows] empty: none; or empty itself: there are none

 private:
  nb::list held_;
};

// Texts that come as lists of words, `delimiter` between them where one text is wanted.
struct Words {
  Words(nb::handle texts, const std::string& delimiter, std::size_t first_row = 0);

  std::vector<WordsInput> inputs;

 private:
  std::string delimiter_;
  std::vector<std::vector<std::string_view>> words_;  // of each text
  nb::list held_;
};

// What the library says, as Python has it.
inline nb::str as_str(std::string_view text) {
  return nb::steal<nb::str>(PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace"));
}

// The UTF-8 of a str, valid while it lives. Throws NotTextError, led by `where`.
std::string_view text_of(nb::handle text, const std::string& where);

[[noreturn]] void throw_not_text(const std::string& message);

}  // namespace filbert::python
