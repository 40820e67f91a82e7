#include "web/sample_corpus.h"

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace filbert::reference {
namespace {

// Words whose values fall from `mean` on, each less sure than the one before.
std::vector<CorpusWord> words_from(double mean, std::initializer_list<const char*> names) {
  std::vector<CorpusWord> words;
  double at = 1;
  for (const char* name : names) {
    const double value = mean / at, doubt = 0.02 + 0.004 * at;
    words.push_back({.word = name, .texts = static_cast<std::size_t>(90 / at), .mean = value, .mean_size = value < 0 ? -value : value,
                     .low = value - doubt, .high = value + doubt, .share_for = value < 0 ? 0.08 : 0.94});
    at += 0.7;
  }
  return words;
}

// Each word of `parts` stands where it is found first from the place before on; of the second text where `is_second`.
void add_words(std::string_view text, bool is_second, std::initializer_list<std::pair<const char*, double>> parts, TextExplanation& explanation) {
  std::size_t from = 0;
  for (const auto& [word, value] : parts) {
    const std::size_t begin = text.find(word, from);
    TextWord told{.word = word, .value = value, .score_without = static_cast<float>(0.9 - value), .flips = value > 0.5, .places = {}};
    from = begin + told.word.size();
    (is_second ? told.pair_places : told.places).push_back({begin, from});
    explanation.words.push_back(std::move(told));
  }
}

std::vector<RepresentativeText> texts() {
  std::vector<RepresentativeText> texts(3);
  texts[0].text = {.row = 7, .text = "The battery lasts for days, a great buy; only the case is cheap.", .gold = "praise"};
  texts[0].explanation = {.label = "praise", .score = 0.964F, .words = {}};
  add_words(texts[0].text.text, false, {{"battery", 0.02}, {"lasts", 0.18}, {"great", 0.61}, {"only", -0.07}, {"cheap", -0.21}}, texts[0].explanation);
  texts[1].text = {.row = 118, .text = "Where is my parcel?", .gold = "complaint", .text_pair = "It was to come on Monday. Not a word since."};
  texts[1].explanation = {.label = "question", .score = 0.571F, .words = {}};
  add_words(texts[1].text.text, false, {{"Where", 0.42}, {"?", 0.35}}, texts[1].explanation);
  add_words(*texts[1].text.text_pair, true, {{"Monday", -0.05}, {"Not", -0.3}}, texts[1].explanation);
  texts[2].text = {.row = 240, .text = "הספר הזה טוב מאוד 🙂, וגם זול", .gold = "praise"};
  texts[2].shortened = true;
  texts[2].explanation = {.label = "praise", .score = 0.88F, .words = {}};
  add_words(texts[2].text.text, false, {{"טוב", 0.5}, {"🙂", 0.24}, {"זול", -0.1}}, texts[2].explanation);
  return texts;
}

}  // namespace

CorpusReport sample_corpus() {
  CorpusReport report;
  report.texts = 300;
  report.evaluations = 5'120;
  report.truncated = 4;
  report.invalid_utf8 = 1;
  report.empty = 2;
  report.forgotten_words = 12;
  report.labels = {{"praise", 150, 0.91, words_from(0.6, {"great", "love", "perfect", "recommend", "excellent"}),
                    words_from(-0.3, {"cheap", "not", "but"}), {}},
                   {"complaint", 110, 0.84, words_from(0.7, {"broken", "refund", "never", "waited"}), words_from(-0.25, {"thanks", "good"}), {}},
                   {"question", 40, 0.66, words_from(0.45, {"?", "where", "how"}), {}, {}}};
  CorpusWord cheap = words_from(0.05, {"cheap"}).front();
  cheap.share_for = 0.55;
  report.labels[0].mixed = {{cheap, WordInContext{31, 0.4, "so ", "cheap", " that I bought two"}, WordInContext{7, -0.21, "…only the case is ", "cheap", "."}}};
  report.leaks = {{"complaint", "refund", 48, 31, 48.0 / 110, 31.0 / 110, 0.98}, {"question", "?", 36, 9, 0.9, 9.0 / 40, 0.41}};
  report.representatives = texts();
  report.gold = GoldReport{.texts = 290, .correct = 251, .unknown = 10, .unknown_labels = {"spam", "n/a"},
                           .confusions = {{"praise", "praise", 139}, {"praise", "question", 4}, {"complaint", "praise", 9}, {"complaint", "complaint", 97},
                                          {"complaint", "question", 21}, {"question", "complaint", 5}, {"question", "question", 15}},
                           .misleading = words_from(0.4, {"where", "parcel", "cheap"})};
  report.mask = "[MASK]";
  report.input = "reviews.csv";
  report.model = "models/reviews";
  report.model_sha256 = std::string(64, 'a');
  report.tokenizer_sha256 = std::string(64, 'b');
  report.input_sha256 = std::string(64, 'c');
  report.version = "0.1.0";
  report.dtype = "f32";
  report.command = "filbert explain --input reviews.csv --label-column kind --report reviews.html";
  return report;
}

}  // namespace filbert::reference
