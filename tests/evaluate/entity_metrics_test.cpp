#include "evaluate/entity_metrics.h"

#include <cmath>

#include <gtest/gtest.h>

#include <filbert/error.h>

namespace filbert {
namespace {

using RowLabels = std::vector<std::string>;
using Spans = std::vector<LabelSpan>;

Spans spans(const RowLabels& labels, SpanRules rules = SpanRules::conlleval, bool suffix = false) { return spans_of_labels(labels, rules, suffix); }

TEST(LabelSpans, ConllevalReadsEveryScheme) {
  const Spans wanted = {{"PER", 0, 2}, {"PER", 2, 3}, {"LOC", 4, 5}};
  EXPECT_EQ(spans({"I-PER", "I-PER", "B-PER", "O", "I-LOC"}), wanted);   // IOB1
  EXPECT_EQ(spans({"B-PER", "I-PER", "B-PER", "O", "B-LOC"}), wanted);   // IOB2
  EXPECT_EQ(spans({"I-PER", "E-PER", "E-PER", "O", "E-LOC"}), wanted);   // IOE2
  EXPECT_EQ(spans({"B-PER", "E-PER", "S-PER", "O", "S-LOC"}), wanted);   // IOBES
  EXPECT_EQ(spans({"PER-B", "PER-I", "PER-B", "O", "LOC-B"}, SpanRules::conlleval, true), wanted);
}

TEST(LabelSpans, ConllevalTakesWhatNoSchemeAllows) {
  EXPECT_EQ(spans({"I-PER", "I-LOC"}), (Spans{{"PER", 0, 1}, {"LOC", 1, 2}}));
  EXPECT_EQ(spans({"O", "I-PER", "O"}), (Spans{{"PER", 1, 2}}));
  EXPECT_EQ(spans({"B-creative-work", "I-creative-work"}), (Spans{{"creative-work", 0, 2}}));
  EXPECT_EQ(spans({"B", "I"}), (Spans{{"_", 0, 2}}));
  EXPECT_EQ(spans({}), Spans{});
}

TEST(LabelSpans, ASchemeTakesWhatItAllowsAlone) {
  EXPECT_EQ(spans({"I-PER", "O", "B-PER", "I-LOC"}, SpanRules::iob2), (Spans{{"PER", 2, 3}}));
  EXPECT_EQ(spans({"I-PER", "I-PER", "B-PER"}, SpanRules::iob1), (Spans{{"PER", 0, 2}, {"PER", 2, 3}}));
  EXPECT_EQ(spans({"I-PER", "E-PER", "I-PER"}, SpanRules::ioe2), (Spans{{"PER", 0, 2}}));
  EXPECT_EQ(spans({"B-PER", "I-PER", "O", "S-LOC"}, SpanRules::iobes), (Spans{{"LOC", 3, 4}}));
  EXPECT_EQ(spans({"B-PER", "L-PER", "U-LOC", "L-LOC"}, SpanRules::bilou), (Spans{{"PER", 0, 2}, {"LOC", 2, 3}}));
}

TEST(LabelSpans, ALabelOfAnotherSchemeIsNamed) {
  for (const auto& [label, rules] : {std::pair("S-PER", SpanRules::iob2), std::pair("U-PER", SpanRules::iobes), std::pair("PER", SpanRules::iob1)}) {
    try {
      spans({label}, rules);
      ADD_FAILURE() << label;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::invalid_argument);
      EXPECT_NE(std::string(error.what()).find('"' + std::string(label) + '"'), std::string::npos) << error.what();
    }
  }
  EXPECT_THROW(spans({""}), Error);
}

const std::vector<RowLabels> kGold = {{"O", "O", "O", "B-MISC", "I-MISC", "I-MISC", "O"}, {"B-PER", "I-PER", "O"}};
const std::vector<RowLabels> kPredicted = {{"O", "O", "B-MISC", "I-MISC", "I-MISC", "I-MISC", "O"}, {"B-PER", "I-PER", "O"}};

TEST(SequenceFigures, CountTypeByType) {
  const SequenceFigures figures = sequence_figures(kGold, kPredicted);
  ASSERT_EQ(figures.types.size(), 2u);
  EXPECT_EQ(figures.types[0].type, "MISC");
  EXPECT_EQ(figures.types[0].predicted, 1u);
  EXPECT_EQ(figures.types[0].right, 0u);
  EXPECT_EQ(figures.types[1].figures.f1, 1);
  EXPECT_EQ(figures.micro.precision, 0.5);
  EXPECT_EQ(figures.macro.f1, 0.5);
  EXPECT_EQ(figures.weighted.support, 2u);
  EXPECT_EQ(label_accuracy(kGold, kPredicted), 0.8);
  const LabelCounts counts = label_counts(kGold, kPredicted);
  EXPECT_EQ(counts.true_positives, 4u);
  EXPECT_EQ(counts.false_positives, 2u);
  EXPECT_EQ(counts.false_negatives, 0u);
  EXPECT_EQ(counts.true_negatives, 4u);
}

TEST(SequenceFigures, WeightedIsByWhatShouldBeThere) {
  const std::vector<RowLabels> gold = {{"B-A", "B-A", "B-A", "B-B"}}, predicted = {{"B-A", "B-A", "O", "B-A"}};
  const SequenceFigures figures = sequence_figures(gold, predicted);
  EXPECT_NEAR(figures.weighted.recall, 0.75 * 2 / 3, 1e-15);
  EXPECT_NEAR(figures.macro.recall, 1.0 / 3, 1e-15);
  EXPECT_EQ(figures.micro.recall, 0.5);
}

TEST(SequenceFigures, ADivisionByNothingIsWhatWasAskedFor) {
  const std::vector<RowLabels> gold = {{"O", "B-A"}}, none = {{"O", "O"}};
  EXPECT_EQ(sequence_figures(gold, none).micro.precision, 0);
  EXPECT_EQ(sequence_figures(gold, none, {.zero_division = 1}).micro.precision, 1);
  EXPECT_EQ(sequence_figures(gold, none, {.zero_division = 1}).micro.f1, 0);
  EXPECT_EQ(sequence_figures(none, none, {.zero_division = 1}).weighted.f1, 1);
  EXPECT_TRUE(std::isnan(sequence_figures(none, none).macro.f1));
  EXPECT_THROW(sequence_figures(gold, none, {.zero_division = 0.5}), Error);
}

TEST(SequenceFigures, LengthsThatDifferAreNamed) {
  EXPECT_THROW(sequence_figures(kGold, std::vector<RowLabels>{{"O"}}), Error);
  EXPECT_THROW(label_accuracy(std::vector<RowLabels>{{"O", "O"}}, std::vector<RowLabels>{{"O"}}), Error);
}

}  // namespace
}  // namespace filbert
