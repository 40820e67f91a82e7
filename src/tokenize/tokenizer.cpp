#include "tokenize/tokenizer.h"

#include <algorithm>

#include <fmt/format.h>

#include <filbert/error.h>

#include "tokenize/encode_batch.h"
#include "tokenize/unicode.h"

namespace filbert {

Tokenizer::Impl::Impl() = default;
Tokenizer::Impl::~Impl() = default;

std::size_t Tokenizer::Impl::vocab_size() const { return std::max(vocab().size(), added_tokens.id_end()); }

std::optional<std::int32_t> Tokenizer::Impl::token_to_id(std::string_view token) const {
  if (const AddedToken* added = added_tokens.find(token)) return added->id;
  return vocab().find(token);
}

std::string_view Tokenizer::Impl::id_to_token(std::size_t id) const {
  // An added token that the model knows has the model's id and string.
  if (id < vocab().size() && !vocab().token(id).empty()) return vocab().token(id);
  for (const AddedToken& token : added_tokens.tokens()) {
    if (static_cast<std::size_t>(token.id) == id) return token.content;
  }
  return {};
}

Tokenizer::Tokenizer(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
Tokenizer::Tokenizer(const Tokenizer&) = default;
Tokenizer& Tokenizer::operator=(const Tokenizer&) = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

BatchEncoding Tokenizer::operator()(std::string_view text, const EncodeOptions& options) const {
  const TextInput input{text, std::nullopt};
  return (*this)(std::span(&input, 1), options);
}

BatchEncoding Tokenizer::operator()(std::string_view text, std::string_view text_pair,
                                    const EncodeOptions& options) const {
  const TextInput input{text, text_pair};
  return (*this)(std::span(&input, 1), options);
}

BatchEncoding Tokenizer::operator()(std::span<const TextInput> texts, const EncodeOptions& options) const {
  return encode_batch(*impl_, texts, options);
}

BatchEncoding Tokenizer::operator()(std::span<const WordsInput> texts, const EncodeOptions& options) const {
  return encode_batch(*impl_, texts, options);
}

std::size_t Tokenizer::vocab_size() const { return impl_->vocab_size(); }

std::string_view Tokenizer::id_to_token(std::int32_t id) const {
  const std::size_t size = impl_->vocab_size();
  if (id < 0 || static_cast<std::size_t>(id) >= size) {
    throw Error(ErrorKind::invalid_argument, fmt::format("token id: expected 0 to {}, found {}", size - 1, id));
  }
  return impl_->id_to_token(static_cast<std::size_t>(id));
}

std::optional<std::int32_t> Tokenizer::token_to_id(std::string_view token) const { return impl_->token_to_id(token); }

std::optional<std::size_t> Tokenizer::model_max_length() const { return impl_->model_max_length; }


bool Tokenizer::lowercases() const {
  if (!impl_->sections) return impl_->normalizer && impl_->normalizer->lowercase;
  return std::any_of(impl_->sections->normalizer.begin(), impl_->sections->normalizer.end(), [](const NormalizerStep& step) {
    const auto* bert = std::get_if<BertNormalizer>(&step);
    return std::holds_alternative<LowercaseStep>(step) || (bert != nullptr && bert->lowercase);
  });
}

}  // namespace filbert
