// What the parts of the page share: what is explained and in which words, how its numbers are written, and who is strongest. Each part is a
// function that appends its section, or nothing where the report does not have what it shows.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <filbert/contexts.h>
#include <filbert/explain.h>
#include <filbert/explain_entity.h>

namespace filbert {

struct ReportPage {
  explicit ReportPage(const ExplainReport& report, const EntityExplanation* entity = nullptr, const ExplainedContexts* contexts = nullptr);

  const ExplainReport& report;
  const EntityExplanation* entity;   // that the report is of; or none
  const ExplainedContexts* contexts; // of its strongest words; or none
  const ExplainedText& text;
  std::vector<NamedValues> methods;  // of the explained label
  bool is_probability = false;       // of the target: from 0 to 1
  bool is_classify_score = false;    // the target is what classify shows, a regression's value too
  bool sums_to_one = false;          // the scores of all labels
  int decimals = 3;

  std::string quantity() const;      // HTML: "the probability of 5 stars"
  std::string explained() const;     // HTML: "5 stars", "5 stars rather than 1 star"
  std::string named_entity() const;  // what stands in the text where the entity is
  bool is_of_entity(std::size_t unit) const;
  std::string unit_words(std::size_t count) const;  // "1 word", "3 tokens"
  std::string_view unit_word() const;               // "word"
  std::string quoted(std::size_t unit) const;       // HTML: “love”
  std::string value(double number) const;           // "0.931"
  std::string change(double number) const;          // "+0.312"
};

// Indices by size, the largest first, what is no number last; equal ones in their order.
std::vector<std::size_t> by_size(std::span<const double> values);
// −10 to 10: how strong a value is beside the largest.
int level(double value, double largest);
double largest_of(std::span<const double> values);
// The class of a level: "p7", "n3", "z".
std::string level_class(int level);
// "SHAP", "LIME", "occlusion"; another name as HTML.
std::string method_html(std::string_view method);

void head_section(const ReportPage& page, std::string& out);           // report_head.cpp
void text_section(const ReportPage& page, std::string& out);           // report_text.cpp
void ledger_section(const ReportPage& page, std::string& out);         // report_ledger.cpp
void methods_section(const ReportPage& page, std::string& out);        // report_methods.cpp
void faithfulness_section(const ReportPage& page, std::string& out);   // report_curves.cpp
void changes_section(const ReportPage& page, std::string& out);        // report_changes.cpp
void phrases_section(const ReportPage& page, std::string& out);        // report_phrases.cpp
void labels_section(const ReportPage& page, std::string& out);         // report_methods.cpp
void contexts_section(const ReportPage& page, std::string& out);       // report_contexts.cpp
void reading_section(const ReportPage& page, std::string& out);        // report_notes.cpp
void reproduce_section(const ReportPage& page, std::string& out);      // report_notes.cpp
void json_blocks(const ReportPage& page, std::string& out);            // report_json.cpp

// Which method orders the units best for this text, in a sentence; empty without faithfulness. HTML.
std::string faithfulness_sentence(const ReportPage& page);             // report_curves.cpp

}  // namespace filbert
