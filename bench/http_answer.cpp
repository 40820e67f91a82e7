#include "bench/http_answer.h"

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace filbert::bench {
namespace {

constexpr std::size_t kMaxHeadBytes = 64 * 1024;

[[noreturn]] void fail(std::string_view expected, std::string_view found) {
  throw std::runtime_error("no HTTP answer: expected " + std::string(expected) + ", found \"" + std::string(found.substr(0, 80)) + '"');
}

std::size_t number(std::string_view digits, int base, std::string_view expected) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc() || end != digits.data() + digits.size()) fail(expected, digits);
  return value;
}

bool equal_ignoring_case(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

}  // namespace

void AnswerParser::reset() {
  state_ = State::head;
  head_.clear();
  line_.clear();
  body_.clear();
  missing_ = 0;
  status_ = 0;
  keep_alive_ = true;
  has_retry_after_ = false;
}

std::size_t AnswerParser::feed(std::string_view bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && !whole()) {
    const std::string_view rest = bytes.substr(taken);
    switch (state_) {
      case State::head: taken += feed_head(rest); break;
      case State::body: taken += feed_body(rest, State::whole); break;
      case State::chunk: taken += feed_body(rest, State::chunk_end); break;
      case State::body_to_the_end: body_ += rest; taken += rest.size(); break;
      default: taken += feed_chunk_line(rest); break;
    }
  }
  return taken;
}

void AnswerParser::end_of_connection() {
  if (state_ == State::body_to_the_end) state_ = State::whole;
  keep_alive_ = false;
  if (!whole()) fail("the rest of the answer", "the end of the connection");
}

// Appends to `line` up to the line end, which is taken but not kept.
std::size_t AnswerParser::feed_line(std::string_view bytes, std::string& line, bool& ended) {
  const std::size_t at = bytes.find('\n');
  ended = at != std::string_view::npos;
  line += bytes.substr(0, at);
  if (line.size() > kMaxHeadBytes) fail("a line that ends", line);
  if (ended && !line.empty() && line.back() == '\r') line.pop_back();
  return ended ? at + 1 : bytes.size();
}

std::size_t AnswerParser::feed_head(std::string_view bytes) {
  // The empty line may lie across two pieces: what is looked through again are the last bytes of the first.
  const std::size_t before = head_.size();
  head_ += bytes;
  const std::size_t end = head_.find("\r\n\r\n", before < 3 ? 0 : before - 3);
  if (end == std::string::npos) {
    if (head_.size() > kMaxHeadBytes) fail("a head that ends", head_);
    return bytes.size();
  }
  head_.resize(end + 4);
  const std::size_t taken = end + 4 - before;
  read_head();
  return taken;
}

void AnswerParser::read_head() {
  std::string_view rest = head_;
  const auto take_line = [&rest] {
    const std::size_t end = rest.find("\r\n");
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    return line;
  };
  read_status_line(take_line());
  bool chunked = false, has_length = false;
  for (std::string_view line = take_line(); !line.empty(); line = take_line()) read_field(line, chunked, has_length);
  if (status_ / 100 == 1) {  // the answer proper follows
    reset();
  } else if (status_ == 204 || status_ == 304) {
    state_ = State::whole;
  } else if (chunked) {
    state_ = State::chunk_size;
  } else if (has_length) {
    state_ = missing_ == 0 ? State::whole : State::body;
  } else {
    state_ = State::body_to_the_end;
  }
}

void AnswerParser::read_status_line(std::string_view line) {
  if (!line.starts_with("HTTP/1.") || line.size() < 12 || line[8] != ' ') fail("a status line", line);
  status_ = static_cast<int>(number(line.substr(9, 3), 10, "a status of three digits"));
  keep_alive_ = line[7] == '1';
}

void AnswerParser::read_field(std::string_view line, bool& chunked, bool& has_length) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) fail("a field with a colon", line);
  const std::string_view name = line.substr(0, colon), value = trimmed(line.substr(colon + 1));
  if (equal_ignoring_case(name, "content-length")) {
    missing_ = number(value, 10, "a length");
    has_length = true;
  } else if (equal_ignoring_case(name, "transfer-encoding")) {
    if (!equal_ignoring_case(value, "chunked")) fail("the transfer encoding chunked", value);
    chunked = true;
  } else if (equal_ignoring_case(name, "connection")) {
    keep_alive_ = !equal_ignoring_case(value, "close");
  } else if (equal_ignoring_case(name, "retry-after")) {
    has_retry_after_ = true;
  }
}

std::size_t AnswerParser::feed_body(std::string_view bytes, State after) {
  const std::size_t taken = std::min(missing_, bytes.size());
  body_ += bytes.substr(0, taken);
  missing_ -= taken;
  if (missing_ == 0) state_ = after;
  return taken;
}

// The lines around the chunks: a size, the end of a chunk, a trailer.
std::size_t AnswerParser::feed_chunk_line(std::string_view bytes) {
  bool ended = false;
  const std::size_t taken = feed_line(bytes, line_, ended);
  if (!ended) return taken;
  if (state_ == State::chunk_end) {
    if (!line_.empty()) fail("the end of a chunk", line_);
    state_ = State::chunk_size;
  } else if (state_ == State::trailer) {
    if (line_.empty()) state_ = State::whole;
  } else {
    missing_ = number(trimmed(std::string_view(line_).substr(0, line_.find(';'))), 16, "the size of a chunk");
    state_ = missing_ == 0 ? State::trailer : State::chunk;
  }
  line_.clear();
  return taken;
}

}  // namespace filbert::bench
