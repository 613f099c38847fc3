// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"
#include "control/cluster/session.h"
#include "sync/wire/deltas.h"
#include "sync/wire/hello.h"

namespace sluice::control::cluster {
namespace {

constexpr std::int64_t kGreetingMs = 5'000;

/// Protocol 1: the whole configuration after each change, pings with the hash of what the node serves.
class SessionV1 final : public Session {
 public:
  using Session::Session;

 private:
  Task<Result<>> greet() override;
  Task<Result<>> take(http::websocket::Message message) override;
  Task<Result<>> take_ping(std::string payload) override;
  [[nodiscard]] bool has_work() override;
  Task<Result<>> work() override;
  [[nodiscard]] std::string_view protocol() const override { return "v1"; }

  std::optional<store::Version> sent_;
  std::int64_t sent_ms_ = 0;  // monotonic
};

Task<Result<>> SessionV1::greet() {
  const rt::Deadline deadline = hub_.reactor().after_ms(kGreetingMs);
  CO_TRY(http::websocket::Message message, co_await link_.receive(deadline));
  // A node pings at once, and may do so before it has said who it is.
  while (message.kind == http::websocket::Message::Kind::Ping) {
    CO_TRY(co_await pong({}));
    CO_TRY(message, co_await link_.receive(deadline));
  }
  CO_TRY(sync::wire::BasicInfo info, sync::wire::parse_basic_info(message.payload));
  caller_.peer.plugins = std::move(info.plugins);
  caller_.peer.labels = std::move(info.labels);
  CO_TRY(enter());
  const bool admitted = admit();
  if (!admitted) co_return fail(Errc::Forbidden, node_->issues.front().description, Blame::Client);
  co_return Result<>{};
}

/// With Konnect's nodes: what they could not take. All else is none of their business.
Task<Result<>> SessionV1::take(http::websocket::Message message) {
  CO_TRY(const auto refused, sync::wire::read_refused_v1(message.payload));
  note_refusal(refused);
  co_return Result<>{};
}

Task<Result<>> SessionV1::take_ping(std::string payload) {
  note_standing(std::nullopt, std::move(payload));
  co_return co_await pong({});
}

bool SessionV1::has_work() {
  if (withheld() || sent_ == view_->reconfigures_to(hub_.terms().kong_push_interval)) return false;
  const std::int64_t since = hub_.reactor().clock().mono_ms() - sent_ms_;
  return !sent_ || since >= hub_.terms().kong_push_interval.count();
}

Task<Result<>> SessionV1::work() {
  const Parcel parcel = co_await view_->reconfigure(hub_.terms().kong_push_interval);
  if (has_ended() || withheld()) co_return Result<>{};
  sent_ = parcel.to;
  sent_ms_ = hub_.reactor().clock().mono_ms();
  co_return co_await send(parcel.frames->front());
}

}  // namespace

std::unique_ptr<Session> make_session_v1(std::shared_ptr<Hub> hub, http::websocket::Connection& link, Caller caller) {
  return std::make_unique<SessionV1>(std::move(hub), link, std::move(caller));
}

}  // namespace sluice::control::cluster
