// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/conversation.h"
#include "sync/wire/deltas.h"
#include "sync/wire/hello.h"
#include "sync/wire/rpc.h"

namespace sluice::dataplane {

/// Protocol 2. With a control plane of ours, changes are pushed, and order and digest are checked; with Kong's we are
/// told that there is news, and ask. reference: gateway facts, 8.3.
class RpcSession final : public Conversation {
 public:
  explicit RpcSession(const Parts& parts) : Conversation(parts) {}

  enum class End : std::uint8_t { UseProtocol1 };
  /// The life of the link: ends with an error, or because the configuration does not come over this protocol.
  Task<Result<End>> run();
  [[nodiscard]] bool is_strict() const { return strict_; }
  /// The greeting was answered.
  [[nodiscard]] bool was_heard() const { return heard_; }

 private:
  using Messages = std::vector<sync::wire::RpcMessage>;

  Task<Result<>> greet();
  void agree(const sync::wire::HelloReply& reply);
  Task<Result<>> converse();
  Task<Result<>> take(sync::wire::RpcMessage message);
  Task<Result<>> take_call(sync::wire::RpcCall call);
  Task<Result<>> send_text(std::string text);

  // session with ours
  Task<Result<>> take_push(const Json& params);
  Task<Result<>> apply_push(sync::wire::Push push, sync::wire::ReadDeltas deltas);
  Task<Result<>> apply_strict(Incoming incoming);
  Task<Result<>> ask_for_everything(std::string reason);
  Task<Result<>> say_standing(std::string_view method, std::string reason);
  Task<Result<>> say_refused(std::string_view method, const Standing& what, const Refusal& refusal);
  Task<void> report_for_ever(std::int64_t every_ms);
  Task<void> ask_for_signatures();
  void take_signature(const sync::wire::RpcReply& reply);

  // session with Kong's
  Task<Result<>> ask_for_changes();
  Task<void> ask_for_ever();
  Task<Result<>> take_changes(const Json& result);
  [[nodiscard]] std::string version_or_zeros() const;

  bool heard_ = false;
  bool strict_ = false;
  bool syncs_ = false;
  std::string control_plane_;  // ours: its UUID
  std::uint64_t next_id_ = 0;  // of our calls behind the greeting

  // The parts of a whole configuration, until the last one is here.
  std::vector<sync::EntityRow> parts_so_far_;
  std::size_t next_part_ = 0;
  std::string parts_of_;  // the version that they make

  std::optional<std::uint64_t> asked_;  // id of the question that is under way
  std::int64_t asked_ms_ = 0;
  bool ask_again_ = false;
  std::string refused_;                      // the version that was last refused, and reported
  std::optional<std::uint64_t> certify_id_;  // likewise, of a signature
  State to_certify_;                         // what that is about
  rt::TaskScope chores_;                     // last: its tasks use everything above
};

}  // namespace sluice::dataplane
