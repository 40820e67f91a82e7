#include "web/sample_drift.h"

#include <cmath>

namespace filbert::reference {

DriftReport sample_drift() {
  DriftSummary old_texts, new_texts;
  old_texts.texts = 400, new_texts.texts = 300;
  for (int text = 0; text < 400; ++text) {
    ++old_texts.numbers["tokens"][5 + text % 40];
    ++old_texts.numbers["score"][std::round(1e4 * (0.5 + 0.00125 * text)) / 1e4];
    ++old_texts.shares["script"]["Latin"];
    ++old_texts.shares["label"][text % 3 == 0 ? "<b>good</b>" : "bad & \"ugly\""];
    ++old_texts.shares["truncated"]["no"];
  }
  for (int text = 0; text < 300; ++text) {
    ++new_texts.numbers["tokens"][5 + text % 60];
    ++new_texts.numbers["score"][std::round(1e4 * (0.5 + 0.0016 * text)) / 1e4];
    ++new_texts.shares["script"][text % 4 == 0 ? "Cyrillic" : "Latin"];
    ++new_texts.shares["label"][text % 3 != 0 ? "<b>good</b>" : "bad & \"ugly\""];
    ++new_texts.shares["truncated"]["no"];
  }
  old_texts.shares["gold"]["bad"] = 7;
  old_texts.input = "old </title><script>alert(1)</script>.csv";
  new_texts.input = "new \xE2\x80\xAE" "gnp.csv";
  for (DriftSummary* each : {&old_texts, &new_texts}) {
    each->model = "built-in";
    each->model_sha256 = each->tokenizer_sha256 = std::string(64, 'a');
    each->version = "0.1.0";
  }
  const DriftExamples examples = {{{"script", "Cyrillic"}, {"Очень хорошая книга", "<img src=x onerror=alert(1)> Я", "Так \xE2\x80\xAE" "себе"}},
                                  {{"label", "<b>good</b>"}, {"I love this book", std::string(300, 'x')}}};
  DriftReport report = compare_drift(old_texts, new_texts, examples);
  report.command = "filbert drift new.csv --reference old.csv";
  return report;
}

}  // namespace filbert::reference
