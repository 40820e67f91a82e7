// What is cut changes nothing on the corpus, bit for bit; and which tokens are single characters.
#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include <filbert/pipeline.h>
#include <filbert/prune_vocab.h>

#include "base/file.h"
#include "evaluate/prune_tokenizer.h"
#include "reference/expect_error.h"
#include "reference/tiny_checkpoint.h"

namespace filbert {
namespace {

using namespace reference;

std::vector<TextInput> views(const std::vector<std::string>& texts) {
  std::vector<TextInput> inputs;
  for (const std::string& text : texts) inputs.push_back({text});
  return inputs;
}

// Words of letters that tokens cut in many ways, and some that none cuts.
std::vector<std::string> random_texts(Random& random, std::size_t count) {
  std::vector<std::string> texts;
  for (std::size_t text = 0; text < count; ++text) {
    std::string words;
    for (std::size_t word = random.between(0, 12); word > 0; --word) {
      if (!words.empty()) words += random.pick<std::string>({" ", " ", ", ", "! "});
      for (std::size_t letter = random.between(1, 9); letter > 0; --letter) words += random.pick<std::string>({"a", "b", "c", "a", "b", "x", "я"});
    }
    texts.push_back(words);
  }
  return texts;
}

// A vocabulary in which greed matters: random pieces of the letters, some of them missing alone.
std::string random_vocab(Random& random) {
  std::string lines = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n,\n!\n";
  std::set<std::string> pieces;
  for (int piece = 0; piece < 120; ++piece) {
    std::string token = random.between(0, 1) == 0 ? "##" : "";
    for (std::size_t letter = random.between(1, 4); letter > 0; --letter) token += random.pick<std::string>({"a", "b", "c"});
    pieces.insert(token);
  }
  for (const std::string& piece : pieces) lines += piece + '\n';
  return lines;
}

TEST(PruneVocab, OnTheCorpusEveryTokenAndEveryBitStays) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const std::string vocab = random_vocab(random);
    const TinyCheckpoint checkpoint{.seed = seed, .vocab_size = static_cast<std::size_t>(std::ranges::count(vocab, '\n')) + 8 * random.between(0, 1), .hidden_size = 16,
                                    .dtype = random.pick<std::string>({"F32", "F16", "BF16"})};
    const TemporaryDirectory from = write_checkpoint(checkpoint), parent;
    from.write("vocab.txt", vocab);
    const std::filesystem::path to = parent.path() / "pruned";
    const std::vector<std::string> corpus = random_texts(random, 25);
    VocabPruner pruner(from.path(), {.characters = seed % 2 == 0 ? KeptCharacters::used : KeptCharacters::all});
    const std::vector<TextInput> inputs = views(corpus);
    pruner.add(std::span(inputs).first(10));
    pruner.add(std::span(inputs).subspan(10));
    const PruneReport report = pruner.write(to);
    EXPECT_EQ(report.rows_after, report.tokens_after);
    EXPECT_LE(report.rows_after, report.rows_before);
    EXPECT_EQ(report.corpus_texts, 25U);
    PruneComparison comparison;
    pruner.compare(inputs, comparison);
    EXPECT_EQ(comparison.changed_texts, 0U) << comparison.first_changed;
    EXPECT_EQ(comparison.unk_before, comparison.unk_after);
    const auto before = pipeline("text-classification", from.path()), after = pipeline("text-classification", to);
    const auto answers = before(inputs), pruned = after(inputs);
    for (std::size_t text = 0; text < corpus.size(); ++text) EXPECT_EQ(answers[text].logits, pruned[text].logits) << corpus[text];
  }
}

TEST(PruneVocab, TextsElsewhereAreCountedAsTheyChange) {
  const TemporaryDirectory from = write_checkpoint(TinyCheckpoint{.vocab_size = 400}), parent;
  VocabPruner pruner(from.path(), {});
  const std::vector<std::string> corpus = {"word1 good", "word1 bad", "good bad word2"};
  pruner.add(views(corpus));
  const PruneReport report = pruner.write(parent.path() / "out");
  EXPECT_EQ(report.texts_with_a_token_of_their_own, 1U);  // word2
  PruneComparison comparison;
  pruner.compare(views({"good", "love", "word2 bad"}), comparison);
  EXPECT_EQ(comparison.texts, 3U);
  EXPECT_EQ(comparison.changed_texts, 1U);
  EXPECT_EQ(comparison.first_changed, "love");
  EXPECT_EQ(comparison.unk_after, 0U);  // its letters are there
  EXPECT_GT(comparison.tokens_after, comparison.tokens_before);
  pruner.remove();
  EXPECT_FALSE(std::filesystem::exists(parent.path() / "out/config.json"));
}

TEST(PruneVocab, AHeadOfPreTrainingIsCutToo) {
  const TemporaryDirectory from = write_checkpoint(TinyCheckpoint{.vocab_size = 200, .edit_tensors = [](Arrays& arrays) {
                                                     arrays["cls.predictions.bias"] = {{200}, std::vector<double>(200, 1.0)};
                                                     arrays["cls.predictions.transform.dense.bias"] = {{32}, std::vector<double>(32, 1.0)};
                                                   }}), parent;
  VocabPruner pruner(from.path(), {.characters = KeptCharacters::used});
  const std::vector<std::string> corpus = {"good"};
  pruner.add(views(corpus));
  const PruneReport report = pruner.write(parent.path() / "out");
  const std::string file = read_file(parent.path() / "out/model.safetensors");
  EXPECT_NE(file.find("\"cls.predictions.bias\""), std::string::npos);
  EXPECT_EQ(file.find("[200"), std::string::npos);
  EXPECT_NE(file.find("[" + std::to_string(report.rows_after)), std::string::npos);
}

TEST(PruneVocab, SingleTokensAreCharactersAndBytes) {
  const auto single = [](TokenModel model, std::string_view token) {
    PrunableTokenizer tokenizer;
    tokenizer.model = model;
    std::size_t script = 0;
    return is_single(tokenizer, token, script);
  };
  for (const char* token : {"a", "##a", "漢", "##漢", "#", "<0x0A>"}) EXPECT_TRUE(single(TokenModel::wordpiece, token)) << token;
  for (const char* token : {"", "##", "ab", "##ab", "▁a", "[UNK]"}) EXPECT_FALSE(single(TokenModel::wordpiece, token)) << token;
  for (const char* token : {"a", "▁a", "▁", "<0xFF>"}) EXPECT_TRUE(single(TokenModel::unigram, token)) << token;
  for (const char* token : {"▁ab", "##a"}) EXPECT_FALSE(single(TokenModel::unigram, token)) << token;
  for (const char* token : {"a", "Ġ"}) EXPECT_TRUE(single(TokenModel::bpe, token)) << token;
  EXPECT_FALSE(single(TokenModel::bpe, "Ġa"));
}

TEST(PruneVocab, NothingToKeepIsRefused) {
  const TemporaryDirectory from = write_checkpoint(TinyCheckpoint()), parent;
  VocabPruner pruner(from.path());
  expect_error(ErrorKind::invalid_argument, {"corpus", "expected texts"}, [&] { pruner.write(parent.path() / "out"); });
  EXPECT_FALSE(std::filesystem::exists(parent.path() / "out"));
  const std::vector<std::string> corpus = {"good"};
  pruner.add(views(corpus));
  expect_error(ErrorKind::invalid_argument, {"empty directory"}, [&] { pruner.write(from.path()); });
  expect_error(ErrorKind::invalid_argument, {"characters", "all, scripts, used"}, [] { kept_characters_from_name("some"); });
}

}  // namespace
}  // namespace filbert
