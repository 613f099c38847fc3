// SPDX-License-Identifier: Apache-2.0
#include "gateway/proxy/proxy.h"

#include <algorithm>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include "base/intrusive_rc.h"
#include "base/log.h"
#include "base/time.h"
#include "gateway/balancer/visit.h"
#include "gateway/config/client_policies.h"
#include "gateway/config/plugin_check.h"
#include "gateway/proxy/error_body.h"
#include "gateway/proxy/forwarding.h"
#include "gateway/proxy/grpc_reply.h"
#include "gateway/proxy/grpc_timeout.h"
#include "gateway/proxy/replayed_body.h"
#include "gateway/proxy/request_setup.h"
#include "gateway/proxy/upstream_leg.h"
#include "gateway/proxy/websocket_upgrade.h"
#include "gateway/router/upstream_path.h"
#include "rt/first_of.h"

namespace sluice::gateway {

/// A generation as one shard holds it: one atomic reference here, a plain counter for requests.
struct Proxy::Generation : RcObject {
  explicit Generation(Snapshot::Ref s) : snapshot(std::move(s)) {}
  Snapshot::Ref snapshot;
};

/// What is left of a try that has ended in a 101: both ends, and what they said behind it.
struct Proxy::Tunnel {
  Choice choice;  // holds the endpoint
  Visit visit;
  net::Stream* client;
  std::string from_client;
  http::Pool::Connection upstream;
  std::string from_upstream;
};

struct Proxy::Life {
  Life(Proxy& proxy, http::ServerStream& s)
      : parts(proxy.parts_),
        seat(proxy.parts_.admission),
        stream(s),
        generation(proxy.current_),
        ex(s.reactor(), s.arena(), s.request()),
        pipeline(parts.plans, *generation->snapshot) {
    ex.directory = generation->snapshot.get();
    ex.memory = &parts.admission.memory();
    ex.record.started_ns = s.started_ns();
    const rt::Clock& clock = ex.clock();
    ex.record.started_wall_ms = clock.wall_ms() - (clock.mono_ns() - s.started_ns()) / 1'000'000;
    parts.ids.next(ex.record.request_id);
  }
  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;
  ~Life() {
    telemetry::RequestRecord& record = ex.record;
    record.finished_ns = ex.clock().mono_ns();
    record.request_size = stream.octets_received();
    record.response_size = stream.octets_sent();
    record.request_body_size = record.request_size - std::min(record.request_size, stream.head_octets_received());
    record.response_body_size = record.response_size - std::min(record.response_size, stream.head_octets_sent());
    if (record.status == 0) record.status = 499;  // the client left before it had an answer
    pipeline.log(ex);
    parts.observer.on_request(ex);
  }

  [[nodiscard]] const Snapshot& snapshot() const { return *generation->snapshot; }

  ProxyParts& parts;
  const http::Admission::Seat seat;
  http::ServerStream& stream;
  Rc<Generation> generation;
  Exchange ex;
  Pipeline pipeline;
  Rc<LiveService> service;
  Selection selection;                            // what of this request the balancer goes by
  bool was_refused = false;                       // once, by a connection that took leave
  rt::Deadline deadline = rt::Deadline::never();  // the client's, for the whole exchange
  ReplayedBody* replayed = nullptr;               // the content, when it may have to be sent again
  Task<Result<>> upload = Result<>{};             // goes on while the response is on its way
  std::unique_ptr<Tunnel> tunnel;                 // null: the connection did not become one
};

/// One try to have the upstream answer. However it ends, the upload, which refers to the rest, ends first.
struct Proxy::Attempt {
  Attempt(Life& l) : life(l), head(l.ex.arena) {}
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;
  ~Attempt() { life.upload = Result<>{}; }

