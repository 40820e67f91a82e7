// The parts of our own dialect that are a file each.
#pragma once

#include <string_view>

#include "base/json_writer.h"
#include "serve/plan.h"

namespace filbert::serve {

Plan classify(const HttpRequest& request, std::string_view part, const ServeContext& context);  // own_classify.cpp

// {"message": …, "type": "invalid", "code": 400}
void write_error(const Problem& problem, JsonWriter& json);
// {"error": {…}}, with that status.
HttpResponse own_problem(const Problem& problem);

// The description of every route in OpenAPI's words; its version is to be put in. openapi.json, put into the program as it is.
extern const std::string_view kOpenApi;

}  // namespace filbert::serve
