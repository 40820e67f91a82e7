// Which tokens are kept, and the checkpoint with them.
//
// Why the tokens of the corpus do not change: WordPiece takes the longest token that fits, and of fewer tokens the longest is the same as long
// as it is among them; a word that became [UNK] keeps the tokens that were tried, so that it still fails where it failed. Unigram takes the best
// way through a word, and with fewer ways the best is the same if it is among them. BPE makes the same merges if each way to make a kept token
// is kept, down to single characters. Tested by prune_vocab_test.cpp, and by VocabPruner::compare() on each corpus.
#include <filbert/prune_vocab.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <unordered_set>
#include <vector>

#include <fmt/format.h>

#include <filbert/config.h>
#include <filbert/error.h>

#include "base/file.h"
#include "base/names.h"
#include "base/text.h"
#include "evaluate/prune_tokenizer.h"
#include "evaluate/scripts.h"
#include "infer/architecture.h"
#include "load/new_checkpoint.h"
#include "load/weight_files.h"
#include "postprocess/decision.h"

namespace filbert {
namespace {

constexpr std::size_t kRememberedWords = 100'000;
constexpr std::string_view kPreTrainingHeads[] = {"cls.", "lm_head.", "lm_loss.", "lm_predictions.", "mask_predictions.", "predictions.", "generator_lm_head."};

constexpr std::size_t kMostBeginnings = 100;  // of a word: WordPiece tries none that is longer

}  // namespace

KeptCharacters kept_characters_from_name(std::string_view name) {
  constexpr std::array<std::string_view, 3> kNames = {"all", "scripts", "used"};
  return from_name<KeptCharacters>("characters", name, kNames);
}

struct VocabPruner::Impl {
  Impl(std::filesystem::path directory, const PruneOptions& prune_options)
      : from(std::move(directory)), options(prune_options), config(Config::from_pretrained(from)), tokenizer(AutoTokenizer::from_pretrained(from)),
        prunable(read_prunable_tokenizer(from, tokenizer)), used(tokenizer.vocab_size()), texts_with(tokenizer.vocab_size()), only_text(tokenizer.vocab_size()) {
    for (const std::string& token : {prunable.unk_token, std::string("[UNK]"), std::string("<unk>")}) {
      if (!unk && !token.empty()) unk = tokenizer.token_to_id(token);
    }
  }

  void add(std::span<const TextInput> texts);
  void add_tried(std::string_view word);
  std::vector<bool> chosen(PruneReport& report) const;
  void write_weights(const std::filesystem::path& to, const std::vector<std::int32_t>& new_ids, PruneReport& report) const;

