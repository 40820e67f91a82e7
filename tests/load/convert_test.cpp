// A checkpoint in one safetensors file has every tensor that it had before, bit for bit, or is not written at all.
#include <filbert/convert.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "load/weight_files.h"
#include "reference/expect_error.h"
#include "reference/goldens.h"
#include "reference/tiny_checkpoint.h"
#include "reference/torch_file.h"

namespace filbert {
namespace {

using namespace reference;
namespace fs = std::filesystem;

// name, dtype, shape and bytes of every tensor
std::map<std::string, std::string> contents(const fs::path& directory) {
  std::map<std::string, std::string> out;
  for (const MappedTensors& part : map_weight_files(find_weight_files(directory))) {
    for (const TensorView& tensor : part.tensors) {
      const std::string_view data(reinterpret_cast<const char*>(tensor.data.data()), tensor.data.size());
      out[tensor.name] = tensor.dtype_name + shape_string(tensor.shape) + std::string(data);
    }
  }
  return out;
}

TEST(Convert, EveryTensorOfEveryKindBitForBit) {
  for (const char* kind : {"safetensors", "safetensors_shards", "zip", "zip_shards", "legacy"}) {
    SCOPED_TRACE(kind);
    const TemporaryDirectory made;
    const fs::path out = made.path() / "new" / "directory";
    convert_to_safetensors(pytorch_fixture(kind), out);
    EXPECT_TRUE(contents(out) == contents(pytorch_fixture(kind)));
    EXPECT_TRUE(fs::exists(out / "model.safetensors"));
    EXPECT_EQ(read_file(out / "config.json"), read_file(pytorch_fixture(kind) / "config.json"));
  }
}

TEST(Convert, OddTensorsKeepTheirDtypesAndEachBeginsAtAMultipleOfItsElements) {
  const TemporaryDirectory from, made;
  fs::copy(pytorch_fixture("tensors_zip.bin"), from.path() / "pytorch_model.bin");
  from.write("config.json", "{}");
  from.write("merges.txt", "a b\n");
  convert_to_safetensors(from.path(), made.path());
  const MappedFile file(made.path() / "model.safetensors");
  const MappedFile like(pytorch_fixture("tensors.safetensors"));
  std::map<std::string, TensorView> expected;
  for (const TensorView& tensor : parse_safetensors(like.bytes(), "tensors")) expected.emplace(tensor.name, tensor);
  const auto found = parse_safetensors(file.bytes(), "model.safetensors");
  EXPECT_EQ(found.size(), expected.size());
  for (const TensorView& tensor : found) {
    EXPECT_EQ(tensor.dtype_name, expected.at(tensor.name).dtype_name);
    EXPECT_EQ(tensor.shape, expected.at(tensor.name).shape);
    EXPECT_TRUE(std::ranges::equal(tensor.data, expected.at(tensor.name).data)) << tensor.name;
    const auto place = static_cast<std::size_t>(tensor.data.data() - file.bytes().data());
    EXPECT_EQ(place % find_dtype(tensor.dtype_name)->bytes, 0u) << tensor.name;
  }
  EXPECT_EQ(read_file(made.path() / "merges.txt"), "a b\n");
}

TEST(Convert, RefusesWhatItCannotDoAndWritesNothing) {
  const TemporaryDirectory from, made;
  const fs::path out = made.path() / "out";
  const auto refused = [&](ErrorKind kind, std::initializer_list<std::string_view> parts) {
    expect_error(kind, parts, [&] { convert_to_safetensors(from.path(), out); });
    EXPECT_FALSE(fs::exists(out));
  };
  refused(ErrorKind::not_found, {"config.json"});
  from.write("config.json", "{}");
  refused(ErrorKind::not_found, {"model.safetensors", "pytorch_model.bin"});
  from.write("pytorch_model.bin", "not one");
  refused(ErrorKind::corrupt, {"pytorch_model.bin"});
  const std::string storage = pickle::storage("FloatStorage", "0", 1);
  from.write("pytorch_model.bin", torch_zip(pickle::dict({{"__metadata__", pickle::tensor(storage, 0, {1}, {1})}}), {{"0", "abcd"}}));
  refused(ErrorKind::unsupported, {"pytorch_model.bin", "__metadata__"});
  expect_error(ErrorKind::invalid_argument, {"new or an empty directory"},
               [&] { convert_to_safetensors(pytorch_fixture("zip"), from.path()); });
}

}  // namespace
}  // namespace filbert