  Life& life;
  Choice choice;
  Visit visit;
  telemetry::Try* record = nullptr;  // null until the balancer has chosen
  UpstreamLeg leg;
  http::RequestHead head;
  bool may_try_again = false;
  bool was_sent = false;  // at least in part
  bool stale = false;     // it failed since a kept connection was of no use any more
  bool refused = false;   // the upstream has said that it did not look at the request
};

namespace {

/// Content of unknown length, up to the limit of client_max_body_size.
class LimitedBody final : public http::BodyReader {
 public:
  LimitedBody(http::BodyReader& inner, std::uint64_t limit) : inner_(inner), left_(limit) {}

  Task<Result<http::Chunk>> read() override {
    Task<Result<http::Chunk>> next = inner_.read();
    if (next.ready()) return judge(next.take());
    return wait(std::move(next));
  }
  [[nodiscard]] std::optional<std::uint64_t> remaining() const override { return inner_.remaining(); }
  [[nodiscard]] const http::Headers* trailers() const override { return inner_.trailers(); }

 private:
  Result<http::Chunk> judge(Result<http::Chunk> chunk) {
    if (!chunk) return chunk;
    if (chunk->bytes.size() > left_)
      return fail(Errc::TooLarge, "request content over client_max_body_size", Blame::Client);
    left_ -= chunk->bytes.size();
    return chunk;
  }
  Task<Result<http::Chunk>> wait(Task<Result<http::Chunk>> next) { co_return judge(co_await next); }

  http::BodyReader& inner_;
  std::uint64_t left_;
};

bool is_grpc_service(const ServiceConfig& service) {
  return service.protocol == "grpc" || service.protocol == "grpcs";
}

/// Until when the client of a call waits, as it says.
rt::Deadline deadline_of(const Exchange& ex) {
  auto said = ex.request.headers.get("grpc-timeout");
  auto timeout = said ? parse_grpc_timeout(*said) : std::nullopt;
  return timeout ? rt::Deadline{ex.record.started_ns / 1'000'000 + *timeout} : rt::Deadline::never();
}

bool is_idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "PUT" || method == "DELETE" ||
         method == "TRACE";
}

/// Reference 4.5: a route for https alone answers plain requests with the way to do better.
std::optional<Reply> check_scheme(const Exchange& ex, const RouteConfig& route) {
  constexpr unsigned kPlain = kHttpBit | kGrpcBit | kWsBit;
  constexpr unsigned kSecure = kHttpsBit | kWssBit;
  const unsigned offered = route.RouteFacts::protocols;
  if ((offered & kPlain) != 0 || (offered & kSecure) == 0 || ex.request.forwarded_scheme == "https")
    return std::nullopt;
  if (route.https_redirect_status_code == 426) {
    return Reply{426, "Please use HTTPS protocol"}.with("Upgrade", "TLS/1.2, HTTP/1.1");
  }
  std::string location = "https://";
  location.append(ex.request.host).append(ex.request.received.path);
  if (ex.request.has_query) location.append("?").append(ex.request.query);
  return Reply::exit(route.https_redirect_status_code).with("Location", std::move(location));
}

std::optional<Reply> check_grpc(const Exchange& ex, const RouteConfig& route) {
  if ((route.RouteFacts::protocols & (kGrpcBit | kGrpcsBit)) == 0) return std::nullopt;
  auto type = ex.request.headers.get(http::Known::ContentType);
  if (!type || !type->starts_with("application/grpc")) return Reply{415, "Non-gRPC request matched gRPC route"};
  if (ex.request.received.version < http::Version::Http2) return Reply{426, "Please use HTTP2 protocol"};
  if ((route.RouteFacts::protocols & kGrpcBit) == 0 && ex.request.forwarded_scheme != "https") {
    return Reply::exit(200).with("grpc-status", "1").with("grpc-message", "gRPC request matched gRPCs route");
  }
  return std::nullopt;
}

/// The client's own deadline has passed. Clients of gRPC take another HTTP status than 200 for the failure of something
/// in between, and read no further.
Reply deadline_exceeded(const Request& request) {
  if (!request.headers.get(http::Known::ContentType).value_or("").starts_with("application/grpc")) {
    return Reply::failure(504);
  }
  return Reply::exit(200).with("grpc-status", "4").with("grpc-message", "DeadlineExceeded");
}

/// What a failed attempt tells the client. Reference 5.4.
Reply failure_reply(const Error& error) {
  if (error.blame == Blame::Client) {
    switch (error.code) {
      case Errc::Timeout:
        return Reply::failure(408);
      case Errc::TooLarge:
        return Reply::failure(413);
      default:
        return Reply::failure(400);
    }
  }
  switch (error.code) {
    case Errc::Timeout:
      return Reply::failure(504);
    case Errc::Unavailable:
      return Reply{503, error.what};
    default:
      return Reply::failure(502);
  }
}

}  // namespace

