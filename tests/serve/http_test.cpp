// Targets, heads, chunks and events.
#include <string>

#include <gtest/gtest.h>

#include "serve/http_message.h"
#include "serve/http_text.h"
#include "serve/problem.h"

namespace filbert::serve {
namespace {

TEST(HttpTarget, IsSplitAndDecoded) {
  HttpRequest request;
  set_target("/models/a%2Fb%20c?model=x%26y&flag&z=1+2&%zz=%4", request);
  EXPECT_EQ(request.path, "/models/a/b c");
  EXPECT_EQ(request.query, (HttpFields{{"model", "x&y"}, {"flag", ""}, {"z", "1 2"}, {"%zz", "%4"}}));
  EXPECT_EQ(request.parameter("model"), "x&y");
  EXPECT_EQ(request.parameter("none"), "");
  set_target("/?", request);
  EXPECT_EQ(request.path, "/");
  EXPECT_TRUE(request.query.empty());
}

TEST(HttpHead, SaysHowTheBodyEnds) {
  const std::string whole = response_head({.status = 429, .headers = {{"retry-after", "3"}}, .body = "{}"}, {{"x-request-id", "7"}}, {});
  EXPECT_TRUE(whole.starts_with("HTTP/1.1 429 Too Many Requests\r\ndate: ")) << whole;
  EXPECT_NE(whole.find("\r\ncontent-length: 2\r\n"), std::string::npos);
  EXPECT_TRUE(whole.ends_with("\r\nretry-after: 3\r\nx-request-id: 7\r\n\r\n")) << whole;
  EXPECT_EQ(whole.find("connection:"), std::string::npos);
  const std::string streamed = response_head({}, {}, {.goes_on = false, .chunked = true});
  EXPECT_EQ(streamed.find("content-length"), std::string::npos);
  EXPECT_NE(streamed.find("\r\ntransfer-encoding: chunked\r\nconnection: close\r\n"), std::string::npos) << streamed;
  EXPECT_EQ(response_head({.status = 204, .content_type = ""}, {}, {}).find("content-"), std::string::npos);
  EXPECT_NE(response_head({}, {}, {.is_http_10 = true}).find("\r\nconnection: keep-alive\r\n"), std::string::npos);
}

TEST(HttpChunk, HasItsLengthInHexadecimal) {
  EXPECT_EQ(chunk(std::string(26, 'x')), "1a\r\n" + std::string(26, 'x') + "\r\n");
  EXPECT_EQ(chunk(""), "0\r\n\r\n");
}

TEST(Event, IsTwoLinesAndAnEmptyOne) { EXPECT_EQ(event_text("progress", "{\"done\":1}\n"), "event: progress\ndata: {\"done\":1}\n\n"); }

TEST(ToProblem, TellsClientsOnlyWhatConcernsThem) {
  EXPECT_EQ(to_problem(Error(ErrorKind::invalid_argument, "top_k: expected")).kind, ProblemKind::invalid);
  EXPECT_EQ(to_problem(Error(ErrorKind::unsupported, "no")).kind, ProblemKind::unsupported);
  const Problem hidden = to_problem(Error(ErrorKind::corrupt, "/etc/secret/model.safetensors: truncated"));
  EXPECT_EQ(hidden.kind, ProblemKind::failed);
  EXPECT_EQ(std::string(hidden.what()).find("secret"), std::string::npos);
  EXPECT_EQ(to_problem(Problem(ProblemKind::overloaded, "later", 4)).retry_after_s, 4);
}

}  // namespace
}  // namespace filbert::serve
