// Contract 5: after warm-up the forward pass does not allocate, but for the logits that it returns.
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "infer/architecture.h"
#include "infer/model.h"
#include "reference/goldens.h"
#include "reference/rows.h"
#include "reference/tiny_checkpoint.h"

#if defined(__GLIBC__) && !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
#define FILBERT_COUNTS_ALLOCATIONS 1
#else
#define FILBERT_COUNTS_ALLOCATIONS 0  // a sanitizer has its own malloc
#endif

namespace {
std::atomic<std::size_t> allocations = 0;  // of any thread, by whatever way
}

#if FILBERT_COUNTS_ALLOCATIONS
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

void* malloc(std::size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_malloc(bytes);
}
void* calloc(std::size_t count, std::size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_calloc(count, bytes);
}
void* realloc(void* data, std::size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_realloc(data, bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_memalign(alignment, bytes);
}
int posix_memalign(void** data, std::size_t alignment, std::size_t bytes) noexcept {
  allocations.fetch_add(1, std::memory_order_relaxed);
  *data = __libc_memalign(alignment, bytes);
  return *data != nullptr ? 0 : ENOMEM;
}
}
#endif

namespace filbert {
namespace {

using namespace reference;

template <typename Body>
std::size_t allocations_of(const Body& body) {
  const std::size_t before = allocations;
  body();
  return allocations - before;
}

class Allocations : public testing::TestWithParam<ComputeDtype> {};
INSTANTIATE_TEST_SUITE_P(Dtype, Allocations, testing::Values(ComputeDtype::f32, ComputeDtype::bf16, ComputeDtype::int8),
                         [](const auto& tested) { return std::string(name(tested.param)); });

TEST_P(Allocations, NoneAfterWarmUpButTheLogits) {
  if (!FILBERT_COUNTS_ALLOCATIONS) GTEST_SKIP() << "a sanitizer's malloc cannot be counted";
  const TinyCheckpoint shape{.seed = 5, .hidden_size = 48, .num_attention_heads = 3, .max_position_embeddings = 128};
  const TemporaryDirectory directory = write_checkpoint(shape);
  const auto model = Model::load(directory.path(), {.num_threads = 1, .dtype = GetParam()}, choose_table());
  Random random(6);
  std::vector<Row> rows;
  for (int row = 0; row < 40; ++row) rows.push_back(random_row(random, shape, random.between(1, 128)));
  rows.push_back(rows[3]);  // computed once, which takes another way
  const BatchEncoding batch = batch_of(rows), single = batch_of(rows[0]);

  model->logits(batch);
  for (const BatchEncoding* inputs : {&single, &batch}) {
    const std::size_t of_logits = allocations_of([&] { Tensor({inputs->batch_size(), shape.labels.size()}); });
    EXPECT_GE(of_logits, 2u);
    const std::size_t results = inputs == &batch ? 2 : 1;  // of the distinct rows, and of all
    EXPECT_EQ(allocations_of([&] { model->logits(*inputs); }), results * of_logits) << inputs->batch_size() << " rows";
  }
}

// As much for a family that has an encoder of its own: the heads of the fixtures keep one token of a row, and each.
TEST_P(Allocations, NoneInAnyFamilyAfterWarmUp) {
  if (!FILBERT_COUNTS_ALLOCATIONS) GTEST_SKIP() << "a sanitizer's malloc cannot be counted";
  for (const std::string_view model_type : model_types()) {
    for (const Task task : {Task::sequence_classification, Task::token_classification}) {
      const bool sequence = task == Task::sequence_classification;
      const auto directory = source_directory() / "tests" / "data" / "families" / model_type / (sequence ? "sequence" : "token-shards");
      const auto model = Model::load(directory, {.num_threads = 1, .dtype = GetParam()}, choose_table(), task);
      BatchEncoding batch;
      for (const std::size_t length : {3, 17, 1}) batch.add_row(std::vector<std::int32_t>(length, 7), std::vector<std::int32_t>(length, 0));
      model->logits(batch);
      const std::size_t of_logits = allocations_of([&] { Tensor({sequence ? 3u : 21u, model->config.num_labels()}); });
      EXPECT_EQ(allocations_of([&] { model->logits(batch); }), of_logits) << directory;
    }
  }
}

}  // namespace
}  // namespace filbert
