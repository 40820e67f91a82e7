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

TEST(EvaluationPage, WhatATextHoldsStaysText) {
  const std::string page = html_report(sample_evaluations().back().second);
  EXPECT_FALSE(has(page, "<script"));
  EXPECT_TRUE(has(page, "&lt;script&gt;alert(1)"));
  EXPECT_FALSE(has(page, "<b>"));
  EXPECT_FALSE(has(page, "\xE2\x80\xAE"));
}

}  // namespace
}  // namespace filbert
