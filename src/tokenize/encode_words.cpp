// Texts split into words elsewhere.
#include <filbert/error.h>
#include <filbert/tokenizer.h>

namespace filbert {

BatchEncoding Tokenizer::operator()(std::span<const WordsInput>, const EncodeOptions&) const {
  throw Error(ErrorKind::unsupported, "is_split_into_words: not yet");
}

}  // namespace filbert
