// What labels say in every scheme, and the paths that viterbi may take.
#include "postprocess/tags.h"

#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "reference/tiny_checkpoint.h"

namespace filbert {
namespace {

using reference::Random;
using TagLabels = std::vector<std::string>;

std::map<int, std::string> id2label(const TagLabels& labels) {
  std::map<int, std::string> map;
  for (std::size_t id = 0; id < labels.size(); ++id) map[static_cast<int>(id)] = labels[id];
  return map;
}

TaggingScheme found(const TagLabels& labels) { return scheme_of(id2label(labels), TaggingScheme::automatic); }

TEST(Tags, SchemeShowsInTheLetters) {
  EXPECT_EQ(found({"O", "B-PER", "I-PER"}), TaggingScheme::iob2);
  EXPECT_EQ(found({"O", "I-PER", "I-LOC"}), TaggingScheme::iob1);
  EXPECT_EQ(found({"O", "B-PER", "I-PER", "E-PER", "S-PER"}), TaggingScheme::bioes);
  EXPECT_EQ(found({"O", "B-PER", "I-PER", "L-PER", "U-PER"}), TaggingScheme::bilou);
  EXPECT_EQ(found({"O", "PER", "S-Bahn"}), TaggingScheme::iob2);       // no letter: nothing else is of that type
  EXPECT_EQ(found({"O", "B-PER", "E-mail"}), TaggingScheme::iob2);
  EXPECT_EQ(scheme_of(id2label({"O", "B-PER", "S-PER"}), TaggingScheme::iob2), TaggingScheme::iob2);
}

// Which tokens of a sequence go on with the one before: "." or "+".
std::string joints(const TagLabels& sequence, TaggingScheme scheme) {
  std::map<int, std::string> labels = id2label(sequence);
  const std::vector<Tag> tags = tags_of(labels, scheme);
  std::string all;
  for (std::size_t token = 1; token < tags.size(); ++token) all += continues(tags[token - 1], tags[token]) ? '+' : '.';
  return all;
}

TEST(Tags, NeighboursOfOneEntity) {
  EXPECT_EQ(joints({"B-A", "I-A", "I-A", "B-A", "O", "I-A", "I-B", "B-B"}, TaggingScheme::iob2), "++.....");
  EXPECT_EQ(joints({"O", "O", "PER", "I-PER", "PER"}, TaggingScheme::iob2), "+.++");  // as transformers: labels without letters go on
  EXPECT_EQ(joints({"B-A", "I-A", "E-A", "I-A", "E-A", "S-A", "S-A", "E-A"}, TaggingScheme::bioes), "++.+...");
  EXPECT_EQ(joints({"B-A", "L-A", "U-A", "B-A", "L-B"}, TaggingScheme::bilou), "+...");
  EXPECT_EQ(joints({"B-A", "E-A", "S-A"}, TaggingScheme::iob2), "..");  // letters that the scheme does not know
}

// All paths one by one: the oracle.
class Paths {
 public:
  Paths(const std::vector<std::vector<float>>& scores, const std::vector<Tag>& tags, TaggingScheme scheme)
      : scores_(scores), tags_(tags), scheme_(scheme), path_(scores.size()) {
    walk(0, 0);
  }
  const std::vector<std::size_t>& best() const { return best_; }

 private:
  bool legal(std::size_t token, std::size_t label) const {
    const bool first = token == 0;
    const Tag& next = tags_[label];
    const Tag previous = first ? Tag{} : tags_[path_[token - 1]];
    const bool open = !first && (previous.part == TagPart::begin || previous.part == TagPart::inside);
    const bool same = open && previous.type == next.type;
    const bool goes_on = next.part == TagPart::inside || next.part == TagPart::end;
    if (scheme_ == TaggingScheme::iob1) return next.part != TagPart::begin || same;
    if (scheme_ == TaggingScheme::iob2) return !goes_on || same;
    if (token + 1 == scores_.size() && (next.part == TagPart::begin || next.part == TagPart::inside)) return false;
    return goes_on ? same : !open;
  }
  void walk(std::size_t token, double sum) {
    if (token == scores_.size()) {
      if (best_.empty() || sum > best_sum_ + 1e-9) {
        best_ = path_;
        best_sum_ = sum;
      }
      return;
    }
    for (std::size_t label = 0; label < tags_.size(); ++label) {
      if (!legal(token, label)) continue;
      path_[token] = label;
      walk(token + 1, sum + std::log(static_cast<double>(scores_[token][label])));
    }
  }

