#include "infer/mpnet.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <variant>
#include <vector>

#include "infer/attention.h"
#include "infer/family_fields.h"

namespace filbert {
namespace {

// MPNetModel asks for this many, whatever relative_attention_num_buckets says: that is only the height of the table.
constexpr std::size_t kBuckets = 32;
constexpr std::size_t kMaxDistance = 128;  // from here on all distances are one

// Of key − query. Half of the buckets are for keys behind the query; the near distances have one each, the far ones share them by
// their logarithm, taken in f32 as there.
std::size_t bucket_of(std::ptrdiff_t key_minus_query) {
  constexpr std::size_t kHalf = kBuckets / 2, kExact = kHalf / 2;
  const std::size_t behind = key_minus_query > 0 ? kHalf : 0;
  const auto distance = static_cast<std::size_t>(std::abs(key_minus_query));
  if (distance < kExact) return behind + distance;
  const float logarithm = std::log(static_cast<float>(distance) / static_cast<float>(kExact)) /
                          static_cast<float>(std::log(static_cast<double>(kMaxDistance) / kExact)) * static_cast<float>(kHalf - kExact);
  return behind + std::min(kExact + static_cast<std::size_t>(logarithm), kHalf - 1);
}

}  // namespace

void expect_mpnet(const Config& config, TensorList& tensors) {
  expect_bert(config, tensors);
  const std::size_t buckets = FamilyFields(config).size("relative_attention_num_buckets", kBuckets, kBuckets, 1'000'000);
  tensors.add("encoder.relative_attention_bias.weight", {buckets, config.num_attention_heads});
}

void load_mpnet(Model& model, const Loop& loop) {
  load_bert(model, loop);
  const std::vector<float> table = read_f32(model.kernels, model.weights.at("encoder.relative_attention_bias.weight"));
  const std::size_t heads = model.config.num_attention_heads;
  RelativeBias relative{.bias = {}, .reach = kMaxDistance};
  const auto reach = static_cast<std::ptrdiff_t>(relative.reach);
  for (std::size_t head = 0; head < heads; ++head) {
    for (std::ptrdiff_t distance = -reach; distance <= reach; ++distance) relative.bias.push_back(table[bucket_of(distance) * heads + head]);
  }
  model.family = std::move(relative);
}

void attend_mpnet(const Model& model, const Loop& loop, std::size_t, const Unit& unit, Keep keep, Workspace& workspace) {
  const auto& relative = std::get<RelativeBias>(model.family);
  const AttentionShape shape = attention_shape(model.config);
  const float scale = attention_scale(shape.head_size);
  const auto reach = static_cast<std::ptrdiff_t>(relative.reach);
  attend_heads(model, loop, shape, unit, keep, scale, [&](const ScoreBlock& block) {
    const float* bias = relative.bias.data() + block.of.head * (2 * relative.reach + 1) + relative.reach;  // of distance 0
    for (std::size_t query = 0; query < block.count; ++query) {
      float* scores = block.scores + query * block.of.tokens;
      const auto position = static_cast<std::ptrdiff_t>(block.of.first_position + block.first + query);
      for (std::size_t key = 0; key < block.of.tokens; ++key) {
        const std::ptrdiff_t distance = std::clamp(static_cast<std::ptrdiff_t>(key) - position, -reach, reach);
        scores[key] += bias[distance] / scale;  // the softmax scales what it gets, and this is not to be scaled
      }
    }
  }, workspace);
}

}  // namespace filbert