Proxy::Proxy(const ProxyParts& parts) : parts_(parts) {}
Proxy::~Proxy() = default;

void Proxy::publish(Snapshot::Ref snapshot) {
  current_ = make_rc<Generation>(std::move(snapshot));
  parts_.plans.sweep(*current_->snapshot);
}

Task<void> Proxy::handle(http::ServerStream& stream) {
  if (const auto why = parts_.admission.judge_request()) co_return co_await turn_away(stream, *why);
  Life life(*this, stream);
  std::optional<Reply> answer;
  try {
    Verdict verdict = co_await police(life);
    if (verdict.is_reply()) {
      answer = std::move(verdict.reply());
    } else {
      co_await forward(life);
      if (life.tunnel) co_await carry(life);  // thousands may be open: what has asked the upstream is gone by now
    }
  } catch (const std::exception& error) {
    log::error("request.failed", {{"request_id", life.ex.id()}, {"error", error.what()}});
    answer = Reply::message(500, "An unexpected error occurred");
    life.ex.record.source = telemetry::RequestRecord::Source::Failure;
  }
  if (answer && !stream.response_started()) co_await reply(life, *std::move(answer));
}

/// A request that nobody looks at.
void Proxy::begin_refusal(Life& life) {
  const net::Address& peer = life.stream.connection().peer;
  life.ex.client.address = life.ex.client.forwarded_address = peer.ip();
  life.ex.client.port = life.ex.client.forwarded_port = peer.port();
  life.ex.request.method = life.stream.request().method;
  life.pipeline.begin(nullptr);
}

Task<void> Proxy::refuse(http::ServerStream& stream, int status, std::string_view /*why*/) {
  Life life(*this, stream);
  begin_refusal(life);
  co_await reply(life, Reply::failure(status));
}

/// Quick, since it is done when there is least time for it: before routing and before any request hook. The client may
/// ask again on the same connection, which costs less than another one, unless it is memory that is short.
Task<void> Proxy::turn_away(http::ServerStream& stream, http::Shed why) {
  parts_.admission.note(why);
  if (why == http::Shed::Memory) stream.close_after_response();
  Life life(*this, stream);
  begin_refusal(life);
  co_await reply(life, Reply::overloaded());
}

/// Everything before the upstream is asked. Without a plugin that waits, this runs without a frame.
Task<Verdict> Proxy::police(Life& life) {
  Exchange& ex = life.ex;
  if (auto refusal = set_up_request(ex, life.stream, parts_.options)) {
    life.pipeline.begin(nullptr);
    return Verdict(*std::move(refusal));
  }
  Task<Verdict> rewritten = life.pipeline.rewrite(ex);
  if (rewritten.ready()) {
    Verdict verdict = rewritten.take();
    if (verdict.is_reply()) return verdict;
    return route(life);
  }
  struct Wait {
    static Task<Verdict> run(Proxy& proxy, Life& life, Task<Verdict> waiting) {
      Verdict verdict = co_await waiting;
      if (verdict.is_reply()) co_return verdict;
      co_return co_await proxy.route(life);
    }
  };
  return Wait::run(*this, life, std::move(rewritten));
}

bool Proxy::is_misdirected(const Life& life) {
  const ClientPolicies* policies = life.snapshot().client_policies.get();
  const net::TlsInfo* tls = life.stream.connection().tls_info.get();
  return policies != nullptr && tls != nullptr && policies->is_misdirected(life.ex.request.host, *tls);
}

