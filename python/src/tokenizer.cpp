// Stage 1: Tokenizer, and Encoding, the rows that it makes, which give themselves as lists or as padded arrays.
#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include <filbert/error.h>
#include <filbert/tokenizer.h>

#include "tokenize/tokenizer.h"

#include "arrays.h"
#include "bindings.h"
#include "texts.h"

namespace filbert::python {
namespace {

struct FieldRow {
  std::string_view name;
  std::vector<std::int32_t> BatchEncoding::* column;
};
constexpr std::array<FieldRow, 5> kFields = {{{"input_ids", &BatchEncoding::input_ids},
                                              {"token_type_ids", &BatchEncoding::token_type_ids},
                                              {"special_tokens_mask", &BatchEncoding::special_tokens_mask},
                                              {"word_ids", &BatchEncoding::word_ids},
                                              {"sequence_ids", &BatchEncoding::sequence_ids}}};

const std::vector<std::int32_t>& column_of(const BatchEncoding& rows, std::string_view name) {
  const auto field = std::find_if(kFields.begin(), kFields.end(), [&](const FieldRow& row) { return row.name == name; });
  if (field == kFields.end()) throw Error(ErrorKind::invalid_argument, fmt::format("field: expected one of an encoding's, found \"{}\"", name));
  return rows.*field->column;
}

// How rows become equally long: tokens before or behind each, up to `length`; 0: they stay as they are.
struct Padding {
  std::size_t length = 0;
  bool left = false;

