#include "explain/report_html.h"

#include <cmath>
#include <fstream>
#include <limits>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/sha256.h"
#include "base/text.h"
#include "explain/report_assets.h"
#include "reference/page_tags.h"
#include "web/sample_reports.h"

namespace filbert {
namespace {

using namespace reference;

std::vector<ExplainReport> samples() {
  return {reference::sample_report(), reference::notices_report(), reference::pair_report(), reference::regression_report(), reference::long_report(), reference::empty_report()};
}

TEST(Report, EveryPageIsWellFormedAndLoadsNothing) {
  for (const ExplainReport& report : samples()) {
    SCOPED_TRACE(report.text.text.substr(0, 40));
    const Tags tags = read_tags(html_report(report));
    for (const std::string& problem : tags.problems) ADD_FAILURE() << problem;
    EXPECT_EQ(tags.count.at("h1"), 1);
    EXPECT_EQ(tags.count.at("main"), 1);
  }
}

TEST(Report, PolicyNamesTheHashesOfTheEmbeddedStyleAndScript) {
  const std::string page = html_report(reference::sample_report());
  const std::string policy = between(page, "Content-Security-Policy\" content=\"", "\"");
  EXPECT_TRUE(policy.starts_with("default-src 'none'; "));
  EXPECT_TRUE(has(policy, "script-src 'sha256-" + base64_of_hex(sha256_of(kReportJs)) + "';"));
  EXPECT_TRUE(has(policy, "style-src 'sha256-" + base64_of_hex(sha256_of(kReportCss)) + "';"));
  EXPECT_FALSE(has(policy, "unsafe"));
  EXPECT_EQ(between(page, "<style>", "</style>"), kReportCss);
  EXPECT_EQ(between(page, "<script>", "</script>"), kReportJs);
}

TEST(Report, StyleAndScriptAreTheFilesOfTheTree) {
  for (const auto& [name, embedded] : {std::pair("web/report.css", kReportCss), std::pair("web/report.js", kReportJs)}) {
    std::ifstream file(std::string(FILBERT_SOURCE_DIR) + '/' + name, std::ios::binary);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), embedded) << name;
  }
  EXPECT_LT(kReportCss.size() + kReportJs.size(), 40000u);
}

TEST(Report, OneOfThirtyWordsIsSmall) {
  ExplainReport report = reference::long_report(30);
  const std::vector<double> values = report.shap->values;
  report.shap->low = report.shap->high = values;
  report.occlusion->interactions.assign(30 * 30, -0.123456789);
  for (int label = 0; label < 4; ++label) report.other_labels.push_back({"label " + std::to_string(label), 0.1, {{"shap", values}, {"lime", values}, {"occlusion", values}}});
  report.counterfactuals.emplace().flips.assign(3, {{0, 1}, report.text.text, {}, "1 star", 0.6, 0.1});
  report.counterfactuals->keeps = report.counterfactuals->flips;
  const std::size_t bytes = html_report(report).size();
  RecordProperty("bytes", std::to_string(bytes));
  EXPECT_LT(bytes, 180000u);  // the bound is 200 kB
  EXPECT_LT(html_report(reference::long_report()).size(), 700000u);
}

TEST(Report, HostileTextsStayText) {
  int pages = 0;
  for (const auto& [text, label] : reference::hostile_texts()) {
    SCOPED_TRACE(text.substr(0, 60));
    const std::string page = html_report(reference::hostile_report(text, label));
    const Tags tags = read_tags(page);
    for (const std::string& problem : tags.problems) ADD_FAILURE() << problem;
    EXPECT_EQ(count_of_all(page, "<script"), 3u);
    for (const char* tag : {"img", "iframe", "base", "plaintext", "template", "a href=\"javascript"}) EXPECT_EQ(tags.count.count(tag), 0u) << tag;
    EXPECT_EQ(count_invalid_utf8(page), 0u);
    EXPECT_EQ(page.find('\0'), std::string::npos);
    EXPECT_FALSE(has(page, "\xE2\x80\xAE")) << "a right-to-left override reached the page";
    const std::string data = between(page, "id=\"filbert-page\">", "</script>");
    EXPECT_FALSE(has(data, "<"));
    EXPECT_EQ(nlohmann::json::parse(data)["labels"][0]["label"], replace_invalid_utf8(label));
    ++pages;
  }
  EXPECT_EQ(pages, 400);
}

