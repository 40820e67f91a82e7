// The parts of the page of an evaluation of entities: each appends its section, or nothing where the report does not have what it shows.
#pragma once

#include <string>

#include <filbert/evaluate_entities.h>

namespace filbert {

void entities_head(const EntityEvaluationReport& report, std::string& out);         // entities_notes.cpp
void entities_measures(const EntityEvaluationReport& report, std::string& out);     // entities_html.cpp
void entities_types(const EntityEvaluationReport& report, std::string& out);        // entities_html.cpp
void entities_confusion(const EntityEvaluationReport& report, std::string& out);    // entities_marks.cpp
void entities_slices(const EntityEvaluationReport& report, std::string& out);       // entities_html.cpp
void entities_worst(const EntityEvaluationReport& report, std::string& out);        // entities_marks.cpp
void entities_reading(const EntityEvaluationReport& report, std::string& out);      // entities_notes.cpp
void entities_reproduce(const EntityEvaluationReport& report, std::string& out);    // entities_notes.cpp

}  // namespace filbert
