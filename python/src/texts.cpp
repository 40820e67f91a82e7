#include "texts.h"

#include <fmt/format.h>

#include <filbert/error.h>

namespace filbert::python {
namespace {

std::string class_name(nb::handle object) {
  if (object.is_none()) return "None";
  return nb::cast<std::string>(nb::str(object.type().attr("__name__")));
}

// What a person sees of a value that is no text: "None", "nan (float)", "b'text' (bytes)".
std::string shown(nb::handle object) {
  if (object.is_none()) return "None";
  nb::object repr = nb::steal(PyObject_Repr(object.ptr()));
  std::size_t bytes = 0;
  const char* const text = repr.is_valid() ? PyUnicode_AsUTF8AndSize(repr.ptr(), reinterpret_cast<Py_ssize_t*>(&bytes)) : nullptr;
  PyErr_Clear();
  if (text == nullptr || bytes > 40) return "a value of type " + class_name(object);
  return fmt::format("{} ({})", std::string_view(text, bytes), class_name(object));
}

// PyUnicode_AsUTF8AndSize has failed: half of a surrogate pair, which is no character and has no UTF-8, or no memory.
std::string lone_surrogate(nb::handle text, const std::string& where) {
  if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) throw nb::python_error();
  nb::python_error failure;
  const auto at = nb::cast<std::size_t>(failure.value().attr("start"));
  return fmt::format("{}: expected text, found half of a surrogate pair, {}, at character {}; text.encode(\"utf-8\", \"replace\").decode() is without", where,
                     nb::cast<std::string>(nb::str(nb::steal(PyObject_ASCII(nb::object(text[nb::int_(at)]).ptr())))), at);
}

// Empty and a message where it is no text.
std::string_view text_or_error(nb::handle text, const std::string& where, std::string& error) {
  if (!PyUnicode_Check(text.ptr())) {
    error = fmt::format("{}: expected text (str), found {}", where, shown(text));
    return {};
  }
  Py_ssize_t bytes = 0;
  const char* const data = PyUnicode_AsUTF8AndSize(text.ptr(), &bytes);
  if (data == nullptr) {
    error = lone_surrogate(text, where);
    return {};
  }
  return {data, static_cast<std::size_t>(bytes)};
}

// A str is as fast as this gets; the row is only named where something is wrong.
std::string_view text_of_row(nb::handle text, std::size_t row, const char* part, std::string& error) {
  if (PyUnicode_Check(text.ptr())) {
    Py_ssize_t bytes = 0;
    if (const char* const data = PyUnicode_AsUTF8AndSize(text.ptr(), &bytes)) return {data, static_cast<std::size_t>(bytes)};
    PyErr_Clear();  // text_or_error() meets it again
  }
  return text_or_error(text, fmt::format("row {}{}", row, part), error);
}

}  // namespace

void throw_not_text(const std::string& message) {
  const nb::object raised = nb::module_::import_("filbert.errors").attr("NotTextError");
  PyErr_SetObject(raised.ptr(), nb::str(message.c_str(), message.size()).ptr());
  throw nb::python_error();
}

std::string_view text_of(nb::handle text, const std::string& where) {
  std::string error;
  const std::string_view view = text_or_error(text, where, error);
  if (!error.empty()) throw_not_text(error);
  return view;
}

Texts::Texts(nb::handle texts, nb::handle text_pairs, std::size_t first_row, bool keep_errors) {
  const std::size_t count = nb::len(texts);
  if (!text_pairs.is_none() && nb::len(text_pairs) != count) {
    throw Error(ErrorKind::invalid_argument, fmt::format("text_pair: expected {} texts, as many as there are in text, found {}", count, nb::len(text_pairs)));
  }
  inputs.reserve(count);
  for (std::size_t row = 0; row < count; ++row) {
    std::string error;
    nb::object text = texts[row];
    TextInput input{text_of_row(text, first_row + row, "", error), std::nullopt};
    held_.append(text);
    if (error.empty() && !text_pairs.is_none()) {
      nb::object pair = text_pairs[row];
      if (!pair.is_none()) input.text_pair = text_of_row(pair, first_row + row, ", text_pair", error);
      held_.append(pair);
    }
    if (error.empty()) {
      inputs.push_back(input);
      continue;
    }
    if (!keep_errors) throw_not_text(error);
    errors.resize(count);
    errors[row] = std::move(error);
  }
}

Words::Words(nb::handle texts, const std::string& delimiter, std::size_t first_row) : delimiter_(delimiter) {
  const std::size_t count = nb::len(texts);
  words_.reserve(count);
  for (std::size_t row = 0; row < count; ++row) {
    nb::object text = texts[row];
    if (!nb::isinstance<nb::list>(text) && !nb::isinstance<nb::tuple>(text)) {
      throw_not_text(fmt::format("row {}: expected a list of words, found {}", first_row + row, shown(text)));
    }
    std::vector<std::string_view>& words = words_.emplace_back();
    for (std::size_t word = 0; word < nb::len(text); ++word) {
      std::string error;
      nb::object piece = text[word];
      words.push_back(text_or_error(piece, fmt::format("row {}, word {}", first_row + row, word), error));
      if (!error.empty()) throw_not_text(error);
      held_.append(piece);
    }
  }
  for (const auto& words : words_) inputs.push_back({.words = words, .delimiter = delimiter_});
}

}  // namespace filbert::python
