// The parts of the page of many texts: each appends its section, or nothing where the report does not have what it shows.
#pragma once

#include <string>

#include <filbert/explain_corpus.h>

namespace filbert {

// "the probability of the label", or what else values are of.
std::string corpus_quantity(const CorpusReport& report);

void corpus_head(const CorpusReport& report, std::string& out);             // corpus_html.cpp
void corpus_labels(const CorpusReport& report, std::string& out);           // corpus_tables.cpp
void corpus_leaks(const CorpusReport& report, std::string& out);            // corpus_tables.cpp
void corpus_gold(const CorpusReport& report, std::string& out);             // corpus_tables.cpp
void corpus_representatives(const CorpusReport& report, std::string& out);  // corpus_notes.cpp
void corpus_reading(const CorpusReport& report, std::string& out);          // corpus_notes.cpp
void corpus_reproduce(const CorpusReport& report, std::string& out);        // corpus_notes.cpp

}  // namespace filbert
