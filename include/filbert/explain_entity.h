// Why an entity has its type: what each word of the text adds to the score of the type on the entity's own tokens. The methods are those of
// explain.h; what they are asked of is not a text's label but some of its tokens. docs/explain.md says what each can tell.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <filbert/entities.h>
#include <filbert/explain.h>

namespace filbert {

struct EntityExplainOptions {
  ExplainOptions explain = {};
  std::vector<std::string> methods = {"occlusion"};  // or saliency, input_x_gradient, integrated_gradients, smoothgrad
  GradientOptions gradients = {};
};

struct EntityExplanation {
  Entity entity;                   // that was asked for
  std::vector<std::size_t> units;  // of report.text.units, those that the entity stands in
  std::vector<std::size_t> tokens; // their places in the row, special tokens counted: those with characters of the entity
  // text.label is the type; text.score the mean of its target over `tokens`; text.classification has the mean probabilities of all types, those
  // of a type's labels added up. Of the methods occlusion or gradients alone, each as it is for a text's label.
  ExplainReport report;
};

// `entity` is one of those that the pipeline finds in `text`, or any other: its place, in ExplainOptions::offset_unit, and its type or label
// are what counts. The target is the mean over the entity's tokens of the type's probability, which is the sum of its labels'; as a logit the
// logarithm of the sum of their exponentials. ExplainOptions::label is another type, or a label, that is asked about in its place.
//
// Occlusion puts the mask token in the place of every token of a unit, so that all others, the entity's among them, stay where they are; units
// of the entity itself are masked like any other, and the target is then that of the mask tokens in its place.
//
// Throws Error: invalid_argument (a place without tokens, or one that truncation cut off; a type that no label has; an unknown method),
// unsupported (a method, target, masking or compat that entities do not have; no mask token), and what gradients throw.
EntityExplanation explain_entity(const TokenClassificationPipeline& pipeline, std::string_view text, const Entity& entity,
                                 const EntityExplainOptions& options = {});

}  // namespace filbert
