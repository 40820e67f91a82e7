#include "web/sample_reports.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>
#include <numeric>
#include <span>

#include "base/text.h"

namespace filbert::reference {
namespace {

// Of a set of units that stay, as bits.
using Sets = std::function<double(std::uint32_t kept)>;

std::size_t code_points(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); at += decode_utf8(text, at).bytes) ++count;
  return count;
}

bool is_space(char32_t c) { return c == ' ' || c == '\n' || c == '\t'; }
bool is_mark(char32_t c) { return c == ',' || c == '.' || c == '!' || c == '?'; }

// Words and punctuation marks, with offsets in code points.
void add_units(std::string_view text, std::int32_t sequence_id, std::vector<ExplainedUnit>& units) {
  bool in_word = false;
  std::size_t place = 0;
  for (std::size_t at = 0; at < text.size(); ++place) {
    const DecodedChar c = decode_utf8(text, at);
    if (is_space(c.code_point)) {
      in_word = false;
    } else {
      if (!in_word || is_mark(c.code_point)) units.push_back({{}, {place, place}, sequence_id, {}});
      units.back().text += text.substr(at, c.bytes);
      units.back().offset.end = place + 1;
      in_word = !is_mark(c.code_point);
    }
    at += c.bytes;
  }
}

std::vector<double> shapley(std::size_t n, const Sets& f) {
  std::vector<double> weights(n), values(n);
  for (std::size_t size = 0; size < n; ++size) weights[size] = std::exp(std::lgamma(size + 1) + std::lgamma(n - size) - std::lgamma(n + 1));
  std::vector<double> game(std::size_t{1} << n);
  for (std::uint32_t kept = 0; kept < game.size(); ++kept) game[kept] = f(kept);
  for (std::size_t unit = 0; unit < n; ++unit) {
    const std::uint32_t bit = 1u << unit;
    for (std::uint32_t kept = 0; kept < game.size(); ++kept) {
      if (!(kept & bit)) values[unit] += weights[static_cast<std::size_t>(std::popcount(kept))] * (game[kept | bit] - game[kept]);
    }
  }
  return values;
}

OcclusionExplanation occlusion(std::size_t n, const Sets& f) {
  const std::uint32_t all = (1u << n) - 1;
  OcclusionExplanation out;
  out.interactions.resize(n * n);
  for (std::size_t i = 0; i < n; ++i) {
    out.values.push_back(f(all) - f(all & ~(1u << i)));
    for (std::size_t j = 0; j < n; ++j) {
      if (i != j) out.interactions[i * n + j] = f(all) - f(all & ~(1u << i)) - f(all & ~(1u << j)) + f(all & ~(1u << i) & ~(1u << j));
    }
  }
  out.evaluations = n * (n + 1) / 2;
  return out;
}

std::vector<std::size_t> strongest_first(const std::vector<double>& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return values[a] > values[b]; });
  return order;
}

Faithfulness measured(std::string method, const std::vector<double>& values, const Sets& f) {
  const std::uint32_t all = (1u << values.size()) - 1;
  Faithfulness out;
  out.method = std::move(method);
  std::uint32_t kept = all;
  out.deletion.push_back(f(kept));
  out.insertion.push_back(f(0));
  for (const std::size_t unit : strongest_first(values)) {
    kept &= ~(1u << unit);
    out.deletion.push_back(f(kept));
    out.insertion.push_back(f(all & ~kept));
  }
  const auto mean = [](const std::vector<double>& curve) { return std::accumulate(curve.begin(), curve.end(), 0.0) / static_cast<double>(curve.size()); };
  out.deletion_area = mean(out.deletion);
  out.insertion_area = mean(out.insertion);
  out.comprehensiveness = out.deletion.front() - out.deletion[3];
  out.sufficiency = out.deletion.front() - out.insertion[3];
  out.tau_occlusion = 0.6;
  return out;
}

