// The built-in model of entities beside transformers, which recorded its logits by tools/make_goldens.py entities-en.
#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <filbert/model.h>
#include <filbert/tokenizer.h>

#include "reference/goldens.h"
#include "reference/rows.h"

namespace filbert {
namespace {

using namespace reference;

// Ids must be equal; 1e-4: contract 1, f32 sums of 6 layers in another order.
TEST(BuiltInEntitiesModel, GivesTheIdsAndLogitsOfTransformers) {
  const TextGoldens goldens = entities_en_goldens();
  ASSERT_GE(goldens.rows.size(), 20u);
  const auto tokenizer = AutoTokenizer::from_pretrained(entities_en_directory());
  const auto model = AutoModelForTokenClassification::from_pretrained(entities_en_directory());
  double greatest = 0;
  for (const GoldenRow& golden : goldens.rows) {
    SCOPED_TRACE(golden.text);
    const BatchEncoding encoding = tokenizer(golden.text);
    EXPECT_EQ(encoding.input_ids, golden.row.input_ids);
    const TokenClassifierOutput output = model(encoding);
    const double difference = greatest_difference(output.logits.data, golden.logits);
    EXPECT_LE(difference, 1e-4);
    greatest = std::max(greatest, difference);
  }
  RecordProperty("greatest_difference", std::to_string(greatest * 1e6) + "e-6");
}

// CoNLL's four types in IOB2: what the card, the page and every reader of entities build on.
TEST(BuiltInEntitiesModel, HasLabelsOfFourTypesInIob2) {
  const auto model = AutoModelForTokenClassification::from_pretrained(entities_en_directory());
  std::vector<std::string> labels;
  for (const auto& [id, label] : model.config().id2label) labels.push_back(label);
  EXPECT_EQ(labels, (std::vector<std::string>{"O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC", "B-MISC", "I-MISC"}));
}

}  // namespace
}  // namespace filbert
