// SPDX-License-Identifier: Apache-2.0
#include "expr/regex.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include <re2/re2.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "expr/regex_syntax.h"

namespace sluice::expr {
namespace {

constexpr std::size_t kMaxPatternBytes = 16 * 1024;
constexpr std::int64_t kRe2MemoryBytes = 4 << 20;  // ceiling for program and lazily built automata of one pattern

// Limits of one backtracking search: a few milliseconds at worst, so that no request can buy CPU time with a path.
constexpr std::uint32_t kPcreMatchLimit = 50'000;
constexpr std::uint32_t kPcreDepthLimit = 5'000;
constexpr std::uint32_t kPcreHeapLimitKib = 1024;

re2::StringPiece piece(std::string_view text) {
  return {text.data(), text.size()};
}
std::string_view view(const re2::StringPiece& text) {
  return {text.data(), text.size()};
}

class LinearRegex final : public Regex {
 public:
  LinearRegex(std::string_view pattern, std::unique_ptr<re2::RE2> program)
      : Regex(pattern), program_(std::move(program)) {
    for (const auto& [number, name] : program_->CapturingGroupNames()) {
      names_.emplace_back(name, static_cast<std::size_t>(number));
    }
  }

  Matched search(std::string_view text, Anchor anchor, std::string_view* whole) const override {
    re2::StringPiece found;
    const int wanted = whole ? 1 : 0;
    if (!program_->Match(piece(text), 0, text.size(), re2_anchor(anchor), whole ? &found : nullptr, wanted)) {
      return Matched::No;
    }
    if (whole) *whole = view(found);
    return Matched::Yes;
  }

  std::vector<std::string_view> groups(std::string_view text, Anchor anchor) const override {
    std::vector<re2::StringPiece> found(static_cast<std::size_t>(program_->NumberOfCapturingGroups()) + 1);
    if (!program_->Match(piece(text), 0, text.size(), re2_anchor(anchor), found.data(),
                         static_cast<int>(found.size()))) {
      return {};
    }
    std::vector<std::string_view> result;
    result.reserve(found.size());
    for (const auto& group : found) result.push_back(view(group));
    return result;
  }

 private:
  static re2::RE2::Anchor re2_anchor(Anchor anchor) {
    return anchor == Anchor::Start ? re2::RE2::ANCHOR_START : re2::RE2::UNANCHORED;
  }

  std::unique_ptr<re2::RE2> program_;
};

struct PcreFree {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};
using PcreCode = std::unique_ptr<pcre2_code, PcreFree>;
using PcreMatchData = std::unique_ptr<pcre2_match_data, PcreFree>;
using PcreMatchContext = std::unique_ptr<pcre2_match_context, PcreFree>;

PcreMatchContext make_limits() {
  PcreMatchContext context(pcre2_match_context_create(nullptr));
  pcre2_set_match_limit(context.get(), kPcreMatchLimit);
  pcre2_set_depth_limit(context.get(), kPcreDepthLimit);
  pcre2_set_heap_limit(context.get(), kPcreHeapLimitKib);
  return context;
}

// Interpreted, never compiled to machine code: a hardened process maps no memory that is writable and executable.
class BacktrackingRegex final : public Regex {
 public:
  BacktrackingRegex(std::string_view pattern, PcreCode code) : Regex(pattern), code_(std::move(code)) { read_names(); }

  Matched search(std::string_view text, Anchor anchor, std::string_view* whole) const override {
    thread_local PcreMatchData scratch(pcre2_match_data_create(1, nullptr));
    const Matched result = run(text, anchor, scratch.get());
    if (result == Matched::Yes && whole) *whole = match(text, anchor, scratch.get());
    return result;
  }

  std::vector<std::string_view> groups(std::string_view text, Anchor anchor) const override {
    const PcreMatchData data(pcre2_match_data_create_from_pattern(code_.get(), nullptr));
    std::vector<std::string_view> result;
    if (run(text, anchor, data.get()) != Matched::Yes) return result;
    result.push_back(match(text, anchor, data.get()));
    for (std::size_t i = 1; i < pcre2_get_ovector_count(data.get()); ++i) result.push_back(group(text, data.get(), i));
    return result;
  }

 private:
  Matched run(std::string_view text, Anchor anchor, pcre2_match_data* data) const {
    thread_local PcreMatchContext limits = make_limits();
    const std::uint32_t options = anchor == Anchor::Start ? PCRE2_ANCHORED : 0;
    const int code = pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0, options, data,
                                 limits.get());
    if (code >= 0) return Matched::Yes;  // 0: more groups than `data` holds, which is fine
    return code == PCRE2_ERROR_NOMATCH ? Matched::No : Matched::TooCostly;
  }

