// What a token classifier says of texts whose entities are known: of words the label of each, of texts with spans the entities that filbert entities finds.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <filbert/entities.h>
#include <filbert/evaluate_entities.h>

#include "cli/entity_gold.h"
#include "postprocess/tags.h"

namespace filbert::cli {

struct PredictOptions {
  AggregationStrategy aggregation_strategy = AggregationStrategy::first;  // which of a word's tokens say its label; simple: each token its own
  TaggingScheme tagging_scheme = TaggingScheme::automatic;
  Decoding decoding = Decoding::argmax;
  std::optional<std::size_t> max_length = {};
  std::optional<std::size_t> stride = {};                   // absent: a quarter of max_length
  bool truncates = false;                                   // a text that is too long is cut; else it is read in windows
  std::optional<SpanRules> rules = {};                      // labels are read strictly; absent: as filbert entities does
  std::vector<std::string> ignored = {};                    // types
  std::map<std::string, std::string> label_map = {};        // of types
};

struct Prediction {
  std::vector<EntitySpan> entities;                         // code points
  std::size_t tokens = 0;                                   // special ones included
  std::size_t windows = 1;
  bool truncated = false;
  std::size_t unseen_words = 0;                             // words without a token
};

class EntityPredictor {
 public:
  EntityPredictor(TokenClassificationPipeline pipeline, PredictOptions options);

  std::vector<Prediction> operator()(std::span<const GoldText> texts, bool has_words) const;

  // Those of the labels, without "O" and what is left out.
  const std::vector<std::string>& types() const { return types_; }
  // How labels are read: "iob2" as filbert entities does, "iob2, strictly".
  std::string rules() const;
  const TokenClassificationPipeline& pipeline() const { return pipeline_; }

 private:
  TokenClassificationOptions pipeline_options() const;
  std::vector<Prediction> of_texts(std::span<const GoldText> texts) const;
  std::vector<Prediction> of_words(std::span<const GoldText> texts) const;
  Prediction of_rows(const BatchEncoding& inputs, const Tensor& scores, std::size_t first, std::size_t last, const GoldText& text) const;
  void take_types(std::vector<EntitySpan>& entities) const;

  TokenClassificationPipeline pipeline_;
  PredictOptions options_;
  TaggingScheme scheme_;
  std::vector<Tag> tags_;                                   // [num_labels]
  std::vector<std::string> labels_, types_;
};

// How many words have the same label, written in IOB2, by both.
std::size_t right_words(const GoldText& text, std::span<const EntitySpan> predicted);

}  // namespace filbert::cli
