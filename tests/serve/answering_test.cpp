// What a request meets before and behind the batcher: keys, origins, times, texts that fail alone.
#include "serve/answering.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "serve/served_tiny.h"

namespace filbert::serve {
namespace {

using namespace std::chrono_literals;

HttpRequest with(HttpFields headers, std::string method = "POST") { return {.method = std::move(method), .headers = std::move(headers)}; }

ClassifyResult classified(Classifying& classifying) {
  Metrics metrics;
  if (classifying.job) {
    BatchJob& job = *classifying.job;
    job.logits = job.model->logits(job.inputs);
    job.problems.resize(job.inputs.batch_size());
    job.computed_tokens = job.inputs.total_tokens();
  }
  return conclude(classifying, metrics);
}

ClassifyPlan plan_of(std::vector<ServedText> texts) { return {.model = reference::served_tiny(), .texts = std::move(texts)}; }

TEST(Key, AnyOfTheKeysOpensAndNothingElseDoes) {
  const std::vector<std::string> keys = {"secret", "other"};
  EXPECT_NO_THROW(check_key(with({}), {}));
  EXPECT_NO_THROW(check_key(with({{"authorization", "Bearer other"}}), keys));
  EXPECT_NO_THROW(check_key(with({{"x-api-key", "secret"}}), keys));
  for (const char* wrong : {"", "Bearer ", "Bearer secre", "Bearer secrets", "Basic secret", "secret"}) {
    EXPECT_THROW(check_key(with({{"authorization", wrong}}), keys), Problem) << wrong;
  }
}

TEST(Cors, OnlyNamedOriginsAreLetIn) {
  const HttpRequest asks = with({{"origin", "https://a.example"}, {"access-control-request-method", "POST"}}, "OPTIONS");
  EXPECT_TRUE(is_preflight(asks));
  EXPECT_FALSE(is_preflight(with({{"origin", "https://a.example"}}, "OPTIONS")));
  EXPECT_TRUE(cors_fields(asks, {}).empty());
  EXPECT_EQ(cors_fields(asks, {"https://b.example"}), (HttpFields{{"vary", "origin"}}));
  EXPECT_EQ(cors_fields(asks, {"https://b.example", "https://a.example"}).front().second, "https://a.example");
  EXPECT_EQ(cors_fields(asks, {"*"}).front().second, "*");
  EXPECT_EQ(preflight(asks, {"https://b.example"}).headers.size(), 1u);
  EXPECT_EQ(preflight(asks, {"*"}).status, 204);
}

TEST(Time, TheHeaderGoesBeforeThePlanAndTheServerBeforeBoth) {
  EXPECT_EQ(time_of(with({}), {}, 30s), 30s);
  EXPECT_EQ(time_of(with({}), 50ms, 30s), 50ms);
  EXPECT_EQ(time_of(with({{"x-request-timeout-ms", "20"}}), 50ms, 30s), 20ms);
  EXPECT_EQ(time_of(with({{"x-request-timeout-ms", "99999999"}}), {}, 30s), 30s);
  for (const char* wrong : {"0", "-1", "1.5", "soon", "5 "}) EXPECT_THROW(time_of(with({{"x-request-timeout-ms", wrong}}), {}, 30s), Problem) << wrong;
}

TEST(Urgency, IsThatOfRfc9218) {
  EXPECT_EQ(urgency_of(""), 3);
  EXPECT_EQ(urgency_of("u=0"), 0);
  EXPECT_EQ(urgency_of("i, u=7"), 7);
  EXPECT_EQ(urgency_of("u=5;x, i"), 5);
  for (const char* none : {"u=8", "u=55", "u=-1", "xu=1", "i", "u=", "u"}) EXPECT_EQ(urgency_of(none), 3) << none;
}

TEST(Texts, GetThePipelinesOwnAnswers) {
  Classifying classifying = tokenize(plan_of({{"I love this book"}, {"a book", "to love"}, {""}}), {});
  const ClassifyResult result = classified(classifying);
  ASSERT_EQ(result.outcomes.size(), 3u);
  const TextClassificationPipeline& classifier = classifying.plan.model->classifier();
  const std::vector<TextInput> texts = {{"I love this book"}, {"a book", "to love"}, {""}};
  const auto expected = classifier(texts);
  for (std::size_t at = 0; at < 3; ++at) {
    EXPECT_FALSE(result.outcomes[at].problem.has_value());
    EXPECT_EQ(result.outcomes[at].classification.logits, expected[at].logits);
    EXPECT_EQ(result.outcomes[at].classification.label, expected[at].label);
  }
  EXPECT_NO_THROW(result.throw_problems());
}

TEST(Texts, OneThatIsTooLongFailsAloneWhereCuttingIsRefused) {
  std::string text;
  for (int word = 0; word < 50; ++word) text += "book ";
  ClassifyPlan plan = plan_of({{"a book"}, {text}, {"love"}});
  plan.refuse_truncation = true;
  Classifying classifying = tokenize(std::move(plan), {});
  const ClassifyResult result = classified(classifying);
  ASSERT_TRUE(result.outcomes[1].problem.has_value());
  EXPECT_EQ(result.outcomes[1].problem->kind, ProblemKind::invalid);
  EXPECT_STREQ(result.outcomes[1].problem->what(), "inputs: expected at most 24 tokens, found 52");
  EXPECT_EQ(result.outcomes[2].classification.logits, classifying.plan.model->classifier()("love").logits);
  EXPECT_THROW(result.throw_problems(), Problem);
}

TEST(Texts, InWindowsComeBackAsOneAnswerEach) {
  std::string text;
  for (int word = 0; word < 50; ++word) text += "book ";
  ClassifyPlan plan = plan_of({{"a book"}, {text}, {"love"}});
  plan.options.long_text = LongText::windows;
  Classifying classifying = tokenize(std::move(plan), {});
  const ClassifyResult result = classified(classifying);
  EXPECT_GT(result.outcomes[1].classification.windows.size(), 1u);
  EXPECT_EQ(result.outcomes[2].classification.logits, classifying.plan.model->classifier()("love").logits);
}

TEST(Texts, NoneIsEmptyAndTooManyAreTooLarge) {
  EXPECT_THROW(tokenize(plan_of({}), {}), Problem);
  EXPECT_THROW(tokenize(plan_of({{"a"}, {"b"}, {"c"}}), {.max_client_batch_size = 2}), Problem);
}

TEST(Texts, TheServersLengthCutsThem) {
  Classifying classifying = tokenize(plan_of({{"I love this book and that book"}}), {.max_length = 5});
  EXPECT_EQ(classifying.job->inputs.total_tokens(), 5u);
}

TEST(Rows, OnesThatTheModelWouldRefuseFailBeforeTheyShareABatch) {
  ClassifyPlan plan{.model = reference::served_tiny()};
  for (const std::vector<std::int32_t>& ids : {std::vector<std::int32_t>{2, 5, 3}, {2, 1'000'000, 3}, {2, -1, 3}, std::vector<std::int32_t>(25, 5)}) {
    plan.rows.add_row(ids);
  }
  Classifying classifying = tokenize(std::move(plan), {});
  EXPECT_EQ(classifying.job->inputs.batch_size(), 1u);
  const ClassifyResult result = classified(classifying);
  EXPECT_FALSE(result.outcomes[0].problem.has_value());
  for (std::size_t row = 1; row < 4; ++row) EXPECT_TRUE(result.outcomes[row].problem.has_value()) << row;
}

}  // namespace
}  // namespace filbert::serve
