// SPDX-License-Identifier: Apache-2.0
#include "objects/object_store.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/strings.h"
#include "crypto/random.h"
#include "objects/signature_v4.h"

namespace sluice::objects {
namespace {

constexpr std::string_view kBucketScheme = "s3://";

std::unexpected<Error> failure(std::string_view doing, const std::string& path) {
  const int reason = errno;
  const Errc code = reason == ENOENT ? Errc::NotFound : reason == EACCES ? Errc::Forbidden : Errc::Io;
  return fail(code, "cannot " + std::string(doing) + " " + path + ": " + std::strerror(reason), Blame::System);
}

// A folder ----------------------------------------------------------------------------------------------------------

struct OpenFile {
  int fd;
  explicit OpenFile(int descriptor) : fd(descriptor) {}
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    if (fd >= 0) ::close(fd);
  }
};

/// Which file it is, and in which state: files are replaced, never written to.
std::string tag_of(const struct stat& status) {
  return std::to_string(status.st_ino) + '-' + std::to_string(status.st_size) + '-' +
         std::to_string(status.st_mtim.tv_sec) + '.' + std::to_string(status.st_mtim.tv_nsec);
}

/// The first `size` octets, or all there are.
Result<Beginning> read_file(const std::string& path, std::size_t size) {
  const OpenFile file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status{};
  if (file.fd < 0 || ::fstat(file.fd, &status) != 0) return failure("read", path);
  std::string octets(std::min(size, static_cast<std::size_t>(status.st_size)), '\0');
  std::size_t have = 0;
  while (have < octets.size()) {
    const ssize_t got = ::read(file.fd, octets.data() + have, octets.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failure("read", path);
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  octets.resize(have);
  return Beginning{std::move(octets), tag_of(status)};
}

Result<std::string> read_whole_file(const std::string& path, std::size_t most) {
  TRY(Beginning read, read_file(path, most + 1));
  if (read.octets.size() > most) return fail(Errc::TooLarge, path + " is too large");
  return std::move(read.octets);
}

/// Beside its place, synced, then moved there.
Result<> replace_file(const std::string& path, std::string_view octets) {
  const std::string draft = path + '.' + to_hex(crypto::random_octets(4)) + ".new";
  const auto write = [&]() -> Result<> {
    const OpenFile file(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (file.fd < 0) return failure("make", draft);
    while (!octets.empty()) {
      const ssize_t written = ::write(file.fd, octets.data(), octets.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return failure("write", draft);
      octets.remove_prefix(static_cast<std::size_t>(written));
    }
    if (::fsync(file.fd) != 0) return failure("sync", draft);
    if (::rename(draft.c_str(), path.c_str()) != 0) return failure("rename", draft);
    return {};
  };
  auto written = write();
  if (!written) ::unlink(draft.c_str());
  return written;
}

/// Nobody else writes between the look at the tag and the move: who writes has the lock of the folder, which the kernel
/// gives back whatever happens.
Result<> write_file(const std::string& folder, const std::string& name, std::string_view octets,
                    const std::string& tag) {
  const std::string path = folder + '/' + name;
  ::mkdir(folder.c_str(), 0700);
  ::mkdir(path.substr(0, path.rfind('/')).c_str(), 0700);
  const OpenFile lock(::open((folder + "/.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (lock.fd < 0 || ::flock(lock.fd, LOCK_EX) != 0) return failure("lock", folder);
  struct stat status{};
  const bool exists = ::stat(path.c_str(), &status) == 0;
  if ((exists ? tag_of(status) : std::string()) != tag) {
    return fail(Errc::Conflict, path + ": somebody else has written it", Blame::System);
  }
  return replace_file(path, octets);
}

class Folder final : public ObjectStore {
 public:
  Folder(std::string path, const StoreParts& parts) : path_(std::move(path)), parts_(parts) {}

  Task<Result<std::string>> get(std::string name, std::size_t most, rt::Deadline /*deadline*/) override {
    co_return co_await rt::offload(parts_.pool, parts_.reactor,
                                   [file = path_ + '/' + name, most] { return read_whole_file(file, most); });
  }
  Task<Result<Beginning>> peek(std::string name, std::size_t size, rt::Deadline /*deadline*/) override {
    co_return co_await rt::offload(parts_.pool, parts_.reactor,
                                   [file = path_ + '/' + name, size] { return read_file(file, size); });
  }
  Task<Result<>> put(std::string name, std::string octets, std::string tag, rt::Deadline /*deadline*/) override {
    auto write = [folder = path_, name = std::move(name), octets = std::move(octets), tag = std::move(tag)] {
      return write_file(folder, name, octets, tag);
    };
    co_return co_await rt::offload(parts_.pool, parts_.reactor, std::move(write));
  }
  [[nodiscard]] std::string address() const override { return path_; }

 private:
  const std::string path_;
  const StoreParts parts_;
};

// A bucket ----------------------------------------------------------------------------------------------------------

struct BucketAddress {
  std::string endpoint;  // http(s)://host[:port], without a slash behind
  std::string host;      // of it, with the port
  std::string path;      // "/bucket/prefix/", percent-encoded
  std::string region;
};

class Bucket final : public ObjectStore {
 public:
  Bucket(BucketAddress at, Credentials credentials, const StoreParts& parts)
      : at_(std::move(at)), credentials_(std::move(credentials)), parts_(parts) {}

  Task<Result<std::string>> get(std::string name, std::size_t most, rt::Deadline deadline) override {
    CO_TRY(http::ClientResponse response, co_await send({.name = name, .most = most}, deadline));
    co_return std::move(response.body);
  }
  Task<Result<Beginning>> peek(std::string name, std::size_t size, rt::Deadline deadline) override {
    // A store that knows no ranges answers with all of it.
    constexpr std::size_t kMostWhole = std::size_t{1} << 30;
    Asked asked{.name = name, .most = kMostWhole};
    asked.headers.emplace_back("Range", "bytes=0-" + std::to_string(size - 1));
    CO_TRY(http::ClientResponse response, co_await send(std::move(asked), deadline));
    if (response.body.size() > size) response.body.resize(size);
    co_return Beginning{std::move(response.body), entity_tag(response)};
  }
  Task<Result<>> put(std::string name, std::string octets, std::string tag, rt::Deadline deadline) override {
    Asked asked{.method = "PUT", .name = name, .content = std::move(octets)};
    if (conditions_) asked.headers.push_back(tag.empty() ? Field{"If-None-Match", "*"} : Field{"If-Match", tag});
    auto written = co_await send(std::move(asked), deadline);
    if (written) co_return Result<>{};
    if (written.error().code == Errc::Unsupported) conditions_ = false;  // the next attempt goes without
    co_return std::unexpected(std::move(written).error());
  }
  [[nodiscard]] std::string address() const override { return at_.endpoint + at_.path; }

 private:
  static constexpr std::size_t kMostOfAnswer = 64 * 1024;
  using Field = std::pair<std::string, std::string>;
  struct Asked {
    std::string method = "GET";
    std::string name = {};
    std::string content = {};
    std::size_t most = kMostOfAnswer;  // octets of the answer
    std::vector<Field> headers = {};   // beside those of the signature, which does not cover them
  };

  Task<Result<http::ClientResponse>> send(Asked asked, rt::Deadline deadline) {
    const std::string path = at_.path + percent_encode(asked.name, "/");
    http::ClientRequest request;
    request.method = asked.method;
    request.url = at_.endpoint + path;
    request.headers = sign({.method = asked.method,
                            .host = at_.host,
                            .path = path,
                            .query = {},
                            .content = asked.content,
                            .region = at_.region,
                            .now = parts_.reactor.clock().wall_s()},
                           credentials_);
    std::ranges::move(asked.headers, std::back_inserter(request.headers));
    request.body = std::move(asked.content);
    request.max_response = asked.most;
    CO_TRY(http::ClientResponse response, co_await parts_.client.send(std::move(request), deadline));
    if (response.status >= 200 && response.status < 300) co_return response;
    co_return refusal(response, path);
  }

  static std::string entity_tag(const http::ClientResponse& response) {
    for (const auto& [name, value] : response.headers) {
      if (iequals(name, "etag")) return value;
    }
    return "*";
  }

  [[nodiscard]] std::unexpected<Error> refusal(const http::ClientResponse& response, const std::string& path) const {
    const Errc code = response.status == 404                             ? Errc::NotFound
                      : response.status == 401 || response.status == 403 ? Errc::Forbidden
                      : response.status == 409 || response.status == 412 ? Errc::Conflict
                      : response.status == 501                           ? Errc::Unsupported
                                                                         : Errc::Unavailable;
    constexpr std::size_t kShown = 200;
    return fail(
        code,
        at_.endpoint + path + " answered " + std::to_string(response.status) + ": " + response.body.substr(0, kShown),
        Blame::Upstream);
  }

  const BucketAddress at_;
  const Credentials credentials_;
  const StoreParts parts_;
  bool conditions_ = true;  // until it turns out that this kind of store knows none
};

Result<std::unique_ptr<ObjectStore>> open_bucket(std::string_view where, const Environment& environment,
                                                 const StoreParts& parts) {
  where.remove_prefix(kBucketScheme.size());
  while (where.ends_with('/')) where.remove_suffix(1);
  const std::string_view bucket = where.substr(0, where.find('/'));
  if (bucket.empty()) return fail(Errc::Invalid, "s3:// needs the name of a bucket");
  Credentials credentials;
  credentials.access_key = environment("AWS_ACCESS_KEY_ID").value_or("");
  credentials.secret_key = Secret(environment("AWS_SECRET_ACCESS_KEY").value_or(""));
  credentials.session_token = environment("AWS_SESSION_TOKEN").value_or("");
  if (credentials.access_key.empty() || credentials.secret_key.empty()) {
    return fail(Errc::Invalid, "s3:// needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment");
  }
  BucketAddress at;
  at.region = environment("AWS_REGION").value_or(environment("AWS_DEFAULT_REGION").value_or("us-east-1"));
  at.endpoint = environment("AWS_CONFIG_STORAGE_ENDPOINT").value_or("https://s3." + at.region + ".amazonaws.com");
  while (at.endpoint.ends_with('/')) at.endpoint.pop_back();
  const std::size_t scheme = at.endpoint.find("://");
  const std::string_view name = std::string_view(at.endpoint).substr(0, scheme);
  if (scheme == std::string::npos || (name != "http" && name != "https") ||
      at.endpoint.find('/', scheme + 3) != std::string::npos) {
    return fail(Errc::Invalid, "AWS_CONFIG_STORAGE_ENDPOINT: expected http(s)://host:port, not " + at.endpoint);
  }
  at.host = at.endpoint.substr(scheme + 3);
  at.path = "/" + percent_encode(where, "/") + "/";
  return std::make_unique<Bucket>(std::move(at), std::move(credentials), parts);
}

}  // namespace

Result<std::unique_ptr<ObjectStore>> open_object_store(std::string_view where, const Environment& environment,
                                                       const StoreParts& parts) {
  if (where.starts_with(kBucketScheme)) return open_bucket(where, environment, parts);
  if (where.empty()) return fail(Errc::Invalid, "expected s3://bucket/prefix or a folder");
  if (const std::size_t scheme = where.find("://"); scheme != where.npos) {
    return fail(Errc::Unsupported, std::string(where.substr(0, scheme)) + ":// is not offered; s3:// or a folder is");
  }
  return std::make_unique<Folder>(std::string(where), parts);
}

}  // namespace sluice::objects
