#include "infer/roformer.h"

#include <cmath>
#include <variant>

#include "infer/attention.h"
#include "infer/family_fields.h"

namespace filbert {
namespace {

constexpr const char* kTable = "encoder.embed_positions.weight";
constexpr std::size_t kMaxComputed = 65'536;  // positions of a table that no file vouches for

std::vector<float> sines_cosines_of(const Model& model) {
  if (const TensorView* stored = model.weights.find(kTable); stored != nullptr) return read_f32(model.kernels, *stored);
  const Config& config = model.config;
  if (config.max_position_embeddings <= kMaxComputed) return rotary_table(config.max_position_embeddings, config.head_size());
  refuse(config, "max_position_embeddings", "at most 65536 where the checkpoint has no encoder.embed_positions.weight",
         std::to_string(config.max_position_embeddings));
}

}  // namespace

std::vector<float> rotary_table(std::size_t positions, std::size_t head_size) {
  std::vector<float> table(positions * head_size);
  const std::size_t pairs = head_size / 2;
  for (std::size_t position = 0; position < positions; ++position) {
    float* row = table.data() + position * head_size;
    for (std::size_t pair = 0; pair < pairs; ++pair) {
      const double angle = static_cast<double>(position) / std::pow(10000.0, 2.0 * static_cast<double>(pair) / static_cast<double>(head_size));
      row[pair] = static_cast<float>(std::sin(angle));
      row[pairs + pair] = static_cast<float>(std::cos(angle));
    }
  }
  return table;
}

void rotate(const float* sines_cosines, std::size_t head_size, float* numbers) {
  const float* sines = sines_cosines;
  const float* cosines = sines_cosines + head_size / 2;
  for (std::size_t pair = 0; pair < head_size / 2; ++pair) {
    const float first = numbers[2 * pair], second = numbers[2 * pair + 1];
    numbers[2 * pair] = first * cosines[pair] - second * sines[pair];
    numbers[2 * pair + 1] = second * cosines[pair] + first * sines[pair];
  }
}

void expect_roformer(const Config& config, TensorList& tensors) {
  if (FamilyFields(config).flag("is_decoder", false)) refuse(config, "is_decoder", "false", "true");
  if (config.head_size() % 2 != 0) {
    refuse(config, "num_attention_heads", "heads of an even size, whose numbers are turned in pairs", std::to_string(config.head_size()));
  }
  expect_bert(config, tensors);
  tensors.add(kTable, {config.max_position_embeddings, config.head_size()});
  tensors.tensors.back().may_be_absent = true;  // it is no parameter that training changes: transformers computes it if need be
}

void load_roformer(Model& model, const Loop& loop) {
  load_bert(model, loop);
  model.family = RotaryPositions{.sines_cosines = sines_cosines_of(model), .of_values = FamilyFields(model.config).flag("rotary_value", false)};
}

void attend_roformer(const Model& model, const Loop& loop, std::size_t, const Unit& unit, Keep keep, Workspace& workspace) {
  const auto& positions = std::get<RotaryPositions>(model.family);
  const AttentionShape shape = attention_shape(model.config);
  loop(unit.rows() * shape.heads, [&](std::size_t task, unsigned) {
    const std::size_t row = task / shape.heads, column = task % shape.heads * shape.head_size, length = unit.length(row);
    for (std::size_t position = 0; position < length; ++position) {
      const float* angles = positions.sines_cosines.data() + position * shape.head_size;
      const std::size_t token = unit.start(row) + position;
      float* key = workspace.key_value.data() + token * shape.key_value_stride + column;
      rotate(angles, shape.head_size, key);
      if (positions.of_values) rotate(angles, shape.head_size, key + shape.key_value_stride / 2);
      if (!is_one_token(keep)) rotate(angles, shape.head_size, workspace.query.data() + token * shape.query_stride + column);
    }
    if (!is_one_token(keep)) return;
    const std::size_t kept = keep == Keep::first ? 0 : length - 1;
    rotate(positions.sines_cosines.data() + kept * shape.head_size, shape.head_size, workspace.query.data() + row * shape.query_stride + column);
  });
  attend_heads(model, loop, shape, unit, keep, attention_scale(shape.head_size), LeaveBlock{}, workspace);
}

}  // namespace filbert
