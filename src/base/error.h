// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace sluice {

/// What went wrong, decided where the error is born. HTTP status and log level follow from it.
enum class Errc : std::uint8_t {
  Invalid,      // malformed or out of range
  NotFound,     // the thing named does not exist
  Conflict,     // clashes with something that exists
  Unsupported,  // understood, but not offered
  Forbidden,    // understood, but not allowed
  TooLarge,     // over a limit
  Timeout,      // a deadline passed
  Refused,      // the peer said no (connection refused, handshake alert)
  Closed,       // the peer went away
  Unavailable,  // nothing to send to, or a resource is exhausted
  Io,           // the operating system reported a failure
  Internal,     // our own bug
};

/// Who is at fault: it decides between 4xx and 5xx and whether a person must act.
enum class Blame : std::uint8_t { Client, Upstream, Config, System, Us };

/// Whether trying again may help, and whether anything was already sent.
enum class Retry : std::uint8_t { Never, Safe };

struct Error {
  Errc code = Errc::Internal;
  Blame blame = Blame::Us;
  Retry retry = Retry::Never;
  std::string what;
};

template <class T = void>
using Result = std::expected<T, Error>;

/// The usual way to fail: `return fail(Errc::Invalid, "port out of range: " + text);`
[[nodiscard]] inline std::unexpected<Error> fail(Errc code, std::string what, Blame blame = Blame::Config,
                                                 Retry retry = Retry::Never) {
  return std::unexpected<Error>(Error{code, blame, retry, std::move(what)});
}

/// Adds what the cause does not know: "upstream billing: " + cause.
[[nodiscard]] inline std::unexpected<Error> fail(std::string_view context, Error cause) {
  cause.what.insert(0, context);
  return std::unexpected<Error>(std::move(cause));
}

}  // namespace sluice

#define SLUICE_CONCAT_(a, b) a##b
#define SLUICE_CONCAT(a, b) SLUICE_CONCAT_(a, b)

// TRY(auto x, f()) declares x from a Result or returns its error; TRY(f()) does the same for Result<>.
#define SLUICE_TRY_1(ret, expr)                                             \
  do {                                                                      \
    if (auto try_result_ = (expr); !try_result_) [[unlikely]]               \
      ret std::unexpected<::sluice::Error>(std::move(try_result_).error()); \
  } while (false)
#define SLUICE_TRY_2(ret, decl, expr) SLUICE_TRY_3(ret, decl, expr, SLUICE_CONCAT(try_result_, __COUNTER__))
#define SLUICE_TRY_3(ret, decl, expr, name)                        \
  auto name = (expr);                                              \
  if (!name) [[unlikely]]                                          \
    ret std::unexpected<::sluice::Error>(std::move(name).error()); \
  decl = *std::move(name)
#define SLUICE_TRY_PICK(_1, _2, macro, ...) macro
#define TRY(...) SLUICE_TRY_PICK(__VA_ARGS__, SLUICE_TRY_2, SLUICE_TRY_1)(return, __VA_ARGS__)
#define CO_TRY(...) SLUICE_TRY_PICK(__VA_ARGS__, SLUICE_TRY_2, SLUICE_TRY_1)(co_return, __VA_ARGS__)
