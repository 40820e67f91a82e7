#include <filbert/filbert.h>
#include <cstdio>

int main() {
  const char* checkpoint = "nlptown/bert-base-multilingual-uncased-sentiment";
  auto tokenizer = filbert::AutoTokenizer::from_pretrained(checkpoint);
  auto model = filbert::BertForSequenceClassification::from_pretrained(checkpoint);

  auto inputs = tokenizer("I really love this book\n");      // stage 1: input_ids, token_type_ids, attention_mask
  auto logits = model(inputs).logits;                        // stage 2: [batch_size, num_labels]
  auto predictions = filbert::softmax(logits);               // stage 3
  for (const auto& [id, label] : model.config().id2label)
    std::printf("%-7s:\t%.3f\n", label.c_str(), predictions[0][id]);
}
