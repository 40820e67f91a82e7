#include "explain/contexts_writer.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include <fmt/format.h>

#include <filbert/error.h>
#include <filbert/version.h>

#include "base/text.h"
#include "postprocess/answers.h"

namespace filbert {
namespace {

constexpr std::size_t kBytesOfABlock = std::size_t{16} << 20;  // of vectors: what is in memory before it is written
constexpr std::size_t kMostTokensOfABlock = 8192;
constexpr std::size_t kBytesOfABatch = 8192;                   // of text, about four a token, that go through the model at once
constexpr std::size_t kMostBytesOfAText = std::size_t{1} << 30;

std::size_t batch_bytes(unsigned num_threads) { return kBytesOfABatch * std::clamp(num_threads / 2, 1U, 16U); }

}  // namespace

std::uint16_t f16_of(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000);
  const std::uint32_t size = bits & 0x7FFFFFFF;
  if (size > 0x7F800000) return static_cast<std::uint16_t>(sign | 0x7E00);  // NaN
  if (size >= 0x477FF000) return static_cast<std::uint16_t>(sign | 0x7C00);
  if (size < 0x38800000) {  // below 2^-14: steps of 2^-24
    return static_cast<std::uint16_t>(sign | static_cast<std::uint16_t>(std::nearbyint(std::ldexp(std::bit_cast<float>(size), 24))));
  }
  return static_cast<std::uint16_t>(sign | (size + 0xFFF + (size >> 13 & 1) - 0x38000000) >> 13);
}

void VectorStore::add(std::span<const float> vector) {
  for (std::size_t part = 0; part < parts_; ++part) {
    const float* numbers = vector.data() + part * part_size_;
    double squares = 0;
    for (std::size_t i = 0; i < part_size_; ++i) squares += static_cast<double>(numbers[i]) * numbers[i];
    const double length = std::isfinite(squares) ? std::sqrt(squares) : 0;
    if (dtype_ == VectorDtype::int8) {
      add_int8(numbers, length);
    } else {
      add_f16(numbers, length);
    }
  }
}

void VectorStore::add_int8(const float* part, double length) {
  float largest = 0;
  for (std::size_t i = 0; i < part_size_; ++i) largest = std::max(largest, std::abs(part[i]));
  const bool is_nothing = !(length > 0) || largest == 0;
  scales_.push_back(is_nothing ? 0 : static_cast<float>(double{largest} / 127 / length));
  for (std::size_t i = 0; i < part_size_; ++i) {
    const float number = is_nothing ? 0 : std::nearbyint(part[i] * 127 / largest);
    numbers_.push_back(static_cast<std::byte>(static_cast<std::int8_t>(number)));
  }
}

void VectorStore::add_f16(const float* part, double length) {
  for (std::size_t i = 0; i < part_size_; ++i) {
    const std::uint16_t number = length > 0 ? f16_of(static_cast<float>(part[i] / length)) : std::uint16_t{0};
    numbers_.push_back(static_cast<std::byte>(number & 0xFF));
    numbers_.push_back(static_cast<std::byte>(number >> 8));
  }
}

void VectorStore::clear() {
  scales_.clear();
  numbers_.clear();
}

ContextIndexWriter::Impl::Impl(const TextClassificationPipeline& pipeline, std::filesystem::path to, IndexInfo origin, const IndexOptions& wanted)
    : classifier(pipeline), file(std::move(to)), info(std::move(origin)) {
  const Config& config = classifier.config();
  info.version = FILBERT_VERSION;
  info.dtype = std::string(name(classifier.model().compute_dtype()));
  info.vector_dtype = wanted.vector_dtype;
  info.hidden_size = config.hidden_size;
  info.max_length = wanted.max_length.value_or(classifier.max_length());
  info.labels = labels_of(config.id2label);
  choose_layers(wanted);
  shape_ = {info.vector_dtype, info.hidden_size, info.layers};
  tokens_of_a_block_ = std::clamp<std::size_t>(kBytesOfABlock / shape_.bytes_per_token(), 256, kMostTokensOfABlock);
  for (const IndexedLayer& layer : info.layers) {
    embeddings_.emplace_back(info.vector_dtype, 1, info.hidden_size);
    contexts_.emplace_back(info.vector_dtype, layer.heads, layer.head_size);
  }
  partial.emplace(file.string() + ".partial", info, wanted.resume);
  const IndexInfo& before = partial->before();
  info.texts = before.texts;
  info.tokens = before.tokens;
  info.truncated = before.truncated;
  info.empty = before.empty;
  info.invalid_utf8 = before.invalid_utf8;
  info.gold = before.gold;
}

