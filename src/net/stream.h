// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <sys/uio.h>

#include "base/error.h"
#include "net/address.h"
#include "rt/io_source.h"
#include "rt/task.h"

namespace sluice::crypto {
class PresentedCertificate;
}

namespace sluice::net {

/// What one non-blocking attempt to move octets came to.
struct Io {
  enum class State : std::uint8_t { Moved, Blocked, Closed, Failed };
  State state = State::Blocked;
  std::size_t octets = 0;  // moved; only for Moved (a short write is Moved with fewer octets)

  [[nodiscard]] bool moved() const { return state == State::Moved; }
  [[nodiscard]] bool blocked() const { return state == State::Blocked; }
};

namespace tls {
struct ClientPolicy;
}

/// What a client or server certificate exchange established; views live as long as the stream.
struct TlsInfo {
  std::string_view version;  // "TLSv1.3"
  std::string_view cipher;   // OpenSSL's name
  std::string_view sni;      // asked for by the client; empty: none
  std::string_view alpn;     // "h2", "http/1.1"; empty: none
  bool resumed = false;
  // Of a server's connection: what it asked of its client (null: no certificate), and what the client showed (null:
  // none).
  std::shared_ptr<const tls::ClientPolicy> client_policy = {};
  std::shared_ptr<const crypto::PresentedCertificate> client_certificate = {};
};

class Stream;

/// A protocol between the socket and its user: TLS. One object per stream, on the stream's shard.
class StreamLayer {
 public:
  virtual ~StreamLayer() = default;
  virtual Io read(Stream& stream, std::span<char> into) = 0;
  virtual Io write(Stream& stream, std::span<const iovec> parts) = 0;
  /// Plaintext is at hand: read() will not block.
  [[nodiscard]] virtual bool has_input() const = 0;
  /// Ciphertext is waiting for the socket to become writable; flush() tries again. Moved: nothing is left.
  virtual Io flush(Stream& stream) = 0;
  /// Sends close_notify if that does not block.
  virtual void shut_down(Stream& stream) noexcept = 0;
  [[nodiscard]] virtual TlsInfo info() const = 0;
};

/// A connected byte stream: a TCP socket, perhaps under TLS. Non-blocking attempts plus waits; nothing is buffered
/// here on the plain path. Belongs to its reactor's thread; does not move.
class Stream {
 public:
  Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() { close(); }

  /// Takes over a connected, non-blocking socket.
  void attach(rt::Reactor& reactor, int fd);
  /// From now on octets pass through `layer`. Null: plain.
  void set_layer(std::unique_ptr<StreamLayer> layer) { layer_ = std::move(layer); }

  /// One attempt; does not call the kernel when it is known to have nothing.
  Io read(std::span<char> into);
  /// One attempt to send all of `parts`.
  Io write(std::span<const iovec> parts);
  Io write(std::string_view bytes);

  /// co_await: Wake::Ready when a read will make progress (data, end or failure).
  [[nodiscard]] rt::IoSource::Wait readable(rt::Deadline deadline) { return source_.wait_readable(deadline); }
  [[nodiscard]] rt::IoSource::Wait writable(rt::Deadline deadline) { return source_.wait_writable(deadline); }
  [[nodiscard]] bool has_input() const { return source_.readable() || (layer_ && layer_->has_input()); }

  /// Sends all of `bytes`, waiting as needed; `bytes` must live until then.
  Task<Result<>> write_all(std::string_view bytes, rt::Deadline deadline);
  /// Waits until what the layer still holds has been sent.
  Task<Result<>> flush(rt::Deadline deadline);

  /// Says that nothing more will be sent (TLS close_notify, FIN); reading goes on.
  void shut_down_write() noexcept;
  void close() noexcept;
  /// Closes with RST, so that the peer sees a broken message and never a clean end.
  void abort() noexcept;

  [[nodiscard]] bool is_open() const { return source_.is_open(); }
  [[nodiscard]] bool is_plain() const { return layer_ == nullptr; }
  [[nodiscard]] StreamLayer* layer() const { return layer_.get(); }
  [[nodiscard]] rt::IoSource& source() { return source_; }
  [[nodiscard]] const rt::IoSource& source() const { return source_; }
  [[nodiscard]] rt::Reactor& reactor() const { return source_.reactor(); }
  /// Asks the kernel each time: connections are many and this is rare.
  [[nodiscard]] Address peer() const { return Address::peer_of(fd()); }
  [[nodiscard]] int fd() const { return source_.fd(); }
  /// Gives the socket up, unwatched; only plain streams.
  [[nodiscard]] int release() { return source_.release(); }

  /// The socket itself, below any layer; for layers.
  Io read_socket(std::span<char> into);
  Io write_socket(std::span<const iovec> parts);

 private:
  rt::IoSource source_;
  std::unique_ptr<StreamLayer> layer_;
};

/// Connects to `peer`. Errc::Refused, Timeout or Io, blamed on the upstream and safe to retry: nothing was sent.
Task<Result<>> connect(Stream& stream, rt::Reactor& reactor, Address peer, rt::Deadline deadline);

}  // namespace sluice::net
