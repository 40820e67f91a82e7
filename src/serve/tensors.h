// Tensors of the Open Inference Protocol over HTTP (https://github.com/kserve/open-inference-protocol), in JSON or, by Triton's extension, in bytes
// behind it. Tested by tensors_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/json_writer.h"
#include "serve/http_message.h"

namespace filbert::serve {

// What comes first in a body, and what follows it: the header Inference-Header-Content-Length says where. Views: valid while the request lives.
struct TensorBody {
  std::string_view json;
  std::string_view bytes;
};
// Throws Problem(malformed).
TensorBody split_body(const HttpRequest& request);

// Texts, or ids.
struct InputTensor {
  std::string name;
  std::string datatype;               // BYTES, INT64 or INT32
  std::vector<std::size_t> shape;
  std::vector<std::string> strings;   // of BYTES, row-major
  std::vector<std::int32_t> numbers;  // of the others, none below 0
  std::string where;                  // "body: inputs[0]"
};
// Those of a request's "inputs", with what `bytes` has of them. Throws Error(corrupt) that names the field, and Problem: malformed (bytes that are
// not those announced), unsupported (another datatype, shared memory).
std::vector<InputTensor> read_tensors(const JsonValue& inputs, std::string_view bytes);

// FP32, or BYTES if there are strings.
struct OutputTensor {
  std::string name;
  std::vector<std::size_t> shape;
  std::vector<float> numbers = {};     // row-major
  std::vector<std::string> strings = {};
  bool is_bytes = false;
  bool binary = false;                // behind the JSON
};
// An element of a response's "outputs"; what goes behind the JSON is appended to `bytes`.
void write_tensor(const OutputTensor& tensor, JsonWriter& json, std::string& bytes);

}  // namespace filbert::serve
