#include "cli/attention_text.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filbert/error.h>

#include "cli/columns.h"
#include "explain/attention_summary.h"

namespace filbert::cli {
namespace {

constexpr std::size_t kTokenColumns = 16;

// A line has room for its numbers, however narrow the terminal is.
std::size_t columns_used(const Output& out) { return std::max(out.columns(), kPlainColumns); }

// The place of `number` in `there`.
std::size_t place_of(std::string_view flag, std::size_t number, const std::vector<std::size_t>& there) {
  const auto found = std::ranges::find(there, number);
  if (found == there.end()) {
    throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected one of {}, found {}", flag, fmt::join(there, ", "), number));
  }
  return static_cast<std::size_t>(found - there.begin());
}

// A token by its word, and by its place where the word stands more than once.
std::vector<Word> names_of(const AttentionMap& map, const Output& out) {
  std::map<std::string, std::size_t> times;
  for (const AttentionToken& token : map.tokens) ++times[token.text];
  std::vector<Word> names;
  for (std::size_t at = 0; at < map.tokens.size(); ++at) {
    Word name = shown(map.tokens[at].text, out, kTokenColumns);
    if (times[map.tokens[at].text] > 1) {
      const std::string place = fmt::format("({})", at);
      name.text += place;
      name.columns += place.size();
    }
    names.push_back(name);
  }
  return names;
}

// The tokens with the largest shares, as many as there is room for.
std::string most_of(const std::vector<double>& shares, const std::vector<Word>& names, std::size_t room) {
  std::string line;
  std::size_t used = 0;
  for (const std::size_t token : largest(shares, 8)) {
    const std::string share = fmt::format(" {:.0f} %", 100 * shares[token]);
    const std::size_t columns = (line.empty() ? 0 : 2) + names[token].columns + share.size();
    if ((used > 0 && used + columns > room) || shares[token] < 0.005) break;
    line += fmt::format("{}{}{}", line.empty() ? "" : ", ", names[token].text, share);
    used += columns;
  }
  return line;
}

std::string layer_lines(const AttentionMap& map, const std::vector<Word>& names, const Output& out) {
  const bool is_pair = map.sentence_b_start.has_value();
  std::string lines = fmt::format("layer  itself  before  behind  special{}  spread  most looked at\n", is_pair ? "  other text" : "");
  const std::size_t room = columns_used(out) - (is_pair ? 60 : 48);
  for (const AttentionLayer& layer : map.layers) {
    const LayerSummary summary = summarize(map, layer);
    const std::string other = is_pair ? fmt::format("  {:>8.0f} %", 100 * summary.other_text) : "";
    lines += fmt::format("{:>5}  {:>4.0f} %  {:>4.0f} %  {:>4.0f} %  {:>5.0f} %{}  {:>6.1f}  {}\n", layer.layer, 100 * summary.itself, 100 * summary.before,
                         100 * summary.after, 100 * summary.special, other, summary.spread, most_of(summary.received, names, room));
  }
  return lines;
}

std::string link_lines(const AttentionMap& map, const std::vector<Word>& names, const ShownLinks& links, const Output& out) {
  std::vector<std::size_t> there, places(map.heads.size());
  for (const AttentionLayer& layer : map.layers) there.push_back(layer.layer);
  const std::size_t layer = links.layer ? place_of("--layer", *links.layer, there) : there.size() - 1;
  std::iota(places.begin(), places.end(), std::size_t{0});
  if (links.heads) {
    places.clear();
    for (const std::size_t head : *links.heads) places.push_back(place_of("--head", head, map.heads));
  }
  std::vector<std::size_t> numbers;
  for (const std::size_t place : places) numbers.push_back(map.heads[place]);
  const std::string heads = numbers.size() == 1          ? fmt::format("head {}", numbers.front())
                            : links.heads                ? fmt::format("the mean of heads {}", fmt::join(numbers, ", "))
                                                         : fmt::format("the mean of {} heads", numbers.size());
  std::string lines = fmt::format("layer {}, {}: what each token looks at most\n", there[layer], heads);
  const std::vector<double> mean = mean_weights(map.layers[layer], places);
  std::size_t width = 0;
  for (const Word& name : names) width = std::max(width, name.columns);
  for (std::size_t token = 0; token < names.size(); ++token) {
    const std::vector<double> row(mean.begin() + static_cast<std::ptrdiff_t>(token * names.size()), mean.begin() + static_cast<std::ptrdiff_t>((token + 1) * names.size()));
    lines += fmt::format("  {}  {}\n", padded(names[token], width), most_of(row, names, columns_used(out) - width - 4));
  }
  return lines;
}

}  // namespace

std::string text_lines(const AttentionMap& map, const ShownLinks& links, const Output& out) {
  std::string_view text = map.text;
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  std::string lines = fmt::format("text: {}\n", out.foreign(text));
  if (map.text_pair) lines += fmt::format("text_pair: {}\n", out.foreign(*map.text_pair));
  if (!map.classification.label.empty()) {
    lines += out.bold(fmt::format("{:<7}:\t{:.3f}", out.foreign(map.classification.label), map.classification.score)) + '\n';
  }
  lines += "attention: where the model looked, not a cause; shares of the weight\n\n";
  const std::vector<Word> names = names_of(map, out);
  return lines + layer_lines(map, names, out) + '\n' + link_lines(map, names, links, out);
}

}  // namespace filbert::cli
