// An index that is there: opened, read, and searched. Every stored vector is looked at, block by block, by as many threads as there are;
// what each block finds is put together in an order that the similarity and the place alone decide.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <functional>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/cpu.h"
#include "base/names.h"
#include "base/text.h"
#include "base/thread_pool.h"
#include "explain/contexts_file.h"
#include "kernels/kernels.h"
#include "load/fingerprint.h"

namespace filbert {
namespace {

constexpr std::array<std::string_view, 2> kDtypes = {"int8", "f16"};
constexpr std::array<std::string_view, 2> kKinds = {"embedding", "context"};
constexpr std::array<std::string_view, 4> kClasses = {"word", "subword", "number", "punctuation"};
constexpr std::size_t kStretch = 2048;  // tokens that a thread takes at once

bool is_before(const Nearest& a, const Nearest& b) { return a.similarity != b.similarity ? a.similarity > b.similarity : a.place < b.place; }

// The best so far, the worst of them on top.
class Best {
 public:
  explicit Best(std::size_t most) : most_(most) {}
  void add(const Nearest& found) {
    if (found_.size() == most_ && !is_before(found, found_.front())) return;
    if (found_.size() == most_) {
      std::ranges::pop_heap(found_, is_before);
      found_.pop_back();
    }
    found_.push_back(found);
    std::ranges::push_heap(found_, is_before);
  }
  const std::vector<Nearest>& found() const { return found_; }

