#include "bench/http_answer.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace filbert::bench {
namespace {

constexpr std::string_view kWithLength = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
constexpr std::string_view kChunked =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;name=value\r\n, text\r\n0\r\nTrailer: x\r\n\r\n";

AnswerParser fed(std::string_view bytes) {
  AnswerParser answer;
  EXPECT_EQ(answer.feed(bytes), bytes.size());
  return answer;
}

TEST(HttpAnswer, BodyOfALength) {
  const AnswerParser answer = fed(kWithLength);
  EXPECT_TRUE(answer.whole());
  EXPECT_EQ(answer.status(), 200);
  EXPECT_EQ(answer.body(), "hello");
  EXPECT_TRUE(answer.keep_alive());
}

TEST(HttpAnswer, BodyInChunks) {
  const AnswerParser answer = fed(kChunked);
  EXPECT_TRUE(answer.whole());
  EXPECT_EQ(answer.body(), "hello, text");
}

TEST(HttpAnswer, AnyCutGivesTheSameAnswer) {
  for (const std::string_view bytes : {kWithLength, kChunked}) {
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
      AnswerParser answer;
      EXPECT_EQ(answer.feed(bytes.substr(0, cut)), cut);
      EXPECT_EQ(answer.whole(), cut == bytes.size()) << cut;
      EXPECT_EQ(answer.feed(bytes.substr(cut)), bytes.size() - cut);
      EXPECT_TRUE(answer.whole()) << cut;
      EXPECT_EQ(answer.body(), fed(bytes).body()) << cut;
    }
  }
}

TEST(HttpAnswer, WhatFollowsIsNotTaken) {
  AnswerParser answer;
  EXPECT_EQ(answer.feed(std::string(kWithLength) + "HTTP/1.1"), kWithLength.size());
  EXPECT_EQ(answer.feed("more"), 0u);
}

TEST(HttpAnswer, ResetIsReadyForTheNext) {
  AnswerParser answer = fed("HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
  EXPECT_TRUE(answer.whole());
  EXPECT_EQ(answer.status(), 429);
  EXPECT_TRUE(answer.has_retry_after());
  EXPECT_FALSE(answer.keep_alive());
  answer.reset();
  answer.feed(kWithLength);
  EXPECT_EQ(answer.status(), 200);
  EXPECT_FALSE(answer.has_retry_after());
  EXPECT_TRUE(answer.keep_alive());
  EXPECT_EQ(answer.body(), "hello");
}

TEST(HttpAnswer, ContinueComesBeforeTheAnswer) {
  EXPECT_EQ(fed("HTTP/1.1 100 Continue\r\n\r\n" + std::string(kWithLength)).body(), "hello");
}

TEST(HttpAnswer, NoContentIsWhole) { EXPECT_TRUE(fed("HTTP/1.1 204 No Content\r\n\r\n").whole()); }

TEST(HttpAnswer, WithoutALengthTheConnectionsEndIsTheBodys) {
  AnswerParser answer = fed("HTTP/1.0 200 OK\r\n\r\nhel");
  answer.feed("lo");
  EXPECT_FALSE(answer.whole());
  answer.end_of_connection();
  EXPECT_TRUE(answer.whole());
  EXPECT_EQ(answer.body(), "hello");
  EXPECT_FALSE(answer.keep_alive());
}

TEST(HttpAnswer, EndInTheMiddleIsNoAnswer) {
  for (const std::string_view bytes : {kWithLength, kChunked}) {
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
      AnswerParser answer;
      answer.feed(bytes.substr(0, cut));
      EXPECT_THROW(answer.end_of_connection(), std::runtime_error) << cut;
    }
  }
}

TEST(HttpAnswer, WhatIsNoAnswerIsRefused) {
  for (const std::string_view bytes :
       {"SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n"}) {
    AnswerParser answer;
    EXPECT_THROW(answer.feed(bytes), std::runtime_error) << bytes;
  }
}

}  // namespace
}  // namespace filbert::bench
