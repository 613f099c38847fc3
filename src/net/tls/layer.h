// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "net/stream.h"
#include "net/tls/openssl.h"

namespace sluice::net::tls {

struct ClientPolicy;

/// Whether what a client showed was compared with authorities.
enum class ClientVerdict : std::uint8_t { NotSought, Known };

/// One connection's TLS. libssl sees a BIO over buffers that all connections of a thread share: an event costs one
/// recv, whatever records it brings, and a write costs one send, however many records it makes. Only what the socket
/// does not take, and what the reader does not, is kept per connection.
///
/// A read that meets a connection cut off without close_notify says Failed, so that a truncated message is not taken
/// for a whole one.
class TlsLayer final : public StreamLayer {
 public:
  /// `keeps` lives as long as the layer: what the session's callbacks refer to.
  TlsLayer(SslPtr ssl, std::shared_ptr<const void> keeps);
  ~TlsLayer() override;

  Io read(Stream& stream, std::span<char> into) override;
  Io write(Stream& stream, std::span<const iovec> parts) override;
  [[nodiscard]] bool has_input() const override { return has_input_; }
  Io flush(Stream& stream) override;
  void shut_down(Stream& stream) noexcept override;
  [[nodiscard]] TlsInfo info() const override;

  enum class Step : std::uint8_t {
    Done,
    NeedsInput,   // call again when the stream is readable
    NeedsOutput,  // call again when it is writable
    PlainHttp,    // the client speaks plain HTTP; nothing was sent
    Closed,
    Failed,  // take_error() tells why
  };
  /// Goes on with the handshake. A server's session tickets travel with its first data.
  Step handshake(Stream& stream);

  /// What the handshake asked of the client (null: nothing beyond the listener's own terms), for info().
  void note_client(std::shared_ptr<const ClientPolicy> policy, ClientVerdict verdict);
  /// The peer's certificate in PEM; empty when it presented none.
  [[nodiscard]] std::string peer_certificate_pem() const;
  [[nodiscard]] SSL* handle() const { return ssl_.get(); }

 private:
  friend struct BioMethod;
  class Call;
  struct Scratch;
  using Overflow = std::unique_ptr<std::string>;  // null while there is none: an idle connection holds no buffer

  static Scratch& scratch();
  bool pull(char* to, std::size_t size, std::size_t& got);
  bool push(const char* from, std::size_t size);
  bool refill();
  Io send(std::string_view& ciphertext);
  Io send_scratch();
  Io encrypt(std::span<const iovec> parts, std::size_t& accepted);
  Io after_failed_read();
  void update_has_input();
  [[nodiscard]] bool resume_output();

  std::shared_ptr<const void> keeps_;  // goes after ssl_
  SslPtr ssl_;
  std::shared_ptr<const ClientPolicy> client_policy_;
  ClientVerdict client_verdict_ = ClientVerdict::NotSought;
  Stream* stream_ = nullptr;  // during a call
  Overflow input_;            // ciphertext that libssl has not taken yet
  Overflow output_;           // ciphertext that the socket has not taken yet
  bool has_input_ = false;
  bool may_receive_ = false;
  bool established_ = false;
  bool failed_ = false;
  bool at_end_ = false;  // the socket has no more to give
  bool plain_http_ = false;
  bool first_octets_ = true;
};

}  // namespace sluice::net::tls
