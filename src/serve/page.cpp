// The page at "/" and its files. They are always asked for again (no-cache) and seldom sent again (ETag): a server that was updated is seen at once.
#include <algorithm>
#include <array>
#include <initializer_list>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>  // join, since fmt 11

#include "base/sha256.h"
#include "explain/report_assets.h"
#include "explain/report_html.h"
#include "serve/page_assets.h"
#include "serve/plan.h"

namespace filbert::serve {
namespace {

struct PageFile {
  std::string_view path;
  std::string_view content_type;
  std::string_view body;
  std::string etag;
};

// The looks, the head view and what is shown of nearest contexts are those of the reports, so their files are the page's, too.
const auto& page_files() {
  static const std::array files = [] {
    std::array made = {
        PageFile{"/", "text/html; charset=utf-8", kPageHtml, {}},
        PageFile{"/page.js", "text/javascript; charset=utf-8", kPageJs, {}},
        PageFile{"/page.css", "text/css; charset=utf-8", kPageCss, {}},
        PageFile{"/report.css", "text/css; charset=utf-8", kReportCss, {}},
        PageFile{"/attention.css", "text/css; charset=utf-8", kAttentionCss, {}},
        PageFile{"/attention_views.js", "text/javascript; charset=utf-8", kAttentionViewsJs, {}},
        PageFile{"/kwic.css", "text/css; charset=utf-8", kKwicCss, {}},
        PageFile{"/contexts_views.js", "text/javascript; charset=utf-8", kContextsViewsJs, {}},
        PageFile{"/icon.svg", "image/svg+xml", kPageIcon, {}},
    };
    for (PageFile& file : made) file.etag = fmt::format("\"{}\"", std::string_view(sha256_of(file.body)).substr(0, 32));
    return made;
  }();
  return files;
}

std::string hashes(std::initializer_list<std::string_view> contents) {
  std::vector<std::string> sources;
  for (const std::string_view content : contents) sources.push_back(hash_source(content));
  return fmt::format("{}", fmt::join(sources, " "));
}

// Nothing but the page's own files and this server. A report that the page opens is a document of the page's making and comes under this policy as
// well as its own, so its script and styles, which stand within it, are allowed by their hashes.
const std::string& page_policy() {
  static const std::string policy =
      fmt::format("default-src 'none'; script-src 'self' {}; style-src 'self' {}; connect-src 'self'; img-src 'self' data:; base-uri 'none'; "
                  "form-action 'none'; frame-ancestors 'none'",
                  hashes({kReportJs, kAttentionViewsJs, kAttentionJs, kContextsViewsJs, kContextsJs}), hashes({kReportCss, kAttentionCss, kKwicCss, kContextsCss}));
  return policy;
}

// Whether If-None-Match has the tag: "*", or a list of tags, each of which may be weak.
bool has_tag(std::string_view list, std::string_view etag) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    std::string_view each = list.substr(0, comma);
    list = list.substr(std::min(comma + 1, list.size()));
    while (!each.empty() && (each.front() == ' ' || each.front() == '\t')) each.remove_prefix(1);
    while (!each.empty() && (each.back() == ' ' || each.back() == '\t')) each.remove_suffix(1);
    if (each.starts_with("W/")) each.remove_prefix(2);
    if (each == "*" || each == etag) return true;
  }
  return false;
}

Plan page_file(const HttpRequest& request, std::string_view, const ServeContext&) {
  const auto& files = page_files();
  const auto file = std::find_if(files.begin(), files.end(), [&](const PageFile& each) { return each.path == request.path; });
  if (file == files.end()) throw Problem(ProblemKind::not_found, fmt::format("expected a file of the page, found \"{}\"", request.path));
  HttpResponse response{.content_type = std::string(file->content_type),
                        .headers = {{"cache-control", "no-cache"},
                                    {"etag", file->etag},
                                    {"content-security-policy", page_policy()},
                                    {"referrer-policy", "no-referrer"},
                                    {"x-frame-options", "DENY"},
                                    {"cross-origin-opener-policy", "same-origin"}}};
  if (has_tag(request.header("if-none-match"), file->etag)) {
    response.status = 304;
  } else {
    response.body = file->body;
  }
  return response;
}

HttpResponse page_problem(const Problem& problem) {
  return {.status = info(problem.kind).status, .content_type = "text/plain; charset=utf-8", .body = std::string(problem.what()) + "\n"};
}

}  // namespace

std::span<const Route> page_routes() {
  static constexpr auto route = [](std::string_view path) { return Route{"GET", path, false, page_problem, page_file}; };
  static const std::array routes = {route("/"), route("/page.js"), route("/page.css"), route("/report.css"), route("/attention.css"),
                                    route("/attention_views.js"), route("/kwic.css"), route("/contexts_views.js"), route("/icon.svg")};
  return routes;
}

}  // namespace filbert::serve
