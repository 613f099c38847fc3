// SPDX-License-Identifier: Apache-2.0
#include "net/tls/layer.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/assert.h"
#include "base/strings.h"
#include "crypto/presented_certificate.h"
#include "net/tls/client_policy.h"

namespace sluice::net::tls {
namespace {

constexpr std::size_t kRecord = 16 * 1024;    // plaintext of one record, RFC 8446, 5.1
constexpr std::size_t kRecordOverhead = 512;  // header, padding, tag; TLS 1.2 allows up to 2048 of expansion
constexpr std::size_t kInput = 64 * 1024;     // ciphertext of one recv
constexpr std::size_t kSendAt = 128 * 1024;   // ciphertext of one send, at least, while there is more
constexpr std::size_t kOutput = kSendAt + kRecord + kRecordOverhead;
constexpr std::size_t kMostPending = 512 * 1024;  // a peer that makes us answer (key updates) but does not read

/// Walks over the parts, one record at a time.
class PlainRecords {
 public:
  explicit PlainRecords(std::span<const iovec> parts) : parts_(parts) {}

  /// The next record's plaintext: straight from the caller's memory where a record's worth lies together, else copied
  /// to `gather`, where small pieces (a head, the start of a body) share a record. Empty at the end.
  std::string_view next(char* gather) {
    std::string_view record = take(kRecord);
    if (record.size() == kRecord || parts_.empty()) return record;
    std::size_t size = 0;
    while (!record.empty()) {
      std::memcpy(gather + size, record.data(), record.size());
      size += record.size();
      record = take(kRecord - size);
    }
    return {gather, size};
  }

 private:
  /// Up to `limit` octets of one part, skipping empty parts.
  std::string_view take(std::size_t limit) {
    while (!parts_.empty() && offset_ == parts_.front().iov_len) {
      parts_ = parts_.subspan(1);
      offset_ = 0;
    }
    if (parts_.empty() || limit == 0) return {};
    const iovec& part = parts_.front();
    const std::string_view piece(static_cast<const char*>(part.iov_base) + offset_,
                                 std::min(part.iov_len - offset_, limit));
    offset_ += piece.size();
    if (offset_ == part.iov_len) {
      parts_ = parts_.subspan(1);
      offset_ = 0;
    }
    return piece;
  }

  std::span<const iovec> parts_;
  std::size_t offset_ = 0;
};

std::shared_ptr<const crypto::PresentedCertificate> shown_by_client(SSL* ssl, ClientVerdict verdict) {
  X509* leaf = SSL_get0_peer_certificate(ssl);
  if (leaf == nullptr) return nullptr;
  std::vector<crypto::Certificate> chain = {crypto::Certificate::share(leaf)};
  const STACK_OF(X509)* others = SSL_get_peer_cert_chain(ssl);  // a server's does not begin with the leaf
  for (int i = 0; i < sk_X509_num(others); ++i) chain.push_back(crypto::Certificate::share(sk_X509_value(others, i)));
  std::string outcome = "FAILED:not verified";
  if (verdict == ClientVerdict::Known) {
    const long result = SSL_get_verify_result(ssl);
    outcome = result == X509_V_OK ? "SUCCESS" : std::string("FAILED:") + X509_verify_cert_error_string(result);
  }
  return std::make_shared<const crypto::PresentedCertificate>(std::move(chain), std::move(outcome));
}

}  // namespace

/// What all connections of a thread share. Nothing stays in it between calls.
struct TlsLayer::Scratch {
  std::unique_ptr<char[]> memory = std::make_unique_for_overwrite<char[]>(kInput + kOutput + kRecord);
  char* input = memory.get();
  char* output = input + kInput;
  char* gather = output + kOutput;  // small pieces that go into one record
  std::size_t input_begin = 0;
  std::size_t input_end = 0;
  std::size_t output_size = 0;
  std::size_t receive_limit = kInput;
};

TlsLayer::Scratch& TlsLayer::scratch() {
  thread_local Scratch buffers;
  return buffers;
}

/// Lends the thread's buffers to a connection: brings what it kept, and takes back what is left.
class TlsLayer::Call {
 public:
  Call(TlsLayer& layer, Stream& stream, std::size_t receive_limit) : layer_(layer), scratch_(scratch()) {
    layer_.stream_ = &stream;
    layer_.may_receive_ = true;
    scratch_.input_begin = scratch_.input_end = scratch_.output_size = 0;
    scratch_.receive_limit = std::clamp(receive_limit, kRecord + kRecordOverhead, kInput);
    if (layer_.input_) {
      std::memcpy(scratch_.input, layer_.input_->data(), layer_.input_->size());
      scratch_.input_end = layer_.input_->size();
      layer_.input_.reset();
    }
    ERR_clear_error();
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call() {
    if (scratch_.input_begin < scratch_.input_end) {
      layer_.input_ = std::make_unique<std::string>(scratch_.input + scratch_.input_begin,
                                                    scratch_.input_end - scratch_.input_begin);
    }
    layer_.stream_ = nullptr;
  }

 private:
  TlsLayer& layer_;
  Scratch& scratch_;
};

/// libssl's way to the buffers.
struct BioMethod {
  static int read(BIO* bio, char* to, std::size_t size, std::size_t* got) {
    BIO_clear_retry_flags(bio);
    auto* layer = static_cast<TlsLayer*>(BIO_get_data(bio));
    if (layer->pull(to, size, *got)) return 1;
    if (!layer->at_end_ && !layer->failed_) BIO_set_retry_read(bio);
    return 0;
  }

