// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "gateway/certificates/stapling_terms.h"
#include "gateway/config/snapshot.h"
#include "http/client.h"
#include "net/tls/identity.h"
#include "net/tls/ocsp.h"
#include "net/tls/trust_store.h"
#include "rt/offload.h"
#include "rt/reactor.h"
#include "rt/scope.h"

namespace sluice::gateway {

/// Keeps an eye on the certificates that clients see: says in the log when one will end, and staples to it what its
/// authority says. Authorities are asked in the background, half way to the end of what they said last; a handshake
/// never waits for them. One per node, on its first shard.
class CertificateKeeper final : private rt::Timer {
 public:
  using Identities = std::shared_ptr<const net::tls::IdentitySet>;

  /// Everything given outlives the keeper.
  CertificateKeeper(rt::Reactor& reactor, http::Client& client, rt::BlockingPool& blocking);
  CertificateKeeper(const CertificateKeeper&) = delete;
  CertificateKeeper& operator=(const CertificateKeeper&) = delete;
  ~CertificateKeeper() override;

  /// What the listeners themselves show, and where issuers are looked for that a chain leaves out; may be null.
  void reconfigure(StaplingTerms terms, std::vector<Identities> listeners,
                   std::shared_ptr<const net::tls::TrustStore> trust);
  /// The certificates of this generation's server names.
  void publish(const Snapshot& snapshot);

  /// For tests: certificates watched, and those of them whose authority is asked.
  [[nodiscard]] std::size_t watched() const { return watched_.size(); }
  [[nodiscard]] std::size_t asked() const;

 private:
  using Key = const net::tls::Identity*;  // of an identity that its entry keeps alive
  struct Watched {
    Identities owner;
    std::string name;                                        // for the log
    std::int64_t ends_s = 0;                                 // wall clock
    std::int64_t days_told = INT64_MAX;                      // the last warning said so many
    std::shared_ptr<const net::tls::OcspQuestion> question;  // null: not yet, or nobody is asked
    std::uint64_t round = 0;                                 // of all entries; new when the question has to be another
    std::int64_t due_ms = 0;
    int failures = 0;
    bool must_staple = false;
    bool current = true;  // still shown
  };

  void watch_all();
  void watch(const Identities& identities, const std::string& name);
  void begin_to_ask(Key key, Watched& entry);
  void warn_of_end(Key key, Watched& entry) const;
  void schedule(Key key, Watched& entry, std::int64_t at_ms);
  void expire() override;
  void ask_those_due();
  void arm();
  [[nodiscard]] Watched* find(Key key, std::uint64_t round);
  Task<void> ask(Identities owner, Key key, std::uint64_t round);
  Task<void> ask_and_note(Key key, std::uint64_t round);
  Task<Result<>> make_question(Key key, std::uint64_t round);
  Task<Result<net::tls::StapledResponse>> fetch(std::shared_ptr<const net::tls::OcspQuestion> question);
  void note_failure(Key key, Watched& entry, const Error& error);

  rt::Reactor& reactor_;
  http::Client& client_;
  rt::BlockingPool& blocking_;
  StaplingTerms terms_;
  std::vector<Identities> listeners_;
  std::shared_ptr<const net::tls::TrustStore> trust_;
  std::map<Key, Watched> watched_;
  std::vector<std::pair<std::string, Identities>> shown_;  // by the last generation, with a server name each
  std::set<std::pair<std::int64_t, Key>> due_;
  std::map<std::string, std::shared_ptr<const net::tls::StapledResponse>> known_;  // by print, for reloads
  std::uint64_t epoch_ = UINT64_MAX;
  std::uint64_t last_round_ = 0;
  std::size_t asking_ = 0;
  std::int64_t look_at_ms_ = 0;  // for certificates that come to their end
  rt::TaskScope tasks_;
};

}  // namespace sluice::gateway
