// SPDX-License-Identifier: Apache-2.0
#include "http/h1/server_connection.h"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <utility>

#include "base/assert.h"
#include "http/h1/scan.h"
#include "http/h1/serialize.h"
#include "http/turn_share.h"
#include "rt/reactor.h"

namespace sluice::http::h1 {
namespace {

// What is read and thrown away to save a connection whose request body nobody wanted.
constexpr std::uint64_t kDiscardLimit = 256 * 1024;
constexpr std::int64_t kDiscardMs = 2'000;
constexpr std::int64_t kLingerMs = 2'000;
constexpr std::uint32_t kRequestsPerTurn = 64;  // of one client that pipelines

/// Runs a handler until it is done or the client has gone, whichever is first.
class UntilHangup final : public rt::IoSource::HangupListener {
 public:
  UntilHangup(Task<void>& task, rt::IoSource& source) : task_(task), source_(source) {}
  UntilHangup(const UntilHangup&) = delete;
  UntilHangup& operator=(const UntilHangup&) = delete;
  ~UntilHangup() { source_.listen_for_hangup(nullptr); }

  [[nodiscard]] bool await_ready() {
    task_.start();
    return task_.ready();
  }
  void await_suspend(std::coroutine_handle<> caller) {
    caller_ = caller;
    task_.on_done(caller);
    source_.listen_for_hangup(this);
  }
  /// False: the client has gone and the task is still suspended.
  [[nodiscard]] bool await_resume() const { return !gone_; }
  void on_hangup() override {
    gone_ = true;
    caller_.resume();
  }