FaithfulnessExplanation faithfulness(const ExplainReport& report, const Sets& f) {
  FaithfulnessExplanation out;
  for (const NamedValues& method : report.values()) out.methods.push_back(measured(method.method, method.values, f));
  const std::size_t points = report.text.units.size() + 1;
  for (std::size_t at = 0; at < points; ++at) {
    const double share = static_cast<double>(at) / static_cast<double>(points - 1), all = out.methods[0].deletion.front(), none = out.methods[0].deletion.back();
    const double middle = all + (none - all) * share, half = (all - none) * 0.8 * share * (1 - share);
    out.random_deletion_low.push_back(middle - half);
    out.random_deletion_high.push_back(middle + half);
    out.random_insertion_low.push_back(all + none - middle - half);
    out.random_insertion_high.push_back(all + none - middle + half);
  }
  const std::size_t methods = out.methods.size();
  for (std::size_t at = 0; at < methods * methods; ++at) out.agreement.push_back(at % (methods + 1) == 0 ? 1 : 0.55 + 0.05 * static_cast<double>((at / methods) + at % methods));
  out.evaluations = 4 * points;
  return out;
}

// A comb of neighbours, two by two: enough of a tree for a page.
std::vector<Phrase> phrases(const std::vector<double>& values, const Sets& f) {
  struct Node {
    std::size_t id, first, end;
  };
  std::vector<Node> row;
  for (std::size_t unit = 0; unit < values.size(); ++unit) row.push_back({unit, unit, unit + 1});
  const auto bits = [](const Node& node) { return ((1u << (node.end - node.first)) - 1) << node.first; };
  std::vector<Phrase> out;
  while (row.size() > 1) {
    std::vector<Node> next;
    for (std::size_t at = 0; at + 1 < row.size(); at += 2) {
      const Node &left = row[at], &right = row[at + 1];
      const double value = std::accumulate(values.begin() + static_cast<std::ptrdiff_t>(left.first), values.begin() + static_cast<std::ptrdiff_t>(right.end), 0.0);
      out.push_back({left.id, right.id, right.end - left.first, value, f(bits(left) | bits(right)) - f(bits(left)) - f(bits(right)) + f(0)});
      next.push_back({values.size() + out.size() - 1, left.first, right.end});
    }
    if (row.size() % 2 == 1) next.push_back(row.back());
    row = next;
  }
  return out;
}

LimeExplanation lime(const std::vector<double>& values, const std::vector<double>& single, double score) {
  LimeExplanation out;
  out.values.resize(values.size());
  for (std::size_t unit = 0; unit < values.size(); ++unit) out.values[unit] = 0.5 * values[unit] + 0.3 * single[unit] + (unit == 4 ? 0.6 : -0.01);
  std::vector<double> sizes;
  for (const double value : out.values) sizes.push_back(std::abs(value));
  out.features = strongest_first(sizes);
  if (out.features.size() > 10) out.features.resize(10);
  for (std::size_t unit = 0; unit < values.size(); ++unit) {
    if (std::ranges::count(out.features, unit) == 0) out.values[unit] = 0;
  }
  out.intercept = score * 0.28;
  out.local_pred = std::accumulate(out.values.begin(), out.values.end(), out.intercept);
  out.r2 = 0.81;
  out.num_samples = 5000;
  out.evaluations = 1823;
  return out;
}

std::string without(const ExplainReport& report, const std::vector<std::size_t>& units) {
  std::string out;
  for (std::size_t unit = 0; unit < report.text.units.size(); ++unit) {
    out += (unit ? " " : "") + (std::ranges::count(units, unit) > 0 ? report.text.mask : report.text.units[unit].text);
  }
  return out;
}

void reproducible(ExplainReport& report) {
  report.model = "models/stars-en";
  report.model_sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
  report.tokenizer_sha256 = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752";
  report.version = "0.1.0";
  report.dtype = "f32";
  report.milliseconds = 412;
}

ExplainReport begun(std::string text, std::string label) {
  ExplainReport report;
  report.text.text = std::move(text);
  report.text.label = std::move(label);
  report.text.mask = "[MASK]";
  add_units(report.text.text, 0, report.text.units);
  reproducible(report);
  return report;
}

