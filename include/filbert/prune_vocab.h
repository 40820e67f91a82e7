// A multilingual checkpoint cut to the tokens that a corpus uses: fewer rows of word embeddings, the same numbers on the corpus.
// docs/prune_vocab.md says what is kept and why.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <filbert/tokenizer.h>

namespace filbert {

// Which tokens of one character are kept beside those that the corpus uses. A text with a character that has no token becomes [UNK].
enum class KeptCharacters {
  all,      // each: no text that had tokens before is lost
  scripts,  // letters of the scripts that the corpus has, and what is no letter
  used,     // those of the corpus alone
};
KeptCharacters kept_characters_from_name(std::string_view name);  // Throws Error(invalid_argument)

struct PruneOptions {
  KeptCharacters characters = KeptCharacters::all;
  unsigned num_threads = 0;             // of the tokenizer
};

// How the tokens of texts change.
struct PruneComparison {
  std::uint64_t texts = 0, changed_texts = 0;
  std::uint64_t tokens_before = 0, tokens_after = 0;
  std::uint64_t unk_before = 0, unk_after = 0;
  std::string first_changed;            // the text
};

struct PruneReport {
  std::size_t tokens_before = 0, tokens_after = 0;   // of the vocabulary, added ones included
  std::size_t rows_before = 0, rows_after = 0;       // of the word embeddings
  std::uintmax_t bytes_before = 0, bytes_after = 0;  // of the weight files
  std::size_t kept_special = 0, kept_characters = 0, kept_used = 0;  // each beside those before it
  std::uint64_t corpus_texts = 0, corpus_tokens = 0;
  // Texts that hold a token which no other text of the corpus does: by Good and Turing about the share of further texts of the same kind
  // whose tokens will change.
  std::uint64_t texts_with_a_token_of_their_own = 0;
};

// In this order: add() the corpus, write(), compare() with the corpus again and whatever else, and if that is bad remove().
class VocabPruner {
 public:
  // Throws Error: what loading throws; unsupported (a tokenizer that cannot be cut exactly).
  explicit VocabPruner(std::filesystem::path from, const PruneOptions& options = {});
  VocabPruner(VocabPruner&&) noexcept;
  ~VocabPruner();

  void add(std::span<const TextInput> texts);
  // To a new or an empty directory. Throws Error(invalid_argument) if it has files or no text was added.
  PruneReport write(const std::filesystem::path& to);
  // Tokenizes with both: `comparison` goes on.
  void compare(std::span<const TextInput> texts, PruneComparison& comparison) const;
  // Makes what was written no checkpoint.
  void remove() const;

  struct Impl;  // src/evaluate/prune_vocab.cpp

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace filbert
