// Packed layers that several loads hold once: what is shared, and that nothing of what may lie in FILBERT_CACHE changes a bit of an answer.
#include "load/packed_file.h"

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "base/file.h"
#include "infer/model.h"
#include "reference/tiny_checkpoint.h"

namespace filbert {
namespace {

using namespace reference;

constexpr std::size_t kFloats = 40'000;  // 160,000 bytes, which are no whole pages

std::string mapped_file(const void* address) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::size_t end_at = 0;
    const std::uintptr_t begin = std::stoul(line, &end_at, 16), end = std::stoul(line.substr(end_at + 1), nullptr, 16);
    const auto place = reinterpret_cast<std::uintptr_t>(address);
    if (begin <= place && place < end) return line.find('/') == line.npos ? "" : line.substr(line.find('/'));
  }
  return "";
}

AlignedFloats numbers(float first) {
  AlignedFloats made(kFloats);
  for (std::size_t at = 0; at < kFloats; ++at) made.data()[at] = first + static_cast<float>(at);
  return made;
}

bool is(const AlignedFloats& buffer, float first) {
  const AlignedFloats expected = numbers(first);
  return buffer.capacity() == kFloats && std::equal(expected.data(), expected.data() + kFloats, buffer.data());
}

class PackedFileTest : public testing::Test {
 protected:
  PackedFileTest() { ::setenv("FILBERT_CACHE", cache.path().c_str(), 1); }
  ~PackedFileTest() override { ::unsetenv("FILBERT_CACHE"); }

  // As a process does that loads a model of these layers; where each of them lies.
  std::vector<std::string> load(std::initializer_list<float> layers, std::string_view identity = "model") {
    PackedFile file(identity);
    std::vector<AlignedFloats> held;
    std::vector<std::string> places;
    for (const float first : layers) {
      held.push_back(numbers(first));
      file.share(held.back());
      places.push_back(mapped_file(held.back().data()));
    }
    file.finish();
    std::size_t layer = 0;
    for (const float first : layers) EXPECT_TRUE(is(held[layer++], first));
    return places;
  }
  std::vector<std::filesystem::path> files() const {
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::directory_iterator(cache.path())) found.push_back(entry.path());
    return found;
  }
  bool is_shared(std::string_view place) const { return place.starts_with(cache.path().native()); }

  const TemporaryDirectory cache;
};

TEST_F(PackedFileTest, EveryLoadMapsTheSameFile) {
  load({1, 2});
  ASSERT_EQ(files().size(), 1u);
  const std::vector<std::string> first = load({1, 2}), second = load({1, 2});
  EXPECT_EQ(first, (std::vector<std::string>(2, files().front().native())));
  EXPECT_EQ(second, first);
}

TEST_F(PackedFileTest, WhoMakesTheFileMapsItAsWell) {
  for (const std::string& place : load({1, 2})) EXPECT_TRUE(is_shared(place)) << place;
}

TEST_F(PackedFileTest, WithoutTheVariableNothingIsShared) {
  for (const char* none : {"", static_cast<const char*>(nullptr)}) {
    none == nullptr ? ::unsetenv("FILBERT_CACHE") : ::setenv("FILBERT_CACHE", none, 1);
    EXPECT_EQ(load({1}), std::vector<std::string>{""});
    EXPECT_TRUE(files().empty());
  }
}

TEST_F(PackedFileTest, SmallLayersStayWhereTheyAre) {
  PackedFile file("model");
  AlignedFloats small(100);
  std::fill_n(small.data(), 100, 1.0f);
  const float* const place = small.data();
  file.share(small);
  EXPECT_EQ(small.data(), place);
  file.finish();
  EXPECT_TRUE(files().empty());
}

TEST_F(PackedFileTest, ModelsHaveFilesOfTheirOwn) {
  load({1}, "one");
  load({2}, "other");
  EXPECT_EQ(files().size(), 2u);
  EXPECT_TRUE(is_shared(load({1}, "one").front()) && is_shared(load({2}, "other").front()));
}

