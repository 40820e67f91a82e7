#include "infer/ernie.h"

#include <cstdint>
#include <vector>

#include "base/json.h"
#include "infer/read_f32.h"

namespace filbert {
namespace {

constexpr const char* kTasks = "embeddings.task_type_embeddings.weight";

// [task_type_vocab_size] of that table, 0 where use_task_id is not set.
std::size_t num_tasks(const Config& config) {
  const JsonDocument document(config.json, config.path.string());
  const auto use = document.root().find("use_task_id");
  if (!use || !use->as_bool()) return 0;
  const auto field = document.root().find("task_type_vocab_size");
  const std::int64_t tasks = field ? field->as_int() : 3;
  if (tasks < 1 || tasks > 1'000'000) field->fail("a number from 1 to 1000000");
  return static_cast<std::size_t>(tasks);
}

}  // namespace

void expect_ernie(const Config& config, TensorList& tensors) {
  expect_bert(config, tensors);
  if (const std::size_t tasks = num_tasks(config); tasks > 0) tensors.add(kTasks, {tasks, config.embedding_size});
}

void load_ernie(Model& model, const Loop& loop) {
  load_bert(model, loop);
  if (num_tasks(model.config) == 0) return;
  const std::size_t width = model.config.embedding_size;
  std::vector<float> task(width);
  read_f32(model.kernels, model.weights.at(kTasks), 0, task);
  std::vector<float>& types = model.embeddings.token_type;  // every token has one of these: the task joins them
  for (std::size_t at = 0; at < types.size(); ++at) types[at] += task[at % width];
}

}  // namespace filbert