// The model's answer is the label that is explained, unless another's score is higher.
void answers(ExplainReport& report, std::vector<LabelScore> scores) {
  const LabelScore best = *std::ranges::max_element(scores, {}, &LabelScore::score);
  report.text.classification.label = best.label;
  report.text.classification.score = best.score;
  report.text.classification.scores = std::move(scores);
}

// A cheap way to numbers: by hash of the place.
double some_value(std::size_t unit) { return std::sin(static_cast<double>(unit) * 12.9898 + 1) * 0.05; }

}  // namespace

ExplainReport sample_report() {
  ExplainReport report = begun("I really love this book, but the ending is a bit slow.", "5 stars");
  const std::size_t n = report.text.units.size();  // 14
  const std::vector<double> weights = {0.1, 0.6, 1.7, 0.1, 0.4, 0, -0.5, 0.05, -0.1, 0, -0.15, -0.25, -0.9, 0.1};
  const auto logit = [weights](std::uint32_t kept, int label) {
    double sum = -0.15;
    for (std::size_t unit = 0; unit < weights.size(); ++unit) sum += kept >> unit & 1 ? weights[unit] : 0;
    if ((kept & 6) == 6) sum += 0.8;               // "really love"
    if ((kept >> 11 & 3) == 3) sum += 0.35;        // "bit slow"
    const double centres[] = {-2.4, -1.2, -0.2, 0.8, 2.2};  // of 1 to 5 stars
    return -1.1 * (sum - centres[label]) * (sum - centres[label]);
  };
  const auto of_label = [logit](int label) -> Sets {
    return [logit, label](std::uint32_t kept) {
      double total = 0;
      for (int other = 0; other < 5; ++other) total += std::exp(logit(kept, other));
      return std::exp(logit(kept, label)) / total;
    };
  };
  const std::uint32_t all = (1u << n) - 1;
  for (int label = 0; label < 5; ++label) {
    report.text.classification.scores.push_back({std::to_string(label + 1) + (label ? " stars" : " star"), static_cast<float>(of_label(label)(all))});
    report.text.classification.logits.push_back(static_cast<float>(logit(all, label)));
  }
  const Sets f = of_label(4);
  report.text.score = f(all);
  report.text.classification.label = "5 stars";
  report.text.classification.score = static_cast<float>(report.text.score);
  report.text.classification.tokens_total = report.text.classification.tokens_used = n + 2;
  ShapExplanation shap;
  shap.values = shapley(n, f);
  shap.base_value = f(0);
  shap.algorithm = "Owen values over the tree of phrases";
  shap.evaluations = 164;
  shap.exact = true;
  shap.phrases = phrases(shap.values, f);
  report.occlusion = occlusion(n, f);
  report.lime = lime(shap.values, report.occlusion->values, report.text.score);
  report.shap = std::move(shap);
  report.faithfulness = faithfulness(report, f);
  const auto set = [&](std::vector<std::size_t> removed, std::vector<std::size_t> shown) {
    std::uint32_t kept = all;
    for (const std::size_t unit : removed) kept &= ~(1u << unit);
    int best = 0;
    for (int label = 1; label < 5; ++label) best = of_label(label)(kept) > of_label(best)(kept) ? label : best;
    return Counterfactual{std::move(shown), without(report, removed), {}, report.text.classification.scores[static_cast<std::size_t>(best)].label, of_label(best)(kept), f(kept)};
  };
  CounterfactualExplanation changes;
  changes.flips = {set({2}, {2}), set({1, 4}, {1, 4})};
  std::vector<std::size_t> rest(n);
  std::iota(rest.begin(), rest.end(), std::size_t{0});
  std::erase(rest, 2u);
  changes.keeps = {set(rest, {2})};
  changes.flips_exact = changes.keeps_exact = true;
  changes.evaluations = 231;
  report.counterfactuals = changes;
  for (const int label : {3, 2, 1, 0}) {
    const Sets g = of_label(label);
    report.other_labels.push_back({report.text.classification.scores[static_cast<std::size_t>(label)].label, g(all), {{"shap", shapley(n, g)}, {"occlusion", occlusion(n, g).values}}});
  }
  report.command = "filbert explain \"I really love this book, but the ending is a bit slow.\" --method shap,lime,occlusion --output report.html";
  return report;
}

