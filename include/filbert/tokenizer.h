// Stage 1: text in, input_ids out. Behaviour: Hugging Face `tokenizers` 0.23 (what transformers' fast tokenizers run).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <filbert/hub.h>

namespace filbert {

// One text, or a pair. Views: valid while the caller keeps the strings.
struct TextInput {
  std::string_view text;
  std::optional<std::string_view> text_pair = {};
};

// One text, split into words elsewhere: each is tokenized by itself. Views, as above.
struct WordsInput {
  std::span<const std::string_view> words;
  std::string_view delimiter = " ";  // what the words are joined by where one text is wanted
};

// What gives way when special tokens and text exceed max_length; as TruncationStrategy of transformers.
enum class Truncation {
  do_not_truncate,
  longest_first,  // token after token from the longer of the pair
  only_first,     // from `text` alone
  only_second,    // from `text_pair` alone
};
// "longest_first" → Truncation::longest_first. Throws Error(invalid_argument) for any other word.
Truncation truncation_from_name(std::string_view name);

// What offsets count.
enum class OffsetUnit { code_points, bytes, utf16 };
OffsetUnit offset_unit_from_name(std::string_view name);

// [begin, end) in the text the token comes from; {0, 0} for special tokens that stand in no text.
struct Offset {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool operator==(const Offset&) const = default;
};

struct EncodeOptions {
  bool add_special_tokens = true;
  Truncation truncation = Truncation::do_not_truncate;
  std::optional<std::size_t> max_length = {};  // tokens with the special ones; absent: the tokenizer's model_max_length
  // What truncation would drop comes in further rows, windows of max_length tokens that each begin with the last `stride`
  // tokens of the text in the one before. Of a pair one text is cut, and the other stands whole in every window: that which
  // `truncation` names, with longest_first the longer. (tokenizers cuts both where both are long, and gives every window of
  // one beside every window of the other.)
  bool return_overflowing_tokens = false;
  std::size_t stride = 0;
  bool return_offsets_mapping = true;          // offset_mapping, word_ids and sequence_ids; off saves their cost
  OffsetUnit offset_unit = OffsetUnit::code_points;
  unsigned num_threads = 0;  // of a call with many texts; 0: what the affinity mask and the cgroup's CPU quota allow
};

// Rows of tokens, end to end and without padding: row r is [row_starts[r], row_starts[r + 1]) of every array.
// The only thing that stage 1 hands to stage 2. A caller with ids of its own may fill it by add_row().
// There is no attention_mask: without padding it would be all ones.
struct BatchEncoding {
  std::vector<std::size_t> row_starts = {0};  // [batch_size + 1]
  std::vector<std::int32_t> input_ids;        // [total_tokens]
  std::vector<std::int32_t> token_type_ids;   // [total_tokens]
  std::vector<std::int32_t> special_tokens_mask;  // [total_tokens] 1 for tokens that the post-processor added
  std::vector<Offset> offset_mapping;         // [total_tokens], or empty if not asked for
  std::vector<std::int32_t> word_ids;         // [total_tokens], −1 for special tokens; or empty
  std::vector<std::int32_t> sequence_ids;     // [total_tokens] 0 text, 1 text_pair, −1 special; or empty
  // [batch_size] the text that a row is of, where return_overflowing_tokens was asked for; or empty: each row is a text.
  std::vector<std::size_t> overflow_to_sample_mapping;

  struct Row {
    std::size_t tokens_total = 0;   // what the row would have had without truncation, special tokens included
    bool truncated = false;         // tokens were dropped; never of a window, whose text goes on in other rows
    std::size_t invalid_utf8 = 0;   // ill-formed byte sequences, each replaced by U+FFFD as Python's errors="replace"
    std::int32_t sequence_id = 0;   // of a window: what it is a piece of, 0 text, 1 text_pair
  };
  std::vector<Row> rows;            // [batch_size]

  std::size_t batch_size() const { return row_starts.size() - 1; }
  std::size_t total_tokens() const { return input_ids.size(); }
  std::size_t row_length(std::size_t row) const { return row_starts[row + 1] - row_starts[row]; }

