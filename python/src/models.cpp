// Stage 2: the models. What callers give is padded, as every other library wants it; what the model takes is not.
#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include <filbert/encoder.h>
#include <filbert/error.h>
#include <filbert/model.h>
#include <filbert/postprocess.h>

#include "tokenize/padding.h"

#include "arrays.h"
#include "bindings.h"

namespace filbert::python {
namespace {

// Rows without their padding, and where in a row of the caller's each begins.
struct Rows {
  BatchEncoding batch;
  std::vector<std::size_t> begins;  // [rows]
  std::size_t width = 0;            // of the caller's rows

  bool is_padded() const { return batch.total_tokens() != batch.batch_size() * width; }
};

std::int32_t as_id(std::int64_t id, std::string_view name, std::size_t row) {
  if (id < 0 || id > std::numeric_limits<std::int32_t>::max()) {
    throw Error(ErrorKind::invalid_argument, fmt::format("{}: row {}: expected ids of 0 and more, found {}", name, row, id));
  }
  return static_cast<std::int32_t>(id);
}

void check_shape(const std::optional<IdArray>& array, const IdArray& input_ids, std::string_view name) {
  if (!array || (array->shape(0) == input_ids.shape(0) && array->shape(1) == input_ids.shape(1))) return;
  throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected the shape of input_ids, [{}, {}], found [{}, {}]", name, input_ids.shape(0),
                                                       input_ids.shape(1), array->shape(0), array->shape(1)));
}

// What of a row is no padding.
std::pair<std::size_t, std::size_t> kept(const std::int64_t* mask, std::size_t width, std::size_t row, std::vector<std::int32_t>& scratch) {
  scratch.assign(width, 0);
  for (std::size_t token = 0; token < width; ++token) {
    if (mask[token] != 0 && mask[token] != 1) {
      throw Error(ErrorKind::invalid_argument, fmt::format("attention_mask: row {}: expected 0 and 1, found {}", row, mask[token]));
    }
    scratch[token] = static_cast<std::int32_t>(mask[token]);
  }
  if (const auto range = without_padding(scratch)) return *range;
  const bool empty = std::find(scratch.begin(), scratch.end(), 1) == scratch.end();
  throw Error(ErrorKind::invalid_argument, fmt::format("attention_mask: row {}: expected ones, with zeros before or behind them for padding, found {}", row,
                                                       empty ? "zeros alone" : "a zero between ones"));
}

Rows rows_of(const IdArray& input_ids, const std::optional<IdArray>& attention_mask, const std::optional<IdArray>& token_type_ids) {
  check_shape(attention_mask, input_ids, "attention_mask");
  check_shape(token_type_ids, input_ids, "token_type_ids");
  Rows rows;
  rows.width = input_ids.shape(1);
  std::vector<std::int32_t> ids, types, scratch;
  for (std::size_t row = 0; row < input_ids.shape(0); ++row) {
    const std::size_t start = row * rows.width;
    const auto [begin, end] = attention_mask ? kept(attention_mask->data() + start, rows.width, row, scratch) : std::pair(std::size_t{0}, rows.width);
    ids.clear();
    types.clear();
    for (std::size_t token = begin; token < end; ++token) {
      ids.push_back(as_id(input_ids.data()[start + token], "input_ids", row));
      if (token_type_ids) types.push_back(as_id(token_type_ids->data()[start + token], "token_type_ids", row));
    }
    rows.batch.add_row(ids, types);
    rows.begins.push_back(begin);
  }
  return rows;
}

// [total_tokens, columns] as [rows, width, columns], zeros where the caller's rows have padding.
nb::object with_padding(Tensor&& tensor, const Rows& rows) {
  const std::size_t columns = tensor.shape.back(), count = rows.batch.batch_size();
  if (!rows.is_padded()) return as_array(std::move(tensor.data), {count, rows.width, columns});
  std::vector<float> numbers(count * rows.width * columns);
  for (std::size_t row = 0; row < count; ++row) {
    const auto from = tensor.data.begin() + static_cast<std::ptrdiff_t>(rows.batch.row_starts[row] * columns);
    std::copy_n(from, rows.batch.row_length(row) * columns, numbers.begin() + static_cast<std::ptrdiff_t>((row * rows.width + rows.begins[row]) * columns));
  }
  return as_array(std::move(numbers), {count, rows.width, columns});
}

