#include "cli/compression.h"

#include <algorithm>
#include <cctype>
#include <new>
#include <utility>

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

#include <filbert/error.h>

namespace filbert::cli {
namespace {

constexpr std::size_t kReadBytes = 128 * 1024;
constexpr int kGzipWindow = 15 + 16;  // the largest window, and gzip's header around it: zlib.h, deflateInit2
constexpr int kZstdLevel = 3;
constexpr int kZstdWindowLog = 27;    // what `zstd -d` takes without being asked to; bounds the memory a file can ask for: 128 MiB

std::string small(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string gzip_member(std::string_view content) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK) throw std::bad_alloc();
  std::string out(deflateBound(&stream, static_cast<uLong>(content.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string zstd_frame(std::string_view content) {
  std::string out(ZSTD_compressBound(content.size()), '\0');
  const std::size_t bytes = ZSTD_compress(out.data(), out.size(), content.data(), content.size(), kZstdLevel);
  if (ZSTD_isError(bytes)) throw std::bad_alloc();
  out.resize(bytes);
  return out;
}

}  // namespace

Compression compression_of(const std::filesystem::path& file) {
  const std::string extension = small(file.extension().string());
  if (extension == ".gz") return Compression::gzip;
  return extension == ".zst" || extension == ".zstd" ? Compression::zstd : Compression::none;
}

std::string extension_of(const std::filesystem::path& file) {
  return small((compression_of(file) == Compression::none ? file : file.stem()).extension().string());
}

Compression compression_of_bytes(std::string_view start) {
  if (start.starts_with("\x1F\x8B")) return Compression::gzip;
  return start.starts_with("\x28\xB5\x2F\xFD") ? Compression::zstd : Compression::none;
}

std::string compressed(Compression compression, std::string_view content) {
  if (compression == Compression::gzip) return gzip_member(content);
  return compression == Compression::zstd ? zstd_frame(content) : std::string(content);
}

struct Decompressor::State {
  z_stream gzip{};
  bool has_gzip = false;
  ZSTD_DStream* zstd = nullptr;

  ~State() {
    if (has_gzip) inflateEnd(&gzip);
    ZSTD_freeDStream(zstd);
  }
};

Decompressor::Decompressor(Compression compression, Source source, std::string name)
    : compression_(compression), source_(std::move(source)), name_(std::move(name)), state_(std::make_unique<State>()) {
  if (compression == Compression::gzip) {
    if (inflateInit2(&state_->gzip, kGzipWindow) != Z_OK) throw std::bad_alloc();
    state_->has_gzip = true;
  } else if (compression == Compression::zstd) {
    state_->zstd = ZSTD_createDStream();
    if (state_->zstd == nullptr) throw std::bad_alloc();
    ZSTD_DCtx_setParameter(state_->zstd, ZSTD_d_windowLogMax, kZstdWindowLog);
  }
}

Decompressor::Decompressor(Decompressor&&) noexcept = default;
Decompressor::~Decompressor() = default;

void Decompressor::fail(std::string_view expected, std::string_view found) const {
  throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected {}, found {}", name_, expected, found));
}

// Whether there are bytes to decompress.
bool Decompressor::fill() {
  if (at_ == input_.size() && !at_end_) {
    input_.resize(kReadBytes);
    input_.resize(source_(input_));
    at_ = 0;
    at_end_ = input_.empty();
  }
  return at_ < input_.size();
}

std::size_t Decompressor::read_gzip(std::span<char> buffer) {
  z_stream& stream = state_->gzip;
  stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
  stream.avail_out = static_cast<uInt>(buffer.size());
  while (stream.avail_out == buffer.size()) {
    if (!fill()) {
      if (in_member_) fail("the end of a gzip member", "the end of the file");
      break;
    }
    stream.next_in = reinterpret_cast<Bytef*>(input_.data() + at_);
    stream.avail_in = static_cast<uInt>(input_.size() - at_);
    in_member_ = true;
    const int result = inflate(&stream, Z_NO_FLUSH);
    at_ = input_.size() - stream.avail_in;
    if (result == Z_STREAM_END) {
      in_member_ = false;
      inflateReset(&stream);
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      fail("gzip", stream.msg != nullptr ? stream.msg : "damaged data");
    }
  }
  return buffer.size() - stream.avail_out;
}

std::size_t Decompressor::read_zstd(std::span<char> buffer) {
  ZSTD_outBuffer out{buffer.data(), buffer.size(), 0};
  while (out.pos == 0) {
    const bool has_more = fill();
    if (!has_more && !in_member_) break;
    ZSTD_inBuffer in{input_.data(), input_.size(), at_};
    const std::size_t result = ZSTD_decompressStream(state_->zstd, &out, &in);
    const bool is_stuck = !has_more && out.pos == 0;
    at_ = in.pos;
    if (ZSTD_isError(result)) fail("zstd", ZSTD_getErrorName(result));
    in_member_ = result != 0;
    if (is_stuck && in_member_) fail("the end of a zstd frame", "the end of the file");
  }
  return out.pos;
}

std::uint32_t crc32_of(std::string_view bytes, std::uint32_t crc) {
  return static_cast<std::uint32_t>(::crc32_z(crc, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

std::size_t Decompressor::read(std::span<char> buffer) {
  if (buffer.empty()) return 0;
  if (compression_ == Compression::gzip) return read_gzip(buffer);
  return compression_ == Compression::zstd ? read_zstd(buffer) : source_(buffer);
}

}  // namespace filbert::cli