Task<Verdict> Proxy::route(Life& life) {
  Exchange& ex = life.ex;
  if (is_misdirected(life)) {
    // HTTP/1 has no other way to say that this connection will not do; HTTP/2 may go on with other hosts.
    if (ex.request.received.version < http::Version::Http2) life.stream.close_after_response();
    life.pipeline.begin(nullptr);
    return Reply{421, "Misdirected Request"};
  }
  ExchangeHeaders headers(ex.request.headers);
  const router::Match match = life.snapshot().routes->match(match_input(ex, headers));
  if (!match) {
    life.pipeline.begin(nullptr);
    if (match.too_costly) return Reply::failure(500);
    if (ex.request.has_encoded_slash) return Reply::failure(400);
    return Reply{404, "no Route matched with those values"};
  }
  const auto& route = *static_cast<const RouteConfig*>(match.target);
  ex.route = &route;
  if (!route.workspace.is_nil()) ex.directory = ex.make<WorkspaceDirectory>(life.snapshot(), route.workspace);
  life.pipeline.begin(&route);
  const Plan& plan = *life.pipeline.plan();
  ex.service = plan.service.get();

  router::UpstreamPathInput path{
      .service_path = plan.service ? std::string_view(plan.service->path) : std::string_view{},
      .request_path = ex.request.path,
      .prefix_length = match.prefix_length,
      .strip_path = route.strips_path,
      .handling = route.path_handling_v1 ? router::PathHandling::V1 : router::PathHandling::V0};
  path_buffer_.clear();
  router::append_upstream_path(path_buffer_, path);
  ex.request.upstream_path = ex.arena.copy(path_buffer_);
  ex.request.stripped_prefix = router::forwarded_prefix(path);
  if (route.keeps_host) ex.request.upstream_host = ex.request.received.authority;
  if (match.regex != nullptr) {
    router::UriCaptures captures = router::captures_of(match, ex.request.path);
    ex.captures.unnamed = std::move(captures.unnamed);
    ex.captures.named = std::move(captures.named);
  }
  // Upstreams disagree about what such a path names: only routes that say so take it.
  if (ex.request.has_encoded_slash && !route.takes_encoded_slashes) return Verdict(Reply::failure(400));
  if (auto refusal = check_scheme(ex, route)) return Verdict(*std::move(refusal));
  if (auto refusal = check_grpc(ex, route)) return Verdict(*std::move(refusal));
  if (auto refusal = check_websocket(ex, route)) return Verdict(*std::move(refusal));
  return life.pipeline.request(ex);
}

Task<void> Proxy::forward(Life& life) {
  if (auto refusal = begin_forwarding(life)) return reply(life, *std::move(refusal));
  return ask_upstream(life);
}

/// What has to be there before the upstream is asked.
std::optional<Reply> Proxy::begin_forwarding(Life& life) {
  Exchange& ex = life.ex;
  Plan& plan = *life.pipeline.plan();
  if (!plan.service) return Reply{503, "no Service found with those values"};
  if (std::uint64_t limit = parts_.options.client_max_body_size; limit != 0 && ex.request.body != nullptr) {
    if (auto length = ex.request.body->remaining(); length && *length > limit) return Reply::failure(413);
    ex.request.body = ex.make<LimitedBody>(*ex.request.body, limit);
  }
  note_wanted_frames(ex, plan);
  if (!plan.live) plan.live = parts_.balancer.live(life.snapshot(), plan.service);
  life.service = plan.live;
  life.service->budget.earn(ex.clock().mono_ms());
  life.selection = selection_for(ex, *life.service);
  if (is_grpc_service(life.service->config())) life.deadline = deadline_of(ex);
  ex.record.upstream_started_ns = ex.clock().mono_ns();
  return std::nullopt;
}

