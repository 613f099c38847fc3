// SPDX-License-Identifier: Apache-2.0
#include "http/websocket/connection.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/assert.h"
#include "base/utf8.h"
#include "http/websocket/text.h"
#include "rt/reactor.h"

namespace sluice::http::websocket {
namespace {

constexpr std::uint16_t kProtocolError = 1002, kNotText = 1007, kTooBig = 1009;
constexpr std::int64_t kRefusalMs = 1'000;  // to tell a peer what it did wrong
constexpr std::size_t kCodeOctets = 2;

Message::Kind kind_of(Opcode opcode) {
  switch (opcode) {
    case Opcode::Text:
      return Message::Kind::Text;
    case Opcode::Ping:
      return Message::Kind::Ping;
    case Opcode::Pong:
      return Message::Kind::Pong;
    case Opcode::Close:
      return Message::Kind::Close;
    case Opcode::Binary:
    case Opcode::Continuation:
      break;
  }
  return Message::Kind::Binary;
}

}  // namespace

Connection::Connection(net::Stream& stream, Role role, Limits limits, std::string early)
    : stream_(stream),
      limits_(limits),
      input_(stream.reactor()),
      reading_(stream.reactor()),
      sending_(stream.reactor()),
      last_received_ms_(stream.reactor().clock().mono_ms()),
      role_(role) {
  if (!early.empty()) input_.seed(early);
}

// --- What is received -------------------------------------------------------------------------------------------

Connection::Step Connection::fail_with(std::uint16_t code, const char* why) {
  fault_ = {code, why};
  ended_ = true;
  partial_ = {};
  return Step::Failed;
}

/// Takes what has arrived up to the end of a message or control frame.
Connection::Step Connection::step(Message& out) {
  for (;;) {
    if (!in_frame_) {
      if (const Step begun = begin_frame(); begun != Step::Ready) return begun;
    }
    if (is_control(frame_.opcode)) return take_control(out);
    if (const Step taken = take_data(out); taken != Step::NeedMore || in_frame_) return taken;
  }
}

/// Takes a header and judges it in the light of what came before. RFC 6455, 5.4.
Connection::Step Connection::begin_frame() {
  const HeaderOutcome outcome = parse_header(input_.pending(), role_, frame_);
  if (outcome.malformed()) return fail_with(kProtocolError, outcome.why);
  if (!outcome.complete()) return Step::NeedMore;
  if (!is_control(frame_.opcode)) {
    const bool continues = frame_.opcode == Opcode::Continuation;
    if (continues && !in_message_) return fail_with(kProtocolError, "continuation of no message");
    if (!continues && in_message_) return fail_with(kProtocolError, "new message within a message");
    if (frame_.length > limits_.max_message - partial_.size()) return fail_with(kTooBig, "Payload Too Large");
    if (!continues) {
      in_message_ = true;
      is_text_ = frame_.opcode == Opcode::Text;
      checked_ = 0;
    }
  }
  input_.consume(outcome.consumed);
  left_ = frame_.length;
  in_frame_ = true;
  return Step::Ready;
}

/// Control frames are short: they are taken whole.
Connection::Step Connection::take_control(Message& out) {
  const std::size_t size = static_cast<std::size_t>(left_);
  if (input_.pending().size() < size) return Step::NeedMore;
  out.kind = kind_of(frame_.opcode);
  out.code = kNoCode;
  out.payload.assign(input_.pending().substr(0, size));
  if (frame_.masked) mask(out.payload, frame_.key, 0);
  input_.consume(size);
  in_frame_ = false;
  if (out.kind != Message::Kind::Close) return Step::Ready;
  const std::string payload = std::move(out.payload);
  return take_close(payload, out);
}

/// RFC 6455, 5.5.1 and 7.4.
Connection::Step Connection::take_close(std::string_view payload, Message& out) {
  if (payload.size() == 1) return fail_with(kProtocolError, "close frame with half a code");
  if (payload.size() >= kCodeOctets) {
    out.code =
        static_cast<std::uint16_t>(static_cast<std::uint8_t>(payload[0]) << 8U | static_cast<std::uint8_t>(payload[1]));
    if (!is_close_code(out.code)) return fail_with(kProtocolError, "close code that may not be sent");
    payload.remove_prefix(kCodeOctets);
    if (!is_utf8(payload)) return fail_with(kNotText, "close reason is not UTF-8");
  }
  out.payload = payload;
  received_close_ = ended_ = true;
  partial_ = {};
  return Step::Ready;
}

Connection::Step Connection::take_data(Message& out) {
  const std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input_.pending().size()));
  const std::size_t before = partial_.size();
  partial_.append(input_.pending().substr(0, size));
  if (frame_.masked) mask({partial_.data() + before, size}, frame_.key, frame_.length - left_);
  input_.consume(size);
  left_ -= size;
  if (is_text_) {
    const std::optional<std::size_t> checked = check_text(partial_, checked_);
    if (!checked) return fail_with(kNotText, "text is not UTF-8");
    checked_ = *checked;
  }
  if (left_ != 0) return Step::NeedMore;
  in_frame_ = false;
  if (!frame_.final) return Step::NeedMore;
  if (is_text_ && checked_ != partial_.size()) return fail_with(kNotText, "text ends within a character");
  in_message_ = false;
  out = {is_text_ ? Message::Kind::Text : Message::Kind::Binary, std::exchange(partial_, {}), kNoCode};
  return Step::Ready;
}

