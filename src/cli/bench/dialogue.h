// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::cli::bench {

/// What one connection of the load generator says and hears: a protocol, without sockets. One exchange at a time:
/// ask(), then take() until the reply is whole.
class Dialogue {
 public:
  enum class Progress : std::uint8_t {
    Pending,  // more octets are needed
    Done,     // the whole reply arrived
    Failed,   // why() says what is wrong; the connection is of no use any more
  };

  Dialogue() = default;
  Dialogue(const Dialogue&) = delete;
  Dialogue& operator=(const Dialogue&) = delete;
  virtual ~Dialogue() = default;

  /// A connection was made: forgets the last one, and appends to `out` what comes before the first exchange.
  virtual void open(std::string& out) { static_cast<void>(out); }
  /// Appends the question of exchange number `turn` to `out`.
  virtual void ask(std::uint64_t turn, std::string& out) = 0;
  /// Octets have arrived (of a datagram: all of them); appends to `out` what has to be said before the reply is whole.
  virtual Progress take(std::string_view octets, std::string& out) = 0;

  /// After Done: the server ends the connection behind this reply.
  [[nodiscard]] virtual bool was_last() const { return false; }

  [[nodiscard]] const std::string& why() const { return why_; }

 protected:
  Progress failed(std::string why) {
    why_ = std::move(why);
    return Progress::Failed;
  }

 private:
  std::string why_;
};

/// Makes the dialogue of each connection.
using MakeDialogue = std::function<std::unique_ptr<Dialogue>()>;

}  // namespace sluice::cli::bench
