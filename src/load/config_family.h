// What config.json means for each model_type: the defaults of its configuration class, and its names for common fields.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include <filbert/config.h>

namespace filbert {

// How a token's position becomes a row of the table of positions.
enum class PositionIds {
  from_zero,      // the first token has position 0
  after_padding,  // the first token has position pad_token_id + 1, as RoBERTa counts
  after_two,      // the first token has position 2, and the table has two rows more than max_position_embeddings (Nyströmformer)
  biased_input,   // as from_zero where position_biased_input is true, as relative where it is not (DeBERTa)
  relative,       // no table that bounds a row
};

constexpr std::size_t kPositionsUnused = 2;  // before the first one of after_two

struct FieldAlias {
  std::string_view field;  // as Config has it
  std::string_view key;    // as the family writes it
};

struct ConfigFamily {
  Config defaults;  // model_type is its key
  PositionIds position_ids = PositionIds::from_zero;
  bool has_embedding_size = false;  // else word embeddings have hidden_size, whatever the file says
  std::vector<FieldAlias> aliases = {};
};

// The row of a model_type; that of BERT for one that is unknown, so that its config can be shown.
// Follows configuration_*.py of transformers 5.24.
const ConfigFamily& config_family(std::string_view model_type);

// Padding in front is nothing to a model with relative positions, or one that begins to count behind it; elsewhere transformers would give the
// text later positions than it has without. Throws Error(invalid_argument) for such a one.
void check_padding_in_front(const Config& config);

}  // namespace filbert