  std::filesystem::path from, to;
  PruneOptions options;
  Config config;
  Tokenizer tokenizer;
  PrunableTokenizer prunable;
  std::optional<std::int32_t> unk;
  std::vector<bool> used;                     // [ids]
  std::vector<std::uint32_t> texts_with;      // [ids] texts that hold it, up to two
  std::vector<std::uint64_t> only_text;       // [ids] the first of them
  std::array<bool, kMostScripts> scripts{};   // that the corpus has
  std::unordered_set<std::string> unknown_words;
  std::uint64_t texts = 0, tokens = 0;
  std::vector<std::int32_t> new_ids;
  std::optional<Tokenizer> pruned;
};

// What WordPiece tries on a word that it then gives up: its tokens are those of the beginnings of the word.
void VocabPruner::Impl::add_tried(std::string_view word) {
  if (unknown_words.size() >= kRememberedWords) unknown_words.clear();
  if (!unknown_words.emplace(word).second) return;
  std::vector<TextInput> beginnings;
  for (std::size_t end = 0; end < word.size() && beginnings.size() <= kMostBeginnings;) {
    end += decode_utf8(word, end).bytes;
    beginnings.push_back({word.substr(0, end)});
  }
  const BatchEncoding rows = tokenizer(beginnings, {.add_special_tokens = false, .return_offsets_mapping = false, .num_threads = 1});
  for (const std::int32_t id : rows.input_ids) used[static_cast<std::size_t>(id)] = true;
}

void VocabPruner::Impl::add(std::span<const TextInput> inputs) {
  const BatchEncoding rows = tokenizer(inputs, {.offset_unit = OffsetUnit::bytes, .num_threads = options.num_threads});
  for (std::size_t row = 0; row < rows.batch_size(); ++row) {
    ++texts;
    for (std::size_t token = rows.row_starts[row]; token < rows.row_starts[row + 1]; ++token) {
      const auto id = static_cast<std::size_t>(rows.input_ids[token]);
      used[id] = true;
      if (texts_with[id] == 0) only_text[id] = texts, texts_with[id] = 1;
      if (only_text[id] != texts) texts_with[id] = 2;
      if (!unk || rows.input_ids[token] != *unk || rows.sequence_ids[token] < 0) continue;
      const std::string_view text = rows.sequence_ids[token] == 0 ? inputs[row].text : *inputs[row].text_pair;
      const Offset& place = rows.offset_mapping[token];
      if (prunable.model == TokenModel::wordpiece && place.end <= text.size()) add_tried(text.substr(place.begin, place.end - place.begin));
    }
    for (const std::string_view text : {inputs[row].text, inputs[row].text_pair.value_or("")}) {
      for (std::size_t at = 0; at < text.size();) {
        const DecodedChar c = decode_utf8(text, at);
        scripts[script_of(c.code_point)] = true;
        at += c.bytes;
      }
    }
  }
  tokens += rows.total_tokens();
}

std::vector<bool> VocabPruner::Impl::chosen(PruneReport& report) const {
  std::vector<bool> kept(used.size());
  std::vector<std::int32_t> open;
  const auto keep = [&](std::int32_t id, std::size_t& count) {
    if (kept[static_cast<std::size_t>(id)]) return;
    kept[static_cast<std::size_t>(id)] = true;
    open.push_back(id);
    ++count;
  };
  for (const std::int32_t id : prunable.special) keep(id, report.kept_special);
  for (std::size_t id = 0; id < kept.size(); ++id) {
    std::size_t script = 0;
    if (!is_single(prunable, tokenizer.id_to_token(static_cast<std::int32_t>(id)), script)) continue;
    const bool wanted = prunable.model == TokenModel::bpe || options.characters == KeptCharacters::all ||
                        (options.characters == KeptCharacters::scripts && (script == 0 || scripts[script]));
    if (wanted) keep(static_cast<std::int32_t>(id), report.kept_characters);
  }
  std::set<std::size_t> exposed;  // texts with a token that no other holds and nothing else keeps
  for (std::size_t id = 0; id < kept.size(); ++id) {
    if (texts_with[id] == 1 && !kept[id]) exposed.insert(only_text[id]);
  }
  report.texts_with_a_token_of_their_own = exposed.size();
  for (std::size_t id = 0; id < kept.size(); ++id) {
    if (used[id]) keep(static_cast<std::int32_t>(id), report.kept_used);
  }
  for (const std::int32_t id : prunable.needed) keep(id, report.kept_used);
  while (!open.empty() && !prunable.parts.empty()) {
    const auto id = static_cast<std::size_t>(open.back());
    open.pop_back();
    for (const auto& [left, right] : prunable.parts[id]) keep(left, report.kept_used), keep(right, report.kept_used);
  }
  return kept;
}

void VocabPruner::Impl::write_weights(const std::filesystem::path& directory, const std::vector<std::int32_t>& ids, PruneReport& report) const {
  const WeightFiles files = find_weight_files(from);
  const std::vector<MappedTensors> mapped = map_weight_files(files);
  const std::string embeddings = file_name(config, "embeddings.word_embeddings.weight");
  std::vector<std::vector<std::byte>> made;
  std::vector<TensorToWrite> tensors;
  bool has_embeddings = false;
  for (const MappedTensors& part : mapped) {
    for (const TensorView& tensor : part.tensors) {
      TensorToWrite written{tensor.name, tensor.dtype_name, tensor.shape, tensor.data};
      const bool is_embedding = tensor.name.ends_with(embeddings), is_scale = tensor.name.ends_with(embeddings + "_scale");
      const bool is_head = std::ranges::any_of(kPreTrainingHeads, [&](std::string_view head) { return tensor.name.starts_with(head); });
      if ((is_embedding || is_scale || is_head) && !tensor.shape.empty() && tensor.shape[0] == config.vocab_size) {
        const std::size_t row_bytes = tensor.data.size() / config.vocab_size;
        std::vector<std::byte>& rows = made.emplace_back(report.rows_after * row_bytes);
        for (std::size_t id = 0; id < std::min(ids.size(), config.vocab_size); ++id) {
          if (ids[id] >= 0) std::ranges::copy(tensor.data.subspan(id * row_bytes, row_bytes), rows.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(ids[id]) * row_bytes));
        }
        written.shape[0] = report.rows_after;
        written.data = rows;
        has_embeddings |= is_embedding;
      }
      tensors.push_back(std::move(written));
    }
  }
  if (!has_embeddings) throw Error(ErrorKind::corrupt, fmt::format("{}: expected a tensor {} of {} rows, found none", files.main.string(), embeddings, config.vocab_size));
  // The widest elements first: then each tensor's data begins at a multiple of its elements' size, as safetensors has it.
  std::ranges::stable_sort(tensors, std::greater<>(), [](const TensorToWrite& tensor) { return find_dtype(tensor.dtype_name)->bytes; });
  write_safetensors(directory / "model.safetensors", tensors, {{"format", "pt"}});
}

