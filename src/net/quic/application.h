// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <ngtcp2/ngtcp2.h>

namespace sluice::net::quic {

/// What a connection carries: told what happens on its streams, and asked for what to send.
///
/// All methods but settled() and ended() are called while ngtcp2 is on the stack: they note what happened, and resume
/// or destroy nothing. Those that return a bool end the connection with false, for the reason that fault() gives.
class Application {
 public:
  /// The handshake is complete; streams may be opened.
  [[nodiscard]] virtual bool established() = 0;
  [[nodiscard]] virtual bool stream_opened(std::int64_t id) = 0;  // by the peer
  /// The next octets of a stream; none only when `last`. Who has taken them says so by Connection::consumed().
  [[nodiscard]] virtual bool stream_data(std::int64_t id, std::string_view octets, bool last) = 0;
  /// The peer has so many more octets: what they were copied from may go.
  [[nodiscard]] virtual bool stream_acknowledged(std::int64_t id, std::uint64_t octets) = 0;
  /// Over in both directions, and forgotten.
  [[nodiscard]] virtual bool stream_closed(std::int64_t id, std::uint64_t code) = 0;
  virtual void stream_reset(std::int64_t id) = 0;  // the peer sends no more on it
  /// The peer takes more on a stream that was blocked.
  [[nodiscard]] virtual bool stream_unblocked(std::int64_t id) = 0;
  /// The client has proven that it is at another address: Connection::peer().
  virtual void peer_moved() = 0;
  /// The application's error code for what went wrong.
  [[nodiscard]] virtual std::uint64_t fault() const = 0;

  /// Octets of one stream that are to be sent next. They stay where they are until they are acknowledged.
  struct Piece {
    std::int64_t stream = -1;  // none: there is nothing to send, unless ngtcp2 has something
    std::array<ngtcp2_vec, 16> parts;
    std::size_t count = 0;
    bool last = false;
  };
  [[nodiscard]] virtual bool next_piece(Piece& piece) = 0;
  /// So much of it is in packets; with `last`, all of it, and nothing follows.
  [[nodiscard]] virtual bool piece_taken(std::int64_t stream, std::size_t octets, bool last) = 0;
  virtual void piece_blocked(std::int64_t stream) = 0;  // by flow control, until stream_unblocked()
  virtual void piece_refused(std::int64_t stream) = 0;  // the stream takes nothing any more

  /// Nothing of ngtcp2 is on the stack.
  virtual void settled() = 0;
  /// As settled(), and the connection is over, whoever ended it. Not to be destroyed here.
  virtual void ended() = 0;

 protected:
  ~Application() = default;
};

}  // namespace sluice::net::quic