  // No rows; the memory stays, for those that come.
  void clear();
  // Appends a row tokenized elsewhere. `token_type_ids` may be empty (zeros), else as long as `input_ids`.
  // Throws Error(invalid_argument) if the lengths differ or the row is empty.
  void add_row(std::span<const std::int32_t> input_ids, std::span<const std::int32_t> token_type_ids = {});
};

struct DecodeOptions {
  bool skip_special_tokens = false;
  std::optional<bool> clean_up_tokenization_spaces = {};  // absent: what tokenizer_config.json says, else false; of BPE never, as in transformers
};

// Const after loading; every member may be called from many threads at once. A copy costs nothing: it shares the vocabulary.
class Tokenizer {
 public:
  // Tokenizes one text, a pair, or many. A text given with "[SEP]" or another special token in it gets that token's id,
  // as in transformers. Throws Error(invalid_argument): max_length smaller than the special tokens need; a row too long
  // where only_first or only_second may not cut the other text enough, or only_second finds no pair.
  BatchEncoding operator()(std::string_view text, const EncodeOptions& options = {}) const;
  BatchEncoding operator()(std::string_view text, std::string_view text_pair, const EncodeOptions& options = {}) const;
  BatchEncoding operator()(std::span<const TextInput> texts, const EncodeOptions& options = {}) const;

  // Words of texts, as is_split_into_words of transformers: offsets are those in a word, and word_ids are the words' places.
  BatchEncoding operator()(std::span<const WordsInput> texts, const EncodeOptions& options = {}) const;

  std::size_t vocab_size() const;                                           // added tokens included
  std::string_view id_to_token(std::int32_t id) const;                      // Throws Error(invalid_argument) past the end
  std::optional<std::int32_t> token_to_id(std::string_view token) const;
  // tokenizer_config.json's model_max_length or its old name max_len; absent if neither says (or says 1e30).
  std::optional<std::size_t> model_max_length() const;

  // "[MASK]", "<mask>": what stands for a word that is hidden, what parts texts, and what nothing of the vocabulary stands for; absent if
  // the tokenizer has none.
  std::optional<std::string> mask_token() const;
  std::optional<std::string> sep_token() const;
  std::optional<std::string> unk_token() const;
  std::optional<std::string> pad_token() const;
  std::optional<std::string> cls_token() const;
  std::optional<std::string> bos_token() const;  // by these names some classes of transformers have their cls_token and sep_token, too
  std::optional<std::string> eos_token() const;
  // As transformers lists them: bos, eos, unk, sep, pad, cls, mask and then additional ones, each once; and their ids.
  std::vector<std::string> all_special_tokens() const;
  std::vector<std::int32_t> all_special_ids() const;
  // tokenizer_config.json's padding_side is "left", or its class has it so where it does not say. Filbert itself never pads.
  bool pads_left() const;

  // What tokens say when they are put together, by the decoder of tokenizer.json or of the tokenizer's class: {"new", "##er"} → "newer".
  // Ill-formed UTF-8 becomes U+FFFD. Throws Error: unsupported, corrupt, for a decoder that could not be read.
  std::string convert_tokens_to_string(std::span<const std::string> tokens) const;
  // The same from ids; those that no token has are left out. Throws Error(invalid_argument) for a negative one.
  std::string decode(std::span<const std::int32_t> ids, const DecodeOptions& options = {}) const;

  // What was read, for people: "WordPiece from vocab.txt, 30522 tokens, lower-casing", and every doubt about it.
  std::string description() const;
  std::vector<std::string> doubts() const;
  bool lowercases() const;

  struct Impl;  // src/tokenize/tokenizer.h
  const Impl& internals() const { return *impl_; }  // for the library's own parts; it may change with any version
  explicit Tokenizer(std::unique_ptr<const Impl> impl);
  Tokenizer(const Tokenizer&);
  Tokenizer& operator=(const Tokenizer&);
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

 private:
  std::shared_ptr<const Impl> impl_;  // as that of PreTrainedModel
};

struct AutoTokenizer {
  // Reads tokenizer.json, or where there is none vocab.txt, vocab.json with merges.txt, or a sentencepiece model
  // (sentencepiece.bpe.model, spiece.model, spm.model), and tokenizer_config.json beside it, from a directory or from the Hub
  // (find_checkpoint(), whose errors it throws too).
  // The truncation and padding baked into some tokenizer.json do not apply, as in transformers.
  // Throws Error: not_found, corrupt (names the field), unsupported (names the type of normalizer, model, …).
  static Tokenizer from_pretrained(const std::filesystem::path& checkpoint, const HubOptions& hub = {});
};

}  // namespace filbert