Task<Result<Message>> Connection::receive(rt::Deadline deadline) {
  if (ended_ && fault_.code == 0) return Result<Message>(failure(Errc::Closed, "connection has ended"));
  if (!ended_ && !input_.empty() && !reading_.is_taken()) {
    Message message;
    if (step(message) == Step::Ready && !answers(message)) return Result<Message>(std::move(message));
  }
  return wait_and_receive(deadline);
}

Task<Result<Message>> Connection::wait_and_receive(rt::Deadline deadline) {
  const std::optional<TurnLine::Turn> turn = co_await reading_.enter(deadline);
  if (!turn) co_return failure(Errc::Timeout, "nothing received in time");
  co_return co_await next(deadline);
}

Task<Result<Message>> Connection::next(rt::Deadline deadline) {
  for (;;) {
    if (fault_.code != 0 && sent_code_ == 0) co_return co_await refuse_peer(deadline);
    if (ended_) co_return failure(Errc::Closed, "connection has ended");
    Message message;
    const Step taken = step(message);
    if (taken == Step::Ready && !answers(message)) co_return message;
    if (taken != Step::NeedMore) continue;

    if (share_.spend(reactor())) co_await TurnShare::rest(reactor());
    const bool late = stream_.has_input() ? deadline.passed(reactor().clock())
                                          : co_await stream_.readable(deadline) == rt::Wake::TimedOut;
    if (late) co_return failure(Errc::Timeout, "nothing received in time");
    const net::Io io = input_.fill(stream_);
    if (io.blocked()) continue;
    if (!io.moved()) {
      ended_ = true;
      partial_ = {};
      co_return failure(Errc::Closed, "connection ended without a close frame");
    }
    last_received_ms_ = reactor().clock().mono_ms();
  }
}

/// RFC 6455, 7.1.7: says what was wrong, if that is possible soon.
Task<Result<Message>> Connection::refuse_peer(rt::Deadline deadline) {
  const Fault fault = fault_;
  (void)co_await send_close(fault.code, fault.why, std::min(deadline, reactor().after_ms(kRefusalMs)));
  co_return failure(fault.code == kTooBig ? Errc::TooLarge : Errc::Invalid,
                    std::string(fault.why).append(" (").append(std::to_string(fault.code)).append(")"));
}

/// Answers a ping in the background, the latest only if they come faster than answers leave (RFC 6455, 5.5.3), so that
/// receiving never waits for sending. False: it is for the caller.
bool Connection::answers(const Message& message) {
  if (message.kind != Message::Kind::Ping || !limits_.answer_pings) return false;
  if (sent_code_ != 0) return true;  // nothing follows a close frame
  ping_ = message.payload;
  ping_due_ = true;
  if (answering_.ready()) {
    answering_ = answer_pings();
    answering_.start();
  }
  return true;
}

Task<void> Connection::answer_pings() {
  while (std::exchange(ping_due_, false) && sent_code_ == 0) {
    const std::string payload = std::exchange(ping_, {});
    if (!co_await send_frame(Opcode::Pong, payload, rt::Deadline::never())) co_return;
  }
}

// --- What is sent -----------------------------------------------------------------------------------------------