  const std::vector<std::vector<float>>& scores_;
  const std::vector<Tag>& tags_;
  TaggingScheme scheme_;
  std::vector<std::size_t> path_, best_;
  double best_sum_ = 0;
};

TEST(Tags, ViterbiFindsTheBestOfAllPaths) {
  struct Case {
    TaggingScheme scheme;
    TagLabels labels;
  };
  const std::vector<Case> cases = {{TaggingScheme::iob1, {"O", "B-A", "I-A", "B-B", "I-B"}},
                                   {TaggingScheme::iob2, {"O", "B-A", "I-A", "B-B", "I-B"}},
                                   {TaggingScheme::bioes, {"O", "B-A", "I-A", "E-A", "S-A", "B-B", "I-B", "E-B", "S-B"}},
                                   {TaggingScheme::bilou, {"U-A", "L-A", "I-A", "B-A", "O"}}};
  Random random(3);
  for (const Case& one : cases) {
    const std::vector<Tag> tags = tags_of(id2label(one.labels), one.scheme);
    for (int round = 0; round < 40; ++round) {
      std::vector<std::vector<float>> scores(random.between(1, 5), std::vector<float>(tags.size()));
      for (auto& row : scores) {
        for (float& score : row) score = static_cast<float>(0.01 + random.uniform());
      }
      EXPECT_EQ(viterbi(scores, tags, one.scheme, true, true), Paths(scores, tags, one.scheme).best());
    }
  }
}

TEST(Tags, ViterbiOfAWindowMayStandInsideAnEntity) {
  const std::vector<Tag> tags = tags_of(id2label({"O", "B-A", "I-A"}), TaggingScheme::iob2);
  const std::vector<std::vector<float>> scores = {{0.1f, 0.2f, 0.7f}};
  EXPECT_EQ(viterbi(scores, tags, TaggingScheme::iob2, true, true), std::vector<std::size_t>{1});
  EXPECT_EQ(viterbi(scores, tags, TaggingScheme::iob2, false, true), std::vector<std::size_t>{2});
  const std::vector<Tag> closed = tags_of(id2label({"O", "B-A", "E-A"}), TaggingScheme::bioes);
  const std::vector<std::vector<float>> begun = {{0.2f, 0.7f, 0.1f}};
  EXPECT_EQ(viterbi(begun, closed, TaggingScheme::bioes, true, true), std::vector<std::size_t>{0});
  EXPECT_EQ(viterbi(begun, closed, TaggingScheme::bioes, true, false), std::vector<std::size_t>{1});
}

TEST(Tags, ATypeWithoutItsFirstLabelMayGoOnAnywhere) {
  const std::vector<Tag> tags = tags_of(id2label({"O", "I-A", "B-B", "I-B"}), TaggingScheme::iob2);
  const std::vector<std::vector<float>> scores = {{0.1f, 0.8f, 0.05f, 0.05f}, {0.1f, 0.1f, 0.1f, 0.7f}};
  EXPECT_EQ(viterbi(scores, tags, TaggingScheme::iob2, true, true), (std::vector<std::size_t>{1, 0}));
}

TEST(Tags, ViterbiWithoutAPathTakesEachTokensBest) {
  const std::vector<Tag> tags = tags_of(id2label({"B-A", "E-A"}), TaggingScheme::bioes);  // one token can be neither
  const std::vector<std::vector<float>> scores = {{0.3f, 0.7f}};
  EXPECT_EQ(viterbi(scores, tags, TaggingScheme::bioes, true, true), std::vector<std::size_t>{1});
  EXPECT_TRUE(viterbi({}, tags, TaggingScheme::bioes, true, true).empty());
}

}  // namespace
}  // namespace filbert