 private:
  Task<void>& task_;
  rt::IoSource& source_;
  std::coroutine_handle<> caller_;
  bool gone_ = false;
};

}  // namespace

// --- ServerExchange ---------------------------------------------------------------------------------------------

ServerExchange::ServerExchange(ServerConnection& connection, std::int64_t started_ns)
    : connection_(connection),
      request_(arena_),
      body_(*connection.stream_, connection.input_, arena_, {connection.options_.body, Blame::Client}),
      outgoing_{*connection.stream_, connection.options_.send_timeout_ms, Blame::Client},
      started_ns_(started_ns) {}

rt::Reactor& ServerExchange::reactor() const {
  return connection_.reactor();
}
const ConnectionInfo& ServerExchange::connection() const {
  return connection_.info_;
}

/// The framing that the client can read. RFC 9112, 6.
Framing ServerExchange::wire_framing(const ResponseHead& head, const BodyReader* body) {
  if (head.status == 204 || head.status == 304 || head.status < 200) return {};
  if (head.framing.kind == Framing::Kind::Length) return head.framing;
  if (body == nullptr) return request_.method == "HEAD" ? Framing{} : Framing{Framing::Kind::Length, 0};
  if (request_.version == Version::Http10) {
    keep_alive_ = false;
    return {Framing::Kind::UntilClose, 0};
  }
  return {Framing::Kind::Chunked, 0};
}

Task<Result<>> ServerExchange::respond(ResponseHead& head, BodyReader* body) {
  SLUICE_ASSERT(!response_started_);
  if (request_.method == "HEAD") body = nullptr;
  Framing framing = wire_framing(head, body);
  if (connection_.draining_) keep_alive_ = false;
  HeadWriter writer(reactor().output(), Outgoing::kHeadRoom);
  write_response_head(writer, head, framing, keep_alive_ ? Persistence::KeepAlive : Persistence::Close);
  if (writer.overflow()) return Result<>(fail(Errc::TooLarge, "response head does not fit", Blame::Upstream));

  response_started_ = true;
  body_.patience().drop_rate();
  response_head_octets_ = writer.written().size();
  Task<Result<>> sending = outgoing_.send(writer.written(), body, framing);
  if (sending.ready()) {
    Result<> done = sending.take();
    response_complete_ = done.has_value();
    return done;
  }
  struct Finish {
    static Task<Result<>> run(ServerExchange& self, Task<Result<>> rest) {
      CO_TRY(co_await rest);
      self.response_complete_ = true;
      co_return Result<>{};
    }
  };
  return Finish::run(*this, std::move(sending));
}

Task<Result<>> ServerExchange::inform(int status) {
  if (request_.version == Version::Http10 || response_started_) return Result<>{};
  HeadWriter writer(reactor().output(), 256);
  writer.text("HTTP/1.1 ");
  writer.number(static_cast<std::uint64_t>(status));
  writer.text(" ");
  writer.text(reason_phrase(status));
  writer.text("\r\n\r\n");
  return outgoing_.send(writer.written(), nullptr, {});
}

Task<Result<>> ServerExchange::before_first_wait() {
  if (!std::exchange(expects_continue_, false)) return Result<>{};
  return inform(100);
}

Task<Result<net::Stream*>> ServerExchange::switch_protocols(ResponseHead& head, std::string_view& early) {
  keep_alive_ = false;
  CO_TRY(co_await respond(head, nullptr));
  tunnel_ = true;
  body_.abandon();
  early = arena_.copy(connection_.input_.pending());
  connection_.input_.consume(connection_.input_.pending().size());
  co_return connection_.stream_.get();
}

// --- ServerConnection -------------------------------------------------------------------------------------------

ServerConnection::ServerConnection(std::unique_ptr<net::Stream> stream, const ServerOptions& options, Handler& handler,
                                   ExchangePool& pool, ConnectionInfo info)
    : stream_(std::move(stream)),
      input_(stream_->reactor()),
      options_(options),
      handler_(handler),
      pool_(pool),
      info_(std::move(info)) {}

ServerConnection::~ServerConnection() {
  end_exchange();
}

void ServerConnection::drain(Idle idle) {
  draining_ = true;
  close_idle_ = idle == Idle::Close;
  if (close_idle_ && idle_ && stream_->is_open())
    ::shutdown(stream_->fd(), SHUT_RDWR);  // serve() sees the end and returns
}

ServerExchange& ServerConnection::new_exchange() {
  SLUICE_ASSERT(exchange_ == nullptr);
  exchange_ = ::new (pool_.take()) ServerExchange(*this, head_started_ns_);
  return *exchange_;
}

void ServerConnection::end_exchange() noexcept {
  if (exchange_ == nullptr) return;
  ServerExchange* ended = std::exchange(exchange_, nullptr);
  ended->~ServerExchange();
  pool_.put(ended);
}

/// Parses what has arrived. The head is copied into the exchange's arena first, so that its views outlive the shared
/// input buffer; an unfinished one is only looked at, for the sake of telling bad clients early.
ServerConnection::HeadState ServerConnection::try_head() {
  std::string_view bytes = input_.pending();
  if (bytes.empty()) return HeadState::NeedMore;
  if (head_started_ns_ == 0) head_started_ns_ = reactor().clock().mono_ns();
  const char* end = find_head_end(bytes.data(), bytes.data() + bytes.size());
  std::string_view head = end != nullptr ? bytes.substr(0, static_cast<std::size_t>(end - bytes.data())) : bytes;

  if (head.size() > options_.head.head_octets) head = head.substr(0, options_.head.head_octets);
  ServerExchange& exchange = new_exchange();
  ParseOutcome outcome = parse_request(exchange.arena().copy(head), options_.head, exchange.request_);
  HeadState state = judge(outcome);
  if (state == HeadState::Ready) {
    exchange.head_octets_ = outcome.consumed;
    input_.consume(outcome.consumed);
  } else if (state == HeadState::NeedMore) {
    end_exchange();
  }
  return state;
}

ServerConnection::HeadState ServerConnection::judge(ParseOutcome outcome) {
  switch (outcome.state) {
    case ParseOutcome::State::Complete:
      return HeadState::Ready;
    case ParseOutcome::State::Malformed:
      refusal_ = {outcome.status, outcome.why};
      return HeadState::Malformed;
    case ParseOutcome::State::Incomplete:
      return HeadState::NeedMore;
  }
  return HeadState::Malformed;
}

/// RFC 9112, 9.3: what the request says about the time after it.
bool ServerConnection::decide_persistence() {
  const RequestHead& head = exchange_->request_;
  bool keep = head.version != Version::Http10;
  bool close = false;
  head.headers.each(Known::Connection, [&](std::string_view options) {
    close = close || list_has(options, "close");
    keep = keep || list_has(options, "keep-alive");
  });
  return keep && !close && !draining_ && info_.requests + 1 < options_.max_requests;
}

Task<void> ServerConnection::serve() {
  TurnShare share;
  for (;;) {
    head_started_ns_ = 0;
    HeadState state = try_head();  // pipelined octets may be there already
    idle_ = state == HeadState::NeedMore && input_.empty();
    rt::Deadline deadline =
        reactor().after_ms(info_.requests == 0 ? options_.header_timeout_ms : options_.keepalive_timeout_ms);
    while (state == HeadState::NeedMore) {
      if (!stream_->has_input()) {
        if (close_idle_ && idle_) co_return;
        if (co_await stream_->readable(deadline) == rt::Wake::TimedOut) {
          if (idle_) co_return;  // nothing was begun: no answer is owed
          new_exchange();
          refusal_ = {408, "request head not complete in time"};
          state = HeadState::Malformed;
          break;
        }
      }
      net::Io io = input_.fill(*stream_);
      if (io.blocked()) continue;
      if (!io.moved()) co_return;
      if (idle_) {
        idle_ = false;
        deadline = reactor().after_ms(options_.header_timeout_ms);
      }
      state = try_head();
    }
    idle_ = false;

    ServerExchange& exchange = *exchange_;
    if (state == HeadState::Malformed) {
      exchange.keep_alive_ = false;
      co_await handler_.refuse(exchange, refusal_.status, refusal_.why);
      co_await linger();
      co_return;
    }

    exchange.keep_alive_ = decide_persistence();
    exchange.body_.begin(exchange.request_.framing);
    if (auto expect = exchange.request_.headers.get(Known::Expect); expect && same_name(*expect, "100-continue")) {
      exchange.expects_continue_ = true;
      exchange.body_.on_first_wait(&exchange);
    }
    bool present = true;
    {
      Task<void> handling = handler_.handle(exchange);
      present = co_await UntilHangup(handling, stream_->source());
      if (present) handling.take();
    }
    if (!present) {
      stream_->abort();
      co_return;
    }
    if (!co_await finish_request()) co_return;
    end_exchange();
    ++info_.requests;
    if (share.spend(reactor(), kRequestsPerTurn)) co_await TurnShare::rest(reactor());
  }
}

/// After the handler: decides whether another request may follow. False: the connection is done.
Task<bool> ServerConnection::finish_request() {
  const ServerExchange& exchange = *exchange_;
  const bool whole = exchange.response_complete_ && exchange.body_.complete();
  if (whole && exchange.keep_alive_ && !exchange.tunnel_) return true;
  return settle_request();
}

Task<bool> ServerConnection::settle_request() {
  ServerExchange& exchange = *exchange_;
  if (exchange.tunnel_) co_return false;
  if (!exchange.response_complete_) {
    stream_->abort();  // a broken message must not look like a whole one
    co_return false;
  }
  if (!exchange.keep_alive_) {
    co_await linger();
    co_return false;
  }
  if (!exchange.body_.complete()) {
    if (exchange.expects_continue_) {  // the client waits for leave that it never got: it may or may not send
      co_await linger();
      co_return false;
    }
    exchange.body_.patience().set_pause(kDiscardMs);
    const rt::Deadline deadline = reactor().after_ms(kDiscardMs);
    const std::uint64_t wanted = exchange.body_.octets_read();
    while (!exchange.body_.complete()) {
      Result<Chunk> chunk = co_await exchange.body_.read();
      if (!chunk || exchange.body_.octets_read() - wanted > kDiscardLimit || deadline.passed(reactor().clock())) {
        co_await linger();
        co_return false;
      }
    }
  }
  co_return true;
}

/// Closes so that the client can read the response: half-close, then discard what it still sends, for a short time.
/// Closing with unread octets would make the kernel reset the connection and the response could be lost.
Task<void> ServerConnection::linger() {
  exchange_->body_.abandon();
  stream_->shut_down_write();
  input_.consume(input_.pending().size());
  rt::Deadline deadline = reactor().after_ms(kLingerMs);
  std::uint64_t discarded = 0;
  while (discarded < 16 * kDiscardLimit) {
    if (!stream_->has_input() && co_await stream_->readable(deadline) == rt::Wake::TimedOut) co_return;
    net::Io io = input_.fill(*stream_);
    if (io.blocked()) continue;
    if (!io.moved()) co_return;
    discarded += io.octets;
    input_.consume(input_.pending().size());
  }
}

}  // namespace sluice::http::h1
