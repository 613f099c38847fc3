// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

#include "base/error.h"
#include "base/secret.h"

// The structured log: a fixed event name, then fields, `log::warn("upstream.connect_failed", {{"host", host}, {"error",
// error}})`. Thread-safe. A call below the level costs one comparison. Writing never waits: what a blocked sink does
// not take is kept up to a bound, then dropped and counted.
namespace sluice::log {

enum class Level : std::uint8_t { Debug, Info, Notice, Warn, Error };

/// Names as kong.conf has them; crit, alert and emerg mean Error.
Result<Level> parse_level(std::string_view name);
std::string_view to_string(Level level);

/// The value of a field. Borrows texts; it lives for one call.
class ValueView {
 public:
  ValueView(std::convertible_to<std::string_view> auto const& text) : value_(std::string_view(text)) {}
  ValueView(std::same_as<bool> auto value) : value_(value) {}
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  ValueView(T value) : value_(static_cast<std::int64_t>(value)) {}
  ValueView(std::floating_point auto value) : value_(static_cast<double>(value)) {}
  ValueView(const Error& error) : value_(std::string_view(error.what)) {}
  template <class T>
  ValueView(const Secret<T>&) : value_(kMasked) {}

  using Variant = std::variant<std::string_view, std::int64_t, double, bool>;
  [[nodiscard]] const Variant& get() const { return value_; }

 private:
  Variant value_;
};

struct FieldView {
  std::string_view name;
  ValueView value;
};
using Fields = std::initializer_list<FieldView>;

namespace detail {
inline std::atomic<Level> threshold{Level::Notice};
void write(Level level, std::string_view event, Fields fields);
}  // namespace detail

inline bool enabled(Level level) {
  return level >= detail::threshold.load(std::memory_order_relaxed);
}
inline void set_level(Level level) {
  detail::threshold.store(level, std::memory_order_relaxed);
}

/// `event` is a constant such as "upstream.connect_failed". Texts are escaped, and cut after 2 KiB.
inline void write(Level level, std::string_view event, Fields fields = {}) {
  if (enabled(level)) detail::write(level, event, fields);
}
inline void debug(std::string_view event, Fields fields = {}) {
  write(Level::Debug, event, fields);
}
inline void info(std::string_view event, Fields fields = {}) {
  write(Level::Info, event, fields);
}
inline void notice(std::string_view event, Fields fields = {}) {
  write(Level::Notice, event, fields);
}
inline void warn(std::string_view event, Fields fields = {}) {
  write(Level::Warn, event, fields);
}
inline void error(std::string_view event, Fields fields = {}) {
  write(Level::Error, event, fields);
}

enum class Format : std::uint8_t {
  Auto,  // text for a terminal, JSON lines for anything else
  Text,
  Json,
};

struct Options {
  Level level = Level::Notice;
  Format format = Format::Auto;
  std::string file = {};  // empty or /dev/stderr: standard error
  /// A less privileged user may write the file's folder: only a plain file with no other name is taken, through no
  /// link, and what root makes there becomes the folder's owner's.
  bool shared_folder = false;
};

/// Applies to all threads from the next line on. On failure nothing changes.
Result<> configure(const Options& options);
/// Opens the file again under its name, after a rotation. Keeps the old one if that fails.
Result<> reopen();
/// Hands over what a blocked sink has left behind, and the counts of every Counted; call it about once a second and
/// before exit.
void flush();
/// Lines dropped since start because the sink took none and the bound was reached.
std::uint64_t dropped();

/// An event that the data plane may cause at any rate. The first one in a second is logged at once with its fields,
/// later ones are only counted; a line with their number as
/// `repeated` follows with the next hit after that second or the next flush(). Declare it static beside the code:
/// `static log::Counted refused(log::Level::Info, "client.refused");`
class Counted {
 public:
  /// `event` outlives the object.
  Counted(Level level, std::string_view event);
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted();

  void hit(Fields fields = {});

 private:
  friend void flush();
  void flush_repeated();

  const Level level_;
  const std::string_view event_;
  std::atomic<std::int64_t> quiet_until_ms_{0};
  std::atomic<std::uint64_t> repeated_{0};
};

/// Diverts all lines into memory while it lives, as JSON at level Debug, for tests. One at a time.
class Capture {
 public:
  Capture();
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;
  ~Capture();

  /// The lines so far.
  [[nodiscard]] std::string text() const;

 private:
  Level previous_;
};

}  // namespace sluice::log
