// One file or several, safetensors or PyTorch's: the same checkpoint gives the same bits; an index that lies is named.
#include "load/weight_files.h"

#include <bit>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filbert/model.h>
#include <filbert/quantize.h>

#include "load/weights.h"
#include "reference/expect_error.h"
#include "reference/goldens.h"
#include "reference/rows.h"
#include "reference/tiny_checkpoint.h"
#include "reference/torch_file.h"

namespace filbert {
namespace {

using namespace reference;
namespace fs = std::filesystem;

// One checkpoint in every kind of file; tools/make_goldens.py pytorch wrote it.
constexpr const char* kKinds[] = {"safetensors", "safetensors_shards", "zip", "zip_shards", "legacy"};

std::vector<float> logits_of(const fs::path& directory) {
  const Row row{{2, 5, 7, 11, 13, 3}, {0, 0, 0, 1, 1, 1}};
  return BertForSequenceClassification::from_pretrained(directory)(batch_of(row)).logits.data;
}

void copy_fixture(std::string_view name, const fs::path& to) {
  fs::copy(pytorch_fixture(name), to, fs::copy_options::recursive | fs::copy_options::overwrite_existing);
}

TEST(WeightFiles, EveryKindGivesTheSameLogits) {
  const std::vector<float> expected = logits_of(pytorch_fixture("safetensors"));
  for (const char* kind : kKinds) EXPECT_TRUE(same_bits(logits_of(pytorch_fixture(kind)), expected)) << kind;
}

TEST(WeightFiles, TheyArePreferredInTheOrderOfTransformers) {
  const TemporaryDirectory directory;
  for (const char* kind : {"zip_shards", "zip", "safetensors_shards", "safetensors"}) {
    copy_fixture(kind, directory.path());
    EXPECT_EQ(find_weight_files(directory.path()).main.filename(), find_weight_files(pytorch_fixture(kind)).main.filename());
  }
  EXPECT_EQ(find_weight_files(pytorch_fixture("zip_shards")).files.size(), 2u);
}

TEST(WeightFiles, NoneIsNotFound) {
  const TemporaryDirectory directory;
  expect_error(ErrorKind::not_found, {(directory.path() / "model.safetensors").string(), "pytorch_model.bin", ".index.json"},
               [&] { find_weight_files(directory.path()); });
  fs::create_symlink("nowhere", directory.path() / "model.safetensors");
  copy_fixture("zip", directory.path());
  expect_error(ErrorKind::not_found, {"model.safetensors"}, [&] { map_weight_files(find_weight_files(directory.path())); });
}

// The fixture `kind` with another index. `edit` gets its weight_map.
void expect_refused_index(const char* kind, ErrorKind error, std::initializer_list<std::string_view> parts,
                    const std::function<void(nlohmann::ordered_json&)>& edit) {
  const TemporaryDirectory directory;
  copy_fixture(kind, directory.path());
  const fs::path path = find_weight_files(directory.path()).main;
  auto index = nlohmann::ordered_json::parse(read_file(path));
  edit(index["weight_map"]);
  directory.write(path.filename(), index.dump());
  expect_error(error, parts, [&] { map_weight_files(find_weight_files(directory.path())); });
}

TEST(WeightFiles, AnIndexThatLiesIsNamed) {
  const char* kTensor = "classifier.bias";
  for (const char* kind : {"safetensors_shards", "zip_shards"}) {
    SCOPED_TRACE(kind);
    expect_refused_index(kind, ErrorKind::not_found, {".index.json", "other.bin", kTensor}, [&](auto& map) { map[kTensor] = "other.bin"; });
    expect_refused_index(kind, ErrorKind::corrupt, {".index.json", kTensor, "-00001-of-00002", "-00002-of-00002"}, [&](auto& map) {
      std::string file = map[kTensor];
      file.replace(file.find("0000") + 4, 1, file.find("-00001-") == std::string::npos ? "1" : "2");
      map[kTensor] = file;
    });
    expect_refused_index(kind, ErrorKind::corrupt, {".index.json", "classifier.scale", "none"},
                   [&](auto& map) { map["classifier.scale"] = map[kTensor]; });
    expect_refused_index(kind, ErrorKind::corrupt, {".index.json", "weight_map"}, [&](auto& map) { map = "model.safetensors"; });
    expect_refused_index(kind, ErrorKind::corrupt, {".index.json", kTensor}, [&](auto& map) { map[kTensor] = 3; });
  }
}

TEST(WeightFiles, AnIndexNamesFilesBesideItAlone) {
  // As JSON has them.
  for (const char* name : {"../x/model.safetensors", "/etc/passwd", "..", ".", "", "sub/file.bin", "sub\\\\file.bin", "a\\u0000b"}) {
    SCOPED_TRACE(name);
    const TemporaryDirectory directory;
    directory.write("pytorch_model.bin.index.json", R"({"weight_map": {"w": ")" + std::string(name) + "\"}}");
    expect_error(ErrorKind::corrupt, {"index.json", "w", "the same directory"}, [&] { find_weight_files(directory.path()); });
  }
}

TEST(WeightFiles, ATensorTwiceInTheIndexOrInTwoFiles) {
  const TemporaryDirectory directory;
  directory.write("model.safetensors.index.json", R"({"weight_map": {"w": "a.safetensors", "w": "b.safetensors"}})");
  expect_error(ErrorKind::corrupt, {"index.json", "w twice"}, [&] { find_weight_files(directory.path()); });
  directory.write("model.safetensors.index.json", R"({"weight_map": {"w": "a.safetensors", "v": "b.safetensors"}})");
  write_arrays(directory.path() / "a.safetensors", {{"w", {{1}, {1.0}}}});
  write_arrays(directory.path() / "b.safetensors", {{"w", {{1}, {1.0}}}, {"v", {{1}, {1.0}}}});
  expect_error(ErrorKind::corrupt, {"index.json", "w", "a.safetensors", "b.safetensors"},
               [&] { map_weight_files(find_weight_files(directory.path())); });
  fs::remove(directory.path() / "b.safetensors");
  fs::create_symlink("a.safetensors", directory.path() / "b.safetensors");  // the same shard under two names
  expect_error(ErrorKind::corrupt, {"index.json", "w", "a.safetensors", "b.safetensors"},
               [&] { map_weight_files(find_weight_files(directory.path())); });
}

TEST(WeightFiles, APointerOfGitLfsIsSaidToBeOne) {
  for (const char* name : {"model.safetensors", "pytorch_model.bin"}) {
    const TemporaryDirectory directory;
    directory.write(name, "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n");
    expect_error(ErrorKind::corrupt, {name, "Git LFS"}, [&] { map_weight_files(find_weight_files(directory.path())); });
  }
}

// What a transposed tensor is a view of is memory of the process, which must not be given back as pages of a file are.
TEST(WeightFiles, WhatIsReleasedCanBeReadAgain) {
  const TemporaryDirectory directory;
  constexpr std::size_t kSize = 128;  // 64 KiB
  std::string bytes;
  for (std::size_t at = 0; at < kSize * kSize; ++at) bytes += little_endian(std::bit_cast<std::uint32_t>(static_cast<float>(at)), 4);
  const std::string storage = pickle::storage("FloatStorage", "0", kSize * kSize);
  directory.write("pytorch_model.bin", torch_zip(pickle::dict({{"w", pickle::tensor(storage, 0, {kSize, kSize}, {1, kSize})},
                                                               {"v", pickle::tensor(storage, 0, {kSize, kSize}, {kSize, 1})}}),
                                                 {{"0", bytes}}));
  const Weights weights = Weights::from_pretrained(directory.path(), "", {{"w", {kSize, kSize}}, {"v", {kSize, kSize}}});
  for (const char* name : {"w", "v"}) {
    weights.release(weights.at(name));
    std::vector<float> values(kSize * kSize);
    convert_to_f32(weights.at(name), 0, values);
    for (std::size_t row = 0; row < kSize; ++row) {
      for (std::size_t column = 0; column < kSize; ++column) {
        ASSERT_EQ(values[row * kSize + column], static_cast<float>(*name == 'w' ? column * kSize + row : row * kSize + column));
      }
    }
  }
}

TEST(WeightFiles, QuantizedFromAnyKindItIsTheSame) {
  const TemporaryDirectory made;
  write_quantized(pytorch_fixture("safetensors"), made.path() / "safetensors");
  const std::vector<float> expected = logits_of(made.path() / "safetensors");
  for (const char* kind : {"zip", "zip_shards"}) {
    write_quantized(pytorch_fixture(kind), made.path() / kind);
    EXPECT_TRUE(same_bits(logits_of(made.path() / kind), expected)) << kind;
  }
}

}  // namespace
}  // namespace filbert