// Heads are what a pass says they are: some families have fewer than their config names.
void ContextIndexWriter::Impl::choose_layers(const IndexOptions& options) {
  const TextInput probe{"a", std::nullopt};
  OutputOptions wanted{.output_hidden_states = true, .output_attentions = true, .output_contexts = true, .layers = options.layers};
  const std::size_t least = classifier.tokenizer()(std::string_view{}).total_tokens();
  if (info.max_length <= least || (classifier.config().max_tokens && info.max_length > classifier.max_length())) {
    throw Error(ErrorKind::invalid_argument, fmt::format("max_length: expected {} to {}, found {}", least + 1, classifier.max_length(), info.max_length));
  }
  const EncoderOutputs outputs = classifier.model()(classifier.tokenizer()(std::span(&probe, 1), {}), wanted).outputs;
  std::vector<std::size_t> layers = options.layers.value_or(std::vector<std::size_t>{outputs.attentions.empty() ? 0 : outputs.attentions.size() - 1});
  std::ranges::sort(layers);
  layers.erase(std::unique(layers.begin(), layers.end()), layers.end());
  if (layers.empty()) throw Error(ErrorKind::invalid_argument, "layers: expected at least one, found none");
  info.layers.clear();
  for (const std::size_t layer : layers) {
    if (layer >= outputs.attentions.size()) {
      throw Error(ErrorKind::invalid_argument, fmt::format("layers: expected numbers below {}, found {}", outputs.attentions.size(), layer));
    }
    const std::size_t heads = outputs.attentions[layer].front().rows();
    info.layers.push_back({layer, heads, outputs.contexts[layer].row_size() / heads});
  }
}

void ContextIndexWriter::Impl::add(std::span<const CorpusText> texts) {
  const std::size_t most = batch_bytes(classifier.model().num_threads());
  for (std::size_t first = 0; first < texts.size();) {
    std::size_t bytes = 0, last = first;
    do {
      if (texts[last].text.size() > kMostBytesOfAText) {
        throw Error(ErrorKind::invalid_argument, fmt::format("row {}: expected a text of at most {} bytes, found {}", texts[last].row, kMostBytesOfAText,
                                                             texts[last].text.size()));
      }
      bytes += texts[last++].text.size() + 8;
    } while (last < texts.size() && bytes + texts[last].text.size() <= most);
    add_batch(texts.subspan(first, last - first));
    first = last;
  }
}

void ContextIndexWriter::Impl::add_batch(std::span<const CorpusText> texts) {
  std::vector<std::string> clean;
  std::vector<TextInput> views;
  for (const CorpusText& text : texts) clean.push_back(replace_invalid_utf8(text.text));
  for (const std::string& text : clean) views.push_back({text, std::nullopt});
  const BatchEncoding inputs = classifier.tokenizer()(views, {.truncation = Truncation::longest_first,
                                                              .max_length = info.max_length,
                                                              .offset_unit = OffsetUnit::bytes,
                                                              .num_threads = classifier.model().num_threads()});
  OutputOptions wanted{.output_hidden_states = true, .output_contexts = true, .layers = std::vector<std::size_t>()};
  for (const IndexedLayer& layer : info.layers) wanted.layers->push_back(layer.layer);
  const SequenceClassifierOutput output = classifier.model()(inputs, wanted);
  const Config& config = classifier.config();
  const std::vector<Classification> all = answers(inputs, output.logits, apply(default_function_to_apply(config), output.logits), {}, config);
  for (std::size_t row = 0; row < texts.size(); ++row) add_text(texts[row], std::move(clean[row]), inputs, row, all[row], output.outputs);
}

