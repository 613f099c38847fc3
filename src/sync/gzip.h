// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

// RFC 1952, piece by piece, so that a whole configuration never stands in memory as one text.
namespace sluice::sync {

/// Packs what comes in pieces.
class Gzip {
 public:
  explicit Gzip(int level);
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;
  ~Gzip();

  void add(std::string_view piece);
  /// The whole file. Nothing can be added afterwards.
  [[nodiscard]] std::string finish();

 private:
  struct State;
  void pack(int flush);

  std::unique_ptr<State> state_;
  std::string packed_;
};

/// Unpacks one file, one member and nothing behind it.
class Gunzip {
 public:
  enum class Ratio : std::uint8_t { Any, Bounded };

  /// `octets` outlives it. `limit`: octets unpacked. Bounded: beyond a megabyte at most a hundred times what was read.
  Gunzip(std::string_view octets, std::size_t limit, Ratio ratio = Ratio::Any);
  Gunzip(const Gunzip&) = delete;
  Gunzip& operator=(const Gunzip&) = delete;
  ~Gunzip();

  /// The next piece, empty at the end; valid until the next call. Errc::TooLarge beyond the limits, Errc::Invalid for
  /// what is damaged, ends too early, or goes on behind its end.
  Result<std::string_view> next();

 private:
  struct State;
  [[nodiscard]] Result<> check_size() const;

  std::unique_ptr<State> state_;
  std::string_view rest_;
  std::string piece_;
  std::size_t limit_;
  Ratio ratio_;
  std::size_t read_ = 0;
  std::size_t unpacked_ = 0;
  bool ended_ = false;
};

/// What can be unpacked of the beginning of something longer, up to about `most` octets; as much as is not damaged.
std::string gunzip_beginning(std::string_view octets, std::size_t most);

/// All of it. Memory grows with what is there, never with what is announced.
Result<std::string> gunzip(std::string_view octets, std::size_t limit, Gunzip::Ratio ratio = Gunzip::Ratio::Any);

}  // namespace sluice::sync
