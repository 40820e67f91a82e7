// The page of where a model looked: sound HTML that loads nothing, of the size that was promised, whatever tokens hold.
#include <filbert/attention.h>

#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "explain/report_assets.h"
#include "explain/report_html.h"
#include "reference/expect_error.h"
#include "reference/page_tags.h"
#include "web/sample_attention.h"
#include "web/sample_reports.h"

namespace filbert {
namespace {

using namespace reference;

nlohmann::json data_of(const std::string& page) { return nlohmann::json::parse(between(page, "id=\"filbert-attention\">", "</script>")); }

TEST(AttentionPage, IsWellFormedAndLoadsNothing) {
  for (const AttentionMap& map : {sample_attention({"I", "love", "it"}), sample_attention({"a"}, {"b", "c"}), long_attention(3, {.layers = 1, .heads = 1})}) {
    const std::string page = attention_html(map);
    const Tags tags = read_tags(page);
    for (const std::string& problem : tags.problems) ADD_FAILURE() << problem;
    EXPECT_EQ(tags.count.at("h1"), 1);
    EXPECT_TRUE(has(page, "not a cause"));
    const std::string policy = between(page, "Content-Security-Policy\" content=\"", "\"");
    EXPECT_TRUE(has(policy, "script-src " + hash_source(kAttentionViewsJs) + ' ' + hash_source(kAttentionJs) + ';'));
    EXPECT_TRUE(has(policy, "style-src " + hash_source(kReportCss) + ' ' + hash_source(kAttentionCss) + ';'));
    EXPECT_FALSE(has(policy, "unsafe"));
  }
}

TEST(AttentionPage, StyleAndScriptsAreTheFilesOfTheTree) {
  for (const auto& [name, embedded] : {std::pair("attention.css", kAttentionCss), std::pair("attention.js", kAttentionJs), std::pair("attention_views.js", kAttentionViewsJs)}) {
    std::ifstream file(std::string(FILBERT_SOURCE_DIR) + "/web/" + name, std::ios::binary);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), embedded) << name;
  }
  EXPECT_LT(kAttentionCss.size() + kAttentionJs.size() + kAttentionViewsJs.size(), 48000u);
}

TEST(AttentionPage, BertBaseOf128TokensIsUnderFourMegabytes) {
  const std::string page = attention_html(long_attention(128, {.layers = 12, .heads = 12, .queries_keys = false}));
  RecordProperty("bytes", std::to_string(page.size()));
  EXPECT_LT(page.size(), 4'000'000u);
}

TEST(AttentionPage, ReportIsUnchangedWithoutItAndHasTheSectionWithIt) {
  ExplainReport report = sample_report();
  const std::string without = html_report(report);
  EXPECT_FALSE(has(without, "attention"));
  report.attention = sample_attention({"I", "love", "it"});
  const std::string with = html_report(report);
  for (const std::string& problem : read_tags(with).problems) ADD_FAILURE() << problem;
  EXPECT_TRUE(has(with, "<summary><h2>Attention</h2></summary>"));
  EXPECT_TRUE(has(between(with, "Content-Security-Policy\" content=\"", "\""), hash_source(kReportJs) + ' ' + hash_source(kAttentionViewsJs)));
  EXPECT_EQ(data_of(with)["tokens"].size(), 5U);
}

TEST(AttentionPage, OpensWithWhatWasAskedFor) {
  const AttentionMap map = sample_attention({"I", "love", "it"});
  const auto first = data_of(attention_html(map, {.view = "neuron", .layer = 2, .heads = {{3}}}))["first"];
  EXPECT_EQ(first, (nlohmann::json{{"view", "neuron"}, {"layer", 2}, {"heads", {3}}}));
  expect_error(ErrorKind::invalid_argument, {"view", "found \"tail\""}, [&] { attention_html(map, {.view = "tail"}); });
  expect_error(ErrorKind::invalid_argument, {"layer", "0, 1, 2", "found 3"}, [&] { attention_html(map, {.layer = 3}); });
  expect_error(ErrorKind::invalid_argument, {"head", "0, 1, 2, 3", "found 9"}, [&] { attention_html(map, {.heads = {{0, 9}}}); });
  const AttentionMap bare = sample_attention({"I"}, {}, {.queries_keys = false});
  expect_error(ErrorKind::invalid_argument, {"view", "queries and keys"}, [&] { attention_html(bare, {.view = "neuron"}); });
  EXPECT_FALSE(data_of(attention_html(bare)).contains("head_size"));
}

TEST(AttentionPage, WhatTheModelDidNotSeeIsStruckOut) {
  AttentionMap map = sample_attention({"I", "lové"}, {"it"}, {.layers = 1, .heads = 1, .head_size = 2});
  map.tokens[2].offset = {2, 6};
  map.text = "I lové all of the book" + std::string(1000, '.');
  map.classification.truncated = true;
  map.classification.tokens_total = 900;
  const std::string page = attention_html(map);
  EXPECT_TRUE(has(page, "it takes 6 of the 900 tokens"));
  EXPECT_TRUE(has(page, "dir=\"auto\">I lové<s class=\"unseen\" title=\"not seen by the model\"> all of the book...."));
  EXPECT_TRUE(has(page, ".…</s>"));
  EXPECT_TRUE(has(page, "id=\"text-1\" dir=\"auto\">it</p>"));
  EXPECT_LT(between(page, "id=\"text-0\"", "</p>").size(), 600u);
}

TEST(AttentionPage, HostileTokensStayText) {
  for (const auto& [text, label] : hostile_texts()) {
    SCOPED_TRACE(text.substr(0, 60));
    AttentionMap map = sample_attention({text, "b"}, {}, {.layers = 1, .heads = 1, .head_size = 2});
    map.text = replace_invalid_utf8(text);
    map.classification.label = label;
    map.model = label;
    map.command = text;
    const std::string page = attention_html(map);
    const Tags tags = read_tags(page);
    for (const std::string& problem : tags.problems) ADD_FAILURE() << problem;
    EXPECT_EQ(count_of_all(page, "<script"), 3u);
    EXPECT_EQ(count_invalid_utf8(page), 0u);
    EXPECT_FALSE(has(page, "\xE2\x80\xAE"));
    EXPECT_FALSE(has(between(page, "id=\"filbert-attention\">", "</script>"), "<"));
    EXPECT_LE(data_of(page)["tokens"][1].get<std::string>().size(), 250u);
  }
}

}  // namespace
}  // namespace filbert
