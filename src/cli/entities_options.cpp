#include "cli/entities_options.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "cli/options.h"

namespace filbert::cli {

void add_entities_options(CLI::App& app, TokenClassificationOptions& options, bool& has_strategy) {
  add_choice(app, "--aggregation-strategy", "none|simple|first|average|max",
             "How labels of tokens become entities: none gives every token, simple puts tokens together, the others words, whose label is that of their "
             "first token, of the mean of their tokens, or of the surest; default: simple, with --format conll first",
             [&](const std::string& name) { options.aggregation_strategy = aggregation_strategy_from_name(name), has_strategy = true; });
  const auto is_first = std::make_shared<bool>(true);
  add_texts(app, "--ignore-labels", "L,...", "What is left out of the answers, labels with none, else types; may be given several times; default: O",
            [&options, is_first](const std::string& list) {
              if (std::exchange(*is_first, false)) options.ignore_labels.clear();
              for (std::size_t begin = 0; begin < list.size();) {
                const std::size_t end = std::min(list.find(',', begin), list.size());
                if (end > begin) options.ignore_labels.push_back(list.substr(begin, end - begin));
                begin = end + 1;
              }
            });
  add_number(app, "--stride", "A text that is too long is cut into windows that share N tokens; default: it is truncated", {},
             [&](std::size_t stride) { options.stride = stride; });
  add_choice(app, "--tagging-scheme", "auto|iob1|iob2|bioes|bilou", "What the letter before a label's type says; default: auto, by the labels there are",
             [&](const std::string& name) { options.tagging_scheme = tagging_scheme_from_name(name); });
  add_choice(app, "--decoding", "argmax|viterbi",
             "The best label of each token (the default), or the best labels that may follow one another in the tagging scheme",
             [&](const std::string& name) { options.decoding = decoding_from_name(name); });
  add_number(app, "--max-length", "Tokens of a text, or of a window, special ones included; default: all the model takes", {.least = 1},
             [&](std::size_t length) { options.max_length = length; });
  add_choice(app, "--offset-unit", "code_points|bytes|utf16", "What start and end count; default: code_points",
             [&](const std::string& name) { options.offset_unit = offset_unit_from_name(name); });
}

Texts::Texts(std::vector<std::string_view> texts, bool of_words) : texts_(std::move(texts)), of_words_(of_words) {
  if (!of_words) return;
  for (const std::string_view text : texts_) split_.emplace_back(text);
  for (std::size_t text = 0; text < split_.size(); ++text) texts_[text] = split_[text].joined();
}

BatchEncoding Texts::tokenize(const TokenClassificationPipeline& classifier, const TokenClassificationOptions& options) const {
  if (!of_words_) return classifier.tokenize(texts_, options);
  std::vector<WordsInput> inputs;
  for (const SplitText& text : split_) inputs.push_back(text.input());
  return classifier.tokenize(inputs, options);
}

}  // namespace filbert::cli