  // \K moves the reported start of a match, which callers that strip a prefix must not see: what is anchored at the
  // start begins there.
  static std::string_view match(std::string_view text, Anchor anchor, pcre2_match_data* data) {
    if (anchor == Anchor::Start) return text.substr(0, pcre2_get_ovector_pointer(data)[1]);
    return group(text, data, 0);
  }

  static std::string_view group(std::string_view text, pcre2_match_data* data, std::size_t n) {
    const PCRE2_SIZE* offsets = pcre2_get_ovector_pointer(data);
    if (offsets[2 * n] == PCRE2_UNSET || offsets[2 * n + 1] < offsets[2 * n]) return {};
    return text.substr(offsets[2 * n], offsets[2 * n + 1] - offsets[2 * n]);
  }

  void read_names() {
    std::uint32_t count = 0;
    std::uint32_t entry_size = 0;
    PCRE2_SPTR table = nullptr;
    pcre2_pattern_info(code_.get(), PCRE2_INFO_NAMECOUNT, &count);
    pcre2_pattern_info(code_.get(), PCRE2_INFO_NAMEENTRYSIZE, &entry_size);
    pcre2_pattern_info(code_.get(), PCRE2_INFO_NAMETABLE, static_cast<void*>(&table));
    for (std::uint32_t i = 0; i < count; ++i, table += entry_size) {
      const auto number = static_cast<std::size_t>(table[0] << 8 | table[1]);
      names_.emplace_back(reinterpret_cast<const char*>(table + 2), number);
    }
    std::ranges::sort(names_, {}, &std::pair<std::string, std::size_t>::second);
  }

  PcreCode code_;
};

Result<RegexRef> compile_pcre(std::string_view pattern) {
  int error = 0;
  PCRE2_SIZE offset = 0;
  PcreCode code(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), PCRE2_NEVER_BACKSLASH_C,
                              &error, &offset, nullptr));
  if (!code) {
    std::array<PCRE2_UCHAR, 256> message{};
    pcre2_get_error_message(error, message.data(), message.size());
    return fail(Errc::Invalid, "invalid regex at offset " + std::to_string(offset) + ": " +
                                   reinterpret_cast<const char*>(message.data()));
  }
  return std::make_shared<BacktrackingRegex>(pattern, std::move(code));
}

std::unique_ptr<re2::RE2> compile_re2(const std::string& pattern) {
  re2::RE2::Options options(re2::RE2::Quiet);
  options.set_max_mem(kRe2MemoryBytes);
  return std::make_unique<re2::RE2>(pattern, options);
}

}  // namespace

Regex::Regex(std::string_view pattern)
    : pattern_(pattern), literal_prefix_(literal_prefix_of(pattern)), anchored_(pattern.starts_with('^')) {}

Result<RegexRef> Regex::compile(std::string_view pattern, RegexDialect dialect) {
  if (pattern.size() > kMaxPatternBytes) return fail(Errc::TooLarge, "regex is longer than 16 KiB");
  const Translation translation = translate_for_re2(pattern, dialect);
  std::string reason = translation.refused + " is not supported";
  if (translation.refused.empty()) {
    auto program = compile_re2(translation.pattern);
    if (program->ok()) return std::make_shared<LinearRegex>(pattern, std::move(program));
    reason = program->error();
  }
  if (dialect == RegexDialect::Pcre) return compile_pcre(pattern);
  return fail(Errc::Invalid, "invalid regex: " + reason);
}

Result<RegexRef> RegexCache::get(std::string_view pattern, RegexDialect dialect) {
  std::string key(1, dialect == RegexDialect::Rust ? 'r' : 'p');
  key += pattern;
  const std::lock_guard lock(mutex_);
  if (const auto known = known_.find(key); known != known_.end()) {
    if (RegexRef regex = known->second.lock()) return regex;
  }
  TRY(RegexRef regex, Regex::compile(pattern, dialect));
  if (known_.size() >= sweep_at_) drop_unused();
  known_[std::move(key)] = regex;
  return regex;
}

void RegexCache::drop_unused() {
  std::erase_if(known_, [](const auto& entry) { return entry.second.expired(); });
  sweep_at_ = known_.size() * 2 + 64;
}

}  // namespace sluice::expr
