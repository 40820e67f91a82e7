// Writes the pages that the browser test opens: make_pages DIRECTORY. Beside hostile/NNN.html stands hostile/NNN.txt, the text it must show.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include <fmt/format.h>

#include "base/text.h"
#include "web/sample_corpus.h"
#include "web/sample_reports.h"

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
  write("sample.html", html_report(reference::sample_report()));
  write("notices.html", html_report(reference::notices_report()));
  write("pair.html", html_report(reference::pair_report()));
  write("regression.html", html_report(reference::regression_report()));
  write("long.html", html_report(reference::long_report()));
  write("empty.html", html_report(reference::empty_report()));
  write("several.html", html_report(reference::several_report()));
  write("corpus.html", html_report(reference::sample_corpus()));
  int count = 0;
  for (const auto& [text, label] : reference::hostile_texts()) {
    write(fmt::format("hostile/{:03}.html", count), html_report(reference::hostile_report(text, label)));
    write(fmt::format("hostile/{:03}.txt", count++), replace_invalid_utf8(text));
  }
}
