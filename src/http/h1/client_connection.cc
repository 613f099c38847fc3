// SPDX-License-Identifier: Apache-2.0
#include "http/h1/client_connection.h"

#include <algorithm>
#include <cerrno>
#include <string>

#include <sys/socket.h>

#include "http/h1/scan.h"
#include "http/h1/serialize.h"
#include "http/turn_share.h"
#include "rt/reactor.h"

namespace sluice::http::h1 {
namespace {

constexpr std::size_t kMostFields = 500;
// Before the answer; an upstream that sends more of them is not about to answer.
constexpr unsigned kMostInterimHeads = 16;

/// Whether a whole head is that of a 1xx response behind which another one comes. 101 ends HTTP: it is final.
bool is_interim(std::string_view head) {
  const std::string_view status = head.substr(0, 12).substr(std::min<std::size_t>(head.size(), 9));
  return status.starts_with('1') && status != "101";
}

std::unexpected<Error> malformed(std::string_view why) {
  return fail(Errc::Invalid, std::string("upstream: ").append(why), Blame::Upstream);
}

}  // namespace

bool ClientConnection::is_quiet() {
  if (stream_.is_open() && stream_.is_plain() && stream_.source().readable() && !stream_.source().peer_closed()) {
    char octet = 0;
    if (::recv(stream_.fd(), &octet, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN)
      stream_.source().clear_readable();
  }
  return !is_stale();
}

ClientExchange::ClientExchange(ClientConnection& connection, Arena& arena, Limits limits)
    : connection_(connection),
      arena_(arena),
      read_timeout_ms_(limits.read_ms),
      limits_{.head_octets = limits.head_octets, .target_octets = 0, .method_octets = 0, .fields = kMostFields},
      body_(connection.stream_, connection.input_, arena, {{limits.read_ms}, Blame::Upstream}),
      outgoing_{connection.stream_, limits.send_ms, Blame::Upstream} {}

Task<Result<>> ClientExchange::send(const RequestHead& head, BodyReader* body) {
  method_ = head.method;
  HeadWriter writer(connection_.stream_.reactor().output(), Outgoing::kHeadRoom);
  write_request_head(writer, head);
  if (writer.overflow()) return Result<>(fail(Errc::TooLarge, "request head does not fit", Blame::Client));
  Task<Result<>> sending = outgoing_.send(writer.written(), body, head.framing);
  if (sending.ready()) {
    Result<> done = sending.take();
    sent_ = done.has_value();
    return done;
  }
  struct Finish {
    static Task<Result<>> run(ClientExchange& self, Task<Result<>> rest) {
      CO_TRY(co_await rest);
      self.sent_ = true;
      co_return Result<>{};
    }
  };
  return Finish::run(*this, std::move(sending));
}

std::unexpected<Error> ClientExchange::closed_early() const {
  return fail(Errc::Closed, "upstream closed the connection before it answered", Blame::Upstream,
              received_anything_ ? Retry::Never : Retry::Safe);
}

Result<ClientExchange::HeadState> ClientExchange::try_head(ResponseHead& head) {
  for (;;) {
    std::string_view bytes = connection_.input_.pending();
    if (bytes.empty()) return HeadState::NeedMore;
    received_anything_ = true;
    const char* end = find_head_end(bytes.data(), bytes.data() + bytes.size());
    if (end == nullptr) {
      Arena scratch;
      ResponseHead probe(scratch);
      ParseOutcome outcome = parse_response(bytes, limits_, method_, probe);
      if (outcome.malformed()) return malformed(outcome.why);
      return HeadState::NeedMore;
    }
    const std::string_view text = bytes.substr(0, static_cast<std::size_t>(end - bytes.data()));
    if (is_interim(text)) {
      TRY(skip_interim(text));
      continue;
    }
    head.headers.clear();
    ParseOutcome outcome = parse_response(arena_.copy(text), limits_, method_, head);
    if (!outcome.complete()) return malformed(outcome.why);
    connection_.input_.consume(outcome.consumed);
    return HeadState::Ready;
  }
}

/// Nothing of it is kept: the request's arena is for the head that ends the wait.
Result<> ClientExchange::skip_interim(std::string_view text) {
  Arena scratch;
  ResponseHead head(scratch);
  ParseOutcome outcome = parse_response(text, limits_, method_, head);
  if (!outcome.complete()) return malformed(outcome.why);
  if (++interim_heads_ > kMostInterimHeads) return malformed("too many interim responses");
  connection_.input_.consume(outcome.consumed);
  return {};
}

Task<Result<>> ClientExchange::receive(ResponseHead& head) {
  return wait_and_receive(head);
}

Task<Result<>> ClientExchange::wait_and_receive(ResponseHead& head) {
  net::Stream& stream = connection_.stream_;
  rt::Reactor& reactor = stream.reactor();
  rt::Deadline deadline = reactor.after_ms(read_timeout_ms_);
  TurnShare share;  // one that sends octet by octet is not to have a whole turn for its head
  for (;;) {
    if (share.spend(reactor)) co_await TurnShare::rest(reactor);
    const bool late = stream.has_input() ? deadline.passed(reactor.clock())
                                         : co_await stream.readable(deadline) == rt::Wake::TimedOut;
    if (late) {
      co_return fail(Errc::Timeout, "upstream did not answer in time", Blame::Upstream);
    }
    net::Io io = connection_.input_.fill(stream, first_read_);
    if (io.blocked()) continue;
    if (!io.moved()) co_return closed_early();
    CO_TRY(HeadState state, try_head(head));
    if (state == HeadState::Ready) break;
  }
  framing_ = method_ == "HEAD" ? Framing{} : head.framing;
  head_complete_ = true;
  keep_alive_ = decide_persistence(head);
  body_.begin(framing_);
  co_return Result<>{};
}

bool ClientExchange::decide_persistence(const ResponseHead& head) const {
  if (head.framing.kind == Framing::Kind::UntilClose || head.status == 101) return false;
  bool keep = head.version != Version::Http10;
  bool close = false;
  head.headers.each(Known::Connection, [&](std::string_view options) {
    close = close || list_has(options, "close");
    keep = keep || list_has(options, "keep-alive");
  });
  return keep && !close;
}

net::Stream* ClientExchange::take_tunnel(std::string_view& early) {
  early = arena_.copy(connection_.input_.pending());
  connection_.input_.consume(connection_.input_.pending().size());
  return &connection_.stream_;
}

}  // namespace sluice::http::h1