/// A frame on its way: where it has got to. One that goes away in the middle leaves the connection unfit for others.
class Connection::Outgoing {
 public:
  Outgoing(Connection& connection, Opcode opcode, std::string_view payload)
      : connection_(&connection), payload_(payload) {
    FrameHeader header{.final = true,
                       .opcode = opcode,
                       .masked = connection.role_ == Role::Client,
                       .key = {},
                       .length = payload.size()};
    if (header.masked) header.key = key_ = new_mask_key();
    masked_ = header.masked;
    head_size_ = write_header(header, head_);
    connection.queued_ += size();
  }
  Outgoing(Outgoing&& other) noexcept
      : connection_(std::exchange(other.connection_, nullptr)),
        payload_(other.payload_),
        sent_(other.sent_),
        head_size_(other.head_size_),
        head_(other.head_),
        key_(other.key_),
        masked_(other.masked_) {}
  Outgoing& operator=(Outgoing&&) = delete;
  Outgoing(const Outgoing&) = delete;
  Outgoing& operator=(const Outgoing&) = delete;
  ~Outgoing() {
    if (connection_ == nullptr) return;
    connection_->queued_ -= size() - sent_;
    if (sent_ != 0 && !whole()) connection_->send_broken_ = true;
  }

  [[nodiscard]] bool whole() const { return sent_ == size(); }
  /// One write of as much as there is.
  net::Io write(net::Stream& stream) {
    const net::Io io = masked_ || payload_.size() <= kCopied ? write_copy(stream) : write_in_place(stream);
    if (io.moved()) {
      sent_ += io.octets;
      connection_->queued_ -= io.octets;
    }
    return io;
  }

 private:
  // Small payloads are put behind their header: one plain send is cheaper than a gathering one.
  static constexpr std::size_t kCopied = 4 * 1024;
  static constexpr std::size_t kPiece = 32 * 1024;

  [[nodiscard]] std::size_t size() const { return head_size_ + payload_.size(); }
  [[nodiscard]] std::string_view head_left() const {
    return std::string_view(head_.data(), head_size_).substr(std::min(sent_, head_size_));
  }
  [[nodiscard]] std::size_t payload_sent() const { return sent_ - std::min(sent_, head_size_); }

  /// Masks into the shard's output buffer. What the socket does not take is masked again: cheaper than keeping it.
  net::Io write_copy(net::Stream& stream) {
    char* const buffer = stream.reactor().output();
    const std::string_view head = head_left();
    std::memcpy(buffer, head.data(), head.size());
    const std::string_view piece = payload_.substr(payload_sent(), kPiece);
    if (masked_) {
      copy_masked(piece, buffer + head.size(), key_, payload_sent());
    } else if (!piece.empty()) {
      std::memcpy(buffer + head.size(), piece.data(), piece.size());
    }
    return stream.write(std::string_view(buffer, head.size() + piece.size()));
  }
  net::Io write_in_place(net::Stream& stream) const {
    const auto part = [](std::string_view bytes) { return iovec{const_cast<char*>(bytes.data()), bytes.size()}; };
    const std::array<iovec, 2> parts = {part(head_left()), part(payload_.substr(payload_sent()))};
    return stream.write(std::span(parts).subspan(head_left().empty() ? 1 : 0));
  }

  Connection* connection_;
  std::string_view payload_;
  std::size_t sent_ = 0;
  std::size_t head_size_ = 0;
  std::array<char, FrameHeader::kMaxSize> head_{};
  MaskKey key_{};
  bool masked_ = false;
};

/// Sends what the socket takes. Moved: the kernel has the whole frame.
net::Io Connection::attempt(Outgoing& frame) {
  while (!frame.whole()) {
    const net::Io io = frame.write(stream_);
    if (!io.moved()) return io;
    if (!frame.whole() && !stream_.source().writable()) return {};
  }
  if (net::StreamLayer* layer = stream_.layer()) return layer->flush(stream_);  // it takes more than the socket does
  return {net::Io::State::Moved, 0};
}

Task<Result<>> Connection::send(Message::Kind kind, std::string_view payload, rt::Deadline deadline) {
  static constexpr std::array kOpcodes = {Opcode::Text, Opcode::Binary, Opcode::Ping, Opcode::Pong};
  SLUICE_ASSERT(kind != Message::Kind::Close);
  const Opcode opcode = kOpcodes[static_cast<std::size_t>(kind)];
  if (is_control(opcode) && payload.size() > kMaxControlPayload)
    return Result<>(fail(Errc::TooLarge, "websocket: control frame over 125 octets", Blame::Us));
  if (sent_code_ != 0) return Result<>(failure(Errc::Closed, "a close frame was sent"));
  return send_frame(opcode, payload, deadline);
}

