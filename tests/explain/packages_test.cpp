// Whole explanations of the built-in model beside those that the Python packages gave of it, run by transformers.
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filbert/explain.h>

#include "base/sha256.h"
#include "reference/goldens.h"
#include "reference/sanitizers.h"

namespace filbert {
namespace {

using nlohmann::json;

constexpr double kLogitTolerance = 1e-4;  // f32 logits differ by 1e-5

constexpr std::size_t kTexts = reference::kUnderSanitizer ? 1 : 100;

class Packages : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    classify_ = new TextClassificationPipeline(pipeline("text-classification", reference::source_directory() / "models" / "stars-en"));
    const auto path = reference::source_directory() / "tests" / "data" / "explain" / "stars-en.json";
    goldens_ = json::parse(std::ifstream(path));
    ASSERT_EQ(goldens_.at("weights_sha256"), sha256_of_file(reference::source_directory() / "models" / "stars-en" / "model.safetensors"))
        << "made by other weights: tools/make_explain_goldens.py makes them anew";
  }
  static void TearDownTestSuite() {
    delete classify_;
    classify_ = nullptr;
  }
  static std::vector<json> texts() {
    std::vector<json> rows = goldens_.at("texts");
    rows.resize(std::min(rows.size(), kTexts));
    return rows;
  }

  static TextClassificationPipeline* classify_;
  static json goldens_;
};
TextClassificationPipeline* Packages::classify_ = nullptr;
json Packages::goldens_;

TEST_F(Packages, LimeSaysTheSame) {
  for (const json& row : texts()) {
    const std::string text = row.at("text");
    for (const json& golden : row.at("lime")) {
      SCOPED_TRACE(text);
      Explainer explainer(*classify_, {text, std::nullopt},
                          {.label = row.at("label"), .compat = ExplainCompat::lime, .bow = golden.at("bow")});
      const LimeExplanation lime = explainer.lime({.num_samples = goldens_.at("num_samples"), .feature_selection = FeatureSelection::none,
                                                   .seed = goldens_.at("seed")});
      const std::vector<std::string> words = golden.at("words");
      ASSERT_EQ(explainer.text().units.size(), words.size());
      for (std::size_t word = 0; word < words.size(); ++word) {
        EXPECT_EQ(explainer.text().units[word].text, words[word]);
        EXPECT_NEAR(lime.values[word], golden.at("weights")[word], kLogitTolerance) << words[word];
      }
      EXPECT_NEAR(lime.intercept, golden.at("intercept"), kLogitTolerance);
      EXPECT_NEAR(lime.r2, golden.at("r2"), kLogitTolerance);
      EXPECT_NEAR(lime.local_pred, golden.at("local_pred"), kLogitTolerance);
    }
  }
}

TEST_F(Packages, ShapSaysTheSame) {
  for (const json& row : texts()) {
    const std::string text = row.at("text");
    SCOPED_TRACE(text);
    const json& golden = row.at("shap");
    Explainer explainer(*classify_, {text, std::nullopt}, {.label = row.at("label"), .compat = ExplainCompat::shap});
    const ShapExplanation shap = explainer.shap({.algorithm = ShapAlgorithm::partition, .max_evals = goldens_.at("max_evals"),
                                                 .seed = goldens_.at("seed")});
    const std::vector<std::string> segments = golden.at("segments");
    ASSERT_EQ(explainer.text().units.size(), segments.size());
    for (std::size_t token = 0; token < segments.size(); ++token) {
      EXPECT_EQ(explainer.text().units[token].text, segments[token]);
      EXPECT_NEAR(shap.values[token], golden.at("values")[token], kLogitTolerance) << segments[token];
    }
    EXPECT_NEAR(shap.base_value, golden.at("base_value"), kLogitTolerance);
  }
}

TEST_F(Packages, EqualTextsRunOnceOrAlwaysGiveTheSame) {
  const std::string text = texts().front().at("text");
  const LimeOptions options{.num_samples = 200};
  const LimeExplanation once = explain_lime(*classify_, text, options);
  Explainer explainer(*classify_, {text, std::nullopt}, {.compat = ExplainCompat::lime});
  explainer.lime(options);
  const LimeExplanation again = explainer.lime(options);  // every text is known by now
  EXPECT_EQ(once.values, again.values);
  const auto one_thread = pipeline("text-classification", reference::source_directory() / "models" / "stars-en", {.num_threads = 1});
  EXPECT_EQ(explain_lime(one_thread, text, options).values, once.values);
  EXPECT_EQ(once.evaluations, again.evaluations);
}

}  // namespace
}  // namespace filbert
