// What goes over the wire around a body.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "serve/http_message.h"

namespace filbert::serve {

std::string_view reason_phrase(int status);

struct Framing {
  bool goes_on = true;        // the connection, after this answer
  bool is_http_10 = false;
  bool chunked = false;       // the body comes in chunks, else as a whole
};
// Status line and fields up to the empty line; Date is now.
std::string response_head(const HttpResponse& response, const HttpFields& more_fields, const Framing& framing);

// A chunk of a body, the last one if `text` is empty.
std::string chunk(std::string_view text);

// A server-sent event (WHATWG HTML, 9.2); `json` is a line.
std::string event_text(std::string_view event, std::string_view json);

}  // namespace filbert::serve
