// Tokenizes records from standard input and writes what came out as raw int32, for tokenizers_parity.py.
//
//   tokenize_dump DIRECTORY [TRUNCATION MAX_LENGTH ADD_SPECIAL_TOKENS [STRIDE]]
//
// A record is a length and the bytes of a text, then a length (-1: no pair) and the bytes of text_pair. A row is
// written as its number of tokens n (-1: refused), then six columns: input_ids [n], offsets in code points [n, 2],
// word_ids [n] and, if the options are given, token_type_ids [n], special_tokens_mask [n], sequence_ids [n]. With STRIDE a
// record gives the number of its windows, then a row for each.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <filbert/error.h>
#include <filbert/tokenizer.h>

namespace {

using namespace filbert;

class Records {
 public:
  explicit Records(std::string_view bytes) : bytes_(bytes) {}

  bool next(TextInput& input) {
    if (bytes_.empty()) return false;
    input.text = string(length());
    const std::int32_t pair = length();
    input.text_pair.reset();
    if (pair >= 0) input.text_pair = string(pair);
    return true;
  }

 private:
  std::int32_t length() {
    std::int32_t length = 0;
    std::memcpy(&length, bytes_.data(), sizeof length);
    bytes_.remove_prefix(sizeof length);
    return length;
  }
  std::string_view string(std::int32_t length) {
    const std::string_view string = bytes_.substr(0, static_cast<std::size_t>(length));
    bytes_.remove_prefix(string.size());
    return string;
  }

  std::string_view bytes_;
};

// Without offsets a text takes another way, chunk by chunk: the ids must be the same.
BatchEncoding encode_both_ways(const Tokenizer& tokenizer, const TextInput& input, EncodeOptions options) {
  const BatchEncoding rows = tokenizer(std::span(&input, 1), options);
  options.return_offsets_mapping = false;
  const BatchEncoding ids_alone = tokenizer(std::span(&input, 1), options);
  if (ids_alone.input_ids == rows.input_ids && ids_alone.special_tokens_mask == rows.special_tokens_mask &&
      ids_alone.row_starts == rows.row_starts) {
    return rows;
  }
  throw Error(ErrorKind::corrupt, "ids without offsets differ for: " + std::string(input.text));
}

void append_row(std::vector<std::int32_t>& out, const BatchEncoding& rows, std::size_t row, bool all_columns) {
  const std::size_t begin = rows.row_starts[row], n = rows.row_length(row);
  const auto append = [&](const std::vector<std::int32_t>& column) {
    const auto first = column.begin() + static_cast<std::ptrdiff_t>(begin);
    out.insert(out.end(), first, first + static_cast<std::ptrdiff_t>(n));
  };
  out.push_back(static_cast<std::int32_t>(n));
  append(rows.input_ids);
  for (const Offset& offset : std::span(rows.offset_mapping).subspan(begin, n)) {
    out.push_back(static_cast<std::int32_t>(offset.begin));
    out.push_back(static_cast<std::int32_t>(offset.end));
  }
  append(rows.word_ids);
  if (!all_columns) return;
  append(rows.token_type_ids);
  append(rows.special_tokens_mask);
  append(rows.sequence_ids);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2 && argc != 5 && argc != 6) return 2;
  const Tokenizer tokenizer = AutoTokenizer::from_pretrained(argv[1]);
  EncodeOptions options;
  if (argc >= 5) {
    options.truncation = truncation_from_name(argv[2]);
    options.max_length = std::stoul(argv[3]);
    options.add_special_tokens = std::string_view(argv[4]) == "true";
  }
  if (argc == 6) {
    options.return_overflowing_tokens = true;
    options.stride = std::stoul(argv[5]);
  }
  const std::string bytes((std::istreambuf_iterator<char>(std::cin)), std::istreambuf_iterator<char>());
  Records records(bytes);
  std::vector<std::int32_t> out;
  for (TextInput input; records.next(input);) {
    try {
      const BatchEncoding rows = encode_both_ways(tokenizer, input, options);
      if (argc == 6) out.push_back(static_cast<std::int32_t>(rows.batch_size()));
      for (std::size_t row = 0; row < rows.batch_size(); ++row) append_row(out, rows, row, argc >= 5);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::invalid_argument) throw;
      out.push_back(-1);
    }
  }
  std::fwrite(out.data(), sizeof(std::int32_t), out.size(), stdout);
  return 0;
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return info(error.kind()).exit_code;
}
