// The parts of our own dialect that are a file each.
#pragma once

#include <functional>
#include <string_view>

#include "base/json.h"
#include "base/json_writer.h"
#include "serve/plan.h"

namespace filbert::serve {

Plan classify(const HttpRequest& request, std::string_view part, const ServeContext& context);  // own_classify.cpp
Plan entities(const HttpRequest& request, std::string_view part, const ServeContext& context);  // own_entities.cpp

// What all answers about texts have in common. `write` writes what is said of one of them; the problem that it throws stands in its place, and is thrown
// where none of them has an answer.
struct Envelope {
  std::string_view kind;  // "classify", before the id
  std::string_view id;
};
void write_envelope(const Envelope& envelope, const ClassifyPlan& plan, const ClassifyResult& result, JsonWriter& json,
                    const std::function<void(const Outcome&)>& write);

// timeout_ms, priority (lower is earlier, 0 the usual) and user, which means nothing here.
void read_request_fields(const JsonValue& root, ClassifyPlan& plan);

// {"message": …, "type": "invalid", "code": 400}
void write_error(const Problem& problem, JsonWriter& json);
// {"error": {…}}, with that status.
HttpResponse own_problem(const Problem& problem);

// The description of every route in OpenAPI's words; its version is to be put in. openapi.json, put into the program as it is.
extern const std::string_view kOpenApi;

}  // namespace filbert::serve
