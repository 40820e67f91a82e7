// What a terminal shows of a whole file.
#pragma once

#include <string>

#include <filbert/explain_corpus.h>

#include "cli/output.h"

namespace filbert::cli {

std::string text_lines(const CorpusReport& report, const Output& out);

}  // namespace filbert::cli
