// Classifies a sentence with the checkpoint in the directory that is the first argument.
#include <filbert/filbert.h>

#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    const auto classify = filbert::pipeline("text-classification", argv[1]);
    const filbert::Classification answer = classify("I really love this book");
    std::printf("filbert %s: %s %.3f\n", FILBERT_VERSION, answer.label.c_str(), static_cast<double>(answer.score));
  } catch (const filbert::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return filbert::info(error.kind()).exit_code;
  }
}
