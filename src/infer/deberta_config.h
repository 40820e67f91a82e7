// What config.json says of a DeBERTa, of either version, beyond what Config keeps.
#pragma once

#include <cstddef>
#include <cstdint>

#include <filbert/config.h>

#include "kernels/kernels.h"

namespace filbert {

struct DebertaConfig {
  bool is_v1 = false;                      // model_type deberta; else deberta-v2, which DeBERTaV3 is as well
  bool relative_attention = false;         // without it, neither of the next two
  bool content_to_position = false;        // c2p: a query's product with the vector of the distance to a key
  bool position_to_content = false;        // p2c: a key's product with the vector of the distance to a query
  std::size_t scale_factor = 1;            // scores are divided by sqrt(head_size · this)
  std::size_t max_relative_positions = 512;
  std::size_t position_buckets = 0;        // 0: each distance has a vector of its own
  bool share_att_key = false;              // vectors of distances go through the layer's own query and key
  bool norm_rel_ebd = false;               // and through a LayerNorm before
  std::size_t conv_kernel_size = 0;        // 0: no convolution beside the first layer
  std::size_t conv_groups = 1;
  Activation conv_act = Activation::tanh;

  std::size_t span() const { return position_buckets > 0 ? position_buckets : max_relative_positions; }
  std::size_t num_vectors() const { return 2 * span(); }  // rows of encoder.rel_embeddings

  // Throws Error(corrupt) for a field that cannot be, Error(unsupported) for what Filbert does not compute: talking_head, an embedding_size
  // or attention_head_size of its own, pos_att_type other than c2p and p2c, an even conv_kernel_size, a quantized checkpoint.
  static DebertaConfig of(const Config& config);

  // The row of rel_embeddings for query − key: that distance, or the bucket that it shares with others, and the last one from the end
  // of the table on.
  std::size_t row_of(std::ptrdiff_t query_minus_key) const;
};

// pooler_hidden_act. Throws Error(unsupported) for a pooler_hidden_size other than hidden_size.
Activation deberta_pooler_act(const Config& config);

}  // namespace filbert
