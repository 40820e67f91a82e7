// The fields of config.json that only ModernBERT has, as transformers 5 and 4 write them (models/modernbert/configuration_modernbert.py).
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <filbert/config.h>

namespace filbert {

struct ModernBertConfig {
  bool norm_bias, attention_bias, mlp_bias, classifier_bias;
  bool pools_mean;                     // classifier_pooling: mean, else cls
  std::string classifier_activation;
  std::vector<bool> is_local;          // of each layer: layer_types, or global_attn_every_n_layers
  std::size_t reach;                   // of local layers: half of local_attention, to each side
  double global_theta, local_theta;    // rope_parameters, or global_rope_theta and local_rope_theta
};

// Throws Error: corrupt (of another type or out of range), unsupported (another pooling, scaled rotary positions, an odd head size).
ModernBertConfig modernbert_config(const Config& config);

}  // namespace filbert
