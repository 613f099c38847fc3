// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/cluster/hub.h"
#include "crypto/pem.h"
#include "net/stream.h"
#include "net/tls/peer.h"
#include "net/tls/trust_store.h"
#include "rt/scope.h"

namespace sluice::control::cluster {

/// The control planes that nodes may join. Belongs to the control shard.
class Directory {
 public:
  virtual ~Directory() = default;
  /// The one that a server name asks for ("0123456789.cp.example.com"); null: the name asks for none. An error: it asks
  /// for one that is not, or not yet, open here.
  [[nodiscard]] virtual Result<std::shared_ptr<Hub>> by_server_name(std::string_view name) const = 0;
  /// The one that 8001 serves.
  [[nodiscard]] virtual std::shared_ptr<Hub> standard() const = 0;
  /// Null: it is not open here.
  [[nodiscard]] virtual std::shared_ptr<Hub> find(const Uuid& control_plane) const = 0;
  /// Those whose nodes are known by pinned certificates, and that have pinned the one with that SHA-256 (of the DER
  /// form, lower-case hexadecimal); whether open here or not.
  [[nodiscard]] virtual std::vector<Uuid> pinned_at(std::string_view sha256) const = 0;
  /// Certificates (PEM) whose holders issue those of a control plane's nodes; nothing: its nodes are pinned.
  [[nodiscard]] virtual std::optional<std::vector<std::string>> issuers(const Uuid& control_plane) const = 0;
};

/// Decides by a node's certificate whether it may come in, and where; and whether it may stay. Belongs to the control
/// shard.
class Door {
 public:
  /// What opens the standard control plane besides its own certificates; no other one.
  struct Terms {
    bool shared = true;                                 // the cluster's own certificate opens
    std::vector<std::string> own_fingerprints;          // of that, and of others that count while it is being replaced
    std::shared_ptr<const net::tls::TrustStore> trust;  // whose certificates open; null: nobody's
    std::vector<std::string> common_names;              // of those; empty: any
  };
  Door(const Directory& directory, Terms terms, rt::Reactor& reactor)
      : directory_(directory), terms_(std::move(terms)), reactor_(reactor) {}
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;
  ~Door() = default;

  /// For those who come later, and for those who are in.
  void change(Terms terms);
  /// What the directory says has changed: all who are in are judged again, from the next turn on.
  void judge_again();
  /// The control plane of whoever is at the other end of `stream`, who asked for `server_name`. Errc::Forbidden or
  /// Unavailable with the reason, for our log; Conflict: several, so that he must ask for one.
  [[nodiscard]] Result<std::shared_ptr<Hub>> judge(const net::Stream& stream, std::string_view server_name) const;

  /// Logs it, however many come.
  static void note_refused(const net::Address& peer, const Error& error);

  /// One who has come in, for as long as he stays.
  class Guest {
   public:
    /// Called at most once, when he may stay no longer, with the reason; he is cut off if he has not gone soon after.
    using Dismiss = std::function<void(const std::string& why)>;
    /// `hub` is what the door has answered for `stream` and `server_name`. Door and stream outlive the guest.
    Guest(Door& door, const net::Stream& stream, std::string server_name, std::shared_ptr<Hub> hub, Dismiss dismiss);
    Guest(const Guest&) = delete;
    Guest& operator=(const Guest&) = delete;
    ~Guest();

   private:
    friend class Door;
    Door& door_;
    const net::Stream& stream_;
    const std::string server_name_;
    const std::shared_ptr<Hub> hub_;
    const std::optional<crypto::Certificate> certificate_;
    const std::string fingerprint_;
    const Dismiss dismiss_;
    std::uint64_t number_ = 0;
    bool dismissed_ = false;
  };
  [[nodiscard]] std::size_t guests() const { return guests_.size(); }

 private:
  struct Visitor;
  [[nodiscard]] Result<std::shared_ptr<Hub>> judge(const Visitor& visitor) const;
  [[nodiscard]] Result<std::shared_ptr<Hub>> judge_nameless(const Visitor& visitor) const;
  [[nodiscard]] Result<> judge_issued(const Visitor& visitor, const std::vector<std::string>& issuers) const;
  [[nodiscard]] Result<> judge_standard(const Visitor& visitor) const;
  [[nodiscard]] bool is_own(const Visitor& visitor) const;
  [[nodiscard]] Result<> judge(const Guest& guest) const;
  Task<void> judge_guests();
  void dismiss(Guest& guest, const std::string& why);
  Task<void> see_off(std::uint64_t number);

  const Directory& directory_;
  Terms terms_;
  rt::Reactor& reactor_;
  std::map<std::uint64_t, Guest*> guests_;  // by when they came
  std::uint64_t next_ = 1;
  bool judging_ = false;
  bool judge_again_ = false;
  rt::TaskScope chores_;  // last: its tasks use everything above
};

}  // namespace sluice::control::cluster