// Of each row [heads, tokens, tokens], as [rows, heads, width, width], zeros for padding.
nb::object attentions_with_padding(const std::vector<Tensor>& of_rows, const Rows& rows) {
  const std::size_t heads = of_rows.empty() ? 0 : of_rows.front().shape[0], width = rows.width;
  std::vector<float> numbers(of_rows.size() * heads * width * width);
  for (std::size_t row = 0; row < of_rows.size(); ++row) {
    const std::size_t tokens = rows.batch.row_length(row), begin = rows.begins[row];
    for (std::size_t head = 0; head < heads; ++head) {
      for (std::size_t query = 0; query < tokens; ++query) {
        const auto from = of_rows[row].data.begin() + static_cast<std::ptrdiff_t>((head * tokens + query) * tokens);
        std::copy_n(from, tokens, numbers.begin() + static_cast<std::ptrdiff_t>(((row * heads + head) * width + begin + query) * width + begin));
      }
    }
  }
  return as_array(std::move(numbers), {of_rows.size(), heads, width, width});
}

// What there is to give of `outputs`: (hidden_states, attentions), None where not asked for.
nb::tuple outputs_of(EncoderOutputs&& outputs, const OutputOptions& options, const Rows& rows) {
  nb::list hidden_states, attentions;
  for (Tensor& layer : outputs.hidden_states) hidden_states.append(with_padding(std::move(layer), rows));
  for (const auto& layer : outputs.attentions) attentions.append(attentions_with_padding(layer, rows));
  return nb::make_tuple(options.output_hidden_states ? nb::object(nb::tuple(hidden_states)) : nb::none(),
                        options.output_attentions ? nb::object(nb::tuple(attentions)) : nb::none());
}

using OptionalIds = std::optional<IdArray>;

// (logits, hidden_states, attentions)
template <typename Model>
nb::object forward(const Model& model, const IdArray& input_ids, const OptionalIds& attention_mask, const OptionalIds& token_type_ids,
                   bool output_hidden_states, bool output_attentions) {
  constexpr bool kOfTexts = std::is_same_v<Model, AutoModelForSequenceClassification>, kHasHead = !std::is_same_v<Model, AutoModel>;
  const OutputOptions options{.output_hidden_states = output_hidden_states || !kHasHead, .output_attentions = output_attentions};
  Rows rows;
  Tensor logits;
  EncoderOutputs outputs;
  {
    const nb::gil_scoped_release release;
    rows = rows_of(input_ids, attention_mask, token_type_ids);
    if constexpr (kHasHead) {
      auto result = model(rows.batch, options);
      logits = std::move(result.logits);
      outputs = std::move(result.outputs);
    } else {
      outputs = model(rows.batch, options);
    }
  }
  nb::object given = nb::none();
  if constexpr (kOfTexts) {
    given = as_array(std::move(logits.data), {rows.batch.batch_size(), model.config().num_labels()});
  } else if constexpr (kHasHead) {
    given = with_padding(std::move(logits), rows);
  }
  const nb::tuple more = outputs_of(std::move(outputs), options, rows);
  return nb::make_tuple(given, more[0], more[1]);
}

void set_model_options(ModelOptions* self, unsigned num_threads, std::optional<std::string> dtype, std::size_t max_batch_tokens) {
  new (self) ModelOptions{.num_threads = num_threads, .max_batch_tokens = max_batch_tokens};
  if (dtype) self->dtype = compute_dtype_from_name(*dtype);
}

template <typename Model>
void bind_model(nb::module_& module, const char* name) {
  nb::class_<Model>(module, name)
      .def_static("from_pretrained", [](const std::filesystem::path& directory, const ModelOptions& options) {
        const nb::gil_scoped_release release;
        return Model::from_pretrained(directory, options);
      })
      .def("forward", &forward<Model>, nb::arg("input_ids"), nb::arg("attention_mask").none(), nb::arg("token_type_ids").none(),
           nb::arg("output_hidden_states"), nb::arg("output_attentions"))
      .def_prop_ro("config", [](const Model& model) { return model.config(); })
      .def_prop_ro("num_threads", &Model::num_threads)
      .def_prop_ro("kernels", [](const Model& model) { return std::string(model.kernels()); })
      .def_prop_ro("weight_bytes", &Model::weight_bytes)
      .def_prop_ro("num_parameters", &Model::num_parameters)
      .def_prop_ro("file_dtype", &Model::dtype)
      .def_prop_ro("compute_dtype", [](const Model& model) { return std::string(filbert::name(model.compute_dtype())); });
}

}  // namespace

void bind_models(nb::module_& module) {
  nb::class_<ModelOptions>(module, "ModelOptions")
      .def("__init__", &set_model_options, nb::arg("num_threads") = 0, nb::arg("dtype") = nb::none(),
           nb::arg("max_batch_tokens") = ModelOptions{}.max_batch_tokens);
  bind_model<AutoModelForSequenceClassification>(module, "SequenceClassifier");
  bind_model<AutoModelForTokenClassification>(module, "TokenClassifier");
  bind_model<AutoModel>(module, "Encoder");
}

}  // namespace filbert::python
