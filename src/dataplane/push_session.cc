// SPDX-License-Identifier: Apache-2.0
#include "dataplane/push_session.h"

#include <utility>

#include "base/log.h"
#include "sync/wire/hello.h"
#include "sync/wire/reconfigure.h"

namespace sluice::dataplane {
namespace {

constexpr std::int64_t kPingMs = 30'000;
constexpr std::int64_t kDeadMs = 45'000;

}  // namespace

std::string PushSession::ping_payload() const {
  const std::string& hash = parts_.applier.standing().hash;
  return hash.size() == 32 ? hash : std::string(32, '0');
}

Task<Error> PushSession::run() {
  auto ended = co_await converse();
  co_return ended ? Error{.code = Errc::Closed, .what = "ended"} : std::move(ended).error();
}

Task<Result<>> PushSession::converse() {
  sync::wire::BasicInfo info;
  if (parts_.settings.self.plugins) info.plugins = *parts_.settings.self.plugins;
  info.labels = parts_.settings.self.labels;
  info.process_conf = parts_.settings.process_conf;
  CO_TRY(co_await send(to_text(info)));
  CO_TRY(co_await ping());
  keep_alive(kPingMs, kDeadMs);
  parts_.on_agreement();
  for (;;) {
    CO_TRY(std::string frame, co_await receive());
    CO_TRY(co_await take(std::move(frame)));
  }
}

/// What cannot be taken is logged: this protocol has no way to say so.
Task<Result<>> PushSession::take(std::string frame) {
  const std::size_t size = frame.size();
  auto read = [&catalog = catalog_, frame = std::move(frame), most = parts_.settings.max_payload] {
    return sync::wire::read_reconfigure(catalog, frame, most);
  };
  auto reconfigure = co_await work(size, std::move(read));
  if (!reconfigure) {
    log::error("cluster.configuration_refused", {{"error", reconfigure.error()}});
    co_return Result<>{};
  }
  Incoming incoming;
  incoming.to.hash = reconfigure->delta.hash;
  incoming.delta = std::move(reconfigure->delta);
  const std::string hash = incoming.to.hash;
  const auto refusal = co_await apply(std::move(incoming));
  if (refusal) {
    log::error("cluster.configuration_refused",
               {{"hash", hash}, {"error", refusal->message}, {"serving", parts_.applier.standing().hash}});
    co_return Result<>{};
  }
  co_return co_await ping();
}

}  // namespace sluice::dataplane
