// An index of every family holds what the family's encoder gives, as near as its numbers are kept, and a search in it finds what looking at every stored
// vector in double finds. tests/parity/contexts_parity.py holds the same against transformers.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <filbert/contexts.h>

#include "explain/contexts_file.h"
#include "reference/family_fixtures.h"
#include "reference/sanitizers.h"
#include "reference/tiny_checkpoint.h"

namespace filbert {
namespace {

using namespace reference;

constexpr std::size_t kTop = 50;

float float_of_f16(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  const double size = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(fraction + 1024, exponent - 25);
  return static_cast<float>(bits & 0x8000 ? -size : size);
}

// What an index stores of each of its tokens, read by the description in docs/contexts.md: [tokens] of parts · part_size numbers, and half the step
// that each was rounded by.
struct Stored {
  std::vector<std::vector<double>> vectors, half_steps;
};
Stored stored(const std::filesystem::path& file, std::size_t layer, SimilarBy by) {
  const ContextIndex::Impl index(file);
  const bool is_int8 = index.info.vector_dtype == VectorDtype::int8;
  Stored all;
  for (const IndexBlock& block : index.blocks) {
    const BlockLayout layout(index.shape, block.texts, block.tokens, block.heap_bytes);
    const VectorPlace& place = (by == SimilarBy::context ? layout.contexts : layout.embeddings)[layer];
    const std::byte* payload = index.payload(block).data();
    for (std::size_t token = 0; token < block.tokens; ++token) {
      std::vector<double> vector, half_step;
      for (std::size_t at = 0; at < place.parts * place.part_size; ++at) {
        const std::size_t number = token * place.parts * place.part_size + at;
        if (is_int8) {
          float scale = 0;
          std::memcpy(&scale, payload + place.scales + (token * place.parts + at / place.part_size) * sizeof scale, sizeof scale);
          vector.push_back(double{scale} * static_cast<std::int8_t>(payload[place.numbers + number]));
          half_step.push_back(scale / 2);
        } else {
          std::uint16_t bits = 0;
          std::memcpy(&bits, payload + place.numbers + number * sizeof bits, sizeof bits);
          vector.push_back(float_of_f16(bits));
          half_step.push_back(std::max(std::abs(vector.back()) / 2048, std::ldexp(1, -25)));
        }
      }
      all.vectors.push_back(std::move(vector));
      all.half_steps.push_back(std::move(half_step));
    }
  }
  return all;
}

class ContextsOfFamilies : public FamilyTest {
 protected:
  // Each text and each second one of a pair, and again with words before it: more tokens than a search gives.
  std::vector<std::string> texts() const {
    std::vector<std::string> texts;
    for (const FamilyRow& row : fixture().rows) {
      texts.push_back(row.text);
      if (row.text_pair) texts.push_back(*row.text_pair);
    }
    const std::size_t count = texts.size();
    for (std::size_t at = 0; at < count; ++at) texts.push_back(texts[(at + 1) % count] + " " + texts[at]);
    return texts;
  }
  std::filesystem::path write(VectorDtype dtype) const {
    std::vector<std::size_t> all(layers());
    std::iota(all.begin(), all.end(), std::size_t{0});
    const IndexOptions options{.layers = all, .vector_dtype = dtype};
    std::vector<CorpusText> corpus;
    for (const std::string& text : texts()) corpus.push_back({corpus.size() + 1, text, {}});
    const std::filesystem::path file = directory_.path() / "a.filbert";
    ContextIndexWriter writer(classifier_, file, {}, options);
    writer.add(corpus);
    EXPECT_GT(writer.finish().tokens, kTop);
    return file;
  }
  std::size_t layers() const {
    const auto outputs = classifier_.model()(classifier_.tokenizer()("a"), {.output_hidden_states = true}).outputs;
    return outputs.hidden_states.size() - 1;
  }
  BatchEncoding row_of(const std::string& text) const {
    const TextInput input{text, std::nullopt};
    return classifier_.tokenizer()(std::span(&input, 1), {.truncation = Truncation::longest_first, .max_length = classifier_.max_length()});
  }

