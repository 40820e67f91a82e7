// The page of drift: everything it shows stays text, it allows no script, and each number is there to be read.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "explain/report_html.h"
#include "reference/page_tags.h"
#include "web/sample_drift.h"

namespace filbert {
namespace {

TEST(DriftPage, SaysWhatHasChanged) {
  const DriftReport report = reference::sample_drift();
  const std::string page = html_report(report);
  EXPECT_NE(page.find("<h1>Much drift</h1>"), std::string::npos);
  EXPECT_NE(page.find("<strong>much</strong>: script: Cyrillic 0.0 % → 25.0 %, Latin 100.0 % → 75.0 %"), std::string::npos);
  EXPECT_NE(page.find("Очень хорошая книга"), std::string::npos);
  EXPECT_NE(page.find("has the gold label."), std::string::npos);
  for (const DriftMeasure& measure : report.measures) {
    EXPECT_NE(page.find(fmt::format("<section class=\"card\" id=\"{}\">", measure.info.name)), std::string::npos) << measure.info.name;
    EXPECT_NE(page.find(fmt::format("<td class=\"num\">{}</td>", number(measure.psi, 3))), std::string::npos) << measure.info.name;
  }
}

TEST(DriftPage, WhatComesFromElsewhereStaysText) {
  const std::string page = html_report(reference::sample_drift());
  for (const char* markup : {"<script", "<img", "<b>", "\xE2\x80\xAE"}) EXPECT_EQ(page.find(markup), std::string::npos) << markup;
  EXPECT_NE(page.find("&lt;b&gt;good&lt;/b&gt;"), std::string::npos);
  EXPECT_NE(page.find("default-src 'none'"), std::string::npos);
  EXPECT_EQ(page.find("script-src"), std::string::npos);
}

TEST(DriftPage, TwoHistogramsStandOverEachOther) {
  const std::string page = html_report(reference::sample_drift());
  std::size_t both = 0;
  for (std::size_t at = page.find("<svg class=\"both\""); at != std::string::npos; at = page.find("<svg class=\"both\"", at + 1)) {
    const std::string svg = page.substr(at, page.find("</svg>", at) - at);
    EXPECT_NE(svg.find("class=\"old\""), std::string::npos);
    EXPECT_NE(svg.find("class=\"new\""), std::string::npos);
    EXPECT_EQ(svg.find("nan"), std::string::npos);
    ++both;
  }
  EXPECT_EQ(both, 2U);
}

}  // namespace
}  // namespace filbert
