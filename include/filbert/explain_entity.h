// Why an entity has its type: what each word of the text adds to the score of the type on the entity's own tokens. The methods are those of
// explain.h; what they are asked of is not a text's label but some of its tokens. docs/explain.md says what each can tell.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <filbert/entities.h>
#include <filbert/explain.h>

namespace filbert {

struct EntityExplanation;

struct EntityExplainOptions {
  ExplainOptions explain = {};
  std::vector<std::string> methods = {"occlusion"};  // or saliency, input_x_gradient, integrated_gradients, smoothgrad
  GradientOptions gradients = {};
  // Absent: a text of more tokens than explain.max_length is truncated. Else it is cut into windows as TokenClassificationOptions::stride says, and
  // the entity is explained in one of them.
  std::optional<std::size_t> stride = {};
  // Told at the begin and at the end of a method, and between batches; `so_far` is there where a method has just been finished. Valid during the call.
  std::function<void(const ReportProgress& progress, const EntityExplanation* so_far)> progress = {};
};

struct EntityExplanation {
  Entity entity;                   // that was asked for
  std::vector<std::size_t> units;  // of report.text.units, those that the entity stands in
  std::vector<std::size_t> tokens; // their places in the row, special tokens counted: those with characters of the entity
  std::optional<std::size_t> stride = {};  // EntityExplainOptions::stride
  std::size_t windows = 1;         // that the text was cut into
  std::size_t window = 0;          // which of them, from 0, all else here is about: what of the text it has not is in report.text.not_seen
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
// Of several windows it is the one with the most of the entity's tokens; where several have all of them, the one in which the model is surest of the
// entity's type, which is the one that the pipeline takes the entity from.
//
// Throws Error: invalid_argument (a place without tokens, or one that truncation cut off; a type that no label has; an unknown method),
// unsupported (a method, target, masking, compat, function_to_apply or threshold that entities do not have; no mask token), and what gradients throw.
EntityExplanation explain_entity(const TokenClassificationPipeline& pipeline, std::string_view text, const Entity& entity,
                                 const EntityExplainOptions& options = {});

// One self-contained page, as html_report() of a text; what only texts have is left out.
std::string html_report(const EntityExplanation& explanation);

}  // namespace filbert
