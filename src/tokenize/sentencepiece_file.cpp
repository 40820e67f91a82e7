#include "tokenize/sentencepiece_file.h"

#include <cmath>
#include <cstring>

#include <fmt/format.h>
#include <simdjson.h>

#include <filbert/error.h>

namespace filbert {
namespace {

// Numbers of fields, from sentencepiece_model.proto.
namespace model {
constexpr std::uint64_t kPieces = 1, kTrainerSpec = 2, kNormalizerSpec = 3;
}
namespace piece {
constexpr std::uint64_t kPiece = 1, kScore = 2, kType = 3;
}
namespace trainer_spec {
constexpr std::uint64_t kModelType = 3, kByteFallback = 35, kUnkId = 40;
}
namespace normalizer_spec {
constexpr std::uint64_t kPrecompiledCharsmap = 2;
}
constexpr std::uint64_t kUnigram = 1, kNormal = 1;

struct Field {
  std::uint64_t number = 0, value = 0;
  std::string_view bytes;  // of a string, a message or a fixed number
};

// The fields of a message, one after the other.
class Message {
 public:
  Message(std::string_view bytes, std::string_view name) : rest_(bytes), name_(name) {}

  bool next(Field& field) {
    if (rest_.empty()) return false;
    const std::uint64_t key = varint();
    field = {key >> 3, 0, {}};
    switch (key & 7) {
      case 0: field.value = varint(); return true;
      case 1: field.bytes = take(8); return true;
      case 2: field.bytes = take(varint()); return true;
      case 5: field.bytes = take(4); return true;
      default: throw Error(ErrorKind::corrupt, fmt::format("{}: expected a field of a kind that exists, found {}", name_, key & 7));
    }
  }

 private:
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1)[0]);
      value |= std::uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return value;
    }
    throw Error(ErrorKind::corrupt, fmt::format("{}: expected a number of up to 64 bits, found a longer one", name_));
  }
  std::string_view take(std::uint64_t bytes) {
    if (bytes > rest_.size()) {
      throw Error(ErrorKind::corrupt, fmt::format("{}: expected {} more bytes, found {}", name_, bytes, rest_.size()));
    }
    const std::string_view taken = rest_.substr(0, static_cast<std::size_t>(bytes));
    rest_.remove_prefix(taken.size());
    return taken;
  }

  std::string_view rest_, name_;
};

void read_piece(std::string_view bytes, std::string_view name, SentencePieceFile& file) {
  Unigram::Piece piece{};
  std::uint64_t type = kNormal;
  Message message(bytes, name);
  for (Field field; message.next(field);) {
    if (field.number == piece::kPiece) piece.text = field.bytes;
    if (field.number == piece::kType) type = field.value;
    if (field.number == piece::kScore && field.bytes.size() == 4) {
      float score = 0;
      std::memcpy(&score, field.bytes.data(), sizeof score);
      piece.score = score;
    }
  }
  if (!simdjson::validate_utf8(piece.text.data(), piece.text.size()) || !std::isfinite(piece.score)) {
    throw Error(ErrorKind::corrupt, fmt::format("{}: pieces[{}]: expected UTF-8 and a finite score, found other bytes or {}",
                                                name, file.pieces.size(), piece.score));
  }
  file.pieces.push_back(piece);
  file.types.push_back(type);
}

void read_trainer_spec(std::string_view bytes, std::string_view name, SentencePieceFile& file) {
  Message message(bytes, name);
  for (Field field; message.next(field);) {
    if (field.number == trainer_spec::kUnkId) file.unk_id = static_cast<std::int32_t>(field.value);
    if (field.number == trainer_spec::kByteFallback) file.byte_fallback = field.value != 0;
    if (field.number == trainer_spec::kModelType && field.value != kUnigram) {
      constexpr std::string_view kNames[] = {"0", "unigram", "bpe", "word", "char"};
      const std::string found = field.value < std::size(kNames) ? std::string(kNames[field.value]) : fmt::format("{}", field.value);
      throw Error(ErrorKind::unsupported,
                  fmt::format("{}: trainer_spec: model_type: expected unigram, found {}", name, found));
    }
  }
}

}  // namespace

SentencePieceFile SentencePieceFile::from_bytes(std::string_view bytes, std::string_view name) {
  SentencePieceFile file;
  Message message(bytes, name);
  for (Field field; message.next(field);) {
    if (field.number == model::kPieces) read_piece(field.bytes, name, file);
    if (field.number == model::kTrainerSpec) read_trainer_spec(field.bytes, name, file);
    if (field.number != model::kNormalizerSpec) continue;
    Message normalizer(field.bytes, name);
    for (Field part; normalizer.next(part);) {
      if (part.number == normalizer_spec::kPrecompiledCharsmap) file.precompiled_charsmap = part.bytes;
    }
  }
  if (file.pieces.empty()) throw Error(ErrorKind::corrupt, fmt::format("{}: expected pieces, found none", name));
  return file;
}

}  // namespace filbert