 private:
  std::size_t most_;
  std::vector<Nearest> found_;
};

// Σ over the chosen parts of their length: what a vector that is the query itself would score.
double lengths(std::span<const float> query, std::span<const std::size_t> chosen, std::size_t part_size) {
  double sum = 0;
  for (const std::size_t part : chosen) {
    double squares = 0;
    for (const float number : query.subspan(part * part_size, part_size)) squares += static_cast<double>(number) * number;
    sum += std::sqrt(squares);
  }
  return sum;
}

}  // namespace

VectorDtype vector_dtype_from_name(std::string_view name) { return from_name<VectorDtype>("vector_dtype", name, kDtypes); }
std::string_view name(VectorDtype dtype) { return kDtypes[static_cast<std::size_t>(dtype)]; }
SimilarBy similar_by_from_name(std::string_view name) { return from_name<SimilarBy>("by", name, kKinds); }
std::string_view name(SimilarBy by) { return kKinds[static_cast<std::size_t>(by)]; }
std::string_view name(TokenClass token_class) { return kClasses[static_cast<std::size_t>(token_class)]; }

CheckpointHashes checkpoint_hashes(const TextClassificationPipeline& classifier) {
  const std::filesystem::path directory = classifier.config().path.parent_path();
  return {weights_sha256(directory), tokenizer_sha256(directory)};
}

ContextIndex::ContextIndex(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
ContextIndex::ContextIndex(ContextIndex&&) noexcept = default;
ContextIndex& ContextIndex::operator=(ContextIndex&&) noexcept = default;
ContextIndex::~ContextIndex() = default;

ContextIndex ContextIndex::open(const std::filesystem::path& file) { return ContextIndex(std::make_unique<const Impl>(file)); }

const IndexInfo& ContextIndex::info() const { return impl_->info; }

void ContextIndex::check(const CheckpointHashes& hashes) const {
  const auto same = [&](const char* what, const std::string& of_index, const std::string& found) {
    if (of_index == found) return;
    throw Error(ErrorKind::invalid_argument, fmt::format("{}: {}: expected {} with sha256 {}, which made the index, found {}", impl_->file.path().string(),
                                                         what, impl_->info.model.empty() ? "the one" : impl_->info.model, of_index, found));
  };
  same("model", impl_->info.model_sha256, hashes.weights);
  same("tokenizer", impl_->info.tokenizer_sha256, hashes.tokenizer);
}

void ContextIndex::verify() const {
  BlockHeader settings;  // of the run that made it: nothing is read from there but by one that goes on with it
  const std::span<const std::byte> file = impl_->file.bytes();
  const std::size_t first = impl_->blocks.empty() ? file.size() : impl_->blocks.front().begin, begin = sizeof(IndexHeader) + sizeof settings;
  if (first >= begin) std::memcpy(&settings, file.data() + sizeof(IndexHeader), sizeof settings);
  if (first < begin || settings.magic != kSettingsMagic || settings.bytes > first - begin || digest_of(file.subspan(begin, settings.bytes)) != settings.digest) {
    impl_->corrupt("settings: expected the sha256 they were written with, found another");
  }
  for (std::size_t at = 0; at < impl_->blocks.size(); ++at) {
    BlockHeader header;
    std::memcpy(&header, impl_->file.bytes().data() + impl_->blocks[at].begin, sizeof header);
    const std::span<const std::byte> bytes = impl_->payload(impl_->blocks[at]);
    if (digest_of(bytes) != header.digest) impl_->corrupt(fmt::format("block {}: expected the sha256 it was written with, found another", at));
    impl_->file.release(bytes);
  }
}

std::vector<Nearest> ContextIndex::nearest(std::span<const float> query, std::size_t layer, SimilarBy by, std::span<const std::size_t> heads,
                                           std::size_t top_k, unsigned num_threads) const {
  const std::size_t at = find_layer(impl_->info, layer);
  const IndexedLayer& of = impl_->info.layers[at];
  const bool by_context = by == SimilarBy::context;
  const std::size_t parts = by_context ? of.heads : 1, part_size = by_context ? of.head_size : impl_->info.hidden_size;
  if (query.size() != parts * part_size) {
    throw Error(ErrorKind::invalid_argument, fmt::format("query: expected {} numbers, found {}", parts * part_size, query.size()));
  }
  if (top_k == 0) throw Error(ErrorKind::invalid_argument, "top_k: expected at least 1, found 0");
  const std::vector<std::size_t> chosen = chosen_heads(by_context ? heads : std::span<const std::size_t>(), parts);
  struct Stretch {
    const IndexBlock* block;
    std::size_t first, count;
  };
  std::vector<Stretch> stretches;
  for (const IndexBlock& block : impl_->blocks) {
    for (std::size_t first = 0; first < block.tokens; first += kStretch) stretches.push_back({&block, first, std::min(kStretch, block.tokens - first)});
  }
  const double longest = lengths(query, chosen, part_size);
  const KernelTable& kernels = choose_table();
  const auto dots = impl_->info.vector_dtype == VectorDtype::int8 ? kernels.dots_int8 : kernels.dots_f16;
  const unsigned wanted = num_threads != 0 ? num_threads : available_threads();
  ThreadPool threads(static_cast<unsigned>(std::min<std::size_t>(wanted, std::max<std::size_t>(stretches.size(), 1))));
  std::vector<Best> best(threads.size(), Best(std::min(top_k, impl_->info.tokens)));
  std::vector<std::vector<float>> sums(threads.size(), std::vector<float>(kStretch));
  threads.parallel_for(stretches.size(), [&](std::size_t index, unsigned thread) {
    const Stretch& stretch = stretches[index];
    const IndexBlock& block = *stretch.block;
    const BlockLayout layout(impl_->shape, block.texts, block.tokens, block.heap_bytes);
    const VectorPlace& place = (by_context ? layout.contexts : layout.embeddings)[at];
    const std::byte* payload = impl_->payload(block).data();
    const auto* scales = reinterpret_cast<const float*>(payload + place.scales);
    dots({.vectors = payload + place.numbers + stretch.first * parts * part_size * impl_->shape.number_bytes(),
          .scales = impl_->info.vector_dtype == VectorDtype::int8 ? scales + stretch.first * parts : nullptr,
          .count = stretch.count,
          .parts = parts,
          .part_size = part_size,
          .query = query.data(),
          .chosen = chosen.data(),
          .num_chosen = chosen.size(),
          .sums = sums[thread].data()});
    for (std::size_t token = 0; token < stretch.count; ++token) {
      const double similarity = double{sums[thread][token]} / longest;
      if (std::isfinite(similarity)) best[thread].add({similarity, block.first_token + stretch.first + token});
    }
  });
  std::vector<Nearest> all;
  for (const Best& each : best) all.insert(all.end(), each.found().begin(), each.found().end());
  std::ranges::sort(all, is_before);
  if (all.size() > top_k) all.resize(top_k);
  return all;
}

IndexedToken ContextIndex::token(std::size_t place) const {
  const IndexBlock& block = impl_->block_of_token(place);
  const TokenRecord record = impl_->token_record(block, place - block.first_token);
  return {block.first_text + record.text, record.token, {record.begin, record.end}, record.input_id};
}

IndexedText ContextIndex::text(std::size_t number) const {
  const IndexBlock& block = impl_->block_of_text(number);
  const TextRecord record = impl_->text_record(block, number - block.first_text);
  const BlockLayout layout(impl_->shape, block.texts, block.tokens, block.heap_bytes);
  const std::string_view heap(reinterpret_cast<const char*>(impl_->payload(block).data() + layout.heap), block.heap_bytes);
  IndexedText text{.row = record.row,
                   .text = std::string(heap.substr(record.text_begin, record.text_end - record.text_begin)),
                   .gold = std::nullopt,
                   .label = record.label,
                   .score = record.score,
                   .truncated = record.truncated != 0,
                   .tokens = {}};
  if (count_invalid_utf8(text.text) > 0) impl_->corrupt(fmt::format("text {}: expected UTF-8, found something else", number));
  if (record.gold_begin != TextRecord::kNoGold) {
    text.gold = replace_invalid_utf8(heap.substr(record.gold_begin, record.gold_end - record.gold_begin));
  }
  for (std::size_t token = record.first_token; token < record.first_token + record.tokens; ++token) {
    const TokenRecord of_token = impl_->token_record(block, token);
    if (of_token.text != number - block.first_text) {
      impl_->corrupt(fmt::format("token {}: expected one of text {}, found one of {}", block.first_token + token, number, block.first_text + of_token.text));
    }
    text.tokens.push_back({number, of_token.token, {of_token.begin, of_token.end}, of_token.input_id});
  }
  return text;
}

}  // namespace filbert