TEST_F(PackedFileTest, AFileThatWasCutShortIsMadeAnew) {
  load({1, 2});
  std::filesystem::resize_file(files().front(), kFloats * sizeof(float) + 100);
  const std::vector<std::string> cut = load({1, 2});
  EXPECT_TRUE(is_shared(cut[0]));
  EXPECT_EQ(cut[1], "");
  EXPECT_TRUE(files().empty());
  load({1, 2});
  EXPECT_TRUE(is_shared(load({1, 2})[1]));
}

TEST_F(PackedFileTest, OtherNumbersAreMadeAnew) {
  load({1, 2, 3});
  const std::vector<std::string> changed = load({1, 5, 3});  // what another version would have packed
  EXPECT_TRUE(is_shared(changed[0]));
  EXPECT_EQ(changed[1], "");
  EXPECT_EQ(changed[2], "");
  load({1, 5, 3});
  EXPECT_TRUE(is_shared(load({1, 5, 3})[2]));
}

TEST_F(PackedFileTest, WhatIsNoSuchFileIsLeftAlone) {
  load({1});
  const std::filesystem::path path = files().front();
  std::filesystem::permissions(path, std::filesystem::perms::all);  // others could change it
  EXPECT_EQ(load({1}), std::vector<std::string>{""});
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  EXPECT_EQ(load({1}), std::vector<std::string>{""});
  EXPECT_TRUE(std::filesystem::is_directory(path));
}

TEST_F(PackedFileTest, ADirectoryThatCannotBeIsNoError) {
  ::setenv("FILBERT_CACHE", cache.write("file", "").c_str(), 1);
  EXPECT_EQ(load({1}), std::vector<std::string>{""});
  ::setenv("FILBERT_CACHE", "/proc/nowhere", 1);
  EXPECT_EQ(load({1}), std::vector<std::string>{""});
}

TEST_F(PackedFileTest, AFullDiskIsNoError) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit little{.rlim_cur = kFloats * sizeof(float) + 5000, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &little), 0);
  const std::vector<std::string> places = load({1, 2, 3});
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(places[1], "");
  EXPECT_TRUE(files().empty());
}

TEST_F(PackedFileTest, ALoadThatFailsLeavesNothing) {
  {
    PackedFile file("model");
    AlignedFloats layer = numbers(1);
    file.share(layer);
    EXPECT_TRUE(is(layer, 1));
  }
  EXPECT_TRUE(files().empty());
}

TEST_F(PackedFileTest, ConcurrentLoadsShareOneFile) {
  std::vector<std::vector<std::string>> places(4);
  std::vector<std::thread> threads;
  for (std::vector<std::string>& place : places) threads.emplace_back([&] { place = load({1, 2}); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(files().size(), 1u);
  for (const std::vector<std::string>& place : places) EXPECT_TRUE(is_shared(place[0]) && is_shared(place[1]));
}

class PackedModel : public PackedFileTest, public testing::WithParamInterface<ComputeDtype> {};
INSTANTIATE_TEST_SUITE_P(EveryDtype, PackedModel, testing::Values(ComputeDtype::f32, ComputeDtype::bf16, ComputeDtype::int8),
                         [](const auto& tested) { return std::string(name(tested.param)); });

TEST_P(PackedModel, HasTheBitsOfOneThatSharesNothing) {
  const TemporaryDirectory checkpoint = write_checkpoint({.hidden_size = 256, .intermediate_size = 512});
  BatchEncoding batch;
  batch.add_row(std::vector<std::int32_t>{2, 30, 31, 32, 3});
  batch.add_row(std::vector<std::int32_t>{2, 40, 3});
  const auto logits = [&](bool is_shared_here) {
    const auto model = Model::load(checkpoint.path(), {.num_threads = 2, .dtype = GetParam()}, choose_table());
    const Linear& layer = model->layers.back().output;
    const void* place = GetParam() == ComputeDtype::f32 ? static_cast<const void*>(layer.packed.data()) : layer.narrow.data();
    EXPECT_EQ(is_shared(mapped_file(place)), is_shared_here);
    return model->logits(batch).data;
  };
  const std::vector<float> made = logits(true), mapped = logits(true);
  EXPECT_EQ(files().size(), 1u);
  ::unsetenv("FILBERT_CACHE");
  const std::vector<float> alone = logits(false);
  EXPECT_EQ(made, alone);
  EXPECT_EQ(mapped, alone);
}

}  // namespace
}  // namespace filbert