/// Tries until the upstream has answered or another try would not be safe. The one frame of a request that lives while
/// the upstream thinks: what it calls makes none unless it has to wait.
Task<void> Proxy::ask_upstream(Life& life) {
  int tries_left = 1 + life.service->config().retries;
  for (;;) {
    Attempt attempt(life);
    Result<> outcome = co_await connect(attempt);
    if (outcome) outcome = co_await exchange_heads(attempt);
    if (outcome) {
      co_await respond_from_upstream(attempt);
      finish(attempt);
      co_return;
    }
    note_failure(attempt, outcome.error());
    if (life.stream.response_started()) co_return;  // broken in the middle: the connection says so
    if (life.deadline.passed(life.ex.clock())) co_return co_await reply(life, deadline_exceeded(life.ex.request));
    if (--tries_left > 0 && may_try_again(attempt, outcome.error())) continue;
    co_return co_await reply(life, failure_reply(outcome.error()));
  }
}

/// Chooses an address and takes a kept connection to it, or opens one.
Task<Result<>> Proxy::connect(Attempt& attempt) {
  Exchange& ex = attempt.life.ex;
  const std::int64_t began_ns = ex.clock().mono_ns();
  LiveService& service = *attempt.life.service;
  Task<Result<Choice>> pick = parts_.balancer.pick(service, attempt.life.selection,
                                                   ex.reactor.after_ms(service.config().connect_timeout.count()));
  if (!pick.ready()) return wait_for_choice(attempt, std::move(pick), began_ns);
  return take_connection(attempt, pick.take(), began_ns);
}

Task<Result<>> Proxy::wait_for_choice(Attempt& attempt, Task<Result<Choice>> pick, std::int64_t began_ns) {
  Result<Choice> choice = co_await pick;
  co_return co_await take_connection(attempt, std::move(choice), began_ns);
}

Task<Result<>> Proxy::take_connection(Attempt& attempt, Result<Choice> choice, std::int64_t began_ns) {
  if (!choice) return Result<>(std::unexpected(std::move(choice).error()));
  attempt.choice = *choice;
  attempt.record = &note_try(attempt.life.ex, *choice, began_ns);
  attempt.visit.begin(*attempt.life.service, attempt.choice, began_ns);
  rt::Reactor& reactor = attempt.life.ex.reactor;
  const LiveService& service = *attempt.life.service;
  const rt::Deadline deadline =
      std::min(reactor.after_ms(service.config().connect_timeout.count()), attempt.life.deadline);
  Task<Result<>> opening =
      attempt.leg.open(reactor, parts_.connector, attempt.choice, service, http_towards(attempt.life), deadline);
  if (opening.ready()) return opening;
  return wait_for_connection(attempt, std::move(opening));
}

Task<Result<>> Proxy::wait_for_connection(Attempt& attempt, Task<Result<>> opening) {
  Result<> connected = co_await opening;
  attempt.may_try_again = !connected;
  co_return connected;
}

/// gRPC is HTTP/2. Other upstreams may choose it where the settings offer it to them; a tunnel needs HTTP/1.1.
UpstreamHttp Proxy::http_towards(const Life& life) const {
  if (is_grpc_service(life.service->config())) return UpstreamHttp::Http2;
  const bool upgrades = life.ex.request.received.headers.has(http::Known::Upgrade);
  return parts_.options.upstream_http2 && life.service->tls() && !upgrades ? UpstreamHttp::Negotiated
                                                                           : UpstreamHttp::Http1;
}

