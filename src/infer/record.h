// What a forward pass leaves behind of its inside, where a call asks for it (OutputOptions). A unit's pass writes to the tensors of the
// whole call; without a record in the workspace nothing is kept and the last layer computes no more than its head looks at.
#pragma once

#include <cstddef>

#include <filbert/model.h>

namespace filbert {

struct AttentionHead;
struct AttentionShape;
struct Model;
struct Unit;
struct Workspace;

// Of one unit at a time.
struct Record {
  const OutputOptions& options;
  EncoderOutputs& outputs;
  std::size_t total_tokens;      // of the call
  std::size_t first_row = 0;     // of the unit, in the call
  std::size_t first_token = 0;
  std::size_t layer = 0;         // under way

  bool wants(std::size_t of_layer) const;
};

// Throws Error(invalid_argument) where `options` names a layer that a model of so many does not have.
void check_layers(const OutputOptions& options, std::size_t num_layers);

// Says which layer is under way, and keeps workspace.hidden [tokens, hidden_size] as what it takes; layer == num_layers: as what the last
// one gives. Called for each of them by an encoder; nothing without a record.
void record_layer(const Model& model, std::size_t layer, const Unit& unit, Workspace& workspace);

// Room for what the heads of the layer under way leave.
void reserve_heads(Record& record, const AttentionShape& shape, const Unit& unit);
// Where the attention weights [tokens, tokens] of a head go; null: nowhere.
float* recorded_weights(Record& record, std::size_t row, std::size_t head, std::size_t tokens);
// Keeps what a head was computed from and gave.
void record_head(Record& record, const AttentionShape& shape, const AttentionHead& head, std::size_t token_of_unit);

}  // namespace filbert
