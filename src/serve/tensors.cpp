#include "serve/tensors.h"

#include <bit>
#include <charconv>
#include <cstring>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "serve/problem.h"
#include "serve/request_json.h"

namespace filbert::serve {
namespace {

static_assert(std::endian::native == std::endian::little);  // as the bytes of tensors are

constexpr std::size_t kMostElements = 100'000'000;  // more than any body holds
constexpr int kMostNested = 8;

[[noreturn]] void refuse_bytes(const std::string& where, const std::string& message) {
  throw Problem(ProblemKind::malformed, fmt::format("{}: {}", where, message));
}

std::size_t elements_of(const JsonValue& shape, std::vector<std::size_t>& sizes) {
  std::size_t elements = 1;
  shape.for_each_element([&](const JsonValue& size) {
    sizes.push_back(as_count(size, {}));
    if (sizes.back() != 0 && elements > kMostElements / sizes.back()) shape.fail(fmt::format("at most {} elements", kMostElements));
    elements *= sizes.back();
  });
  return elements;
}

void read_element(const JsonValue& value, InputTensor& tensor) {
  if (tensor.datatype == "BYTES") {
    tensor.strings.emplace_back(value.as_string());
    return;
  }
  tensor.numbers.push_back(static_cast<std::int32_t>(as_count(value, {.most = std::numeric_limits<std::int32_t>::max()})));
}

// "data" is nested as the shape says, or flat: the elements come in the same order.
void read_data(const JsonValue& data, int depth, InputTensor& tensor) {
  if (depth > kMostNested) data.fail(fmt::format("at most {} arrays in one another", kMostNested));
  data.for_each_element([&](const JsonValue& element) {
    if (element.is_array()) {
      read_data(element, depth + 1, tensor);
    } else {
      read_element(element, tensor);
    }
  });
}

template <class Number>
Number number_at(std::string_view bytes, std::size_t at) {
  Number number;
  std::memcpy(&number, bytes.data() + at, sizeof number);
  return number;
}

// Each string stands behind its length, 4 bytes.
void read_strings(std::string_view bytes, InputTensor& tensor) {
  for (std::size_t at = 0; at < bytes.size();) {
    if (bytes.size() - at < 4) refuse_bytes(tensor.where, "expected a length of 4 bytes, found fewer");
    const std::size_t length = number_at<std::uint32_t>(bytes, at);
    at += 4;
    if (bytes.size() - at < length) refuse_bytes(tensor.where, fmt::format("expected {} bytes of a string, found {}", length, bytes.size() - at));
    const std::string_view text = bytes.substr(at, length);
    if (count_invalid_utf8(text) != 0) refuse_bytes(tensor.where, fmt::format("element {}: expected UTF-8, found ill-formed bytes", tensor.strings.size()));
    tensor.strings.emplace_back(text);
    at += length;
  }
}

template <class Number>
void read_numbers(std::string_view bytes, InputTensor& tensor) {
  if (bytes.size() % sizeof(Number) != 0) refuse_bytes(tensor.where, fmt::format("expected elements of {} bytes, found {} bytes", sizeof(Number), bytes.size()));
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(Number)) {
    const auto number = number_at<Number>(bytes, at);
    if (number < 0 || number > std::numeric_limits<std::int32_t>::max()) {
      throw Problem(ProblemKind::invalid, fmt::format("{}: expected numbers from 0 to 2147483647, found {}", tensor.where, number));
    }
    tensor.numbers.push_back(static_cast<std::int32_t>(number));
  }
}

void read_binary(std::string_view bytes, InputTensor& tensor) {
  if (tensor.datatype == "BYTES") {
    read_strings(bytes, tensor);
  } else if (tensor.datatype == "INT64") {
    read_numbers<std::int64_t>(bytes, tensor);
  } else {
    read_numbers<std::int32_t>(bytes, tensor);
  }
}

// Takes what belongs to the tensor off `bytes`.
InputTensor read_tensor(const JsonValue& input, std::string_view& bytes) {
  InputTensor tensor{.name = std::string(input.at("name").as_string()), .datatype = std::string(input.at("datatype").as_string()),
                     .shape = {}, .strings = {}, .numbers = {}, .where = input.where()};
  if (tensor.datatype != "BYTES" && tensor.datatype != "INT64" && tensor.datatype != "INT32") input.at("datatype").fail("BYTES, INT64 or INT32");
  const std::size_t elements = elements_of(input.at("shape"), tensor.shape);
  const auto parameters = input.find("parameters");
  if (parameters && parameters->find("shared_memory_region")) {
    throw Problem(ProblemKind::unsupported, fmt::format("{}: expected data, found shared memory, which this server does not read", tensor.where));
  }
  if (const auto size = parameters ? count_field(*parameters, "binary_data_size", {}) : std::nullopt) {
    if (*size > bytes.size()) refuse_bytes(tensor.where, fmt::format("expected {} bytes behind the JSON, found {}", *size, bytes.size()));
    read_binary(bytes.substr(0, *size), tensor);
    bytes.remove_prefix(*size);
  } else {
    read_data(input.at("data"), 1, tensor);
  }
  const std::size_t found = tensor.datatype == "BYTES" ? tensor.strings.size() : tensor.numbers.size();
  if (found != elements) throw Problem(ProblemKind::invalid, fmt::format("{}: expected {} elements, as its shape says, found {}", tensor.where, elements, found));
  return tensor;
}

void append_number(auto number, std::string& bytes) {
  char raw[sizeof number];
  std::memcpy(raw, &number, sizeof number);
  bytes.append(raw, sizeof number);
}

}  // namespace

