// What torch.save wrote is what safetensors wrote of the same tensors, bit for bit; what lies or is no state dict is refused.
#include "load/pytorch.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "base/file.h"
#include "reference/expect_error.h"
#include "reference/goldens.h"
#include "reference/torch_file.h"

namespace filbert {
namespace {

using namespace reference;

PytorchTensors parse(const std::string& file) { return parse_pytorch(std::as_bytes(std::span(file)), "a.bin"); }

std::string bytes_of(const TensorView& tensor) { return {reinterpret_cast<const char*>(tensor.data.data()), tensor.data.size()}; }

// tools/make_goldens.py pytorch wrote all of these from one dict.
constexpr const char* kFixtures[] = {"tensors_zip.bin", "tensors_protocol_4.bin", "tensors_legacy.bin"};

TEST(Pytorch, EveryLayoutHoldsTheTensorsOfSafetensorsBitForBit) {
  const MappedFile expected_file(pytorch_fixture("tensors.safetensors"));
  std::map<std::string, TensorView> expected;
  for (const TensorView& tensor : parse_safetensors(expected_file.bytes(), "tensors.safetensors")) expected.emplace(tensor.name, tensor);
  EXPECT_GE(expected.size(), 26u);
  for (const char* name : kFixtures) {
    SCOPED_TRACE(name);
    const std::string file = read_file(pytorch_fixture(name));
    const PytorchTensors found = parse(file);
    EXPECT_EQ(found.tensors.size(), expected.size());
    for (const TensorView& tensor : found.tensors) {
      SCOPED_TRACE(tensor.name);
      const TensorView& like = expected.at(tensor.name);
      EXPECT_EQ(tensor.dtype_name, like.dtype_name);
      EXPECT_EQ(tensor.dtype, like.dtype);
      EXPECT_EQ(tensor.shape, like.shape);
      EXPECT_TRUE(bytes_of(tensor) == bytes_of(like));
    }
  }
}

TEST(Pytorch, TensorsThatLieInOrderAreViewsOfTheFileTheOthersAreNot) {
  for (const char* name : kFixtures) {
    const std::string file = read_file(pytorch_fixture(name));
    const PytorchTensors found = parse(file);
    std::size_t views = 0;
    for (const TensorView& tensor : found.tensors) {
      const auto* data = reinterpret_cast<const char*>(tensor.data.data());
      const bool is_view = data >= file.data() && data < file.data() + file.size();
      views += is_view;
      const auto is_one_of = [&](std::initializer_list<std::string_view> names) { return std::ranges::count(names, tensor.name) > 0; };
      EXPECT_FALSE(is_one_of({"rows", "of_one_row", "again", "parameter"}) && !is_view) << tensor.name;
      EXPECT_FALSE(is_one_of({"transposed", "columns", "expanded"}) && is_view) << tensor.name;
    }
    EXPECT_EQ(views + found.made.size() + 1, found.tensors.size()) << name;  // 1: the empty one
  }
}

TEST(Pytorch, FilesCutShortAtAnyByteAreErrors) {
  for (const char* name : kFixtures) {
    const std::string file = read_file(pytorch_fixture(name));
    for (std::size_t bytes = 0; bytes < file.size(); ++bytes) {
      const std::string part = file.substr(0, bytes);
      expect_error(ErrorKind::corrupt, {"a.bin"}, [&] { parse(part); });
    }
    expect_error(ErrorKind::corrupt, {"a.bin"}, [&] { parse(file + "x"); });
  }
}

TEST(Pytorch, AnyChangedByteIsAnErrorOrGivesOtherTensorsWithinTheFile) {
  for (const char* name : kFixtures) {
    std::string file = read_file(pytorch_fixture(name));
    for (std::size_t at = 0; at < file.size(); ++at) {
      const char before = file[at];
      file[at] = static_cast<char>(before ^ std::array{0x01, 0x80, 0xFF}[at % 3]);
      try {
        std::size_t elements = 0;
        for (const TensorView& tensor : parse(file).tensors) elements += tensor.num_elements();
        EXPECT_LT(elements, 4 * file.size() + (16u << 20));
      } catch (const Error&) {
      }
      file[at] = before;
    }
  }
}

// A state dict of one tensor "w", a part of a storage of 6 floats, in both layouts.
const std::map<std::string, std::string> kSixFloats = {{"0", std::string(24, 'f')}};
std::string six_floats(std::int64_t said = 6) { return pickle::storage("FloatStorage", "0", said); }

void expect_refused(ErrorKind kind, const std::string& state_dict, std::initializer_list<std::string_view> parts,
                    const std::map<std::string, std::string>& storages = kSixFloats) {
  for (const std::string& file : {torch_zip(state_dict, storages), torch_legacy(state_dict, storages)}) {
    SCOPED_TRACE(file.substr(0, 2));
    expect_error(kind, parts, [&] { parse(file); });
  }
}
void expect_refused_tensor(ErrorKind kind, const std::string& tensor, std::initializer_list<std::string_view> parts) {
  expect_refused(kind, pickle::dict({{"w", tensor}}), parts);
}

TEST(Pytorch, WhatTheTestsWriteIsRead) {
  const std::string tensor = pickle::tensor(six_floats(), 0, {2, 3}, {3, 1});
  const std::string state_dict = pickle::dict({{"w", tensor}});
  for (const std::string& file : {torch_zip(state_dict, kSixFloats), torch_legacy(state_dict, kSixFloats)}) {
    const PytorchTensors found = parse(file);
    ASSERT_EQ(found.tensors.size(), 1u);
    EXPECT_EQ(found.tensors[0].name, "w");
    EXPECT_EQ(found.tensors[0].shape, (std::vector<std::size_t>{2, 3}));
    EXPECT_EQ(bytes_of(found.tensors[0]), kSixFloats.at("0"));
  }
}

TEST(Pytorch, NamesTextsAndAttributesOfOldPickles) {
  const std::string old_tensor = pickle::call(pickle::global("torch._utils", "_rebuild_tensor"),
                                              {six_floats(), pickle::integer(0), pickle::sizes({6}), pickle::sizes({1})});
  const std::string with_versions = pickle::dict({{"w", old_tensor}}) + pickle::dict({{"_metadata", pickle::dict({})}}) + "b";
  EXPECT_EQ(parse(torch_zip(with_versions, kSixFloats)).tensors.size(), 1u);
  const std::string python2 = pickle::call(pickle::global("collections", "OrderedDict"), {"](](U\x01" "w" + old_tensor + "ee"});
  EXPECT_EQ(parse(torch_legacy(python2, kSixFloats)).tensors[0].name, "w");
}

TEST(Pytorch, PicklesThatCallAnythingAreRefusedByName) {
  const auto refused = [](const std::string& value, std::string_view name) {
    expect_refused_tensor(ErrorKind::unsupported, value, {"a.bin", name});
  };
  refused(pickle::call(pickle::global("os", "system"), {pickle::text("true")}), "os.system");
  refused(pickle::call(pickle::global("builtins", "eval"), {pickle::text("1")}), "builtins.eval");
  refused(pickle::call(pickle::global("torch", "load"), {pickle::text("x")}), "torch.load");
  refused(pickle::call(pickle::global("torch._utils", "_rebuild_qtensor"), {}), "torch._utils._rebuild_qtensor");
  refused(pickle::global("numpy.core.multiarray", "_reconstruct"), "numpy.core.multiarray._reconstruct");
  refused("(" + pickle::text("true") + "ios\nsystem\n", "INST");
  refused("(" + pickle::global("torch", "FloatStorage") + "o", "OBJ");
  refused("\x8C\x02" "os" "\x8C\x06" "system\x93", "os.system");
  refused("\x82\x01", "EXT1");
  refused(pickle::tensor(six_floats(), 0, {6}, {1}) + pickle::dict({{"__class__", pickle::text("x")}}) + "b", "BUILD");
  refused(pickle::call(pickle::global("torch", "FloatStorage"), {pickle::integer(6)}), "expected a tensor");
}

TEST(Pytorch, OnlyADictOfTensorsIsAStateDict) {
  const std::string tensor = pickle::tensor(six_floats(), 0, {6}, {1});
  const auto refused = [](const std::string& value, std::initializer_list<std::string_view> parts) {
    expect_refused(ErrorKind::unsupported, value, parts);
  };
  refused("]", {"a.bin", "state dict", "found a list"});
  refused("N", {"state dict", "found None"});
  refused(tensor, {"state dict", "found something else"});
  refused(pickle::dict({{"epoch", pickle::integer(3)}}), {"epoch", "expected a tensor", "found an integer"});
  refused(pickle::dict({{"model", pickle::dict({{"w", tensor}})}}), {"model", "expected a tensor", "found a dict"});
  expect_refused(ErrorKind::corrupt, "}(" + pickle::integer(1) + tensor + "u", {"names of tensors"});
  expect_refused(ErrorKind::corrupt, pickle::dict({{"\xFF", tensor}}), {"names of tensors"});
  expect_refused(ErrorKind::corrupt, pickle::dict({{"w", tensor}, {"w", tensor}}), {"found w twice"});
}

TEST(Pytorch, TensorsBeyondTheirStorageAreErrors) {
  const auto corrupt = [](std::int64_t offset, const std::vector<std::int64_t>& shape, const std::vector<std::int64_t>& strides) {
    expect_refused_tensor(ErrorKind::corrupt, pickle::tensor(six_floats(), offset, shape, strides), {"a.bin", "w: ", "shape"});
  };
  constexpr std::int64_t kHuge = std::int64_t{1} << 62;
  corrupt(0, {7}, {1});
  corrupt(1, {6}, {1});
  corrupt(6, {1}, {1});
  corrupt(6, {}, {});
  corrupt(0, {2, 3}, {4, 1});
  corrupt(0, {4}, {2});
  corrupt(kHuge, {1}, {1});
  corrupt(0, {2}, {kHuge});
  corrupt(0, {3, 3}, {kHuge, kHuge});
  corrupt(0, {-1}, {1});
  corrupt(0, {2, 3}, {1});
  expect_refused_tensor(ErrorKind::corrupt, pickle::tensor(six_floats(), -1, {1}, {1}), {"w: offset", "-1"});
  expect_refused_tensor(ErrorKind::corrupt, pickle::tensor(six_floats(), 0, {2}, {-1}), {"w: strides", "-1"});
}

// What is not there cannot be asked for, nor one number a billion times.
TEST(Pytorch, TensorsFarLargerThanTheFileAreRefused) {
  constexpr std::int64_t kHuge = std::int64_t{1} << 62;
  using Shapes = std::vector<std::vector<std::int64_t>>;
  for (const auto& shape : Shapes{{kHuge}, {kHuge, kHuge}, {1 << 24}, {1 << 12, 1 << 12}, {2, kHuge, kHuge, kHuge}}) {
    const std::vector<std::int64_t> strides(shape.size(), 0);
    expect_refused_tensor(ErrorKind::unsupported, pickle::tensor(six_floats(), 0, shape, strides), {"w: ", "four times the bytes"});
  }
  std::vector<std::pair<std::string, std::string>> many;
  for (int tensor = 0; tensor < 40; ++tensor) {
    many.emplace_back("w" + std::to_string(tensor), pickle::tensor(six_floats(), 0, {1 << 17}, {0}));
  }
  expect_refused(ErrorKind::unsupported, pickle::dict(many), {"four times the bytes"});
  const std::vector<std::int64_t> axes(65, 1);
  expect_refused_tensor(ErrorKind::unsupported, pickle::tensor(six_floats(), 0, axes, axes), {"at most 64 axes"});
  const std::string none = torch_zip(pickle::dict({{"w", pickle::tensor(six_floats(), 0, {0, kHuge}, {kHuge, 1})}}), kSixFloats);
  EXPECT_EQ(parse(none).tensors[0].num_elements(), 0u);
}

TEST(Pytorch, StoragesThatLie) {
  const auto whole = [](std::int64_t said) { return pickle::dict({{"w", pickle::tensor(six_floats(said), 0, {6}, {1})}}); };
  for (const std::int64_t said : {std::int64_t{5}, std::int64_t{7}, std::int64_t{1} << 62, std::int64_t{-6}}) {
    expect_error(ErrorKind::corrupt, {"a.bin", "w", "elements"}, [&] { parse(torch_zip(whole(said), kSixFloats)); });
    expect_error(ErrorKind::corrupt, {"a.bin", "w", "elements"}, [&] { parse(torch_legacy(whole(said), kSixFloats)); });
  }
  expect_error(ErrorKind::corrupt, {"w", "storage 0"}, [&] { parse(torch_zip(whole(6), {})); });
  expect_error(ErrorKind::corrupt, {"w", "storage 0"}, [&] { parse(torch_legacy(whole(6), {})); });
  expect_error(ErrorKind::corrupt, {"storage keys"}, [&] { parse(torch_legacy(whole(6), {{"0", std::string(24, 'f')}, {"1", ""}})); });
  const std::string file = torch_legacy(whole(6), kSixFloats);
  std::string lying = file;
  lying.replace(file.size() - 32, 8, 8, '\xFF');
  expect_error(ErrorKind::corrupt, {"storage 0", "18446744073709551615 elements"}, [&] { parse(lying); });
}

TEST(Pytorch, WhatIsSaidOfAStorageMustBeOne) {
  const auto with_storage = [](const std::string& storage) { return pickle::tensor(storage, 0, {6}, {1}); };
  const auto corrupt = [&](const std::string& storage) {
    expect_refused_tensor(ErrorKind::corrupt, with_storage(storage), {"w: ", "storage"});
  };
  using pickle::global, pickle::integer, pickle::text, pickle::tuple;
  corrupt("N");
  corrupt(tuple({}) + "Q");
  corrupt(tuple({text("module"), global("torch", "FloatStorage"), text("0"), text("cpu"), integer(6)}) + "Q");
  corrupt(tuple({text("storage"), text("FloatStorage"), text("0"), text("cpu"), integer(6)}) + "Q");
  corrupt(tuple({text("storage"), global("collections", "OrderedDict"), text("0"), text("cpu"), integer(6)}) + "Q");
  corrupt(tuple({text("storage"), global("torch", "FloatStorage"), integer(0), text("cpu"), integer(6)}) + "Q");
  corrupt(tuple({text("storage"), global("torch", "FloatStorage"), text("0"), text("cpu"), text("6")}) + "Q");
  expect_refused_tensor(ErrorKind::unsupported,
                        with_storage(tuple({text("storage"), global("torch", "FloatStorage"), text("0"), text("cpu"), integer(6),
                                            tuple({text("1"), integer(0), integer(6)})}) + "Q"),
                        {"w: ", "a part of another"});
  expect_refused_tensor(ErrorKind::unsupported, with_storage(tuple({text("storage"), global("torch", "QInt8Storage"), text("0")}) + "Q"),
                        {"torch.QInt8Storage"});
  const auto rebuilt = [&](const std::vector<std::string>& arguments) {
    return pickle::call(global("torch._utils", "_rebuild_tensor_v2"), arguments);
  };
  expect_refused_tensor(ErrorKind::corrupt, rebuilt({}), {"w: ", "arguments"});
  expect_refused_tensor(ErrorKind::corrupt, rebuilt({six_floats(), integer(0), integer(6), pickle::sizes({1})}), {"w: shape", "a tuple"});
  expect_refused_tensor(ErrorKind::unsupported, rebuilt({six_floats(), integer(0), pickle::sizes({6}), pickle::sizes({1}), "\x89", "}",
                                                         pickle::dict({{"conj", "\x88"}})}), {"w: ", "metadata"});
  expect_refused_tensor(ErrorKind::corrupt, pickle::call(global("torch._utils", "_rebuild_parameter"), {}), {"w: ", "_rebuild_parameter"});
}

TEST(Pytorch, OtherFilesAreRefusedByName) {
  const auto refused = [](ErrorKind kind, const std::string& file, std::initializer_list<std::string_view> parts) {
    expect_error(kind, parts, [&] { parse(file); });
  };
  const std::string pickled = pickle::whole("}");
  refused(ErrorKind::unsupported, zip_bytes({{"a/data.pkl", pickled}, {"a/constants.pkl", pickled}}), {"a.bin", "TorchScript"});
  refused(ErrorKind::unsupported, zip_bytes({{"a/data.pkl", pickled}, {"a/byteorder", "big"}}), {"byteorder", "big"});
  refused(ErrorKind::unsupported, zip_bytes({{"weights.npy", "x"}}), {"data.pkl"});
  refused(ErrorKind::corrupt, zip_bytes({{"a/data.pkl", pickled}, {"b/data.pkl", pickled}}), {"data.pkl"});
  refused(ErrorKind::unsupported, pickled, {"torch.save", "a pickle of something else"});
  refused(ErrorKind::unsupported, std::string(257, '\0') + "ustar" + std::string(600, '\0'), {"tar"});
  refused(ErrorKind::corrupt, "", {"0 bytes"});
  refused(ErrorKind::corrupt, "\x89HDF\r\n\x1a\n", {"torch.save"});
  std::string big_endian = torch_legacy(pickle::dict({}), {});
  big_endian.replace(big_endian.find("little_endian") + 13, 1, "\x89");
  refused(ErrorKind::unsupported, big_endian, {"little_endian"});
}

}  // namespace
}  // namespace filbert