Task<Result<>> Connection::send_frame(Opcode opcode, std::string_view payload, rt::Deadline deadline) {
  if (send_broken_) return Result<>(failure(Errc::Closed, "an earlier frame could not be finished"));
  std::optional<TurnLine::Turn> turn = sending_.try_enter();
  if (!turn) return wait_and_send(opcode, payload, deadline);
  Outgoing frame(*this, opcode, payload);
  if (attempt(frame).moved()) return Result<>{};
  return finish(*std::move(turn), std::move(frame), deadline);
}

Task<Result<>> Connection::wait_and_send(Opcode opcode, std::string_view payload, rt::Deadline deadline) {
  Outgoing frame(*this, opcode, payload);
  const std::optional<TurnLine::Turn> turn = co_await sending_.enter(deadline);
  if (!turn) co_return failure(Errc::Timeout, "timed out while others were sending");
  if (send_broken_) co_return failure(Errc::Closed, "an earlier frame could not be finished");
  co_return co_await transmit(frame, deadline);
}

Task<Result<>> Connection::finish(TurnLine::Turn turn, Outgoing frame, rt::Deadline deadline) {
  // Parameters live as long as the task, which its owner may keep: what has to end with the sending is in here.
  const TurnLine::Turn held = std::move(turn);
  Outgoing sending = std::move(frame);
  co_return co_await transmit(sending, deadline);
}

Task<Result<>> Connection::transmit(Outgoing& frame, rt::Deadline deadline) {
  for (;;) {
    const net::Io io = attempt(frame);
    switch (io.state) {
      case net::Io::State::Moved:
        co_return Result<>{};
      case net::Io::State::Blocked:
        break;
      case net::Io::State::Closed:
        co_return failure(Errc::Closed, "connection closed by the peer while sending");
      case net::Io::State::Failed:
        co_return failure(Errc::Io, "sending failed");
    }
    if (co_await stream_.writable(deadline) == rt::Wake::TimedOut) {
      co_return failure(Errc::Timeout, "timed out while sending");
    }
  }
}

// --- The end ----------------------------------------------------------------------------------------------------

Task<Result<>> Connection::send_close(std::uint16_t code, std::string_view reason, rt::Deadline deadline) {
  if (sent_code_ != 0) co_return Result<>{};
  const bool bare = code == kNoCode;
  if ((!bare && !is_close_code(code)) || (bare && !reason.empty()) ||
      reason.size() > kMaxControlPayload - kCodeOctets || !is_utf8(reason)) {
    co_return fail(Errc::Invalid, "websocket: close code or reason that may not be sent", Blame::Us);
  }
  sent_code_ = code;
  std::string payload;
  if (!bare) payload.append({static_cast<char>(code >> 8U), static_cast<char>(code & 0xffU)}).append(reason);
  co_return co_await send_frame(Opcode::Close, payload, deadline);
}

Task<Result<>> Connection::close(std::uint16_t code, std::string_view reason, rt::Deadline deadline) {
  Result<> outcome = co_await send_close(code, reason, deadline);
  if (!outcome && outcome.error().code == Errc::Invalid) co_return outcome;
  const std::optional<TurnLine::Turn> turn = co_await reading_.enter(deadline);  // after another task's receive()
  if (!turn && outcome) outcome = failure(Errc::Timeout, "close not answered in time");
  while (turn && outcome && !received_close_) {
    Result<Message> message = co_await next(deadline);
    if (!message) outcome = std::unexpected(std::move(message).error());
  }
  // The server ends the connection, RFC 6455, 7.1.1. What a peer in error still sends is read for a while: closing with
  // unread octets would reset the connection, and our close frame could be lost.
  if (role_ == Role::Server || fault_.code != 0) stream_.shut_down_write();
  const bool lingers = role_ == Role::Client ? outcome.has_value() : fault_.code != 0;
  if (turn && lingers) co_await discard_until_end(deadline);
  stream_.shut_down_write();
  answering_ = Task<void>::done();  // nobody waits for it any more, and the stream may be closed now
  co_return outcome;
}

Task<void> Connection::discard_until_end(rt::Deadline deadline) {
  for (;;) {
    input_.consume(input_.pending().size());
    if (share_.spend(reactor())) co_await TurnShare::rest(reactor());
    if (deadline.passed(reactor().clock())) co_return;
    if (!stream_.has_input() && co_await stream_.readable(deadline) == rt::Wake::TimedOut) co_return;
    const net::Io io = input_.fill(stream_);
    if (!io.moved() && !io.blocked()) co_return;
  }
}

}  // namespace sluice::http::websocket