  std::size_t of(std::size_t row_length) const { return length > row_length ? length - row_length : 0; }
};

// A list of each row: `value_of(token)` for every token, `pad` for what is put around them.
template <typename ValueOf>
nb::list lists(const BatchEncoding& rows, const Padding& padding, const nb::object& pad, const ValueOf& value_of) {
  nb::list all;
  for (std::size_t row = 0; row < rows.batch_size(); ++row) {
    nb::list list;
    const std::size_t more = padding.of(rows.row_length(row));
    for (std::size_t token = 0; padding.left && token < more; ++token) list.append(pad);
    for (std::size_t token = rows.row_starts[row]; token < rows.row_starts[row + 1]; ++token) list.append(value_of(token));
    for (std::size_t token = 0; !padding.left && token < more; ++token) list.append(pad);
    all.append(list);
  }
  return all;
}

nb::list field_lists(const BatchEncoding& rows, std::string_view name, std::size_t length, std::int32_t pad, bool left) {
  const auto& column = column_of(rows, name);
  return lists(rows, {length, left}, nb::int_(pad), [&](std::size_t token) { return nb::int_(column[token]); });
}

nb::list mask_lists(const BatchEncoding& rows, std::size_t length, bool left) {
  const nb::int_ one(1);
  return lists(rows, {length, left}, nb::int_(0), [&](std::size_t) { return one; });
}

nb::list offset_lists(const BatchEncoding& rows, std::size_t length, bool left) {
  return lists(rows, {length, left}, nb::make_tuple(0, 0),
               [&](std::size_t token) { return nb::make_tuple(rows.offset_mapping[token].begin, rows.offset_mapping[token].end); });
}

std::size_t width_of(const BatchEncoding& rows, std::size_t length) {
  for (std::size_t row = 0; row < rows.batch_size(); ++row) length = std::max(length, rows.row_length(row));
  return length;
}

// [rows, width]; `put(token, where)` writes a token's numbers, of which each has `columns`.
template <typename Put>
std::vector<std::int64_t> padded(const BatchEncoding& rows, std::size_t width, bool left, std::int64_t pad, std::size_t columns, const Put& put) {
  std::vector<std::int64_t> numbers(rows.batch_size() * width * columns, pad);
  for (std::size_t row = 0; row < rows.batch_size(); ++row) {
    const std::size_t before = left ? width - rows.row_length(row) : 0;
    std::int64_t* to = numbers.data() + (row * width + before) * columns;
    for (std::size_t token = rows.row_starts[row]; token < rows.row_starts[row + 1]; ++token, to += columns) put(token, to);
  }
  return numbers;
}

nb::object field_array(const BatchEncoding& rows, std::string_view name, std::size_t length, std::int32_t pad, bool left) {
  const auto& column = column_of(rows, name);
  const std::size_t width = width_of(rows, length);
  return as_array(padded(rows, width, left, pad, 1, [&](std::size_t token, std::int64_t* to) { *to = column[token]; }), {rows.batch_size(), width});
}

nb::object mask_array(const BatchEncoding& rows, std::size_t length, bool left) {
  const std::size_t width = width_of(rows, length);
  return as_array(padded(rows, width, left, 0, 1, [](std::size_t, std::int64_t* to) { *to = 1; }), {rows.batch_size(), width});
}

nb::object offset_array(const BatchEncoding& rows, std::size_t length, bool left) {
  const std::size_t width = width_of(rows, length);
  return as_array(padded(rows, width, left, 0, 2, [&](std::size_t token, std::int64_t* to) {
                    to[0] = static_cast<std::int64_t>(rows.offset_mapping[token].begin);
                    to[1] = static_cast<std::int64_t>(rows.offset_mapping[token].end);
                  }), {rows.batch_size(), width, 2});
}

std::vector<std::size_t> lengths(const BatchEncoding& rows) {
  std::vector<std::size_t> all(rows.batch_size());
  for (std::size_t row = 0; row < all.size(); ++row) all[row] = rows.row_length(row);
  return all;
}

std::vector<std::size_t> tokens_total(const BatchEncoding& rows) {
  std::vector<std::size_t> all(rows.batch_size());
  for (std::size_t row = 0; row < all.size(); ++row) all[row] = rows.rows[row].tokens_total;
  return all;
}

void set_encode_options(EncodeOptions* self, bool add_special_tokens, std::string_view truncation, std::optional<std::size_t> max_length,
                        bool return_overflowing_tokens, std::size_t stride, bool return_offsets_mapping, unsigned num_threads) {
  new (self) EncodeOptions{.add_special_tokens = add_special_tokens, .truncation = truncation_from_name(truncation), .max_length = max_length,
                           .return_overflowing_tokens = return_overflowing_tokens, .stride = stride, .return_offsets_mapping = return_offsets_mapping,
                           .num_threads = num_threads};
}

BatchEncoding encode(const Tokenizer& tokenizer, nb::handle texts, nb::handle text_pairs, const EncodeOptions& options) {
  const Texts held(texts, text_pairs);
  const nb::gil_scoped_release release;
  return tokenizer(held.inputs, options);
}

BatchEncoding encode_words(const Tokenizer& tokenizer, nb::handle texts, const EncodeOptions& options) {
  const Words held(texts, " ");
  const nb::gil_scoped_release release;
  return tokenizer(held.inputs, options);
}

nb::list ids_to_tokens(const Tokenizer& tokenizer, const std::vector<std::int32_t>& ids) {
  nb::list tokens;
  for (const std::int32_t id : ids) tokens.append(as_str(tokenizer.id_to_token(id)));
  return tokens;
}

std::vector<std::optional<std::int32_t>> tokens_to_ids(const Tokenizer& tokenizer, const std::vector<std::string>& tokens) {
  std::vector<std::optional<std::int32_t>> ids;
  for (const std::string& token : tokens) ids.push_back(tokenizer.token_to_id(token));
  return ids;
}

nb::dict special_tokens(const Tokenizer& tokenizer) {
  struct Role {
    const char* name;
    std::optional<std::string> (Tokenizer::*token)() const;
  };
  static constexpr Role kRoles[] = {{"bos_token", &Tokenizer::bos_token}, {"eos_token", &Tokenizer::eos_token}, {"unk_token", &Tokenizer::unk_token},
                                    {"sep_token", &Tokenizer::sep_token}, {"pad_token", &Tokenizer::pad_token}, {"cls_token", &Tokenizer::cls_token},
                                    {"mask_token", &Tokenizer::mask_token}};
  nb::dict tokens;
  for (const Role& role : kRoles) {
    if (const auto token = (tokenizer.*role.token)()) tokens[role.name] = as_str(*token);
  }
  return tokens;
}

nb::dict vocab(const Tokenizer& tokenizer) {
  nb::dict ids;
  for (std::size_t id = 0; id < tokenizer.vocab_size(); ++id) {
    const std::string_view token = tokenizer.id_to_token(static_cast<std::int32_t>(id));
    if (!token.empty()) ids[as_str(token)] = id;
  }
  return ids;
}

}  // namespace

void bind_tokenizer(nb::module_& module) {
  nb::class_<EncodeOptions>(module, "EncodeOptions")
      .def("__init__", &set_encode_options, nb::arg("add_special_tokens") = true, nb::arg("truncation") = "do_not_truncate", nb::arg("max_length") = nb::none(),
           nb::arg("return_overflowing_tokens") = false, nb::arg("stride") = 0, nb::arg("return_offsets_mapping") = false, nb::arg("num_threads") = 0);
  nb::class_<BatchEncoding>(module, "Encoding", "Rows of tokens, end to end.")
      .def("__len__", &BatchEncoding::batch_size)
      .def("lists", &field_lists, nb::arg("field"), nb::arg("length") = 0, nb::arg("pad") = 0, nb::arg("left") = false)
      .def("mask_lists", &mask_lists, nb::arg("length") = 0, nb::arg("left") = false)
      .def("offset_lists", &offset_lists, nb::arg("length") = 0, nb::arg("left") = false)
      .def("array", &field_array, nb::arg("field"), nb::arg("length") = 0, nb::arg("pad") = 0, nb::arg("left") = false)
      .def("mask_array", &mask_array, nb::arg("length") = 0, nb::arg("left") = false)
      .def("offset_array", &offset_array, nb::arg("length") = 0, nb::arg("left") = false)
      .def_prop_ro("lengths", &lengths)
      .def_prop_ro("tokens_total", &tokens_total)
      .def_prop_ro("overflow_to_sample_mapping", [](const BatchEncoding& rows) { return rows.overflow_to_sample_mapping; });
  nb::class_<Tokenizer>(module, "Tokenizer")
      .def_static("from_pretrained", [](const std::filesystem::path& directory) {
        const nb::gil_scoped_release release;
        return AutoTokenizer::from_pretrained(directory);
      })
      .def("encode", &encode, nb::arg("texts"), nb::arg("text_pairs").none(), nb::arg("options"))
      .def("encode_words", &encode_words, nb::arg("texts"), nb::arg("options"))
      .def("convert_tokens_to_string", [](const Tokenizer& tokenizer, const std::vector<std::string>& tokens) {
        return as_str(tokenizer.convert_tokens_to_string(tokens));
      }, nb::arg("tokens"))
      .def_prop_ro("size", &Tokenizer::vocab_size, "Tokens, added ones included.")
      .def_prop_ro("vocab_size", [](const Tokenizer& tokenizer) { return tokenizer.internals().vocab().size(); }, "Tokens of the model alone.")
      .def_prop_ro("model_max_length", &Tokenizer::model_max_length)
      .def_prop_ro("model_name", [](const Tokenizer& tokenizer) {
        const auto& sections = tokenizer.internals().sections;
        return sections ? sections->model_name() : std::string_view("WordPiece");
      })
      .def_prop_ro("description", &Tokenizer::description)
      .def_prop_ro("doubts", &Tokenizer::doubts)
      .def_prop_ro("lowercases", &Tokenizer::lowercases)
      .def_prop_ro("all_special_ids", &Tokenizer::all_special_ids)
      .def_prop_ro("special_tokens", &special_tokens, "{role: token} of those that there are.")
      .def_prop_ro("all_special_tokens", &Tokenizer::all_special_tokens)
      .def_prop_ro("pads_left", &Tokenizer::pads_left)
      .def("decode", [](const Tokenizer& tokenizer, const std::vector<std::int32_t>& ids, bool skip_special_tokens, std::optional<bool> clean_up) {
        return as_str(tokenizer.decode(ids, {.skip_special_tokens = skip_special_tokens, .clean_up_tokenization_spaces = clean_up}));
      }, nb::arg("ids"), nb::arg("skip_special_tokens") = false, nb::arg("clean_up_tokenization_spaces") = nb::none())
      .def("token_to_id", &Tokenizer::token_to_id, nb::arg("token"))
      .def("tokens_to_ids", &tokens_to_ids, nb::arg("tokens"))
      .def("ids_to_tokens", &ids_to_tokens, nb::arg("ids"))
      .def("vocab", &vocab);
}

}  // namespace filbert::python