ExplainReport notices_report() {
  ExplainReport report = sample_report();
  const std::size_t seen = code_points(report.text.text);
  report.text.text += " And here comes what nobody reads.";
  report.text.not_seen = {{0, {seen, code_points(report.text.text)}}};
  report.text.classification.truncated = true;
  report.text.classification.tokens_total = 22;
  report.text.classification.invalid_utf8 = 2;
  report.text.classification.label = "4 stars";
  report.shap->exact = false;
  for (const double value : report.shap->values) {
    report.shap->low.push_back(value - 0.018);
    report.shap->high.push_back(value + 0.018);
  }
  report.shap->truncated = report.shap->stopped = report.lime->stopped = report.occlusion->stopped = report.counterfactuals->stopped = report.faithfulness->stopped = true;
  report.occlusion->values.back() = std::nan("");
  report.counterfactuals->flips.clear();
  for (double& low : report.faithfulness->random_deletion_low) low = 0;
  return report;
}

ExplainReport pair_report() {
  ExplainReport report = begun("The weather is 🌧️ today.", "entailment");
  report.text.text_pair = "הספר הזה טוב מאוד, וגם זול!";
  add_units(*report.text.text_pair, 1, report.text.units);
  report.text.against = "contradiction";
  report.text.target = ExplainTarget::contrast;
  const std::size_t n = report.text.units.size();
  ShapExplanation shap;
  for (std::size_t unit = 0; unit < n; ++unit) shap.values.push_back(some_value(unit) * 20);
  shap.base_value = -0.4;
  report.text.score = std::accumulate(shap.values.begin(), shap.values.end(), shap.base_value);
  shap.algorithm = "Owen values over the tree of phrases";
  shap.exact = true;
  const Sets f = [values = shap.values](std::uint32_t kept) {
    double sum = 0;
    for (std::size_t unit = 0; unit < values.size(); ++unit) sum += kept >> unit & 1 ? values[unit] : 0;
    return sum;
  };
  shap.phrases = phrases(shap.values, f);
  report.shap = shap;
  report.text.classification.scores = {{"entailment", 0.5f}, {"neutral", 0.3f}, {"contradiction", 0.2f}};
  report.text.classification.label = "entailment";
  report.text.classification.score = 0.5f;
  return report;
}

ExplainReport regression_report() {
  ExplainReport report = begun("Flat in the centre, three rooms, balcony.", "price");
  report.text.score = 1234.5;
  report.text.classification.label = "price";
  report.text.classification.score = 1234.5f;
  report.text.classification.scores = {{"price", 1234.5f}};
  report.text.classification.logits = {1234.5f};
  ShapExplanation shap;
  for (std::size_t unit = 0; unit < report.text.units.size(); ++unit) shap.values.push_back(some_value(unit) * 4000);
  shap.base_value = report.text.score - std::accumulate(shap.values.begin(), shap.values.end(), 0.0);
  shap.algorithm = "Owen values over the tree of phrases";
  shap.exact = true;
  report.shap = shap;
  report.faithfulness = FaithfulnessExplanation{};
  Faithfulness& method = report.faithfulness->methods.emplace_back();
  method.method = "shap";
  for (std::size_t at = 0; at <= shap.values.size(); ++at) {
    method.deletion.push_back(1234.5 - 100.0 * static_cast<double>(at));
    method.insertion.push_back(300 + 100.0 * static_cast<double>(at));
  }
  method.deletion_area = 800;
  return report;
}

