// SPDX-License-Identifier: Apache-2.0
#include "cli/bench/http_dialogue.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace sluice::cli::bench {
namespace {

constexpr std::size_t kMaxHead = 64 * 1024;

bool same_letters(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

}  // namespace

std::string_view field(std::string_view head, std::string_view name) {
  for (auto at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n", at + 2)) {
    const auto line = head.substr(at + 2, head.find("\r\n", at + 2) - at - 2);
    if (line.size() <= name.size() || line[name.size()] != ':') continue;
    if (!same_letters(line.substr(0, name.size()), name)) continue;
    auto value = line.substr(name.size() + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    return value;
  }
  return {};
}

void HttpDialogue::ask(std::uint64_t turn, std::string& out) {
  head_.clear();
  in_body_ = false;
  out += (*heads_)[turn % heads_->size()];
}

Dialogue::Progress HttpDialogue::take(std::string_view octets, std::string&) {
  std::string after;
  if (!in_body_) {
    head_.append(octets);
    const auto end = head_.find("\r\n\r\n");
    if (end == std::string::npos) return head_.size() < kMaxHead ? Progress::Pending : failed("an endless reply head");
    after = head_.substr(end + 4);
    head_.resize(end);
    if (finish_head() == Progress::Failed) return Progress::Failed;
    octets = after;
  }
  if (octets.size() > body_left_) return failed("more octets than Content-Length announced");
  body_left_ -= octets.size();
  return body_left_ > 0 ? Progress::Pending : Progress::Done;
}

Dialogue::Progress HttpDialogue::finish_head() {
  if (!head_.starts_with("HTTP/1.1 2")) return failed(head_.substr(0, head_.find("\r\n")));
  const auto length = field(head_, "content-length");
  const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), body_left_);
  if (length.empty() || error != std::errc()) return failed("a reply without Content-Length");
  closing_ = same_letters(field(head_, "connection"), "close");
  in_body_ = true;
  return Progress::Pending;
}

}  // namespace sluice::cli::bench
