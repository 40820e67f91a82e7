#include "explain/partition_tree.h"

#include <algorithm>
#include <limits>
#include <queue>
#include <tuple>
#include <utility>

#include "explain/python_text.h"

namespace filbert {
namespace {

constexpr long kLast = std::numeric_limits<long>::min();  // joined when nothing else is left

// The expression ^.*\W$ on a segment: its last character is none of a word. The dot takes no line feed, and $ may stand before one.
bool ends_a_word(std::string_view segment) {
  const auto fits = [](std::string_view until) {
    if (until.empty()) return false;
    const unicode::Char last = unicode::decode_before(until, until.size());
    until.remove_suffix(last.bytes);
    return !is_python_word(last.code_point) && until.find('\n') == std::string_view::npos;
  };
  return fits(segment) || (segment.ends_with('\n') && fits(segment.substr(0, segment.size() - 1)));
}

bool begins_with_letter(std::string_view segment) {
  return !segment.empty() && ((segment[0] >= 'A' && segment[0] <= 'Z') || (segment[0] >= 'a' && segment[0] <= 'z'));
}

// The segments without the space around them; "##" before what continues a word.
std::vector<std::string> marked_tokens(std::span<const std::string> segments) {
  std::vector<std::string> tokens;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const bool continues = i > 0 && begins_with_letter(segments[i]) && !ends_a_word(segments[i - 1]) && !tokens[i - 1].empty();
    tokens.push_back((continues ? "##" : "") + std::string(python_strip(segments[i])));
  }
  return tokens;
}

bool is_connector(std::string_view token) { return token == "but" || token == "and" || token == "or"; }
bool ends_sentence(std::string_view token) { return token == "." || token == "?" || token == "!"; }
bool is_after_apostrophe(std::string_view token) { return token == "t" || token == "s"; }
bool is_control(std::string_view token) { return token.starts_with('[') && token.ends_with(']'); }

// A phrase on the way up: tokens first … last.
struct Group {
  std::size_t first = 0;
  std::size_t last = 0;
  std::size_t node = 0;
  std::size_t previous = 0;  // groups, by the first token of each
  std::size_t next = 0;
  std::size_t version = 0;   // counts up when it grows: what was scored before does not hold
  std::size_t size() const { return last - first + 1; }
};

class TreeBuilder {
 public:
  TreeBuilder(std::span<const std::string> segments, std::string_view separator, std::size_t second_text)
      : tokens_(marked_tokens(segments)), separator_(separator), second_text_(second_text), balanced_(tokens_.size()), groups_(tokens_.size()) {
    tree_.num_leaves = tokens_.size();
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      balanced_[i] = tokens_[i] != "(" && tokens_[i] != ")";
      groups_[i] = {.first = i, .last = i, .node = i, .previous = i - 1, .next = i + 1};
    }
  }

  PartitionTree build() && {
    for (std::size_t i = 0; i + 1 < tokens_.size(); ++i) push(i);
    while (!queue_.empty()) {
      const Candidate best = queue_.top();
      queue_.pop();
      const Group& left = groups_[best.left];
      if (left.version == best.left_version && groups_[left.next].version == best.right_version) join(best.left);
    }
    return std::move(tree_);
  }

 private:
  struct Candidate {
    long score;
    std::size_t left;  // the first token of the left group
    std::size_t left_version;
    std::size_t right_version;
    // The best comes first, and of equals the leftmost.
    bool operator<(const Candidate& other) const { return std::tie(score, other.left) < std::tie(other.score, left); }
  };
  // No group has this version: what has become the right part of another.
  static constexpr std::size_t kJoined = std::numeric_limits<std::size_t>::max();

  void push(std::size_t left) {
    const std::size_t right = groups_[left].next;
    queue_.push({score(groups_[left], groups_[right]), left, groups_[left].version, groups_[right].version});
  }

  void join(std::size_t at) {
    Group& left = groups_[at];
    Group& right = groups_[left.next];
    tree_.joins.push_back({left.node, right.node, left.size() + right.size()});
    left.node = tree_.root();
    left.last = right.last;
    left.next = right.next;
    ++left.version;
    right.version = kJoined;
    if (tokens_[left.first] == "(" && tokens_[left.last] == ")") balanced_[left.first] = balanced_[left.last] = true;
    if (left.next < tokens_.size()) {
      groups_[left.next].previous = at;
      push(at);
    }
    if (at > 0) push(left.previous);
  }

  long score(const Group& left, const Group& right) const;

  std::vector<std::string> tokens_;
  std::string_view separator_;
  std::size_t second_text_;
  std::vector<bool> balanced_;  // an opening bracket whose phrase has ended with a closing one, and that one; every other token
  std::vector<Group> groups_;   // [tokens] those in use are the chain from groups_[0]
  std::priority_queue<Candidate> queue_;
  PartitionTree tree_;
};

// How much two neighbours belong together: the figures are shap's.
long TreeBuilder::score(const Group& left, const Group& right) const {
  const std::string& opening = tokens_[left.first];
  const std::string& before = tokens_[left.last];
  const std::string& after = tokens_[right.first];
  if (!separator_.empty() && before == separator_ && after == separator_) return kLast;
  if (second_text_ > 0 && right.first == second_text_) return kLast;
  long score = -static_cast<long>(left.size() + right.size());
  if (after.starts_with("##")) score += 20;
  if (after == "'" && (right.size() == 1 || (right.size() == 2 && is_after_apostrophe(tokens_[right.last])))) score += 15;
  if (before == "'" && is_after_apostrophe(after)) score += 15;
  if (is_control(opening) != is_control(tokens_[right.last])) score -= 1000;
  if (after == "(" && !balanced_[right.first]) score -= 100;
  if (before == ")" && !balanced_[left.last]) score -= 100;
  if (opening == "(") score -= 2;
  if (is_connector(before) || is_connector(after)) score -= 2;
  if (before == ",") score -= 10;
  if (after == ",") score -= right.size() > 1 ? 10 : 1;
  if (ends_sentence(before)) score -= 20;
  if (ends_sentence(after)) score -= right.size() > 1 ? 20 : 1;
  return score;
}

}  // namespace

std::vector<std::size_t> PartitionTree::first_leaves() const {
  std::vector<std::size_t> first(num_nodes());
  for (std::size_t node = 0; node < first.size(); ++node) first[node] = is_leaf(node) ? node : first[join(node).left];
  return first;
}

PartitionTree partition_tree(std::span<const std::string> segments, std::string_view separator, std::size_t second_text) {
  return TreeBuilder(segments, separator, second_text).build();
}

}  // namespace filbert
