// The files of the page, as the server hands them out: what they are, what they may load, and when they are not sent again.
#include <algorithm>
#include <string>
#include <string_view>
#include <variant>

#include <gtest/gtest.h>

#include "explain/report_html.h"
#include "serve/page_assets.h"
#include "serve/plan.h"

namespace filbert::serve {
namespace {

HttpResponse get(std::string path, HttpFields headers = {}) {
  static const ServedModels models({});
  static const ServeLimits limits;
  const ServeContext context{.models = models, .limits = limits};
  const HttpRequest request{.method = "GET", .path = std::move(path), .headers = std::move(headers)};
  for (const Route& route : page_routes()) {
    if (route.path == request.path) return std::get<HttpResponse>(route.handle(request, "", context));
  }
  ADD_FAILURE() << "no route " << request.path;
  return {};
}

std::string header(const HttpResponse& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return "";
}

TEST(Page, EveryFileSaysWhatItIsAndIsAskedForAgain) {
  ASSERT_GE(page_routes().size(), 7u);
  for (const Route& route : page_routes()) {
    SCOPED_TRACE(route.path);
    EXPECT_FALSE(route.needs_key);  // the page asks for the key
    const HttpResponse response = get(std::string(route.path));
    EXPECT_EQ(response.status, 200);
    EXPECT_FALSE(response.body.empty());
    EXPECT_EQ(header(response, "cache-control"), "no-cache");
    EXPECT_EQ(header(response, "referrer-policy"), "no-referrer");
    EXPECT_TRUE(header(response, "etag").starts_with('"'));
  }
  EXPECT_EQ(get("/").content_type, "text/html; charset=utf-8");
  EXPECT_EQ(get("/page.js").content_type, "text/javascript; charset=utf-8");
  EXPECT_EQ(get("/icon.svg").content_type, "image/svg+xml");
}

TEST(Page, WhatIsKnownIsNotSentAgain) {
  const std::string etag = header(get("/page.js"), "etag");
  for (const std::string& known : {etag, "W/" + etag, "\"other\", " + etag, std::string("*"), "\"a\",\t" + etag + " ,\"b\""}) {
    const HttpResponse response = get("/page.js", {{"if-none-match", known}});
    EXPECT_EQ(response.status, 304) << known;
    EXPECT_TRUE(response.body.empty()) << known;
    EXPECT_EQ(header(response, "etag"), etag);
  }
  for (const std::string& other : {std::string("\"other\""), etag.substr(1), std::string(""), std::string(",,"), header(get("/"), "etag")}) {
    EXPECT_EQ(get("/page.js", {{"if-none-match", other}}).status, 200) << other;
  }
}

TEST(Page, ItMayLoadNothingButItsOwn) {
  const std::string policy = header(get("/"), "content-security-policy");
  for (const std::string_view part : {"default-src 'none'", "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"}) {
    EXPECT_NE(policy.find(part), std::string::npos) << part;
  }
  for (const std::string_view never : {"unsafe", "http", "*", "blob:"}) EXPECT_EQ(policy.find(never), std::string::npos) << never;
  // Nothing stands in the page itself that this policy would refuse.
  const std::string_view html = kPageHtml;
  for (const std::string_view inline_part : {"<style", " style=", " onload", " onclick", "javascript:"}) {
    EXPECT_EQ(html.find(inline_part), std::string_view::npos) << inline_part;
  }
  for (std::size_t at = html.find("<script"); at != std::string_view::npos; at = html.find("<script", at + 1)) {
    EXPECT_NE(html.substr(at, html.find('>', at) - at).find(" src=\"./"), std::string_view::npos);
  }
}

TEST(Page, AReportThatItOpensComesUnderItsPolicyToo) {
  const std::string policy = header(get("/"), "content-security-policy");
  for (const std::string_view file : {"/report.css", "/attention.css", "/attention_views.js", "/kwic.css", "/contexts_views.js"}) {
    EXPECT_NE(policy.find(hash_source(get(std::string(file)).body)), std::string::npos) << file;
  }
}

TEST(Page, EveryFileThatItNamesIsThere) {
  const std::string_view html = kPageHtml;
  std::size_t found = 0;
  for (std::size_t at = html.find("=\"./"); at != std::string_view::npos; at = html.find("=\"./", at + 1)) {
    const std::string path(html.substr(at + 3, html.find('"', at + 3) - at - 3));
    EXPECT_TRUE(std::ranges::any_of(page_routes(), [&](const Route& route) { return route.path == path; })) << path;
    ++found;
  }
  EXPECT_EQ(found, 8u);
}

TEST(Page, ItStaysSmall) {
  EXPECT_LT(kPageHtml.size() + kPageJs.size() + kPageCss.size() + kPageIcon.size(), 100'000u);
}

}  // namespace
}  // namespace filbert::serve
