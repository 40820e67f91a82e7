// An index holds what the model gave; a search finds what looking at everything would find; and whatever a file holds, opening it is safe.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <filbert/contexts.h>

#include "base/file.h"
#include "explain/contexts_file.h"
#include "reference/expect_error.h"
#include "reference/tiny_checkpoint.h"

namespace filbert {
namespace {

using namespace reference;

class Contexts : public testing::Test {
 protected:
  static std::vector<CorpusText> some_texts() {
    std::vector<CorpusText> texts;
    for (const char* text : {"I love this book", "not good, not bad!", "", "this film was good 42", "Love love LOVE", "bad \xff book", "very very bad film",
                             "good book this book this book this book this book this book this book this book this book this book this book this book this book this book this book this book"}) {
      texts.push_back({texts.size() + 1, text, {}});
      if (texts.size() % 2 == 0) texts.back().gold = "good";
    }
    return texts;
  }
  std::filesystem::path write(const IndexOptions& options, const std::vector<CorpusText>& texts = some_texts(), const std::string& name = "a.filbert") const {
    const std::filesystem::path file = directory_.path() / name;
    ContextIndexWriter writer(classify_, file, origin(), options);
    writer.add(texts);
    writer.finish();
    return file;
  }
  IndexInfo origin() const {
    IndexInfo info;
    const CheckpointHashes hashes = checkpoint_hashes(classify_);
    info.model_sha256 = hashes.weights;
    info.tokenizer_sha256 = hashes.tokenizer;
    return info;
  }
  // [tokens] of the index, each of length 1 a part, as an f32 forward pass gives them.
  std::vector<std::vector<double>> exact(SimilarBy by, std::size_t layer, std::size_t parts) const {
    std::vector<std::vector<double>> all;
    for (const CorpusText& text : some_texts()) {
      const TextInput input{text.text, std::nullopt};
      const BatchEncoding row = classify_.tokenizer()(std::span(&input, 1), {.truncation = Truncation::longest_first, .max_length = classify_.max_length()});
      const EncoderOutputs outputs = classify_.model()(row, {.output_hidden_states = true, .output_contexts = true}).outputs;
      const Tensor& vectors = by == SimilarBy::context ? outputs.contexts[layer] : outputs.hidden_states[layer];
      for (std::size_t token = 0; token < row.total_tokens(); ++token) {
        if (row.special_tokens_mask[token] == 0) all.push_back(normalised(vectors[token], parts));
      }
    }
    return all;
  }
  static std::vector<double> normalised(std::span<const float> vector, std::size_t parts) {
    std::vector<double> unit(vector.begin(), vector.end());
    const std::size_t size = unit.size() / parts;
    for (std::size_t part = 0; part < parts; ++part) {
      const auto begin = unit.begin() + static_cast<std::ptrdiff_t>(part * size), end = begin + static_cast<std::ptrdiff_t>(size);
      const double length = std::sqrt(std::inner_product(begin, end, begin, 0.0));
      for (auto at = begin; at != end; ++at) *at /= length;
    }
    return unit;
  }

