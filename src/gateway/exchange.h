// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/arena.h"
#include "base/error.h"
#include "base/ip.h"
#include "entity/fwd.h"
#include "gateway/identity.h"
#include "http/body.h"
#include "http/message.h"
#include "rt/reactor.h"
#include "rt/task.h"
#include "telemetry/request_record.h"

namespace sluice::crypto {
class PresentedCertificate;
}

namespace sluice::rt {
class MemoryGauge;
}

namespace sluice::gateway {

/// Who is at the other end of the client's connection.
struct Client {
  IpAddress address;  // the connection's peer
  std::uint16_t port = 0;
  IpAddress forwarded_address;  // after trusted_ips and real_ip_header: what plugins should judge
  std::uint16_t forwarded_port = 0;
  IpAddress local_address;  // where the connection arrived
  std::uint16_t local_port = 0;
  std::uint64_t connection = 0;           // number of the connection on this node
  std::uint64_t connection_requests = 0;  // on this connection so far, this one included
  bool tls = false;
  bool trusted = false;  // the peer is in trusted_ips: its X-Forwarded-* count
  std::string_view sni;
  std::string_view tls_version;  // "TLSv1.3"
  std::string_view tls_cipher;
  const crypto::PresentedCertificate* certificate = nullptr;  // null: the client showed none
};

/// The request: as the client sent it, and as plugins shape it for the upstream.
struct Request {
  explicit Request(http::RequestHead& head) : headers(head.headers), received(head) {}

  /// Whether a line is as the client sent it: its name lies in the received head. A plugin's line does not.
  [[nodiscard]] bool was_received(const http::Field& field) const {
    return field.name.data() > received.target.data() && field.name.data() < received_end;
  }
  const char* received_end = nullptr;

  std::string_view method;            // editable; goes upstream
  std::string_view scheme;            // "http" or "https", as the client used it
  std::string_view forwarded_scheme;  // X-Forwarded-Proto of a trusted peer, else scheme
  std::string_view host;              // lower-case, without port
  std::uint16_t port = 0;             // in Host if present, else the listener's
  std::string_view path;              // normalised; what routing saw
  std::string_view query;             // raw, without '?'; editable
  bool has_query = false;
  bool has_encoded_slash = false;  // the path contains %2F; only routes that allow it take such a request
  http::Headers& headers;          // editable
  const http::RequestHead& received;

  std::string_view stripped_prefix;               // of the path, by strip_path; becomes X-Forwarded-Prefix
  std::string_view upstream_path;                 // set when the route is known; editable from on_request on
  std::optional<std::string_view> upstream_host;  // overrides the Host sent upstream

  /// The content, to be read once. on_request hooks that need it whole use Exchange::read_body.
  http::BodyReader* body = nullptr;
  std::optional<std::uint64_t> body_length;  // set when a plugin replaced the content
};

/// The response: from on_response on. Status and headers are editable.
struct Response {
  explicit Response(Arena& arena) : head(arena), headers(head.headers) {}

  http::ResponseHead head;
  http::Headers& headers;
  bool from_upstream = false;        // false: the gateway's own answer
  http::BodyReader* body = nullptr;  // null: no content
};

/// Who the request was authenticated as.
struct Authenticated {
  const Consumer* consumer = nullptr;
  std::string_view credential_id;          // of the credential row; empty: none (anonymous)
  std::string_view credential_identifier;  // goes upstream as X-Credential-Identifier
  std::vector<std::string> groups;         // "authenticated_groups" given by an identity provider
  bool has_credential = false;
};

struct Captures {
  std::vector<std::string_view> unnamed;  // [0] is the whole match
  std::vector<std::pair<std::string_view, std::string_view>> named;
};

/// One request and its answer on their way through the gateway: everything a plugin may see or change. Belongs to its
/// shard; texts live in `arena` until the end of the exchange.
class Exchange {
 public:
  Exchange(rt::Reactor& on, Arena& memory, http::RequestHead& head)
      : reactor(on), arena(memory), request(head), response(memory) {}
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange();

  rt::Reactor& reactor;
  Arena& arena;
  Client client;
  Request request;
  Response response;
  telemetry::RequestRecord record;

  const entity::Route* route = nullptr;      // null: nothing matched
  const entity::Service* service = nullptr;  // null: the route has none
  const Directory* directory = nullptr;      // never null once the exchange is with plugins
  Authenticated authenticated;
  Captures captures;
  rt::MemoryGauge* memory = nullptr;  // null: nobody watches it

  [[nodiscard]] const rt::Clock& clock() const { return reactor.clock(); }
  /// 32 hexadecimal digits.
  [[nodiscard]] std::string_view id() const { return {record.request_id.data(), record.request_id.size()}; }

  /// Makes `consumer` the identity of the request and sets X-Consumer-*, X-Credential-Identifier and
  /// X-Anonymous-Consumer towards the upstream as reference plugins-auth-traffic.md, section 0 says. A null credential
  /// means anonymous. `identifier` must live as long as the exchange.
  void authenticate(const Consumer& consumer, const Credential* credential, std::string_view identifier);

  /// Reads the whole request content into memory (at most `limit` octets; Errc::TooLarge beyond) and puts it back, so
  /// that later readers see it again. Errc::Unavailable when the node's memory is about to be used up: as a Verdict
  /// that is 503. The view lives as long as the exchange.
  Task<Result<std::string_view>> read_body(std::size_t limit);
  /// Replaces the request content (Content-Length follows). `bytes` must live as long as the exchange.
  void replace_body(std::string_view bytes);
  /// The response content is `bytes` from now on; Content-Length follows.
  void replace_response_body(std::string_view bytes);

  /// Wraps the response content: `Reader(BodyReader& inner, args...)`, made in the arena. Content-Length is dropped
  /// unless the plugin sets it.
  template <class Reader, class... Args>
  void wrap_response_body(Args&&... args) {
    if (response.body == nullptr) return;
    response.body = make<Reader>(*response.body, std::forward<Args>(args)...);
    response.headers.remove(http::Known::ContentLength);
    response.head.framing = {http::Framing::Kind::Chunked, 0};
  }

  /// Makes an object that lives as long as the exchange and is destroyed with it.
  template <class T, class... Args>
  T* make(Args&&... args) {
    auto* object = ::new (arena.alloc(sizeof(T), alignof(T))) T(std::forward<Args>(args)...);
    if constexpr (!std::is_trivially_destructible_v<T>) own(object, [](void* p) { static_cast<T*>(p)->~T(); });
    return object;
  }

  /// Per-request state of a plugin (or shared by several): one T per exchange, made at first use.
  template <class T>
  T& slot() {
    if (void* found = find_slot(&kSlotKey<T>)) return *static_cast<T*>(found);
    T* made = make<T>();
    add_slot(&kSlotKey<T>, made);
    return *made;
  }
  /// The state if it was made; null otherwise. For on_log.
  template <class T>
  [[nodiscard]] const T* find() const {
    return static_cast<const T*>(find_slot(&kSlotKey<T>));
  }

 private:
  template <class T>
  static constexpr char kSlotKey = 0;
  struct Owned {
    Owned* next;
    void* object;
    void (*destroy)(void*);
  };
  struct Slot {
    Slot* next;
    const void* key;
    void* object;
  };
  void own(void* object, void (*destroy)(void*));
  [[nodiscard]] void* find_slot(const void* key) const;
  void add_slot(const void* key, void* object);

  Owned* owned_ = nullptr;
  Slot* slots_ = nullptr;
};

}  // namespace sluice::gateway