  const TemporaryDirectory directory_;
  const TextClassificationPipeline classifier_ = pipeline("text-classification", fixture().directory, {.num_threads = 2});
};

TEST_P(ContextsOfFamilies, AnIndexHoldsWhatTheEncoderGives) {
  for (const VectorDtype dtype : {VectorDtype::int8, VectorDtype::f16}) {
    const std::filesystem::path file = write(dtype);
    const ContextIndex index = ContextIndex::open(file);
    for (std::size_t layer = 0; layer < layers(); ++layer) {
      for (const SimilarBy by : {SimilarBy::embedding, SimilarBy::context}) {
        const Stored kept = stored(file, layer, by);
        const std::size_t parts = by == SimilarBy::context ? index.info().layers[layer].heads : 1;
        std::size_t place = 0;
        for (const std::string& text : texts()) {
          const BatchEncoding row = row_of(text);
          const EncoderOutputs outputs = classifier_.model()(row, {.output_hidden_states = true, .output_contexts = true}).outputs;
          const Tensor& vectors = by == SimilarBy::context ? outputs.contexts[layer] : outputs.hidden_states[layer];
          for (std::size_t token = 0; token < row.total_tokens(); ++token) {
            if (row.special_tokens_mask[token] != 0) continue;
            ASSERT_LT(place, kept.vectors.size());
            EXPECT_EQ(index.token(place).input_id, row.input_ids[token]);
            const auto vector = vectors[token];
            ASSERT_EQ(kept.vectors[place].size(), vector.size());
            const std::size_t size = vector.size() / parts;
            for (std::size_t at = 0; at < vector.size(); ++at) {
              const auto part = vector.subspan(at / size * size, size);
              const double length = std::sqrt(std::inner_product(part.begin(), part.end(), part.begin(), 0.0));
              ASSERT_NEAR(kept.vectors[place][at], vector[at] / length, kept.half_steps[place][at] * 1.001 + 1e-7) << text << ", token " << token;
            }
            ++place;
          }
        }
        EXPECT_EQ(place, kept.vectors.size());
      }
    }
  }
}

TEST_P(ContextsOfFamilies, TheTopFiftyAreThoseOfLookingAtAll) {
  for (const VectorDtype dtype : {VectorDtype::int8, VectorDtype::f16}) {
    const std::filesystem::path file = write(dtype);
    const ContextIndex index = ContextIndex::open(file);
    const std::string query = texts().back();
    const BatchEncoding row = row_of(query);
    const EncoderOutputs outputs = classifier_.model()(row, {.output_hidden_states = true, .output_contexts = true}).outputs;
    for (std::size_t layer = kUnderSanitizer ? layers() - 1 : 0; layer < layers(); ++layer) {
      const IndexedLayer& of = index.info().layers[layer];
      for (const auto& [by, heads] : {std::pair{SimilarBy::embedding, std::vector<std::size_t>{0}}, {SimilarBy::context, {}}, {SimilarBy::context, {of.heads - 1}}}) {
        const Stored kept = stored(file, layer, by);
        const std::size_t parts = by == SimilarBy::context ? of.heads : 1;
        std::vector<std::size_t> chosen = heads;
        for (std::size_t head = 0; heads.empty() && head < parts; ++head) chosen.push_back(head);
        for (std::size_t token = 0; token < row.total_tokens(); ++token) {
          if (row.special_tokens_mask[token] != 0) continue;
          const auto vector = (by == SimilarBy::context ? outputs.contexts : outputs.hidden_states)[layer][token];
          const std::size_t size = vector.size() / parts;
          std::vector<double> scores;
          for (const std::vector<double>& other : kept.vectors) {
            double sum = 0, length = 0;
            for (const std::size_t part : chosen) {
              double squares = 0;
              for (std::size_t at = part * size; at < (part + 1) * size; ++at) sum += vector[at] * other[at], squares += double{vector[at]} * vector[at];
              length += std::sqrt(squares);
            }
            scores.push_back(sum / length);
          }
          const bool attends = dtype == VectorDtype::f16 && by == SimilarBy::embedding;  // once suffices
          std::vector<double> best = scores;
          std::ranges::sort(best, std::ranges::greater());
          const SimilarReport report = similar(classifier_, index, {query}, {.index = token},
                                               {.layer = layer, .by = by, .heads = by == SimilarBy::context ? heads : std::vector<std::size_t>{}, .top_k = kTop, .attention = attends});
          ASSERT_EQ(report.hits.size(), kTop);
          for (std::size_t at = 0; at < kTop; ++at) {
            // Of f32 sums over at most 128 numbers of size 1: two that are as near may stand in either order.
            EXPECT_NEAR(report.hits[at].similarity, scores[report.hits[at].place], 2e-6);
            EXPECT_NEAR(report.hits[at].similarity, best[at], 2e-6);
            if (!attends) continue;
            EXPECT_EQ(report.hits[at].tokens.size(), report.hits[at].mean_out.size());
            EXPECT_NEAR(std::accumulate(report.hits[at].mean_out.begin(), report.hits[at].mean_out.end(), 0.0), 1, 1e-5);
          }
        }
      }
    }
  }
}

// As near as f16 tells: in a model that nobody trained other words may be as near.
TEST_P(ContextsOfFamilies, AWordOfTheCorpusFindsItself) {
  const ContextIndex index = ContextIndex::open(write(VectorDtype::f16));
  for (const std::size_t text : {std::size_t{1}, std::size_t{3}}) {
    const IndexedText of = index.text(text);
    ASSERT_FALSE(of.tokens.empty());
    for (const IndexedToken& token : of.tokens) {
      const SimilarReport report = similar(classifier_, index, {of.text}, {.index = token.token}, {.by = SimilarBy::context, .top_k = 10'000, .attention = false});
      ASSERT_EQ(report.hits.size(), index.info().tokens);
      const auto own = std::ranges::find_if(report.hits, [&](const SimilarHit& hit) { return hit.text.row == of.row && hit.tokens[hit.match].token_index == token.token; });
      ASSERT_NE(own, report.hits.end());
      EXPECT_NEAR(own->similarity, 1, 1e-3) << of.text;
      EXPECT_NEAR(own->similarity, report.hits.front().similarity, 1e-3);
      EXPECT_EQ(own->tokens[own->match].token, report.query.tokens[report.query.token].token);
    }
  }
}

std::vector<std::string> of_texts() {
  std::vector<std::string> names = fixture_names();
  std::erase_if(names, [](const std::string& name) { return !name.ends_with("/sequence"); });
  return names;
}
INSTANTIATE_TEST_SUITE_P(Families, ContextsOfFamilies, testing::ValuesIn(of_texts()), test_name);

}  // namespace
}  // namespace filbert
