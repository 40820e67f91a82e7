// Times stage 2 on batches of one shape: forward CHECKPOINT THREADS REPEAT BATCHxTOKENS…
// Prints a line "BATCHxTOKENS median_ms" each; ids are made up, the arithmetic does not depend on them.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <filbert/filbert.h>

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fprintf(stderr, "usage: forward CHECKPOINT THREADS REPEAT BATCHxTOKENS...\n");
    return 2;
  }
  try {
    const auto model = filbert::AutoModelForSequenceClassification::from_pretrained(
        argv[1], {.num_threads = static_cast<unsigned>(std::atoi(argv[2]))});
    for (int shape = 4; shape < argc; ++shape) {
      unsigned batch = 0, tokens = 0;
      if (std::sscanf(argv[shape], "%ux%u", &batch, &tokens) != 2) return 2;
      filbert::BatchEncoding inputs;
      std::vector<std::int32_t> row(tokens);
      for (unsigned text = 0; text < batch; ++text) {
        for (unsigned token = 0; token < tokens; ++token) row[token] = static_cast<std::int32_t>((text * 31 + token * 7) % 1000);
        inputs.add_row(row);
      }
      std::vector<double> times_ms;
      for (int run = 0; run <= std::atoi(argv[3]); ++run) {  // the first warms up
        const auto start = std::chrono::steady_clock::now();
        model(inputs);
        times_ms.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
      }
      std::sort(times_ms.begin() + 1, times_ms.end());
      std::printf("%s %.3f\n", argv[shape], times_ms[1 + (times_ms.size() - 1) / 2]);
    }
  } catch (const filbert::Error& error) {
    std::fprintf(stderr, "forward: %s\n", error.what());
    return filbert::info(error.kind()).exit_code;
  }
}