  const TemporaryDirectory directory_ = write_checkpoint({.seed = 11, .max_position_embeddings = 24, .labels = {"bad", "good"}});
  const TextClassificationPipeline classify_ = pipeline("text-classification", directory_.path(), {.num_threads = 1});
};

TEST_F(Contexts, WhatIsWrittenIsRead) {
  const std::vector<CorpusText> texts = some_texts();
  const ContextIndex index = ContextIndex::open(write({.layers = {{1, 0}}}));
  const IndexInfo& info = index.info();
  EXPECT_EQ(info.texts, texts.size());
  EXPECT_EQ(info.truncated, 1U);
  EXPECT_EQ(info.empty, 1U);
  EXPECT_EQ(info.invalid_utf8, 1U);
  EXPECT_EQ(info.gold, texts.size() / 2);
  ASSERT_EQ(info.layers.size(), 2U);
  EXPECT_EQ(info.layers[0].layer, 0U);
  EXPECT_EQ(info.layers[1].heads * info.layers[1].head_size, 32U);
  std::size_t tokens = 0;
  for (std::size_t text = 0; text < texts.size(); ++text) {
    const IndexedText read = index.text(text);
    const Classification answer = classify_(texts[text].text);
    EXPECT_EQ(read.row, text + 1);
    EXPECT_EQ(read.gold, texts[text].gold);
    EXPECT_EQ(info.labels[read.label], answer.label);
    EXPECT_EQ(read.score, answer.score);
    EXPECT_EQ(read.truncated, answer.truncated);
    EXPECT_EQ(read.tokens.size(), answer.tokens_used - 2);
    for (const IndexedToken& token : read.tokens) {
      const IndexedToken same = index.token(tokens++);
      EXPECT_EQ(same.text, text);
      EXPECT_EQ(same.offset, token.offset);
      EXPECT_EQ(same.input_id, token.input_id);
    }
  }
  EXPECT_EQ(info.tokens, tokens);
  EXPECT_NO_THROW(index.verify());
  EXPECT_NO_THROW(index.check(checkpoint_hashes(classify_)));
}

// 0.005 and 0.0005: the steps of 8 bits and of f16, over some 32 numbers.
TEST_F(Contexts, SearchFindsWhatLookingAtEverythingFinds) {
  for (const VectorDtype dtype : {VectorDtype::int8, VectorDtype::f16}) {
    const ContextIndex index = ContextIndex::open(write({.layers = {{0, 1}}, .vector_dtype = dtype}));
    const double tolerance = dtype == VectorDtype::int8 ? 0.01 : 0.001;
    for (const SimilarBy by : {SimilarBy::embedding, SimilarBy::context}) {
      const std::size_t heads = index.info().layers[1].heads, parts = by == SimilarBy::context ? heads : 1;
      const auto all = exact(by, 1, parts);
      ASSERT_EQ(all.size(), index.info().tokens);
      for (std::size_t place = 0; place < all.size(); place += 3) {
        const std::vector<float> query(all[place].begin(), all[place].end());
        const std::vector<Nearest> found = index.nearest(query, 1, by, {}, all.size());
        ASSERT_EQ(found.size(), all.size());
        EXPECT_NEAR(found.front().similarity, 1, tolerance);
        for (std::size_t at = 0; at < found.size(); ++at) {
          const auto& other = all[found[at].place];
          const double expected = std::inner_product(other.begin(), other.end(), query.begin(), 0.0) / static_cast<double>(parts);
          ASSERT_NEAR(found[at].similarity, expected, tolerance);
          EXPECT_GE(found[at == 0 ? 0 : at - 1].similarity, found[at].similarity);
        }
      }
    }
  }
}

TEST_F(Contexts, OnlyChosenHeadsCount) {
  const ContextIndex index = ContextIndex::open(write({.vector_dtype = VectorDtype::f16}));
  const auto all = exact(SimilarBy::context, 1, 2);
  std::vector<float> query(all[3].begin(), all[3].end());
  const std::vector<std::size_t> heads = {1};
  const std::vector<Nearest> found = index.nearest(query, 1, SimilarBy::context, heads, 5);
  std::fill_n(query.begin(), query.size() / 2, 0.0F);
  const std::vector<Nearest> with_zeros = index.nearest(query, 1, SimilarBy::context, {}, 5);
  ASSERT_EQ(found.size(), with_zeros.size());
  for (std::size_t at = 0; at < found.size(); ++at) {
    EXPECT_EQ(found[at].place, with_zeros[at].place);
    EXPECT_NEAR(found[at].similarity, with_zeros[at].similarity, 1e-6);  // the order of f32 sums
  }
}

TEST_F(Contexts, ThreadsAndBlocksChangeNothing) {
  std::vector<CorpusText> texts;
  for (std::size_t row = 0; row < 900; ++row) texts.push_back({row + 1, some_texts()[row % 7].text + " film", {}});
  const ContextIndex index = ContextIndex::open(write({}, texts));
  const SimilarReport one = similar(classify_, index, {"a good film"}, {{}, "good"}, {.top_k = 200, .attention = false, .num_threads = 1});
  const SimilarReport many = similar(classify_, index, {"a good film"}, {{}, "good"}, {.top_k = 200, .attention = false, .num_threads = 3});
  ASSERT_EQ(one.hits.size(), 200U);
  for (std::size_t hit = 0; hit < one.hits.size(); ++hit) {
    EXPECT_EQ(one.hits[hit].place, many.hits[hit].place);
    EXPECT_EQ(one.hits[hit].similarity, many.hits[hit].similarity);
    const SimilarHit& before = one.hits[hit == 0 ? 0 : hit - 1];
    EXPECT_TRUE(hit == 0 || before.similarity > one.hits[hit].similarity || before.place < one.hits[hit].place);
  }
}

TEST_F(Contexts, ATokenOfTheCorpusFindsItself) {
  const ContextIndex index = ContextIndex::open(write({.layers = {{0, 1}}}));
  for (const SimilarBy by : {SimilarBy::embedding, SimilarBy::context}) {
    const SimilarReport report = similar(classify_, index, {"this film was good 42"}, {{}, "good"}, {.layer = 1, .by = by});
    ASSERT_FALSE(report.hits.empty());
    const SimilarHit& hit = report.hits.front();
    EXPECT_NEAR(hit.similarity, 1, 0.01);
    EXPECT_EQ(hit.text.row, 4U);
    EXPECT_EQ(hit.word, "good");
    EXPECT_EQ(hit.previous, "s");  // of "was", which the vocabulary has in pieces
    EXPECT_EQ(hit.next, "42");
    EXPECT_EQ(hit.text.gold, "good");
    EXPECT_EQ(hit.token_class, TokenClass::word);
    for (const SimilarHit& each : report.hits) EXPECT_FALSE(each.tokens[each.match].special);
  }
}

TEST_F(Contexts, AttentionIsThatOfThePass) {
  const ContextIndex index = ContextIndex::open(write({.layers = {{1}}}));
  const SimilarReport report = similar(classify_, index, {"I love this book"}, {4, {}}, {.heads = {1}});
  const EncoderOutputs outputs = classify_.model()(classify_.tokenizer()("I love this book"), {.output_attentions = true}).outputs;
  const SimilarHit& hit = report.hits.front();
  ASSERT_EQ(hit.text.row, 1U);
  ASSERT_EQ(hit.tokens.size(), 6U);
  const Tensor& attention = outputs.attentions[1][0];
  double special = 0;
  for (std::size_t token = 0; token < 6; ++token) {
    EXPECT_EQ(hit.attention_out[1][token], attention[1][4 * 6 + token]);
    EXPECT_EQ(hit.attention_in[0][token], attention[0][token * 6 + 4]);
    EXPECT_EQ(hit.mean_out[token], double{attention[1][4 * 6 + token]});
    if (token == 0 || token == 5) special += hit.mean_out[token];
  }
  EXPECT_NEAR(hit.special_share, special, 1e-12);
  ASSERT_TRUE(hit.most.has_value());
  EXPECT_TRUE(*hit.most > 0 && *hit.most < 5);
  EXPECT_EQ(hit.offset_to_most, static_cast<std::ptrdiff_t>(*hit.most) - 4);
  EXPECT_EQ(report.query.attention.data, attention.data);
}

TEST_F(Contexts, AMaskedQueryIsTheTextWithAMask) {
  const ContextIndex index = ContextIndex::open(write({}));
  const SimilarReport report = similar(classify_, index, {"I love this book"}, {4, {}}, {.mask = {{{}, "love"}}, .mask_each = true});
  ASSERT_EQ(report.query.masked.size(), 4U);
  EXPECT_EQ(report.query.masked[0].token, 2U);
  const Classification masked = classify_("I [MASK] this book");
  EXPECT_EQ(report.query.masked[0].answer.label, masked.label);
  EXPECT_EQ(report.query.masked[0].answer.score, masked.score);
  EXPECT_EQ(report.query.answer.score, classify_("I love this book").score);
}

TEST_F(Contexts, CountsAreOfTheHits) {
  const ContextIndex index = ContextIndex::open(write({}));
  const SimilarReport report = similar(classify_, index, {"good book"}, {{}, "book"}, {.top_k = 1000});
  EXPECT_EQ(report.hits.size(), index.info().tokens);
  const auto sum = [](const std::vector<NameCount>& counts) {
    return std::accumulate(counts.begin(), counts.end(), std::size_t{0}, [](std::size_t before, const NameCount& each) { return before + each.count; });
  };
  for (const auto& counts : {report.predicted(), report.classes(), report.words(), report.most_offsets(), report.most_words()}) {
    EXPECT_EQ(sum(counts), report.hits.size());
  }
  EXPECT_LT(sum(report.gold()), report.hits.size());
  const auto classes = report.classes();
  const auto of_class = [&](std::string_view wanted) {
    const auto found = std::ranges::find(classes, wanted, &NameCount::name);
    return found == classes.end() ? 0 : found->count;
  };
  EXPECT_GT(of_class("number"), 0U);
  EXPECT_GT(of_class("punctuation"), 0U);
  EXPECT_GT(of_class("word"), of_class("number"));
}

TEST_F(Contexts, WhatCannotBeAskedIsNamed) {
  const ContextIndex index = ContextIndex::open(write({.layers = {{1}}}));
  const auto ask = [&](const TokenChoice& token, SimilarOptions options = {}) { return [&, token, options] { similar(classify_, index, {"I love this book"}, token, options); }; };
  const auto invalid = ErrorKind::invalid_argument;
  expect_error(invalid, {"layer", "in the index (1)", "found 0"}, ask({1, {}}, {.layer = 0}));
  expect_error(invalid, {"heads", "from 0 to 1", "found 2"}, ask({1, {}}, {.heads = {2}}));
  expect_error(invalid, {"token", "1 i, 2 love", "found 9"}, ask({9, {}}));
  expect_error(invalid, {"token", "[CLS]", "special token"}, ask({0, {}}));
  expect_error(invalid, {"token", "found \"hate\""}, ask({{}, "hate"}));
  expect_error(invalid, {"mask", "[SEP]"}, ask({1, {}}, {.mask = {{5, {}}}}));
  expect_error(invalid, {"top_k"}, ask({1, {}}, {.top_k = 0}));
  expect_error(invalid, {"token", "without"}, [&] { similar(classify_, index, {""}, {1, {}}); });
  expect_error(invalid, {"\"love\" once", "1 love, 2 love"}, [&] { similar(classify_, index, {"love love"}, {{}, "love"}); });
  expect_error(invalid, {"layers", "found 2"}, [&] { write({.layers = {{2}}}); });
  expect_error(invalid, {"max_length"}, [&] { write({.max_length = 2}); });
  expect_error(invalid, {"max_length"}, [&] { write({.max_length = 25}); });
}

TEST_F(Contexts, AnIndexOfAnotherModelIsRefused) {
  const ContextIndex index = ContextIndex::open(write({}));
  const TemporaryDirectory other = write_checkpoint({.seed = 12, .max_position_embeddings = 24});
  const auto classifier = pipeline("text-classification", other.path(), {.num_threads = 1});
  expect_error(ErrorKind::invalid_argument, {"model", "sha256", origin().model_sha256}, [&] { index.check(checkpoint_hashes(classifier)); });
}

TEST_F(Contexts, ACorpusOfNothingIsAnIndexOfNothing) {
  for (const std::vector<CorpusText>& texts : {std::vector<CorpusText>{}, std::vector<CorpusText>{{1, "", {}}, {2, "", {}}}}) {
    const ContextIndex index = ContextIndex::open(write({}, texts));
    EXPECT_EQ(index.info().tokens, 0U);
    EXPECT_TRUE(similar(classify_, index, {"good"}, {{}, "good"}).hits.empty());
  }
}

TEST_F(Contexts, ARunThatWasEndedGoesOn) {
  const std::vector<CorpusText> texts = some_texts();
  const std::string whole = read_file(write({}));
  const std::filesystem::path file = directory_.path() / "b.filbert", partial = directory_.path() / "b.filbert.partial";
  for (const bool is_cut : {false, true}) {
    {
      ContextIndexWriter writer(classify_, file, origin(), {});
      writer.add(std::span(texts).first(3));
      writer.pause();
      writer.add(std::span(texts).subspan(3, 2));
      writer.pause();
    }
    expect_error(ErrorKind::invalid_argument, {"is there already", "--resume"}, [&] { ContextIndexWriter(classify_, file, origin(), {}); });
    expect_error(ErrorKind::invalid_argument, {"vector_dtype"},
                 [&] { ContextIndexWriter(classify_, file, origin(), {.vector_dtype = VectorDtype::f16, .resume = true}); });
    expect_error(ErrorKind::corrupt, {"has not ended"}, [&] { ContextIndex::open(partial); });
    if (is_cut) std::filesystem::resize_file(partial, std::filesystem::file_size(partial) - 1);
    ContextIndexWriter writer(classify_, file, origin(), {.resume = true});
    ASSERT_EQ(writer.texts_before(), is_cut ? 3U : 5U);
    writer.add(std::span(texts).subspan(writer.texts_before()));
    const IndexInfo info = writer.finish();
    EXPECT_FALSE(std::filesystem::exists(partial));
    const ContextIndex index = ContextIndex::open(file), other = ContextIndex::open(write({}));
    EXPECT_EQ(info.tokens, other.info().tokens);
    EXPECT_EQ(info.gold, other.info().gold);
    EXPECT_EQ(info.truncated, other.info().truncated);
    for (std::size_t text = 0; text < texts.size(); ++text) EXPECT_EQ(index.text(text).text, other.text(text).text);
    std::filesystem::remove(file);
  }
}

TEST_F(Contexts, AWriterThatDidNothingLeavesNothing) {
  { ContextIndexWriter writer(classify_, directory_.path() / "c.filbert", origin(), {}); }
  EXPECT_FALSE(std::filesystem::exists(directory_.path() / "c.filbert.partial"));
}

TEST_F(Contexts, AFileCutAnywhereIsRefused) {
  const std::string whole = read_file(write({}));
  const std::filesystem::path cut = directory_.path() / "cut.filbert";
  for (std::size_t bytes = 0; bytes < whole.size(); bytes += bytes < 256 || whole.size() - bytes < 128 ? 1 : 61) {
    write_file_atomic(cut, whole.substr(0, bytes));
    expect_error(ErrorKind::corrupt, {"cut.filbert", "expected", "found"}, [&] { ContextIndex::open(cut); });
  }
  write_file_atomic(cut, whole + "x");
  expect_error(ErrorKind::corrupt, {"added to"}, [&] { ContextIndex::open(cut); });
}

// A changed byte is found at once where sizes stand, and else may change what is found, but nothing beside.
TEST_F(Contexts, AChangedByteIsAnErrorOrAnAnswer) {
  const std::filesystem::path file = write({.layers = {{0, 1}}});
  const std::string whole = read_file(file);
  IndexHeader header;
  std::memcpy(&header, whole.data(), sizeof header);
  const std::filesystem::path changed = directory_.path() / "changed.filbert";
  Random random(7);
  std::size_t errors = 0, answers = 0;
  for (std::size_t round = 0; round < 400; ++round) {
    std::string bytes = whole;
    for (std::size_t change = random.between(1, 3); change > 0; --change) {
      // half of the changes where texts and tokens stand
      const std::size_t low = random.between(0, 1) ? 0 : header.directory_begin - 1500;
      bytes[random.between(low, bytes.size() - 1)] ^= static_cast<char>(1 << random.between(0, 7));
    }
    write_file_atomic(changed, bytes);
    try {
      const ContextIndex index = ContextIndex::open(changed);
      similar(classify_, index, {"I love this book"}, {4, {}}, {.by = round % 2 ? SimilarBy::context : SimilarBy::embedding, .top_k = 100});
      ++answers;
      if (bytes != whole) expect_error(ErrorKind::corrupt, {"sha256"}, [&] { index.verify(); });
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::corrupt) << error.what();
      ++errors;
    }
  }
  EXPECT_GT(errors, 20U);
  EXPECT_GT(answers, 20U);
}

// A directory that is signed, and lies.
TEST_F(Contexts, ADirectoryThatLiesIsRefused) {
  const std::filesystem::path file = write({});
  const std::string whole = read_file(file);
  IndexHeader header;
  std::memcpy(&header, whole.data(), sizeof header);
  const std::string directory = whole.substr(header.directory_begin);
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = directory;
    const std::size_t at = changed.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    changed.replace(at, from.size(), to);
    IndexHeader signed_header = header;
    signed_header.directory_bytes = changed.size();
    signed_header.file_bytes = header.directory_begin + changed.size();
    signed_header.directory_digest = digest_of(std::as_bytes(std::span(changed)));
    const auto bytes = std::as_bytes(std::span(&signed_header, 1));
    signed_header.digest = digest_of(bytes.first(sizeof header - sizeof header.digest));
    std::string made = whole.substr(0, header.directory_begin) + changed;
    std::memcpy(made.data(), &signed_header, sizeof header);
    write_file_atomic(directory_.path() / "lies.filbert", made);
    expect_error(ErrorKind::corrupt, {"lies.filbert"}, [&] { ContextIndex::open(directory_.path() / "lies.filbert"); });
  };
  with("\"hidden_size\": 32", "\"hidden_size\": 320");
  with("\"hidden_size\": 32", "\"hidden_size\": 0");
  with("\"heads\": 2", "\"heads\": 4096");
  with("\"vector_dtype\": \"int8\"", "\"vector_dtype\": \"f16\"");
  with("\"vector_dtype\": \"int8\"", "\"vector_dtype\": \"f64\"");
  with("\"tokens\": ", "\"tokens\": 9");
  with("\"texts\": 8", "\"texts\": 7");
  with("\"begin\": ", "\"begin\": 99999999");
  with("\"begin\": ", "\"begin\": -");
  with("\"heap_bytes\": ", "\"heap_bytes\": 2147483647");
  with("{", "[");
}

}  // namespace
}  // namespace filbert