TEST(Report, OfAnEntityItSaysWhatItIsAndLeavesOutTheRest) {
  const EntityExplanation explanation = reference::entity_report();
  const std::string page = html_report(explanation);
  const Tags tags = read_tags(page);
  for (const std::string& problem : tags.problems) ADD_FAILURE() << problem;
  EXPECT_TRUE(has(page, "<title>Why LOC? – New York</title>"));
  const std::string head = between(page, "<header>", "</header>");
  EXPECT_TRUE(has(head, "Why this entity?"));
  EXPECT_TRUE(has(head, "“<bdi>New York</bdi>”</span> <span class=\"chip\"><bdi>LOC</bdi></span> <span class=\"num\">0.946</span>"));
  EXPECT_TRUE(has(head, "the mean over the entity’s 2 tokens."));
  EXPECT_TRUE(has(head, "window 1 of 2"));
  EXPECT_EQ(count_of_all(page, "data-entity>"), 2u);
  EXPECT_TRUE(has(page, "data-entity>New</span>"));
  EXPECT_TRUE(has(page, "<s class=\"unseen\" title=\"not seen by the model\"> The rest is another story.</s>"));
  for (const char* section : {"text", "ledger", "methods", "reading", "reproduce"}) EXPECT_TRUE(has(page, std::string("id=\"") + section + "\"")) << section;
  for (const char* section : {"faithfulness", "changes", "phrases", "labels"}) EXPECT_FALSE(has(page, std::string("id=\"") + section + "\"")) << section;
  for (const char* word : {"SHAP shares", "LIME fits", "What would change it?", "Why this label?"}) {
    EXPECT_FALSE(has(between(page, "<body>", "<script"), word)) << word;
  }
  const auto data = nlohmann::json::parse(between(page, "id=\"filbert-explanation\">", "</script>"));
  EXPECT_EQ(data.at("entity").at("word"), "new york");
  EXPECT_EQ(data.at("windows"), 2);
}

TEST(Report, AnEntityWithoutALedgerHasNoSectionForOne) {
  EntityExplanation explanation = reference::entity_report();
  explanation.report.gradients.clear();
  explanation.windows = 1;
  const std::string page = html_report(explanation);
  EXPECT_FALSE(has(page, "id=\"ledger\""));
  EXPECT_FALSE(has(between(page, "<main>", "</main>"), "Gradients look"));
}

TEST(Report, HostileEntitiesStayText) {
  for (const auto& [text, label] : reference::hostile_texts()) {
    SCOPED_TRACE(text.substr(0, 60));
    const std::string page = html_report(reference::hostile_entity(text, label));
    const Tags tags = read_tags(page);
    for (const std::string& problem : tags.problems) ADD_FAILURE() << problem;
    EXPECT_EQ(count_of_all(page, "<script"), 3u);
    for (const char* tag : {"img", "iframe", "base", "plaintext", "template"}) EXPECT_EQ(tags.count.count(tag), 0u) << tag;
    EXPECT_EQ(count_invalid_utf8(page), 0u);
    EXPECT_FALSE(has(page, "\xE2\x80\xAE")) << "a right-to-left override reached the page";
  }
}

TEST(Report, AnswersStandOnTop) {
  const std::string page = html_report(reference::sample_report());
  const std::string head = between(page, "<header>", "</header>");
  EXPECT_TRUE(has(head, "The model says"));
  EXPECT_TRUE(has(head, "Strongest for it: "));
  EXPECT_TRUE(has(head, "Against it: "));
  EXPECT_TRUE(has(head, "Without “<bdi>love</bdi>” it would be"));
  EXPECT_TRUE(has(head, "The numbers are exact"));
  EXPECT_TRUE(has(head, "faster than random orders"));
}

