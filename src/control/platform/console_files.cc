// SPDX-License-Identifier: Apache-2.0
#include "control/platform/console_files.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

#include <sys/stat.h>

#include "base/strings.h"
#include "crypto/hash.h"

namespace sluice::control::platform {
namespace {

using admin::Reply;

constexpr std::string_view kIndex = "index.html";
constexpr std::size_t kLargest = 32 * 1024 * 1024;

struct MediaType {
  std::string_view ending;
  std::string_view name;
};
constexpr std::array kMediaTypes = {
    MediaType{"html", "text/html; charset=utf-8"},
    MediaType{"js", "text/javascript; charset=utf-8"},
    MediaType{"mjs", "text/javascript; charset=utf-8"},
    MediaType{"css", "text/css; charset=utf-8"},
    MediaType{"json", "application/json"},
    MediaType{"map", "application/json"},
    MediaType{"svg", "image/svg+xml"},
    MediaType{"png", "image/png"},
    MediaType{"jpg", "image/jpeg"},
    MediaType{"gif", "image/gif"},
    MediaType{"ico", "image/x-icon"},
    MediaType{"woff2", "font/woff2"},
    MediaType{"woff", "font/woff"},
    MediaType{"ttf", "font/ttf"},
    MediaType{"wasm", "application/wasm"},
    MediaType{"txt", "text/plain; charset=utf-8"},
    MediaType{"webmanifest", "application/manifest+json"},
};

std::string_view ending_of(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  const std::size_t slash = name.rfind('/');
  const bool has = dot != name.npos && (slash == name.npos || dot > slash);
  return has ? name.substr(dot + 1) : std::string_view();
}

std::string_view media_type(std::string_view name) {
  const auto at = std::ranges::find(kMediaTypes, ending_of(name), &MediaType::ending);
  return at != kMediaTypes.end() ? at->name : "application/octet-stream";
}

/// Whether it is an address within the console rather than a file of it. Versions and names of entities have dots.
bool is_place(std::string_view name) {
  return ending_of(name).empty() || name.starts_with("control-planes/");
}

/// The path's file within the folder; nothing for one that tries to leave it, or to see what is hidden.
std::optional<std::string> file_name(std::string_view path) {
  const auto decoded = percent_decode(path.substr(1));
  if (!decoded || decoded->contains('\0')) return std::nullopt;
  for (const std::string_view piece : split(*decoded, '/')) {
    if (piece.starts_with('.')) return std::nullopt;
  }
  return decoded->empty() ? std::string(kIndex) : *decoded;
}

/// Whether a client takes a coding. Preferences among several are ours. RFC 9110, 12.5.3.
bool accepts(const http::RequestHead& head, std::string_view coding) {
  const auto field = head.headers.get("Accept-Encoding");
  if (!field) return false;
  return std::ranges::any_of(split_list(*field), [&](std::string_view one) {
    const std::size_t semicolon = one.find(';');
    const std::string_view weight = semicolon == one.npos ? "" : trim(one.substr(semicolon + 1));
    return iequals(trim(one.substr(0, semicolon)), coding) && weight != "q=0" && weight != "q=0.0";
  });
}

/// reference/ui.md, section 7.
void add_security_headers(Reply& reply) {
  reply.headers.emplace_back(
      "Content-Security-Policy",
      "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' "
      "data:; worker-src 'self' blob:; connect-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'");
  reply.headers.emplace_back("X-Content-Type-Options", "nosniff");
  reply.headers.emplace_back("Referrer-Policy", "same-origin");
}

Reply page(int status, std::string_view text) {
  Reply reply = Reply::text(status,
                            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Sluice</title>"
                            "<body style=\"font-family:sans-serif;max-width:40em;margin:4em auto\">" +
                                std::string(text) + "</body></html>\n");
  reply.content_type = "text/html; charset=utf-8";
  reply.headers.emplace_back("Cache-Control", "no-store");
  add_security_headers(reply);
  return reply;
}

Reply no_console() {
  return page(200,
              "<h1>The platform API answers here</h1><p>The console's files are not installed. Build them "
              "(<code>./dev build</code> in the source tree, with Node 20.19 or later) or install the package that has "
              "them, or say with the setting <code>console_path</code> where they are; then restart.</p>"
              "<p>Without them: <a href=\"/v2/control-planes\">/v2/control-planes</a>, and "
              "<code>docs/platform-api.md</code>.</p>");
}

}  // namespace

/// A file's content, in one coding.
struct ConsoleFiles::File {
  std::string content;
  std::string etag;
};

ConsoleFiles::ConsoleFiles(std::string folder, rt::Reactor& reactor) : folder_(std::move(folder)), reactor_(reactor) {}

/// Null when there is no such file.
Task<std::shared_ptr<const ConsoleFiles::File>> ConsoleFiles::read(std::string name) {
  if (thread_ == nullptr) thread_ = std::make_unique<rt::BlockingPool>(1);
  const std::string path = folder_ + "/" + name;
  auto work = [path]() -> std::shared_ptr<const File> {
    struct stat status{};
    const bool plain = ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
                       static_cast<std::size_t>(status.st_size) <= kLargest;
    if (!plain) return nullptr;
    std::ifstream in(path, std::ios::binary);
    if (!in) return nullptr;
    auto file = std::make_shared<File>();
    file->content.assign(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    constexpr std::size_t kTag = 32;
    file->etag = '"' + crypto::sha256_hex(file->content).substr(0, kTag) + '"';
    return file;
  };
  co_return co_await rt::offload(*thread_, reactor_, std::move(work));
}

Task<Reply> ConsoleFiles::answer(const http::RequestHead& head) {
  if (folder_.empty()) co_return no_console();
  const auto asked = file_name(head.path);
  if (!asked) co_return page(404, "<h1>Not found</h1>");
  std::string name = *asked;
  if (is_place(name)) name = kIndex;
  std::shared_ptr<const File> file;
  std::string_view coding;
  for (const auto& [ending, token] : {std::pair(".br", "br"), std::pair(".gz", "gzip")}) {
    if (file != nullptr || !accepts(head, token)) continue;
    file = co_await read(name + ending);
    if (file != nullptr) coding = token;
  }
  if (file == nullptr) file = co_await read(name);
  if (file == nullptr && name == kIndex) co_return no_console();
  if (file == nullptr) co_return page(404, "<h1>Not found</h1>");

  const auto known = head.headers.get("If-None-Match");
  const bool unchanged = known && known->contains(file->etag);
  Reply reply = Reply::text(unchanged ? 304 : 200, unchanged ? std::string() : file->content);
  reply.content_type = media_type(name);
  reply.headers.emplace_back("ETag", file->etag);
  const bool hashed = name.starts_with("assets/");
  reply.headers.emplace_back("Cache-Control", hashed           ? "public, max-age=31536000, immutable"
                                              : name == kIndex ? "no-store"
                                                               : "no-cache");
  if (!coding.empty()) reply.headers.emplace_back("Content-Encoding", coding);
  reply.headers.emplace_back("Vary", "Accept-Encoding");
  add_security_headers(reply);
  co_return reply;
}

}  // namespace sluice::control::platform