/// Sends the request and waits for the response head.
Task<Result<>> Proxy::exchange_heads(Attempt& attempt) {
  Life& life = attempt.life;
  Exchange& ex = life.ex;
  const ServiceConfig& config = life.service->config();
  const Choice& choice = attempt.choice;
  http::ClientStream& upstream = attempt.leg.begin(ex.arena,
                                                   {.send_ms = config.write_timeout.count(),
                                                    .read_ms = config.read_timeout.count(),
                                                    .head_octets = life.parts.options.upstream_max_header_size,
                                                    .deadline = life.deadline},
                                                   !life.stream.connection().tls);
  if (attempt.leg.shared() && ex.request.body != nullptr && life.replayed == nullptr) {
    ex.request.body = life.replayed = ex.make<ReplayedBody>(*ex.request.body);
  }
  attempt.head = upstream_request(ex, parts_.options,
                                  {.host = choice.host,
                                   .port = choice.port,
                                   .tls = life.service->tls(),
                                   .host_header = choice.host_header,
                                   .grpc = is_grpc_service(config)});
  ex.record.upstream_uri = attempt.head.target;
  attempt.was_sent = true;
  life.upload = upstream.send(attempt.head, ex.request.body);
  if (!life.upload.ready()) return receive_during_upload(attempt);
  Result<> sent = life.upload.take();
  life.upload = Result<>{};
  if (!sent && (sent.error().blame == Blame::Client || attempt.head.framing.kind == http::Framing::Kind::None))
    return sent;
  // An upstream that refuses a request may answer and close before it has read everything: its answer counts.
  return upstream.receive(ex.response.head);
}

/// The upload goes on behind an early response, so that both directions may stream.
Task<Result<>> Proxy::receive_during_upload(Attempt& attempt) {
  Life& life = attempt.life;
  Task<Result<>> answer = attempt.leg.stream()->receive(life.ex.response.head);
  co_await rt::FirstOf(life.upload, answer);
  if (life.upload.ready() && !answer.ready()) {
    Result<> sent = life.upload.take();
    life.upload = Result<>{};
    if (!sent && sent.error().blame == Blame::Client) co_return sent;
  }
  co_return co_await answer;
}

/// Ends the try: nothing more of the request goes to this upstream, whatever is answered now.
void Proxy::note_failure(Attempt& attempt, const Error& error) {
  attempt.life.upload = Result<>{};
  if (attempt.record != nullptr) {
    attempt.record->failed = true;
    attempt.record->status = error.code == Errc::Timeout ? 504 : 502;
  }
  const http::ClientStream* upstream = attempt.leg.stream();
  if (upstream != nullptr)
    attempt.may_try_again = error.blame == Blame::Upstream && nothing_is_lost(attempt, *upstream);
  // That a kept connection has ended says nothing about the peer.
  attempt.refused = upstream != nullptr && upstream->was_refused();
  attempt.stale = attempt.leg.kept() && upstream != nullptr && error.code != Errc::Timeout &&
                  (attempt.refused || (!upstream->received_anything() && !attempt.leg.shared()));
  if (!attempt.stale) attempt.visit.failed(error);
  attempt.leg.drop();
}

/// The upstream did not look at the request, and its content is still there; or it may not have, had nothing to say,
/// and the same request once more does no harm.
bool Proxy::nothing_is_lost(Attempt& attempt, const http::ClientStream& upstream) {
  const Life& life = attempt.life;
  const Request& request = life.ex.request;
  if (upstream.was_refused()) {
    return request.body == nullptr || (request.body == life.replayed && life.replayed->rewind());
  }
  return request.body == nullptr && !upstream.received_anything() && is_idempotent(request.method);
}

/// Whether the request can be sent again, and whether another try is worth its cost. Trying the next address of an
/// upstream at once costs nobody anything, and neither does a new connection in place of one that took leave; asking a
/// peer again that may have had the request, or has let us wait, does.
bool Proxy::may_try_again(Attempt& attempt, const Error& error) {
  if (!attempt.may_try_again || !attempt.choice.peer) return attempt.may_try_again;
  Life& life = attempt.life;
  const Peer* peer = attempt.choice.peer.get();
  const bool slow = error.code == Errc::Timeout;
  if (attempt.refused && attempt.stale && !std::exchange(life.was_refused, true)) return true;
  const bool unreached = !attempt.was_sent && !slow;
  const bool first = !life.selection.has_failed(peer);
  if (first && !attempt.stale) life.selection.failed.push_back(peer);
  const bool free = unreached && first && life.service->has_another(life.selection);
  return free || life.service->budget.spend(life.ex.clock().mono_ms());
}

