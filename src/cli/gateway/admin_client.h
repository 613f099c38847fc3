// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "cli/progress.h"
#include "http/client.h"
#include "http/plain_client.h"
#include "net/stream.h"
#include "net/tls/client_context.h"
#include "rt/reactor.h"

namespace sluice::cli {

struct AdminTarget {
  std::string what = "Admin API";  // for messages
  std::string url = "http://localhost:8001";
  std::string workspace;  // empty: the default one
  std::vector<std::pair<std::string, std::string>> headers;
  bool verify_tls = true;
  std::string ca_file;  // PEM; empty: what the system trusts
  std::int64_t timeout_ms = 10'000;
};

struct AdminReply {
  int status = 0;
  Json body;         // null when there is none
  std::string etag;  // a strong one; empty: none
  /// What an error's body says.
  [[nodiscard]] std::string message() const;
};

/// What to say of a reply with status 401 or 403: what is wrong with the token, and how to come by one.
std::unexpected<Error> refused_by(const AdminTarget& target, const AdminReply& reply);

/// Speaks to an Admin API from a program that does nothing else meanwhile: calls block. Requests of one call go out
/// at once, a bounded number at a time.
class AdminClient {
 public:
  explicit AdminClient(AdminTarget target);
  AdminClient(const AdminClient&) = delete;
  AdminClient& operator=(const AdminClient&) = delete;

  /// `path` starts with a slash and is below the workspace. Tried again on 429 and while the server is unavailable.
  /// `if_match` goes out as the header of that name, unless it is empty.
  Result<AdminReply> send(std::string method, std::string path, std::string body = {}, std::string if_match = {});
  /// The same outside the workspace.
  Result<AdminReply> send_above(std::string method, std::string path, std::string body = {}, std::string if_match = {});

  /// One list with all its pages.
  struct Listing {
    bool exists = true;  // false: the server does not know the collection
    Json::Array entries;
    std::set<std::string> versions;  // ETags of its pages
  };
  /// All lists at once, in the order of `paths` ("/routes?tags=a").
  Result<std::vector<Listing>> list(const std::vector<std::string>& paths);

  /// Ticks while calls wait.
  [[nodiscard]] Progress& progress() { return progress_; }
  [[nodiscard]] const AdminTarget& target() const { return target_; }

 private:
  Task<Result<>> dial(net::Stream& stream, std::string host, std::uint16_t port, bool tls, rt::Deadline deadline);
  Task<Result<AdminReply>> exchange(std::string method, std::string url, std::string body, std::string if_match = {});
  Task<Result<Listing>> list_one(std::string path);
  template <class T>
  T run(Task<T> task);

  AdminTarget target_;
  Progress progress_;
  rt::Reactor reactor_;
  http::PlainClient client_;
  std::shared_ptr<const net::tls::ClientContext> tls_;
  std::map<std::string, std::string> addresses_;  // by host name
};

}  // namespace sluice::cli
