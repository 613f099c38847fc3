// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/uuid.h"
#include "control/iam/allow.h"
#include "rt/reactor.h"
#include "rt/task.h"

namespace sluice::control::admin {

inline constexpr std::string_view kJsonType = "application/json; charset=utf-8";

/// The arguments of a query string, decoded, in their order.
class Query {
 public:
  Query() = default;
  /// At most 1000 arguments; what comes after them is left out.
  explicit Query(std::string_view text);

  /// The first argument of that name.
  [[nodiscard]] const std::string* find(std::string_view name) const;
  /// Whether a switch is on: `1`, `true`, `on` or `yes`.
  [[nodiscard]] bool enabled(std::string_view name) const;
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& all() const { return arguments_; }

 private:
  std::vector<std::pair<std::string, std::string>> arguments_;
};

/// A request as handlers see it. Lives until its reply has been made.
struct Request {
  std::string method;
  Query query;
  std::vector<std::string> params;  // what stands for the {names} of the pattern, in order
  std::string media_type;           // lower case, without parameters; empty: no body
  std::string content_type;         // the whole field: multipart bodies need its boundary
  std::string body;                 // as received
  std::string if_match;             // the fields of that name, RFC 9110, 13.1; empty: absent
  std::string if_none_match;
  Uuid workspace;  // that the path names; nil: the default one
  iam::Principal who;
  // Of who sits at the other end, where that matters: people who sign in.
  std::string peer;                // address
  std::string agent;               // what the browser says it is
  std::string session;             // the text of its cookie; a secret
  bool over_tls = false;           // as far as the browser is concerned
  rt::Reactor* reactor = nullptr;  // of the shard that answers; null outside a server
};

/// An answer, complete in memory.
struct Reply {
  int status = 200;
  std::string body;
  std::string_view content_type = kJsonType;  // static text
  std::vector<std::pair<std::string, std::string>> headers;

  static Reply json(int status, const Json& body);
  /// A body that is JSON text already.
  static Reply text(int status, std::string body);
  /// `{"message": ..}`
  static Reply message(int status, std::string_view message);
  static Reply not_found() { return message(404, "Not found"); }
  static Reply empty(int status);
};

/// Answers one kind of request. Born ready where nothing is to be waited for. A handler that is a coroutine is a
/// member function: the request it is given outlives its task.
using Handler = std::function<Task<Reply>(const Request& request)>;

}  // namespace sluice::control::admin
