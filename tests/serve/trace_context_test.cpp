// Ids by which a request is found again: W3C Trace Context's cases, and request ids.
#include <iterator>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "serve/log.h"

namespace filbert::serve {
namespace {

TEST(TraceContext, AClientsTraceGoesOn) {
  const TraceContext context = trace_context("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  EXPECT_EQ(context.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(context.parent_id, "00f067aa0ba902b7");
  EXPECT_TRUE(context.sampled);
  EXPECT_EQ(context.span_id.size(), 16u);
  EXPECT_NE(context.span_id, context.parent_id);
  EXPECT_EQ(context.traceparent(), "00-4bf92f3577b34da6a3ce929d0e0e4736-" + context.span_id + "-01");
}

TEST(TraceContext, OfTheFlagsTheLastBitIsSampled) {
  for (const auto& [flags, sampled] : {std::pair("00", false), {"01", true}, {"02", false}, {"0a", false}, {"ff", true}}) {
    EXPECT_EQ(trace_context("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-" + std::string(flags)).sampled, sampled) << flags;
  }
}

TEST(TraceContext, ALaterVersionMayHaveMoreFields) {
  const std::string known = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  for (const std::string& header : {"cc-" + known, "cc-" + known + "-what-the-future-will-be-like", "cc-" + known + "-"}) {
    const TraceContext context = trace_context(header);
    EXPECT_EQ(context.parent_id, "00f067aa0ba902b7") << header;
    EXPECT_EQ(context.traceparent().substr(0, 36), "00-4bf92f3577b34da6a3ce929d0e0e4736-") << header;   // the version that we know
  }
}

TEST(TraceContext, WhatIsIllFormedBeginsANewTrace) {
  const char* const kIllFormed[] = {
      "",
      "00",
      "nonsense",
      "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",      // a version that is forbidden
      "0G-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
      "00-00000000000000000000000000000000-00f067aa0ba902b7-01",      // no trace
      "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",      // no span
      "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",      // upper case
      "00-4bf92f3577b34da6a3ce929d0e0e4736-00F067AA0BA902B7-01",
      "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x",
      "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",       // too short
      "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",  // version 00 has no more
      "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
      "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.more",
      "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
      " 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
  };
  std::set<std::string> traces;
  for (const char* header : kIllFormed) {
    const TraceContext context = trace_context(header);
    EXPECT_EQ(context.parent_id, "") << header;
    EXPECT_NE(context.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736") << header;
    EXPECT_EQ(context.trace_id.size(), 32u);
    EXPECT_EQ(trace_context(context.traceparent()).trace_id, context.trace_id);   // what we write is what we read
    EXPECT_FALSE(context.sampled);
    traces.insert(context.trace_id);
  }
  EXPECT_EQ(traces.size(), std::size(kIllFormed));
}

TEST(RequestId, AClientsIsKeptIfItIsPlain) {
  for (const std::string& wanted : {std::string("a"), std::string("7f0c-11_Z.:/+=@"), std::string(128, 'x')}) EXPECT_EQ(request_id(wanted), wanted);
}

TEST(RequestId, ElseThereIsANewOneEachTime) {
  std::set<std::string> ids;
  for (const std::string& wanted : {std::string(), std::string(129, 'x'), std::string("a b"), std::string("a\nb"), std::string("\xC3\xA9"), std::string("a\"")}) {
    const std::string id = request_id(wanted);
    EXPECT_EQ(id.size(), 32u);
    EXPECT_EQ(request_id(id), id);
    ids.insert(id);
  }
  EXPECT_EQ(ids.size(), 6u);
}

TEST(RequestId, IdsOfConcurrentThreadsDiffer) {
  std::vector<std::vector<std::string>> of_threads(4);
  std::vector<std::thread> threads;
  for (auto& ids : of_threads) threads.emplace_back([&ids] { for (int id = 0; id < 100; ++id) ids.push_back(request_id("")); });
  for (std::thread& thread : threads) thread.join();
  std::set<std::string> all;
  for (const auto& ids : of_threads) all.insert(ids.begin(), ids.end());
  EXPECT_EQ(all.size(), 400u);
}

}  // namespace
}  // namespace filbert::serve