VocabPruner::VocabPruner(std::filesystem::path from, const PruneOptions& options) : impl_(std::make_unique<Impl>(std::move(from), options)) {}
VocabPruner::VocabPruner(VocabPruner&&) noexcept = default;
VocabPruner::~VocabPruner() = default;

void VocabPruner::add(std::span<const TextInput> texts) { impl_->add(texts); }

PruneReport VocabPruner::write(const std::filesystem::path& to) {
  Impl& self = *impl_;
  if (self.texts == 0) throw Error(ErrorKind::invalid_argument, "corpus: expected texts, found none");
  PruneReport report{.tokens_before = self.tokenizer.vocab_size(), .rows_before = self.config.vocab_size, .corpus_texts = self.texts, .corpus_tokens = self.tokens};
  const std::vector<bool> kept = self.chosen(report);
  self.new_ids.assign(kept.size(), -1);
  for (std::size_t id = 0; id < kept.size(); ++id) {
    if (!kept[id]) continue;
    self.new_ids[id] = static_cast<std::int32_t>(report.tokens_after++);
    report.rows_after += id < self.config.vocab_size;
  }
  make_new_directory(to);
  self.write_weights(to, self.new_ids, report);
  write_pruned_tokenizer(self.from, to, self.prunable, self.new_ids);
  carry_decision(self.from, to);
  write_file_atomic(to / "config.json", pruned_config(self.from, self.new_ids, report.rows_after));
  self.to = to;
  self.pruned.emplace(AutoTokenizer::from_pretrained(to));
  report.bytes_before = weight_bytes(self.from), report.bytes_after = weight_bytes(to);
  return report;
}

void VocabPruner::compare(std::span<const TextInput> texts, PruneComparison& comparison) const {
  const Impl& self = *impl_;
  const EncodeOptions options{.return_offsets_mapping = false, .num_threads = self.options.num_threads};
  const BatchEncoding before = self.tokenizer(texts, options), after = (*self.pruned)(texts, options);
  const std::int32_t unk = self.unk.value_or(-1), unk_after = self.unk ? self.new_ids[static_cast<std::size_t>(*self.unk)] : -1;
  for (std::size_t row = 0; row < texts.size(); ++row) {
    const std::span old_ids = std::span(before.input_ids).subspan(before.row_starts[row], before.row_length(row));
    const std::span ids = std::span(after.input_ids).subspan(after.row_starts[row], after.row_length(row));
    const bool same = std::ranges::equal(old_ids, ids, [&](std::int32_t old_id, std::int32_t id) { return self.new_ids[static_cast<std::size_t>(old_id)] == id; });
    if (!same && comparison.changed_texts++ == 0) comparison.first_changed = texts[row].text;
    ++comparison.texts;
    comparison.tokens_before += old_ids.size(), comparison.tokens_after += ids.size();
    comparison.unk_before += static_cast<std::uint64_t>(std::ranges::count(old_ids, unk));
    comparison.unk_after += static_cast<std::uint64_t>(std::ranges::count(ids, unk_after));
  }
}

void VocabPruner::remove() const { std::filesystem::remove(impl_->to / "config.json"); }

}  // namespace filbert
