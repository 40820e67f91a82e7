// Writes the pages that the browser test opens: make_pages DIRECTORY. Beside hostile/NNN.html stands hostile/NNN.txt, the text it must show.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "web/sample_attention.h"
#include "web/sample_corpus.h"
#include "web/sample_entities.h"
#include "web/sample_evaluation.h"
#include "web/sample_drift.h"
#include "web/sample_reports.h"

namespace {

// Of where a model looked, the report with it, and what somebody has put into tokens.
void write_attention(const std::function<void(const std::string&, const std::string&)>& write) {
  using namespace filbert;
  using namespace filbert::reference;
  const std::vector<std::string> words = {"I", "really", "love", "this", "book", ",", "but", "the", "end", "##ing", "is", "slow", "."};
  write("attention.html", attention_html(sample_attention(words)));
  write("attention_pair.html", attention_html(sample_attention({"the", "cat", "sat"}, {"it", "was", "asleep"}, {.queries_keys = false})));
  write("attention_one.html", attention_html(long_attention(3, {.layers = 1, .heads = 1})));
  write("attention_128.html", attention_html(long_attention(128, {.layers = 12, .heads = 12, .queries_keys = false})));
  write("attention_512.html", attention_html(long_attention(512, {.layers = 12, .heads = 12, .queries_keys = false})));
  write("attention_hostile.html", attention_html(sample_attention({"</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\xE2\x80\xAE" "evil", "<!--", "שלום",
                                                                   "日本", "😀", std::string(300, 'x')})));
  ExplainReport report = sample_report();
  report.attention = sample_attention(words);
  write("with_attention.html", html_report(report));
}

}  // namespace

int main(int argc, char** argv) {
  using namespace filbert;
  if (argc != 2) {
    std::fputs("usage: filbert_report_pages DIRECTORY\n", stderr);
    return 2;
  }
  const std::filesystem::path directory = argv[1];
  std::filesystem::create_directories(directory / "hostile");
  const auto write = [&](const std::string& name, const std::string& content) {
    std::ofstream(directory / name, std::ios::binary) << content;
  };
  write_attention(write);
  write("sample.html", html_report(reference::sample_report()));
  write("notices.html", html_report(reference::notices_report()));
  write("pair.html", html_report(reference::pair_report()));
  write("regression.html", html_report(reference::regression_report()));
  write("long.html", html_report(reference::long_report()));
  write("empty.html", html_report(reference::empty_report()));
  write("several.html", html_report(reference::several_report()));
  write("entity.html", html_report(reference::entity_report()));
  write("corpus.html", html_report(reference::sample_corpus()));
  for (const auto& [name, report] : reference::sample_evaluations()) write(name + ".html", html_report(report));
  for (const auto& [name, report] : reference::sample_entity_evaluations()) write(name + ".html", html_report(report));
  write("drift.html", html_report(reference::sample_drift()));
  int count = 0;
  for (const auto& [text, label] : reference::hostile_texts()) {
    write(fmt::format("hostile/{:03}.html", count), html_report(reference::hostile_report(text, label)));
    write(fmt::format("hostile/{:03}.txt", count++), replace_invalid_utf8(text));
  }
}
