// Times stage 1 alone: tokenizer DIRECTORY TEXT_FILE [--repeat N] [--threads N] [--offsets]
// A line of the file is a text, and all of them are one call. Prints MB/s of each run, then one JSON line with the median.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <filbert/error.h>
#include <filbert/tokenizer.h>

namespace {

std::vector<filbert::TextInput> lines_of(std::string_view text) {
  std::vector<filbert::TextInput> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.push_back({text.substr(0, end)});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: tokenizer DIRECTORY TEXT_FILE [--repeat N] [--threads N] [--offsets]\n");
    return 2;
  }
  int repeat = 5;
  filbert::EncodeOptions options{.return_offsets_mapping = false, .num_threads = 1};
  for (int at = 3; at < argc; ++at) {
    const std::string_view option = argv[at];
    const int value = at + 1 < argc ? std::atoi(argv[at + 1]) : 0;
    if (option == "--repeat") repeat = std::max(1, value);
    if (option == "--threads") options.num_threads = static_cast<unsigned>(value);
    if (option == "--offsets") options.return_offsets_mapping = true;
  }
  try {
    auto start = std::chrono::steady_clock::now();
    const auto tokenizer = filbert::AutoTokenizer::from_pretrained(argv[1]);
    const double load_ms = seconds_since(start) * 1e3;
    std::ifstream file(argv[2], std::ios::binary);
    if (!file) {
      std::fprintf(stderr, "tokenizer: %s: cannot be opened\n", argv[2]);
      return 3;
    }
    const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    const std::vector<filbert::TextInput> texts = lines_of(text);
    std::size_t tokens = 0;
    std::vector<double> mb_per_s;
    for (int run = 0; run < repeat; ++run) {
      start = std::chrono::steady_clock::now();
      const filbert::BatchEncoding batch = tokenizer(texts, options);
      mb_per_s.push_back(static_cast<double>(text.size()) / 1e6 / seconds_since(start));
      tokens = batch.total_tokens();
      std::printf("%.1f MB/s\n", mb_per_s.back());
    }
    std::sort(mb_per_s.begin(), mb_per_s.end());
    std::printf("{\"bytes\": %zu, \"texts\": %zu, \"tokens\": %zu, \"threads\": %u, \"load_ms\": %.2f, "
                "\"median_mb_per_s\": %.1f}\n",
                text.size(), texts.size(), tokens, options.num_threads, load_ms, mb_per_s[mb_per_s.size() / 2]);
  } catch (const filbert::Error& error) {
    std::fprintf(stderr, "tokenizer: %s\n", error.what());
    return filbert::info(error.kind()).exit_code;
  }
}