TensorBody split_body(const HttpRequest& request) {
  const std::string_view length = request.header("inference-header-content-length");
  if (length.empty()) return {request.body, {}};
  std::size_t json_bytes = 0;
  const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), json_bytes);
  if (error != std::errc{} || end != length.data() + length.size() || json_bytes > request.body.size()) {
    throw Problem(ProblemKind::malformed, fmt::format("Inference-Header-Content-Length: expected a number of bytes, at most {}, found \"{}\"",
                                                      request.body.size(), length));
  }
  const std::string_view body = request.body;
  return {body.substr(0, json_bytes), body.substr(json_bytes)};
}

std::vector<InputTensor> read_tensors(const JsonValue& inputs, std::string_view bytes) {
  std::vector<InputTensor> tensors;
  inputs.for_each_element([&](const JsonValue& input) {
    tensors.push_back(read_tensor(input, bytes));
    for (std::size_t before = 0; before + 1 < tensors.size(); ++before) {
      if (tensors[before].name == tensors.back().name) input.at("name").fail("a name that no other input has");
    }
  });
  if (!bytes.empty()) refuse_bytes(inputs.where(), fmt::format("expected no more bytes behind the JSON than binary_data_size says, found {}", bytes.size()));
  return tensors;
}

void write_tensor(const OutputTensor& tensor, JsonWriter& json, std::string& bytes) {
  json.begin_object();
  json.field("name", tensor.name);
  json.field("datatype", tensor.is_bytes ? "BYTES" : "FP32");
  json.key("shape");
  json.array(tensor.shape);
  if (!tensor.binary) {
    json.key("data");
    tensor.is_bytes ? json.array(tensor.strings) : json.array(tensor.numbers);
  } else {
    const std::size_t begin = bytes.size();
    for (const float number : tensor.numbers) append_number(number, bytes);
    for (const std::string& text : tensor.strings) {
      append_number(static_cast<std::uint32_t>(text.size()), bytes);
      bytes += text;
    }
    json.key("parameters");
    json.begin_object();
    json.field("binary_data_size", bytes.size() - begin);
    json.end_object();
  }
  json.end_object();
}

}  // namespace filbert::serve
