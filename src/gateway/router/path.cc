// SPDX-License-Identifier: Apache-2.0
#include "gateway/router/path.h"

#include <array>
#include <cstddef>
#include <optional>

#include "base/strings.h"

namespace sluice::gateway::router {
namespace {

using Octet = unsigned char;

constexpr bool is_unreserved(char c) {
  return is_ascii_alpha(c) || is_ascii_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}
constexpr bool is_control(Octet c) {
  return c < 0x21 || c == 0x7F;
}

// Octets at which the quick pass has to look closer.
constexpr auto kSuspicious = [] {
  std::array<bool, 256> table{};
  for (std::size_t c = 0; c < table.size(); ++c) table[c] = is_control(static_cast<Octet>(c)) || c >= 0xC0;
  for (const char c : {'%', '\\', '#', '/'}) table[static_cast<Octet>(c)] = true;
  return table;
}();

// A slash is harmless unless a slash or a dot follows.
bool is_normal(std::string_view path) {
  for (std::size_t i = 0; i < path.size(); ++i) {
    const char c = path[i];
    if (!kSuspicious[static_cast<Octet>(c)]) continue;
    if (c != '/') return false;
    if (i + 1 < path.size() && (path[i + 1] == '/' || path[i + 1] == '.')) return false;
  }
  return true;
}

bool is_dots(std::string_view text) {
  return text == "." || text == "..";
}

// `text` at `at` as an octet, plain or escaped; moves `at` behind it. Escapes have been checked before.
Octet next_octet(std::string_view text, std::size_t& at) {
  if (text[at] != '%') return static_cast<Octet>(text[at++]);
  at += 3;
  return static_cast<Octet>(hex_value(text[at - 2]) * 16 + hex_value(text[at - 1]));
}

// UTF-8 lead octets that can only begin an overlong form: C0, C1, E0 followed by 80..9F, F0 followed by 80..8F.
bool has_overlong(std::string_view segment) {
  for (std::size_t at = 0; at < segment.size();) {
    const Octet lead = next_octet(segment, at);
    if (lead < 0xC0) continue;
    if (lead < 0xC2) return true;
    if (at == segment.size() || (lead != 0xE0 && lead != 0xF0)) continue;
    std::size_t behind = at;
    const Octet next = next_octet(segment, behind);
    if (next >= 0x80 && next < (lead == 0xE0 ? 0xA0 : 0x90)) return true;
  }
  return false;
}

// Whether decoding %2F would turn one segment into several of which one is empty or dots.
bool hides_segments(std::string_view segment) {
  if (segment.find("%2F") == std::string_view::npos) return false;
  for (std::size_t start = 0;;) {
    const auto end = segment.find("%2F", start);
    const auto piece = segment.substr(start, end == std::string_view::npos ? end : end - start);
    if (piece.empty() || is_dots(piece) || is_dots(piece.substr(0, piece.find(';')))) return true;
    if (end == std::string_view::npos) return false;
    start = end + 3;
  }
}

class Normalizer {
 public:
  Normalizer(std::string_view path, std::string& out) : path_(path), out_(out) {}

  std::optional<PathIssue> run() {
    out_.clear();
    out_.reserve(path_.size());
    std::size_t at = 0;
    while (at < path_.size()) {
      while (at < path_.size() && path_[at] == '/') ++at;  // merges repeated slashes
      out_ += '/';
      const std::size_t start = out_.size();
      while (at < path_.size() && path_[at] != '/') {
        if (const auto issue = copy_octet(at)) return issue;
      }
      if (const auto issue = finish_segment(start, at < path_.size())) return issue;
    }
    return std::nullopt;
  }

 private:
  std::optional<PathIssue> copy_octet(std::size_t& at) {
    const char c = path_[at];
    if (c == '%') return copy_escape(at);
    if (is_control(static_cast<Octet>(c))) return PathIssue::ControlOctet;
    if (c == '\\') return PathIssue::Backslash;
    if (c == '#') return PathIssue::Fragment;
    out_ += c;
    ++at;
    return std::nullopt;
  }

  std::optional<PathIssue> copy_escape(std::size_t& at) {
    const int high = at + 2 < path_.size() ? hex_value(path_[at + 1]) : -1;
    const int low = high >= 0 ? hex_value(path_[at + 2]) : -1;
    if (low < 0) return PathIssue::BadEscape;
    const auto octet = static_cast<Octet>(high * 16 + low);
    if (octet < 0x20 || octet == 0x7F) return PathIssue::ControlOctet;
    if (octet == '\\') return PathIssue::Backslash;
    if (is_unreserved(static_cast<char>(octet))) {
      out_ += static_cast<char>(octet);
    } else {
      out_ += '%';
      out_ += ascii_upper(path_[at + 1]);
      out_ += ascii_upper(path_[at + 2]);
    }
    at += 3;
    return std::nullopt;
  }

  // The segment is what `out_` holds from `start`; `more` says that a slash follows.
  std::optional<PathIssue> finish_segment(std::size_t start, bool more) {
    const std::string_view segment = std::string_view(out_).substr(start);
    if (is_dots(segment)) {
      resolve(start, segment.size() == 2, more);
      return std::nullopt;
    }
    const auto parameter = segment.find(';');
    if (parameter != std::string_view::npos && is_dots(segment.substr(0, parameter))) return PathIssue::ParameterDots;
    const auto escaped = segment.find("%3B");
    if (escaped != std::string_view::npos && is_dots(segment.substr(0, escaped))) return PathIssue::ParameterDots;
    if (hides_segments(segment)) return PathIssue::EncodedSlash;
    if (has_overlong(segment)) return PathIssue::Overlong;
    return std::nullopt;
  }

  // Removes the dot segment, and for `..` the one before it. A dot segment at the end leaves a trailing slash.
  void resolve(std::size_t start, bool parent, bool more) {
    std::size_t keep = start - 1;
    if (parent && keep > 0) keep = out_.rfind('/', keep - 1);
    out_.resize(keep);
    if (!more) out_ += '/';
  }

  std::string_view path_;
  std::string& out_;
};

}  // namespace

std::string_view to_string(PathIssue issue) {
  switch (issue) {
    case PathIssue::NotAbsolute:
      return "path does not begin with a slash";
    case PathIssue::ControlOctet:
      return "control character in path";
    case PathIssue::Backslash:
      return "backslash in path";
    case PathIssue::Fragment:
      return "fragment in path";
    case PathIssue::BadEscape:
      return "malformed percent-escape in path";
    case PathIssue::Overlong:
      return "overlong UTF-8 in path";
    case PathIssue::ParameterDots:
      return "dot segment with a parameter in path";
    case PathIssue::EncodedSlash:
      return "ambiguous encoded slash in path";
  }
  return {};
}

std::expected<std::string_view, PathIssue> normalize_path(std::string_view path, std::string& buffer,
                                                          EncodedSlashes slashes) {
  if (!path.starts_with('/')) return std::unexpected(PathIssue::NotAbsolute);
  if (is_normal(path)) return path;
  if (const auto issue = Normalizer(path, buffer).run()) return std::unexpected(*issue);
  if (slashes == EncodedSlashes::Refuse && buffer.find("%2F") != std::string::npos) {
    return std::unexpected(PathIssue::EncodedSlash);
  }
  return buffer;
}

}  // namespace sluice::gateway::router
