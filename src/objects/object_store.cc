// SPDX-License-Identifier: Apache-2.0
#include "objects/object_store.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
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

Result<std::string> read_file(const std::string& path, std::size_t most) {
  const OpenFile file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status{};
  if (file.fd < 0 || ::fstat(file.fd, &status) != 0) return failure("read", path);
  if (static_cast<std::size_t>(status.st_size) > most) return fail(Errc::TooLarge, path + " is too large");
  std::string octets(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t have = 0;
  while (have < octets.size()) {
    const ssize_t got = ::read(file.fd, octets.data() + have, octets.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failure("read", path);
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  octets.resize(have);
  return octets;
}

/// Beside its place, synced, then moved there.
Result<> write_file(const std::string& folder, const std::string& name, std::string_view octets) {
  ::mkdir(folder.c_str(), 0700);
  const std::string path = folder + '/' + name;
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

class Folder final : public ObjectStore {
 public:
  Folder(std::string path, const StoreParts& parts) : path_(std::move(path)), parts_(parts) {}

  Task<Result<std::string>> get(std::string name, std::size_t most, rt::Deadline /*deadline*/) override {
    co_return co_await rt::offload(parts_.pool, parts_.reactor,
                                   [file = path_ + '/' + name, most] { return read_file(file, most); });
  }
  Task<Result<>> put(std::string name, std::string octets, rt::Deadline /*deadline*/) override {
    co_return co_await rt::offload(parts_.pool, parts_.reactor,
                                   [folder = path_, name = std::move(name), octets = std::move(octets)] {
                                     return write_file(folder, name, octets);
                                   });
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
    CO_TRY(http::ClientResponse response, co_await send("GET", name, {}, most, deadline));
    co_return std::move(response.body);
  }
  Task<Result<>> put(std::string name, std::string octets, rt::Deadline deadline) override {
    CO_TRY(co_await send("PUT", name, std::move(octets), kMostOfAnswer, deadline));
    co_return Result<>{};
  }
  [[nodiscard]] std::string address() const override { return at_.endpoint + at_.path; }

 private:
  static constexpr std::size_t kMostOfAnswer = 64 * 1024;

  Task<Result<http::ClientResponse>> send(std::string method, const std::string& name, std::string content,
                                          std::size_t most, rt::Deadline deadline) {
    const std::string path = at_.path + percent_encode(name);
    http::ClientRequest request;
    request.method = method;
    request.url = at_.endpoint + path;
    request.headers = sign({.method = method,
                            .host = at_.host,
                            .path = path,
                            .query = {},
                            .content = content,
                            .region = at_.region,
                            .now = parts_.reactor.clock().wall_s()},
                           credentials_);
    request.body = std::move(content);
    request.max_response = most;
    CO_TRY(http::ClientResponse response, co_await parts_.client.send(std::move(request), deadline));
    if (response.status >= 200 && response.status < 300) co_return response;
    co_return refusal(response, path);
  }

  [[nodiscard]] std::unexpected<Error> refusal(const http::ClientResponse& response, const std::string& path) const {
    const Errc code = response.status == 404                             ? Errc::NotFound
                      : response.status == 401 || response.status == 403 ? Errc::Forbidden
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
