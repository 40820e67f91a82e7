#include <filbert/evaluate.h>

#include <string>

#include <gtest/gtest.h>

#include "explain/report_assets.h"
#include "reference/page_tags.h"
#include "web/sample_evaluation.h"

namespace filbert {
namespace {

using namespace reference;

TEST(EvaluationPage, EveryPageIsWellFormedAndLoadsNothing) {
  for (const auto& [name, report] : sample_evaluations()) {
    SCOPED_TRACE(name);
    const std::string page = html_report(report);
    const Tags tags = read_tags(page);
    for (const std::string& problem : tags.problems) ADD_FAILURE() << problem;
    EXPECT_EQ(tags.count.at("h1"), 1);
    EXPECT_EQ(tags.count.at("main"), 1);
    EXPECT_FALSE(has(between(page, "Content-Security-Policy\" content=\"", "\""), "script-src"));
    EXPECT_TRUE(has(page, std::string(kEvaluationCss)));
  }
}

TEST(EvaluationPage, HasAPartForEverythingThatThereIs) {
  for (const auto& [name, report] : sample_evaluations()) {
    SCOPED_TRACE(name);
    const std::string page = html_report(report);
    const bool is_regression = report.evaluation.kind == EvaluationKind::regression;
    EXPECT_EQ(has(page, "id=\"labels\""), !is_regression);
    EXPECT_EQ(has(page, "id=\"reliability\""), !is_regression);
    EXPECT_EQ(has(page, "id=\"confusion\""), report.evaluation.kind == EvaluationKind::single_label);
    EXPECT_EQ(has(page, "id=\"slices\""), !report.slices.empty());
    EXPECT_EQ(has(page, "McNemar"), report.comparison.has_value());
    EXPECT_EQ(count_of_all(page, "<article>"), report.worst.size());
    EXPECT_EQ(count_of_all(page, "<svg class=\"chart\""), is_regression ? 0u : report.against ? 2u : 1u);
  }
}

TEST(EvaluationPage, SaysWhatIsRejectedAndByWhat) {
  EvaluationReport report;
  report.options.bootstrap = 20;
  ScoredTexts texts;
  texts.labels = {"no", "yes"};
  for (int text = 0; text < 8; ++text) {
    texts.scores.insert(texts.scores.end(), {0.3F, 0.7F});
    texts.gold.push_back(text % 2);
    texts.rejected.push_back(text == 1);
  }
  report.evaluation = evaluate(texts, report.options);
  report.slices = slices(texts, "tokens", std::vector<std::string>{"up to 16"}, std::vector<std::uint32_t>(8), report.options);
  report.decision = "filbert_decision.json";
  report.decision_sha256 = std::string(64, 'e');
  const std::string page = html_report(report);
  for (const std::string& problem : read_tags(page).problems) ADD_FAILURE() << problem;
  EXPECT_TRUE(has(page, "It answers <strong>87.5 %</strong> of the texts"));
  EXPECT_TRUE(has(page, "1 text is rejected"));
  EXPECT_TRUE(has(page, "<th scope=\"col\" class=\"num\">Rejected</th>"));
  EXPECT_EQ(count_of_all(page, ">coverage"), 2u) << "of all, and in the table of slices";
  EXPECT_TRUE(has(page, "filbert_decision.json"));
  EXPECT_TRUE(has(page, std::string(64, 'e')));
  EXPECT_FALSE(has(html_report(sample_evaluations().front().second), "ejected"));
}

TEST(EvaluationPage, WhatATextHoldsStaysText) {
  const std::string page = html_report(sample_evaluations().back().second);
  EXPECT_FALSE(has(page, "<script"));
  EXPECT_TRUE(has(page, "&lt;script&gt;alert(1)"));
  EXPECT_FALSE(has(page, "<b>"));
  EXPECT_FALSE(has(page, "\xE2\x80\xAE"));
}

}  // namespace
}  // namespace filbert
