#include "infer/ernie.h"

#include <vector>

#include "infer/family_fields.h"
#include "infer/read_f32.h"

namespace filbert {
namespace {

constexpr const char* kTasks = "embeddings.task_type_embeddings.weight";

}  // namespace

void expect_ernie(const Config& config, TensorList& tensors) {
  expect_bert(config, tensors);
  const FamilyFields fields(config);
  if (fields.flag("use_task_id", false)) tensors.add(kTasks, {fields.size("task_type_vocab_size", 3, 1, 1'000'000), config.embedding_size});
}

void load_ernie(Model& model, const Loop& loop) {
  load_bert(model, loop);
  const TensorView* tasks = model.weights.find(kTasks);
  if (tasks == nullptr) return;
  const std::size_t width = model.config.embedding_size;
  std::vector<float> task(width);
  read_f32(model.kernels, *tasks, 0, task);
  std::vector<float>& types = model.embeddings.token_type;  // every token has one of these: the task joins them
  for (std::size_t at = 0; at < types.size(); ++at) types[at] += task[at % width];
}

}  // namespace filbert