ExplainReport long_report(std::size_t units) {
  std::string text;
  for (std::size_t at = 0; at < units; ++at) text += (at ? " word" : "word") + std::to_string(at);
  ExplainReport report = begun(text, "5 stars");
  report.text.score = 0.75;
  answers(report, {{"1 star", 0.25f}, {"5 stars", 0.75f}});
  ShapExplanation shap;
  Faithfulness shap_measured;
  shap_measured.method = "shap";
  for (std::size_t unit = 0; unit <= units; ++unit) {
    if (unit < units) shap.values.push_back(some_value(unit));
    shap_measured.deletion.push_back(0.75 * std::exp(-static_cast<double>(unit) / 60));
    shap_measured.insertion.push_back(0.75 - 0.7 * std::exp(-static_cast<double>(unit) / 60));
  }
  for (std::size_t unit = 0; unit + 1 < units; ++unit) shap.phrases.push_back({unit == 0 ? 0 : units + unit - 1, unit + 1, unit + 2, 0.1, some_value(unit)});
  report.occlusion.emplace().values = shap.values;
  report.lime.emplace().values = shap.values;
  report.shap = shap;
  report.faithfulness.emplace().methods = {shap_measured};
  return report;
}

ExplainReport several_report() {
  ExplainReport report = regression_report();
  report.text.label = "roomy";
  report.text.score = 0.81;
  report.options.threshold = 0.4F;
  report.options.function_to_apply = FunctionToApply::sigmoid;
  Classification& answer = report.text.classification;
  answer.label = "roomy";
  answer.score = 0.81F;
  answer.scores = {{"roomy", 0.81F}, {"central", 0.44F}, {"cheap", 0.07F}};
  answer.labels = {"roomy", "central"};
  answer.logits = {1.45F, -0.24F, -2.59F};
  for (double& value : report.shap->values) value /= 10'000;
  report.shap->base_value = report.text.score - std::accumulate(report.shap->values.begin(), report.shap->values.end(), 0.0);
  return report;
}

ExplainReport empty_report() {
  ExplainReport report = begun("", "1 star");
  report.text.score = 0.3;
  answers(report, {{"1 star", 0.3f}, {"2 stars", 0.7f}});
  report.shap.emplace().exact = true;
  report.lime = LimeExplanation{};
  report.occlusion = OcclusionExplanation{};
  report.counterfactuals = CounterfactualExplanation{};
  report.faithfulness = FaithfulnessExplanation{};
  return report;
}

ExplainReport hostile_report(std::string_view text, std::string_view label) {
  ExplainReport report = begun(replace_invalid_utf8(text), std::string(label));
  const std::size_t n = report.text.units.size();
  report.text.mask = std::string(label);
  report.text.score = 0.6;
  answers(report, {{std::string(label), 0.6f}, {"other " + std::string(label), 0.4f}});
  report.text.classification.labels = {std::string(label)};
  ShapExplanation shap;
  for (std::size_t unit = 0; unit < n; ++unit) shap.values.push_back(some_value(unit));
  for (std::size_t unit = 0; unit + 1 < n; ++unit) shap.phrases.push_back({unit == 0 ? 0 : n + unit - 1, unit + 1, unit + 2, 0.1, 0.05});
  shap.algorithm = std::string(label);
  report.occlusion.emplace().values = shap.values;
  report.other_labels = {{"other " + std::string(label), 0.4, {{"shap", shap.values}}}};
  report.shap = shap;
  CounterfactualExplanation changes;
  if (n > 0) changes.flips = {{{0}, std::string(text), std::string(text), std::string(label), 0.4, 0.2}};
  report.counterfactuals = changes;
  report.model = report.dtype = report.version = report.command = std::string(text);
  report.model_sha256 = report.tokenizer_sha256 = std::string(label);
  return report;
}

