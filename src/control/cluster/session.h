// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "control/cluster/hub.h"
#include "control/cluster/view.h"
#include "http/websocket/connection.h"
#include "rt/waiter.h"
#include "sync/wire/deltas.h"

namespace sluice::control::cluster {

/// Octets of a message of a node's, as it comes and unpacked: the longest say why a configuration was refused.
inline constexpr std::size_t kLongestFromNode = 4 * 1024 * 1024;

/// Who is at the other end, as far as the connection says.
struct Caller {
  sync::wire::Peer peer;  // protocol 1 says it in the URL, protocol 2 in its greeting
  std::string ip;
  std::string certificate_fingerprint;
  std::optional<store::SysTime> certificate_expires;
};

/// A link to one data plane, from the end of the handshake on. Two tasks of it run at the same time: one listens, one
/// sends what the node lacks; the link ends with the first of them.
class Session {
 public:
  Session(std::shared_ptr<Hub> hub, http::websocket::Connection& link, Caller caller);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  virtual ~Session();

  /// The life of the link.
  Task<void> run();
  /// The configuration has changed, or something else is worth a look: in a later turn, since the session may be the
  /// one that asks, and may end when it looks.
  void wake() { news_.wake_soon(); }
  /// The node has come by another link, or is no longer wanted.
  void end();
  /// Its certificate opens this control plane no longer: the link ends at once, and the node is told why.
  void dismiss(std::string why);
  [[nodiscard]] const Uuid& node_id() const { return caller_.peer.node_id; }
  [[nodiscard]] const std::string& certificate() const { return caller_.certificate_fingerprint; }
  [[nodiscard]] bool has_ended() const { return ended_; }
  [[nodiscard]] virtual std::string_view protocol() const = 0;
  /// Whether the configuration goes over this link. A node of Kong may keep a link of protocol 2 besides the one of
  /// protocol 1 that brings it its configuration: such a one has no record and replaces nothing.
  [[nodiscard]] virtual bool carries_configuration() const { return true; }

 protected:
  /// Learns who the node is and what it serves. An error ends the link.
  virtual Task<Result<>> greet() = 0;
  /// A message that is neither ping nor pong.
  virtual Task<Result<>> take(http::websocket::Message message) = 0;
  virtual Task<Result<>> take_ping(std::string payload) = 0;
  /// Whether there is something to send now; if not, in how many milliseconds to look again.
  [[nodiscard]] virtual bool has_work() = 0;
  virtual Task<Result<>> work() = 0;
  [[nodiscard]] virtual Millis dead_after() const { return hub_.terms().kong_dead; }

  /// Whether the node may be served; if not, the record says why.
  [[nodiscard]] bool admit();
  /// To be called when the node is known: from here on it is listed. Forbidden: somebody else has that name here.
  Result<> enter();
  Task<Result<>> send(std::string_view frame);
  Task<Result<>> pong(std::string_view payload);
  /// The next message; Errc::Timeout when the node has been silent for too long.
  Task<Result<http::websocket::Message>> receive();

  /// What the node says that it serves. Versions are ours, or nothing.
  void note_standing(std::optional<store::Version> version, std::string hash);
  void note_refusal(const sync::wire::Refused& refused);
  void note_issues();
  void saw_it();
  /// Whether the node must not be sent what there is now.
  [[nodiscard]] bool withheld() const { return view_->withheld() || plugins_clash_; }

  const std::shared_ptr<Hub> keeps_;
  Hub& hub_;
  http::websocket::Connection& link_;
  Caller caller_;
  const std::shared_ptr<const sync::Signer> signer_;
  std::shared_ptr<View> view_;  // once it is known
  NodeRecord* node_ = nullptr;  // from enter() to end()
  rt::Waiter news_;

 private:
  Task<Result<>> converse();
  Task<Result<>> listen();
  Task<Result<>> speak();
  void say_goodbye(const Result<>& outcome);

  std::uint64_t number_ = 0;
  std::optional<store::Version> noted_;  // whose issues the record has
  std::vector<OtherPluginVersion> other_plugins_;
  bool plugins_clash_ = false;  // one of those is in use that cannot take what is meant for ours
  bool ended_ = false;
  Error why_ended_{.code = Errc::Closed, .blame = Blame::Client, .what = "the node came by another link"};
};

/// The right kind for a connection that has just been accepted.
std::unique_ptr<Session> make_session_v1(std::shared_ptr<Hub> hub, http::websocket::Connection& link, Caller caller);
std::unique_ptr<Session> make_session_v2(std::shared_ptr<Hub> hub, http::websocket::Connection& link, Caller caller);

}  // namespace sluice::control::cluster
