#include <filbert/evaluate_entities.h>

#include <string>

#include <gtest/gtest.h>

#include "explain/report_assets.h"
#include "reference/page_tags.h"
#include "web/sample_entities.h"

namespace filbert {
namespace {

using namespace reference;

TEST(EntitiesPage, EveryPageIsWellFormedAndLoadsNothing) {
  for (const auto& [name, report] : sample_entity_evaluations()) {
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

TEST(EntitiesPage, HasAPartForEverythingThatThereIs) {
  for (const auto& [name, report] : sample_entity_evaluations()) {
    SCOPED_TRACE(name);
    const std::string page = html_report(report);
    EXPECT_TRUE(has(page, "id=\"types\""));
    EXPECT_TRUE(has(page, "id=\"confusion\""));
    EXPECT_EQ(has(page, "id=\"slices\""), !report.slices.empty());
    EXPECT_EQ(has(page, "McNemar"), report.comparison.has_value());
    EXPECT_EQ(has(page, "class=\"notices\""), !report.never_said.empty());
    EXPECT_EQ(count_of_all(page, "<article>"), report.worst.size());
  }
}

TEST(EntitiesPage, MarksWhatShouldBeAndWhatIs) {
  const std::string page = html_report(sample_entity_evaluations().front().second);
  EXPECT_EQ(count_of_all(page, "<mark class=\"good\">Ann Smith<small>"), 2u);
  EXPECT_EQ(count_of_all(page, "<mark class=\"bad\">New York City<small>"), 1u);
  EXPECT_EQ(count_of_all(page, "<mark class=\"bad\">New York<small>"), 1u);
}

TEST(EntitiesPage, WhatATextHoldsStaysText) {
  const std::string page = html_report(sample_entity_evaluations().back().second);
  EXPECT_FALSE(has(page, "<script"));
  EXPECT_TRUE(has(page, "&gt;alert(1)&lt;/script"));
  EXPECT_FALSE(has(page, "<b>"));
  EXPECT_FALSE(has(page, "\xE2\x80\xAE"));
}

}  // namespace
}  // namespace filbert