/// After the response: the connection waits for the next request if nothing of this one is left on it.
void Proxy::finish(Attempt& attempt) {
  Life& life = attempt.life;
  const bool whole = life.upload.ready();
  life.ex.response.body = nullptr;
  life.upload = Result<>{};  // it refers to the exchange below
  if (whole) {
    attempt.leg.finish(*attempt.choice.endpoint);
  } else {
    attempt.leg.drop();
  }
}

telemetry::Try& Proxy::note_try(Exchange& ex, const Choice& choice, std::int64_t began_ns) {
  telemetry::RequestRecord& record = ex.record;
  const std::size_t index = std::min<std::size_t>(record.try_count, telemetry::Tries::kMost - 1);
  ++record.try_count;
  telemetry::Try& entry = record.tries[index];
  entry = {.ip = choice.endpoint->address.ip(),
           .port = choice.endpoint->address.port(),
           .started_wall_ns = ex.clock().wall_ns() - (ex.clock().mono_ns() - began_ns),
           .balancer_ns = ex.clock().mono_ns() - began_ns,
           .status = 0,
           .failed = false};
  return entry;
}

Task<void> Proxy::respond_from_upstream(Attempt& attempt) {
  Life& life = attempt.life;
  Exchange& ex = life.ex;
  ex.record.upstream_head_ns = ex.clock().mono_ns();
  ex.record.upstream_status = attempt.record->status = ex.response.head.status;
  ex.record.source = telemetry::RequestRecord::Source::Upstream;
  ex.response.from_upstream = true;
  attempt.visit.answered(ex.response.head.status, ex.record.upstream_head_ns);
  if (attempt.choice.peer) stick_to(ex, life.selection, *life.service, *attempt.choice.peer);
  if (life.replayed != nullptr) life.replayed->forget();
  ex.response.body = attempt.leg.stream()->body();
  strip_upstream_response(ex, parts_.options);
  if (ex.response.head.status == 101) {
    // Only an upgrade that was asked for, and is answered, may turn the connection into a tunnel past all policies.
    if (!attempt.head.headers.has(http::Known::Upgrade) || !answers_handshake(ex))
      return reply(life, Reply::failure(502));
    return open_tunnel(attempt);
  }
  Task<Verdict> verdict = life.pipeline.response(ex);
  if (verdict.ready()) return deliver(life, verdict.take());
  struct Wait {
    static Task<void> run(Proxy& proxy, Life& life, Task<Verdict> waiting) {
      Verdict verdict = co_await waiting;
      co_await proxy.deliver(life, std::move(verdict));
    }
  };
  return Wait::run(*this, life, std::move(verdict));
}

/// The upstream's response as the response hooks have left it, or what one of them says instead.
Task<void> Proxy::deliver(Life& life, Verdict verdict) {
  if (verdict.is_reply()) {
    life.upload = Result<>{};
    return reply(life, std::move(verdict.reply()));
  }
  add_gateway_fields(life.ex, parts_.options);
  return send_response(life);
}

Task<void> Proxy::send_response(Life& life) {
  Exchange& ex = life.ex;
  advertise_http3(ex, life.stream.connection());
  ex.record.status = ex.response.head.status;
  ex.record.head_sent_ns = ex.clock().mono_ns();
  Task<Result<>> sending = life.stream.respond(ex.response.head, ex.response.body);
  if (sending.ready()) {
    Result<> sent = sending.take();
    if (!sent) log::debug("response.broken", {{"request_id", ex.id()}, {"error", sent.error()}});
    if (!sent && !life.stream.response_started()) return send_unfit(life);
    return Task<void>::done();
  }
  struct Wait {
    static Task<void> run(Life& life, Task<Result<>> rest) {
      Result<> sent = co_await rest;
      if (!sent) log::debug("response.broken", {{"request_id", life.ex.id()}, {"error", sent.error()}});
    }
  };
  return Wait::run(life, std::move(sending));
}