TEST(Report, NoticesSayWhatWasNotDone) {
  const std::string page = html_report(reference::notices_report());
  for (const char* notice : {"Not seen by the model", "it takes 16 of the 22 tokens", "The model’s own answer is", "2 ill-formed byte sequences were", "SHAP had not enough evaluations",
                             "SHAP was stopped", "LIME was stopped after 5000 samples", "Occlusion was stopped", "The search for what would change the label was stopped",
                             "The curves of faithfulness were stopped", "no faster than random orders", "Each number is within", "±0.018"}) {
    EXPECT_TRUE(has(page, notice)) << notice;
  }
  EXPECT_TRUE(has(page, "<s class=\"unseen\" title=\"not seen by the model\"> And here comes what nobody reads.</s>"));
  EXPECT_FALSE(has(html_report(reference::sample_report()), "class=\"notices\""));
}

TEST(Report, LedgerAddsUpAndNamesWhatIsLeftOver) {
  const std::string page = html_report(reference::sample_report());
  const std::string shap = between(page, "data-method=\"shap\" data-label=\"0\"", "</table>");
  EXPECT_TRUE(has(shap, "All masked"));
  EXPECT_TRUE(has(shap, "<title>Left over: 0.000</title>"));
  const std::string lime = between(page, "data-method=\"lime\" data-label=\"0\"", "</table>");
  EXPECT_TRUE(has(lime, "What LIME’s line misses"));
  EXPECT_FALSE(has(page, "data-method=\"occlusion\" data-label"));
  EXPECT_TRUE(has(page, "the values do not add up to the score"));
}

TEST(Report, OffsetsOfEveryUnitFindTheSameWords) {
  const std::string text = "a 👩‍👩‍👧 é 日本 ende";
  ExplainReport report = reference::hostile_report(text, "x");
  const std::string by_code_points = between(html_report(report), "id=\"text-0\" dir=\"auto\">", "</p>");
  for (const OffsetUnit unit : {OffsetUnit::bytes, OffsetUnit::utf16}) {
    ExplainReport other = report;
    other.options.offset_unit = unit;
    for (ExplainedUnit& each : other.text.units) {
      const auto convert = [&](std::size_t code_point) {
        std::size_t place = 0, offset = 0;
        for (std::size_t at = 0; at < text.size() && place < code_point; ++place) {
          const DecodedChar c = decode_utf8(text, at);
          offset += unit == OffsetUnit::bytes ? c.bytes : c.code_point > 0xFFFF ? 2 : 1;
          at += c.bytes;
        }
        return offset;
      };
      each.offset = {convert(each.offset.begin), convert(each.offset.end)};
    }
    EXPECT_EQ(between(html_report(other), "id=\"text-0\" dir=\"auto\">", "</p>"), by_code_points);
  }
}

// Structs that contradict themselves: from a caller, a file, or a method that was stopped.
TEST(Report, WhatDoesNotFitIsLeftOut) {
  ExplainReport report = reference::sample_report();
  report.lime->values.pop_back();
  report.shap->phrases.front().right = 99;
  report.shap->low = {1, 2};
  report.text.units[3].offset = {1000, 2000};
  report.text.units[4].offset = {9, 2};
  report.counterfactuals->flips.front().units = {77};
  report.faithfulness->agreement.clear();
  report.faithfulness->methods[0].deletion = {std::nan(""), std::numeric_limits<double>::infinity()};
  report.occlusion->interactions = {1};
  report.other_labels.front().methods.front().values.clear();
  const std::string page = html_report(report);
  const Tags tags = read_tags(page);
  for (const std::string& problem : tags.problems) ADD_FAILURE() << problem;
  EXPECT_FALSE(has(page, "id=\"phrases\""));
  EXPECT_FALSE(has(page, "data-method=\"lime\""));
  EXPECT_FALSE(has(page, "nan"));
}

