// What an Explainer holds: the units of its text, how they are masked, and the model behind both.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <filbert/explain.h>

#include "explain/game.h"
#include "explain/predictor.h"
#include "explain/shap.h"
#include "explain/units.h"
#include "infer/model.h"

namespace filbert {

// A unit's place, in bytes of the text that it is of.
struct UnitPlace {
  std::int32_t sequence_id = 0;
  Span span;
};

struct Explainer::Impl {
  Impl(const TextClassificationPipeline& pipeline, TextInput input, const ExplainOptions& wanted);

  const TextClassificationPipeline& classifier;
  ExplainOptions options;
  FunctionToApply function;
  Predictor predictor;
  Budget budget;
  ExplainedText text;
  std::vector<std::string> segments;  // [units] each with what follows up to the next: what the tree of phrases is built from
  std::size_t second_text = 0;        // the first unit of text_pair; as many as there are without one
  std::vector<std::uint8_t> varying;  // [units] 0 where no mask changes anything; empty: all vary
  BatchEncoding encoding;             // of the text, a row; of ExplainCompat::none alone
  std::string separator;              // of segments: a token whose two sides join last; or empty
  ShapPlayers shap_players() const;  // valid while this is
  // The text where unit u stays if kept[u], else is masked.
  std::function<MaskedText(std::span<const std::uint8_t> kept)> mask;

  // Its outputs are the target of every label; of a contrast, of that alone.
  Game game();
  // Its outputs are the score of every label, and behind them the target of `label`.
  Game score_game(std::size_t label);
  // Which label `wanted` is, absent: the explained one. Throws Error(invalid_argument).
  std::size_t label_id(const std::optional<std::string>& wanted) const;
  // Which output of game() that is.
  std::size_t output(std::size_t label) const { return options.target == ExplainTarget::contrast ? 0 : label; }
  // The targets of rows of logits: [rows, num_outputs of game()].
  std::vector<double> targets(const Tensor& logits) const;
  std::size_t num_outputs() const;
  Tensor logits_of(const Masks& masks);
  std::size_t batch_size() const;  // masked texts for a call of the model

  // The classifier's model, or the same checkpoint in f32.
  const Model& exact_model();
  GradientExplanation gradients(GradientMethod method, const GradientOptions& wanted);

 private:
  void read_text(TextInput input);
  void find_units();
  void find_target();
  void mask_units();
  void cut_as_lime();  // these two in compat.cpp
  void cut_as_shap();
  std::vector<std::size_t> units_of(std::size_t token) const;  // those that it has characters of; of ExplainCompat::none alone
  std::string masked_part(std::int32_t sequence_id, std::span<const std::uint8_t> kept) const;

  std::unique_ptr<const Model> exact_model_;
  std::vector<UnitPlace> places_;  // [units]; of ExplainCompat::none alone
  Span seen_[2];                   // bytes of each text that the model sees
};

}  // namespace filbert
