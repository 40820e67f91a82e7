// An HTTP/1.1 answer out of the bytes of a socket, in pieces as they come: what a load generator must know of one, and no more.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace filbert::bench {

// Throws std::runtime_error, which says what was found, for what is no answer.
class AnswerParser {
 public:
  // Takes of `bytes` what belongs to this answer, and returns how much that was. Once whole() nothing is taken.
  std::size_t feed(std::string_view bytes);
  // The other side closed: the end of a body without a length. Throws if the answer is not whole by that.
  void end_of_connection();
  void reset();  // for the next answer of the connection

  bool whole() const { return state_ == State::whole; }
  bool begun() const { return state_ != State::head || !head_.empty(); }
  int status() const { return status_; }
  bool keep_alive() const { return keep_alive_; }
  bool has_retry_after() const { return has_retry_after_; }
  const std::string& body() const { return body_; }

 private:
  enum class State { head, body, body_to_the_end, chunk_size, chunk, chunk_end, trailer, whole };

  std::size_t feed_line(std::string_view bytes, std::string& line, bool& ended);
  std::size_t feed_head(std::string_view bytes);
  std::size_t feed_body(std::string_view bytes, State after);
  std::size_t feed_chunk_line(std::string_view bytes);
  void read_head();
  void read_status_line(std::string_view line);
  void read_field(std::string_view line, bool& chunked, bool& has_length);

  State state_ = State::head;
  std::string head_;        // up to the empty line
  std::string line_;        // of a chunk
  std::string body_;
  std::size_t missing_ = 0;  // of the body or the chunk
  int status_ = 0;
  bool keep_alive_ = true;
  bool has_retry_after_ = false;
};

}  // namespace filbert::bench