void ContextIndexWriter::Impl::add_text(const CorpusText& text, std::string clean, const BatchEncoding& inputs, std::size_t row,
                                        const Classification& answer, const EncoderOutputs& outputs) {
  TextRecord record{.row = text.row,
                    .text_begin = static_cast<std::uint32_t>(heap_.size()),
                    .text_end = static_cast<std::uint32_t>(heap_.size() + clean.size()),
                    .first_token = static_cast<std::uint32_t>(tokens_.size()),
                    .label = static_cast<std::uint32_t>(std::ranges::find(info.labels, answer.label) - info.labels.begin()),
                    .score = answer.score,
                    .truncated = answer.truncated,
                    .invalid_utf8 = count_invalid_utf8(text.text) > 0};
  heap_ += clean;
  if (text.gold) {
    record.gold_begin = static_cast<std::uint32_t>(heap_.size());
    heap_ += *text.gold;
    record.gold_end = static_cast<std::uint32_t>(heap_.size());
  }
  for (std::size_t at = inputs.row_starts[row]; at < inputs.row_starts[row + 1]; ++at) {
    if (inputs.special_tokens_mask[at] != 0) continue;
    tokens_.push_back({static_cast<std::uint32_t>(texts_.size()), static_cast<std::uint32_t>(at - inputs.row_starts[row]),
                       static_cast<std::uint32_t>(inputs.offset_mapping[at].begin), static_cast<std::uint32_t>(inputs.offset_mapping[at].end),
                       inputs.input_ids[at]});
    for (std::size_t layer = 0; layer < info.layers.size(); ++layer) {
      embeddings_[layer].add(outputs.hidden_states[info.layers[layer].layer][at]);
      contexts_[layer].add(outputs.contexts[info.layers[layer].layer][at]);
    }
  }
  record.tokens = static_cast<std::uint32_t>(tokens_.size()) - record.first_token;
  texts_.push_back(record);
  ++info.texts;
  info.tokens += record.tokens;
  info.truncated += record.truncated;
  info.invalid_utf8 += record.invalid_utf8;
  info.empty += record.tokens == 0;
  info.gold += text.gold.has_value();
  if (tokens_.size() >= tokens_of_a_block_ || heap_.size() >= kBytesOfABlock || texts_.size() >= kMostTokensOfABlock) flush();
}

void ContextIndexWriter::Impl::flush() {
  if (texts_.empty()) return;
  const BlockLayout layout(shape_, texts_.size(), tokens_.size(), heap_.size());
  std::vector<std::byte> payload(layout.bytes);
  const auto put = [&](std::size_t begin, const auto& array) {
    const std::span<const std::byte> bytes = std::as_bytes(std::span(array));
    std::ranges::copy(bytes, payload.begin() + static_cast<std::ptrdiff_t>(begin));
  };
  for (std::size_t layer = 0; layer < info.layers.size(); ++layer) {
    for (const auto& [place, store] : {std::pair{&layout.embeddings[layer], &embeddings_[layer]}, {&layout.contexts[layer], &contexts_[layer]}}) {
      if (info.vector_dtype == VectorDtype::int8) put(place->scales, store->scales());
      put(place->numbers, store->numbers());
      store->clear();
    }
  }
  put(layout.texts, texts_);
  put(layout.tokens, tokens_);
  put(layout.heap, heap_);
  partial->append({.bytes = payload.size(),
                   .texts = static_cast<std::uint32_t>(texts_.size()),
                   .tokens = static_cast<std::uint32_t>(tokens_.size()),
                   .heap_bytes = heap_.size(),
                   .digest = digest_of(payload)},
                  payload);
  texts_.clear();
  tokens_.clear();
  heap_.clear();
}

ContextIndexWriter::ContextIndexWriter(const TextClassificationPipeline& classifier, std::filesystem::path file, IndexInfo origin,
                                       const IndexOptions& options)
    : impl_(std::make_unique<Impl>(classifier, std::move(file), std::move(origin), options)) {}
ContextIndexWriter::ContextIndexWriter(ContextIndexWriter&&) noexcept = default;
ContextIndexWriter::~ContextIndexWriter() = default;

std::size_t ContextIndexWriter::texts_before() const { return impl_->partial->before().texts; }
void ContextIndexWriter::add(std::span<const CorpusText> texts) { impl_->add(texts); }
void ContextIndexWriter::pause() { impl_->flush(); }
const IndexInfo& ContextIndexWriter::info() const { return impl_->info; }
std::filesystem::path ContextIndexWriter::partial() const { return impl_->partial->path(); }

IndexInfo ContextIndexWriter::finish() {
  impl_->flush();
  impl_->partial->finish(impl_->info, impl_->file);
  impl_->info.bytes = std::filesystem::file_size(impl_->file);
  return impl_->info;
}

}  // namespace filbert