  static int write(BIO* bio, const char* from, std::size_t size, std::size_t* taken) {
    BIO_clear_retry_flags(bio);
    if (!static_cast<TlsLayer*>(BIO_get_data(bio))->push(from, size)) return 0;
    *taken = size;
    return 1;
  }

  static long control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_FLUSH) return 1;
    if (command == BIO_CTRL_EOF) return static_cast<TlsLayer*>(BIO_get_data(bio))->at_end_ ? 1 : 0;
    return 0;
  }

  static BIO_METHOD* get() {
    static BIO_METHOD* method = [] {
      BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sluice stream");
      SLUICE_ASSERT(made != nullptr);
      BIO_meth_set_read_ex(made, read);
      BIO_meth_set_write_ex(made, write);
      BIO_meth_set_ctrl(made, control);
      return made;
    }();
    return method;
  }
};

TlsLayer::TlsLayer(SslPtr ssl, std::shared_ptr<const void> keeps) : keeps_(std::move(keeps)), ssl_(std::move(ssl)) {
  BIO* bio = BIO_new(BioMethod::get());
  SLUICE_ASSERT(bio != nullptr);
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
}

TlsLayer::~TlsLayer() {
  // Without this, freeing the connection marks its session as one that may not be resumed.
  if (established_ && !failed_) SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

bool TlsLayer::pull(char* to, std::size_t size, std::size_t& got) {
  if (stream_ == nullptr) return false;
  Scratch& buffers = scratch();
  if (buffers.input_begin == buffers.input_end && !refill()) return false;
  got = std::min(size, buffers.input_end - buffers.input_begin);
  std::memcpy(to, buffers.input + buffers.input_begin, got);
  buffers.input_begin += got;
  return true;
}

/// At most one recv per turn of the reader: more would only pile up what it has no room for.
bool TlsLayer::refill() {
  if (!may_receive_) return false;
  may_receive_ = false;
  Scratch& buffers = scratch();
  Io io = stream_->read_socket({buffers.input, buffers.receive_limit});
  if (io.state == Io::State::Closed) at_end_ = true;
  if (io.state == Io::State::Failed) at_end_ = failed_ = true;
  if (!io.moved()) return false;
  buffers.input_begin = 0;
  buffers.input_end = io.octets;
  if (std::exchange(first_octets_, false) && SSL_is_server(ssl_.get()) == 1 && is_ascii_alpha(buffers.input[0])) {
    // No TLS record starts with a letter; a method does.
    plain_http_ = true;
    failed_ = true;
    return false;
  }
  return true;
}

bool TlsLayer::push(const char* from, std::size_t size) {
  Scratch& buffers = scratch();
  if (stream_ == nullptr) return false;
  if (output_) {
    if (output_->size() + size > kMostPending) return false;
    output_->append(from, size);
    return true;
  }
  if (buffers.output_size + size > kOutput) {
    output_ = std::make_unique<std::string>(buffers.output, buffers.output_size);
    buffers.output_size = 0;
    return push(from, size);
  }
  std::memcpy(buffers.output + buffers.output_size, from, size);
  buffers.output_size += size;
  return true;
}

/// Moved: all is sent. Blocked: `ciphertext` is what remains.
Io TlsLayer::send(std::string_view& ciphertext) {
  while (!ciphertext.empty()) {
    if (!stream_->source().writable()) return {Io::State::Blocked, 0};
    const iovec part{const_cast<char*>(ciphertext.data()), ciphertext.size()};
    Io io = stream_->write_socket({&part, 1});
    if (io.blocked()) return io;
    if (!io.moved()) {
      failed_ = true;
      return io;
    }
    ciphertext.remove_prefix(io.octets);
  }
  return {Io::State::Moved, 0};
}

/// Sends what this call made; what the socket does not take is kept.
Io TlsLayer::send_scratch() {
  if (output_) return flush(*stream_);
  Scratch& buffers = scratch();
  std::string_view ciphertext(buffers.output, std::exchange(buffers.output_size, 0));
  Io io = send(ciphertext);
  if (io.blocked()) output_ = std::make_unique<std::string>(ciphertext);
  return io;
}

Io TlsLayer::flush(Stream& stream) {
  if (!output_) return {Io::State::Moved, 0};
  Stream* const outer = std::exchange(stream_, &stream);
  std::string_view ciphertext(*output_);
  Io io = send(ciphertext);
  if (io.blocked()) {
    output_->erase(0, output_->size() - ciphertext.size());
  } else {
    output_.reset();
  }
  stream_ = outer;
  return io;
}

/// After a record that leaves nothing behind, asking libssl again would only tell that it wants more.
void TlsLayer::update_has_input() {
  const Scratch& buffers = scratch();
  has_input_ = buffers.input_begin < buffers.input_end || SSL_has_pending(ssl_.get()) == 1;
}

Io TlsLayer::read(Stream& stream, std::span<char> into) {
  if (failed_) return {Io::State::Failed, 0};
  if (into.empty()) return {Io::State::Blocked, 0};
  Call call(*this, stream, into.size());
  std::size_t total = 0;
  for (;;) {
    std::size_t got = 0;
    if (SSL_read_ex(ssl_.get(), into.data() + total, into.size() - total, &got) == 1) {
      total += got;
      update_has_input();
      if (total < into.size() && has_input_) continue;
      break;
    }
    if (SSL_get_error(ssl_.get(), 0) == SSL_ERROR_WANT_READ) {
      has_input_ = false;
      if (total > 0) break;
      if (!stream.source().readable()) break;
      may_receive_ = true;  // a part of a record so far
      continue;
    }
    if (total == 0) return after_failed_read();
    has_input_ = true;  // the next call meets the same end
    ERR_clear_error();
    break;
  }
  if (!output_ && scratch().output_size > 0) static_cast<void>(send_scratch());  // answers to key updates
  return total > 0 ? Io{Io::State::Moved, total} : Io{Io::State::Blocked, 0};
}

/// Tells a clean end from a broken one; an alert for the peer may be waiting.
Io TlsLayer::after_failed_read() {
  const bool clean = (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0 &&
                     SSL_get_error(ssl_.get(), 0) == SSL_ERROR_ZERO_RETURN;
  has_input_ = true;
  ERR_clear_error();
  if (clean) return {Io::State::Closed, 0};
  static_cast<void>(send_scratch());
  failed_ = true;
  return {Io::State::Failed, 0};
}

/// Makes room for new records behind those that still wait. False: the socket does not take them.
bool TlsLayer::resume_output() {
  if (!output_) return true;
  if (!stream_->source().writable()) return false;
  if (output_->size() <= kRecord) {  // session tickets, mostly: they go out with what follows
    Scratch& buffers = scratch();
    std::memcpy(buffers.output, output_->data(), output_->size());
    buffers.output_size = output_->size();
    output_.reset();
    return true;
  }
  return flush(*stream_).moved();
}

Io TlsLayer::write(Stream& stream, std::span<const iovec> parts) {
  if (failed_ || !established_) return {Io::State::Failed, 0};
  Call call(*this, stream, 0);
  if (!resume_output()) return {failed_ ? Io::State::Closed : Io::State::Blocked, 0};
  if (!stream.source().writable()) return {Io::State::Blocked, 0};
  std::size_t accepted = 0;
  Io io = encrypt(parts, accepted);
  if (!io.moved() && !io.blocked()) return io;
  return {Io::State::Moved, accepted};  // blocked: the rest waits in output_, and the socket is not writable
}

Io TlsLayer::encrypt(std::span<const iovec> parts, std::size_t& accepted) {
  Scratch& buffers = scratch();
  PlainRecords records(parts);
  for (;;) {
    const std::string_view record = records.next(buffers.gather);
    if (record.empty()) return send_scratch();
    std::size_t written = 0;
    if (SSL_write_ex(ssl_.get(), record.data(), record.size(), &written) != 1) {
      ERR_clear_error();
      failed_ = true;
      return {Io::State::Failed, 0};
    }
    accepted += written;
    if (buffers.output_size >= kSendAt) {
      if (Io io = send_scratch(); !io.moved()) return io;
    }
  }
}

void TlsLayer::shut_down(Stream& stream) noexcept {
  if (failed_ || !established_ || stream.source().broken()) return;
  if ((SSL_get_shutdown(ssl_.get()) & SSL_SENT_SHUTDOWN) != 0) return;
  Call call(*this, stream, 0);
  if (!resume_output()) return;
  SSL_shutdown(ssl_.get());
  static_cast<void>(send_scratch());
  ERR_clear_error();
}

TlsLayer::Step TlsLayer::handshake(Stream& stream) {
  Call call(*this, stream, kInput);
  if (output_ && !flush(stream).moved()) return failed_ ? Step::Closed : Step::NeedsOutput;
  for (;;) {
    const int outcome = SSL_do_handshake(ssl_.get());
    if (outcome == 1) {
      established_ = true;
      update_has_input();
      const bool holds_tickets = SSL_is_server(ssl_.get()) == 1 && SSL_version(ssl_.get()) == TLS1_3_VERSION;
      if (holds_tickets && scratch().output_size > 0) {
        output_ = std::make_unique<std::string>(scratch().output, std::exchange(scratch().output_size, 0));
        return Step::Done;
      }
      const Io io = send_scratch();
      return io.moved() || io.blocked() ? Step::Done : Step::Closed;
    }
    if (plain_http_) return Step::PlainHttp;
    if (SSL_get_error(ssl_.get(), outcome) != SSL_ERROR_WANT_READ) {
      const bool cut_off = at_end_;
      static_cast<void>(send_scratch());  // the alert
      failed_ = true;
      return cut_off ? Step::Closed : Step::Failed;
    }
    const Io io = send_scratch();
    if (io.blocked()) return Step::NeedsOutput;
    if (!io.moved()) return Step::Closed;
    if (!stream.source().readable()) return Step::NeedsInput;
    may_receive_ = true;
  }
}

TlsInfo TlsLayer::info() const {
  TlsInfo info;
  info.version = SSL_get_version(ssl_.get());
  info.cipher = SSL_get_cipher_name(ssl_.get());
  if (const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name)) info.sni = name;
  const unsigned char* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &protocol, &size);
  info.alpn = {reinterpret_cast<const char*>(protocol), size};
  info.resumed = SSL_session_reused(ssl_.get()) == 1;
  info.client_policy = client_policy_;
  if (SSL_is_server(ssl_.get()) == 1) info.client_certificate = shown_by_client(ssl_.get(), client_verdict_);
  return info;
}

void TlsLayer::note_client(std::shared_ptr<const ClientPolicy> policy, ClientVerdict verdict) {
  client_policy_ = std::move(policy);
  client_verdict_ = verdict;
}

std::string TlsLayer::peer_certificate_pem() const {
  X509* certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate == nullptr) return {};
  const BioPtr text(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(text.get(), certificate) != 1) return {};
  char* data = nullptr;
  const long size = BIO_get_mem_data(text.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace sluice::net::tls