TEST(Report, ValuesAreOfTheMethodsThatWereRun) {
  ExplainReport report = reference::sample_report();
  std::vector<std::string> names;
  for (const NamedValues& method : report.values()) names.push_back(method.method);
  EXPECT_EQ(names, (std::vector<std::string>{"shap", "lime", "occlusion"}));
  report.lime.reset();
  EXPECT_EQ(report.values().size(), 2u);
}

TEST(Report, RegressionAndContrastAreNoProbabilities) {
  const std::string regression = html_report(reference::regression_report());
  EXPECT_TRUE(has(regression, "The number is the value of <bdi>price</bdi>."));
  EXPECT_TRUE(has(regression, "<span class=\"num\">1234.5</span>"));
  EXPECT_FALSE(has(regression, "probability of"));
  const std::string contrast = html_report(reference::pair_report());
  EXPECT_TRUE(has(contrast, "the logit of <bdi>entailment</bdi> less that of <bdi>contradiction</bdi>"));
  EXPECT_TRUE(has(contrast, "id=\"text-1\" dir=\"auto\""));
}

TEST(ReportHtml, InvisibleCharactersAreShown) {
  EXPECT_EQ(visible_html("a\xE2\x80\xAE" "b"), "a<span class=\"ctl\" title=\"U+202E, a character that is not visible\">U+202E</span>b");
  EXPECT_EQ(visible_html("a\r\nb\t<"), "a&#13;\nb\t&lt;");
  EXPECT_TRUE(has(visible_html("a\rb"), "U+000D"));
  EXPECT_TRUE(has(visible_html(std::string_view("\0", 1)), "U+0000"));
  EXPECT_EQ(visible_html("👩‍👩‍👧"), "👩‍👩‍👧");
  EXPECT_EQ(visible_html("\xF0\x9F\x8F\xB4\xF3\xA0\x81\xA7\xF3\xA0\x81\xBF"), "\xF0\x9F\x8F\xB4\xF3\xA0\x81\xA7\xF3\xA0\x81\xBF");  // a flag
  EXPECT_TRUE(has(visible_html("a\xF3\xA0\x81\xA7"), "U+E0067"));
  EXPECT_EQ(name_text("\"\xE2\x80\x8F<"), "&quot;[U+200F]&lt;");
  EXPECT_EQ(escape_html("\xFF<"), "\xEF\xBF\xBD&lt;");
}

TEST(ReportHtml, LongNamesAreCutInTheMiddle) {
  EXPECT_EQ(name_html("abcdefgh", 8), "<bdi>abcdefgh</bdi>");
  EXPECT_EQ(name_html("abcdefghi", 8), "<bdi>abcdef…hi</bdi>");
  EXPECT_LT(name_html(std::string(10240, 'x')).size(), 60u);
}

TEST(ReportHtml, NumbersHaveTheirSign) {
  EXPECT_EQ(signed_number(0.3124, 3), "+0.312");
  EXPECT_EQ(signed_number(-0.08, 3), "−0.080");
  EXPECT_EQ(signed_number(-0.0004, 3), "0.000");
  EXPECT_EQ(signed_number(std::nan(""), 3), "–");
}

// RFC 4648, section 10.
TEST(Base64, EqualsTheExamplesOfItsStandard) {
  EXPECT_EQ(base64_of_hex(""), "");
  EXPECT_EQ(base64_of_hex("66"), "Zg==");
  EXPECT_EQ(base64_of_hex("666f"), "Zm8=");
  EXPECT_EQ(base64_of_hex("666f6f"), "Zm9v");
  EXPECT_EQ(base64_of_hex("666f6f626172"), "Zm9vYmFy");
}

}  // namespace
}  // namespace filbert