/// In place of a response whose head is too large to be sent: no plugin may add to this one.
Task<void> Proxy::send_unfit(Life& life) {
  Exchange& ex = life.ex;
  life.upload = Result<>{};
  render(ex, Reply::failure(502));
  add_gateway_fields(ex, parts_.options);
  ex.record.status = ex.response.head.status;
  (void)co_await life.stream.respond(ex.response.head, ex.response.body);
}

/// 101: from here on the connection belongs to both ends.
Task<void> Proxy::open_tunnel(Attempt& attempt) {
  Life& life = attempt.life;
  Exchange& ex = life.ex;
  add_gateway_fields(ex, parts_.options);
  ex.record.status = 101;
  ex.record.head_sent_ns = ex.clock().mono_ns();
  life.upload = Result<>{};  // what the client says from here on is the tunnel's
  std::string_view early;
  const Result<net::Stream*> client = co_await life.stream.switch_protocols(ex.response.head, early);
  if (!client && !life.stream.response_started()) co_return co_await send_unfit(life);
  std::string from_upstream;
  http::Pool::Connection upstream = attempt.leg.take_tunnel(from_upstream);
  if (!client || upstream == nullptr) co_return;
  life.tunnel = std::make_unique<Tunnel>(attempt.choice, std::move(attempt.visit), *client, std::string(early),
                                         std::move(upstream), std::move(from_upstream));
}

Task<void> Proxy::carry(Life& life) {
  Tunnel& tunnel = *life.tunnel;
  return carry_upgraded(life.ex, life.pipeline, {*tunnel.client, std::move(tunnel.from_client)},
                        {tunnel.upstream->stream(), std::move(tunnel.from_upstream)}, life.service->config());
}

/// The gateway's own answer. Response and log hooks of the plan run for it as for any other.
Task<void> Proxy::reply(Life& life, Reply answer) {
  Exchange& ex = life.ex;
  render(ex, answer);
  for (int rounds = 0; rounds < 2; ++rounds) {
    Verdict verdict = co_await life.pipeline.response(ex);
    if (!verdict.is_reply()) break;
    render(ex, verdict.reply());
  }
  add_gateway_fields(ex, parts_.options);
  co_await send_response(life);
}

void Proxy::render(Exchange& ex, const Reply& answer) {
  ex.response.head.status = answer.status;
  ex.response.head.reason = {};
  ex.response.headers.clear();
  ex.response.from_upstream = false;
  if (ex.record.source == telemetry::RequestRecord::Source::Upstream)
    ex.record.source = telemetry::RequestRecord::Source::Gateway;
  http::Headers& headers = ex.response.headers;
  headers.add_view("Date", ex.arena.copy(date(ex.clock())), http::Known::Date);
  std::string_view body;
  if (is_grpc(ex.request)) {
    append_grpc_status(ex, answer);
  } else if (answer.form != Reply::Form::Exit) {
    const std::string message = answer.body.empty() ? default_message(answer.status) : answer.body;
    auto accept = ex.request.headers.get(http::Known::Accept);
    std::string_view fallback =
        answer.form == Reply::Form::Failure ? std::string_view(parts_.options.error_default_type) : "application/json";
    ErrorBody made = error_body(accept.value_or(std::string_view{}), fallback, message, ex.id(),
                                parts_.options.error_templates.get());
    headers.add_view("Content-Type", made.content_type, http::Known::ContentType);
    body = ex.arena.copy(made.text);
  } else {
    if (!answer.content_type.empty()) headers.set(http::Known::ContentType, answer.content_type);
    body = ex.arena.copy(answer.body);
  }
  for (const auto& [name, value] : answer.headers) headers.set(name, value);
  ex.replace_response_body(body);
  // What the client still sends of a refused request is not worth waiting for when it waits for leave to send.
}

std::string_view Proxy::date(const rt::Clock& clock) {
  if (clock.wall_s() != date_second_) {
    date_second_ = clock.wall_s();
    date_text_ = format_http_date(date_second_);
  }
  return date_text_;
}

}  // namespace sluice::gateway