EntityExplanation entity_report() {
  EntityExplanation explanation;
  ExplainReport& report = explanation.report;
  report = begun("Anna Fischer moved from Berlin to New York, where she works. The rest is another story.", "LOC");
  ExplainedText& text = report.text;
  text.not_seen = {{0, {60, 87}}};
  std::erase_if(text.units, [](const ExplainedUnit& unit) { return unit.offset.begin >= 60; });
  text.score = 0.9461;
  answers(report, {{"O", 0.021f}, {"PER", 0.0131f}, {"ORG", 0.0198f}, {"LOC", 0.9461f}});
  text.classification.label = "LOC";
  text.classification.labels.clear();
  text.classification.tokens_total = 22;
  text.classification.tokens_used = 16;
  explanation.entity = {.entity = "LOC", .score = 0.9458f, .index = 0, .word = "new york", .offset = {34, 42}};
  explanation.units = {6, 7};
  explanation.tokens = {7, 8};
  explanation.stride = 4;
  explanation.windows = 2;
  OcclusionExplanation& occlusion = report.occlusion.emplace();
  GradientExplanation gradient;
  gradient.method = GradientMethod::integrated_gradients;
  for (std::size_t unit = 0; unit < text.units.size(); ++unit) {
    occlusion.values.push_back(explanation.units[0] <= unit && unit <= explanation.units[1] ? 0.41 - 0.1 * static_cast<double>(unit - 6) : some_value(unit) / 10);
    gradient.values.push_back(occlusion.values.back() * 0.8 + 0.001 * static_cast<double>(unit));
  }
  occlusion.evaluations = text.units.size() + 1;
  gradient.base_value = 0.1;
  gradient.score = text.score;
  gradient.num_steps = 50;
  report.gradients.push_back(std::move(gradient));
  report.model = "dslim/bert-base-NER";
  report.command = "filbert explain --entity 'New York' --method occlusion,integrated_gradients --stride 4 --output why.html";
  return explanation;
}

EntityExplanation hostile_entity(std::string_view text, std::string_view label) {
  EntityExplanation explanation;
  explanation.report = hostile_report(text, label);
  ExplainReport& report = explanation.report;
  report.shap.reset();
  report.counterfactuals.reset();
  report.other_labels.clear();
  explanation.entity.entity = std::string(label);
  explanation.entity.word = std::string(text);
  explanation.entity.offset = {0, std::min<std::size_t>(20, code_points(report.text.text))};
  explanation.units = {0};
  return explanation;
}

std::vector<Hostile> hostile_texts() {
  using namespace std::string_literals;
  const std::vector<std::string> attacks = {
      "</script><script>alert(1)</script>", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<img onerror=alert(1) src=//example.com/x>",
      "<!--", "<!--<script>", "-->", "]]>", "</style><style>*{display:none}</style>", "</title><script>alert(1)</script>", "\"><svg onload=alert(1)>",
      "' onmouseover='alert(1)", "\" onfocus=\"alert(1)\" autofocus=\"", "javascript:alert(1)", "<iframe src=\"javascript:alert(1)\"></iframe>", "<a href=\"javascript:alert(1)\">x</a>",
      "&lt;b&gt; &amp; &#60;script&#62;", "{{constructor.constructor('alert(1)')()}}", "\\u003cscript\\u003e", "\\\"}<", "\xE2\x80\xA8 line \xE2\x80\xA9 end", "\xE2\x80\xAEgpj.exe\xE2\x80\xAC",
      "\xE2\x81\xA6iso\xE2\x81\xA9", "a\0b"s, "\x01\x02\x1B[31m red", "\x7F\xC2\x80\xC2\x9F", "\xEF\xBB\xBF bom", "zero\xE2\x80\x8Bwidth", "soft\xC2\xADhyphen", "\xFF\xFE\xC0\xAF",
      "\xED\xA0\x80 lone surrogate", "\xF0\x9F\x98 cut", "\r\nline\r\n", "\rlone", "\n\n  leading", "\t tab", "<base href=//example.com>", "<meta http-equiv=refresh content=0>", "<plaintext>", "<template><p>",
  };
  const std::vector<std::string> frames = {"", "good ", "это ", "שלום ", "👩‍👩‍👧 ", "a, ", "नमस्ते ", "日本語 ", "x\" ", "<p>"};
  std::vector<Hostile> out;
  for (const std::string& frame : frames) {
    for (std::size_t at = 0; at < attacks.size(); ++at) out.push_back({frame + attacks[at] + " end", attacks[(at + frame.size()) % attacks.size()]});
  }
  out.back() = {std::string(10240, 'w'), "<img onerror=alert(1)>"};
  return out;  // 10 × 40
}

}  // namespace filbert::reference
