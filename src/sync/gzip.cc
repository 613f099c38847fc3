// SPDX-License-Identifier: Apache-2.0
#include "sync/gzip.h"

#define ZLIB_CONST  // input is not written to
#include <algorithm>

#include <zlib.h>

#include "base/assert.h"

namespace sluice::sync {
namespace {

constexpr int kGzipWindow = 15 + 16;  // the largest window, gzip's framing
constexpr std::size_t kPiece = 65'536;
constexpr std::size_t kMostAtOnce = std::size_t{1} << 30U;  // zlib counts in 32 bits
constexpr std::size_t kFreeOfRatio = std::size_t{1} << 20U;
constexpr std::size_t kMostRatio = 100;

const Bytef* octets_of(std::string_view text) {
  return reinterpret_cast<const Bytef*>(text.data());
}

std::unexpected<Error> damaged(const char* why) {
  return fail(Errc::Invalid, std::string("gzip: ") + why, Blame::Upstream);
}

}  // namespace

struct Gzip::State {
  z_stream stream{};
};

Gzip::Gzip(int level) : state_(std::make_unique<State>()) {
  constexpr int kMemory = 8;  // zlib's default
  const int begun = deflateInit2(&state_->stream, level, Z_DEFLATED, kGzipWindow, kMemory, Z_DEFAULT_STRATEGY);
  SLUICE_ASSERT(begun == Z_OK);
}

Gzip::~Gzip() {
  deflateEnd(&state_->stream);
}

void Gzip::add(std::string_view piece) {
  while (!piece.empty()) {
    const std::string_view now = piece.substr(0, kMostAtOnce);
    state_->stream.next_in = octets_of(now);
    state_->stream.avail_in = static_cast<uInt>(now.size());
    pack(Z_NO_FLUSH);
    piece.remove_prefix(now.size());
  }
}

std::string Gzip::finish() {
  state_->stream.next_in = nullptr;
  state_->stream.avail_in = 0;
  pack(Z_FINISH);
  return std::move(packed_);
}

void Gzip::pack(int flush) {
  z_stream& stream = state_->stream;
  char buffer[kPiece];
  do {
    stream.next_out = reinterpret_cast<Bytef*>(buffer);
    stream.avail_out = sizeof buffer;
    const int status = deflate(&stream, flush);
    SLUICE_ASSERT(status != Z_STREAM_ERROR);
    packed_.append(buffer, sizeof buffer - stream.avail_out);
  } while (stream.avail_out == 0);
}

struct Gunzip::State {
  z_stream stream{};
};

Gunzip::Gunzip(std::string_view octets, std::size_t limit, Ratio ratio)
    : state_(std::make_unique<State>()), rest_(octets), piece_(kPiece, '\0'), limit_(limit), ratio_(ratio) {
  const int begun = inflateInit2(&state_->stream, kGzipWindow);
  SLUICE_ASSERT(begun == Z_OK);
}

Gunzip::~Gunzip() {
  inflateEnd(&state_->stream);
}

Result<std::string_view> Gunzip::next() {
  z_stream& stream = state_->stream;
  stream.next_out = reinterpret_cast<Bytef*>(piece_.data());
  stream.avail_out = static_cast<uInt>(piece_.size());
  while (!ended_ && stream.avail_out > 0) {
    const std::string_view now = rest_.substr(0, kMostAtOnce);
    if (now.empty()) return damaged("ends too early");
    stream.next_in = octets_of(now);
    stream.avail_in = static_cast<uInt>(now.size());
    const int status = inflate(&stream, Z_NO_FLUSH);
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) return damaged("damaged");
    const std::size_t taken = now.size() - stream.avail_in;
    if (status == Z_BUF_ERROR && taken == 0) return damaged("damaged");
    rest_.remove_prefix(taken);
    read_ += taken;
    ended_ = status == Z_STREAM_END;
  }
  if (ended_ && !rest_.empty()) return damaged("goes on behind its end");
  const std::size_t made = piece_.size() - stream.avail_out;
  unpacked_ += made;
  TRY(check_size());
  return std::string_view(piece_).substr(0, made);
}

Result<> Gunzip::check_size() const {
  const bool bomb = ratio_ == Ratio::Bounded && unpacked_ > kFreeOfRatio && unpacked_ / kMostRatio > read_;
  if (unpacked_ <= limit_ && !bomb) return {};
  return fail(Errc::TooLarge,
              bomb ? "gzip: more than " + std::to_string(kMostRatio) + " times its size unpacked"
                   : "gzip: more than " + std::to_string(limit_) + " octets unpacked",
              Blame::Upstream);
}

std::string gunzip_beginning(std::string_view octets, std::size_t most) {
  z_stream stream{};
  const int begun = inflateInit2(&stream, kGzipWindow);
  SLUICE_ASSERT(begun == Z_OK);
  std::string unpacked(most, '\0');
  stream.next_in = octets_of(octets);
  stream.avail_in = static_cast<uInt>(std::min(octets.size(), kMostAtOnce));
  stream.next_out = reinterpret_cast<Bytef*>(unpacked.data());
  stream.avail_out = static_cast<uInt>(unpacked.size());
  inflate(&stream, Z_SYNC_FLUSH);  // what it says matters little: the octets so far are good
  unpacked.resize(unpacked.size() - stream.avail_out);
  inflateEnd(&stream);
  return unpacked;
}

Result<std::string> gunzip(std::string_view octets, std::size_t limit, Gunzip::Ratio ratio) {
  Gunzip reader(octets, limit, ratio);
  std::string whole;
  for (;;) {
    TRY(const std::string_view piece, reader.next());
    if (piece.empty()) return whole;
    whole += piece;
  }
}

}  // namespace sluice::sync
