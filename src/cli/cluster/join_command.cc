// SPDX-License-Identifier: Apache-2.0
#include "cli/cluster/join_command.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/core.h>
#include <netdb.h>
#include <sys/stat.h>

#include "base/time.h"
#include "cli/cluster/join_kit.h"
#include "cli/files.h"
#include "crypto/pem.h"
#include "net/tls/self_signed.h"

namespace sluice::cli {
namespace {

constexpr const char* kSubject = "sluice-data-plane";
constexpr std::string_view kSharedName = "kong_clustering";
constexpr std::string_view kDefaultPlane = "default";
constexpr mode_t kFolderMode = 0700;
constexpr mode_t kScriptMode = 0700;

Host host_of(const std::string& name) {
  if (name == "docker") return Host::Docker;
  if (name == "shell") return Host::Shell;
  return name == "systemd" ? Host::Systemd : Host::Kubernetes;
}

/// "0123456789.cp.example.com:8005" of "https://0123456789.cp.example.com:8005"; without a port it is 443.
std::string address_of(const std::string& endpoint) {
  const std::size_t scheme = endpoint.find("://");
  const std::string rest = scheme == endpoint.npos ? endpoint : endpoint.substr(scheme + 3);
  return rest.empty() || rest.find(':') != rest.npos ? rest : rest + ":443";
}

Result<std::vector<std::pair<std::string, std::string>>> labels_of(const std::vector<std::string>& texts) {
  std::vector<std::pair<std::string, std::string>> labels;
  for (const std::string& text : texts) {
    const std::size_t colon = text.find(':');
    if (colon == text.npos || colon == 0 || colon + 1 == text.size() || text.find(',') != text.npos) {
      return fail(Errc::Invalid, "--label: expected key:value, not '" + text + "'");
    }
    labels.emplace_back(text.substr(0, colon), text.substr(colon + 1));
  }
  return labels;
}

/// A key pair that only whoever reads the output will have.
Result<> make_certificate(const PlaneInfo& plane, const JoinArguments& arguments, JoinTerms& terms) {
  if (plane.auth_type == "pki_client_certs") {
    return fail(Errc::Refused, "control plane '" + plane.name +
                                   "' takes certificates of an authority, so one of our making opens nothing: use "
                                   "--cert and --key with one that the authority has issued");
  }
  TRY(auto made, net::tls::make_self_signed({kSubject}, {.curve = "P-256", .days = arguments.days}));
  terms.certificate = std::move(made.certificate);
  terms.key = std::move(made.key);
  return {};
}

/// Tells the control plane of a certificate; the id that it has there.
Result<std::string> pin(Platform& platform, const JoinArguments& arguments, const JoinTerms& terms) {
  TRY(const auto certificate, crypto::Certificate::parse(terms.certificate));
  TRY(std::string id, platform.pin(terms.certificate, arguments.name));
  const std::string& plane = platform.plane().name;
  fmt::print(stderr,
             "Pinned a new certificate at control plane {0} as {1}, valid until {2}.\n"
             "To take it back: sluice dp unpin {1} --control-plane '{0}'\n",
             plane, id, format_rfc3339(certificate.not_after() * 1000).substr(0, 10));
  return id;
}

Result<> read_certificate(const JoinArguments& arguments, JoinTerms& terms) {
  TRY(Input certificate, read_input(arguments.certificate_file));
  TRY(Input key, read_input(arguments.key_file));
  auto chain = crypto::Certificate::parse_chain(certificate.text);
  if (!chain) return fail(arguments.certificate_file + ": ", std::move(chain).error());
  auto parsed = crypto::PrivateKey::parse(key.text);
  if (!parsed) return fail(arguments.key_file + ": ", std::move(parsed).error());
  if (!parsed->belongs_to(chain->front())) {
    return fail(Errc::Invalid, arguments.key_file + " is not the key of " + arguments.certificate_file);
  }
  if (chain->front().not_after() <= unix_seconds()) {
    return fail(Errc::Invalid, arguments.certificate_file + ": the certificate has expired");
  }
  terms.certificate = std::move(certificate.text);
  terms.key = std::move(key.text);
  return {};
}

/// A control plane with the certificate that `hybrid gen_cert` makes has that name alone; which of its control planes
/// is meant, the data plane's own certificate says. `source` is for messages.
Result<> take_authority(const std::string& source, std::string pem, const JoinArguments& arguments, JoinTerms& terms) {
  auto chain = crypto::Certificate::parse_chain(pem);
  if (!chain) return fail(source + ": ", std::move(chain).error());
  const auto names = chain->front().names();
  const bool shared = std::ranges::find(names, kSharedName) != names.end();
  if (shared && arguments.server_name.empty()) terms.server_name = kSharedName;
  terms.authority = std::move(pem);
  return {};
}

/// What the control plane itself says of how its data planes come in, where the command line does not.
Result<> ask_door(Platform& platform, const JoinArguments& arguments, JoinTerms& terms) {
  TRY(ClusterDoor door, platform.door());
  if (!door.open) {
    fmt::print(stderr,
               "Warning: {} takes no data planes yet: its control plane needs a certificate (cluster_cert, see `sluice "
               "hybrid gen_cert`).\n",
               platform.target().url);
  }
  if (terms.mtls != "pki" || !arguments.authority_file.empty() || door.authority.empty()) return {};
  return take_authority("the certificate of the control plane", std::move(door.authority), arguments, terms);
}

/// An address of the control plane's own making may be no more than a name that nobody has entered anywhere.
void warn_of_unknown_host(const std::string& address) {
  std::string host = address.substr(0, address.rfind(':'));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), nullptr, nullptr, &found) == 0) {
    ::freeaddrinfo(found);
    return;
  }
  fmt::print(stderr, "Warning: {} has no address here; if data planes cannot resolve it either, give --address.\n",
             host);
}

std::string mtls_of(const JoinArguments& arguments) {
  if (!arguments.mtls.empty()) return arguments.mtls;
  return arguments.new_certificate ? "pki" : "shared";
}

/// With one certificate for all there is no telling whose data plane it is.
Result<> check_control_plane(const JoinArguments& arguments) {
  const std::string& wanted = arguments.platform.control_plane;
  if (wanted == kDefaultPlane || mtls_of(arguments) != "shared") return {};
  return fail(Errc::Refused,
              "with --mtls shared, as it is without --mtls and --new-certificate, a data plane joins control plane '" +
                  std::string(kDefaultPlane) + "' and no other. For '" + wanted +
                  "' use --new-certificate, which makes a certificate and pins it there, or --mtls pki with a --cert "
                  "and --key that are pinned there or that an authority of that control plane has issued.");
}

Result<> check(const JoinArguments& arguments) {
  TRY(check_control_plane(arguments));
  const bool files = !arguments.certificate_file.empty() && !arguments.key_file.empty();
  if (arguments.new_certificate == files) {
    return fail(Errc::Invalid, "either --new-certificate, or --cert and --key");
  }
  if (arguments.new_certificate && arguments.mtls == "shared") {
    return fail(Errc::Invalid, "--new-certificate: with --mtls shared both sides have one certificate, not a new one");
  }
  return {};
}

/// All that goes into the kit but the certificate. `platform` is there when the control plane had to be asked.
Result<JoinTerms> terms_of(const JoinArguments& arguments, std::optional<Platform>& platform) {
  TRY(check(arguments));
  JoinTerms terms;
  terms.mtls = mtls_of(arguments);
  terms.address = arguments.address;
  terms.server_name = arguments.server_name;
  terms.image = arguments.image;
  terms.space = arguments.space;
  terms.name = arguments.name;
  TRY(terms.labels, labels_of(arguments.labels));
  const bool unknown = terms.address.empty() || (terms.mtls == "pki" && terms.server_name.empty());
  if (arguments.new_certificate || unknown) {
    TRY(platform, Platform::open(arguments.platform));
    const std::string address = address_of(platform->plane().endpoint);
    if (terms.address.empty()) terms.address = address;
    if (terms.server_name.empty()) terms.server_name = address.substr(0, address.rfind(':'));
    TRY(ask_door(*platform, arguments, terms));
  }
  if (!arguments.authority_file.empty()) {
    TRY(Input authority, read_input(arguments.authority_file));
    TRY(take_authority(arguments.authority_file, std::move(authority.text), arguments, terms));
  }
  return terms;
}

/// For its owner alone; folders above it as usual.
Result<> make_folder(const std::string& folder) {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::path(folder).lexically_normal();
  const auto above = (path.has_filename() ? path : path.parent_path()).parent_path();
  if (!above.empty()) std::filesystem::create_directories(above, error);
  if (error) return fail(Errc::Io, "cannot make " + above.string() + ": " + error.message());
  if (::mkdir(folder.c_str(), kFolderMode) == 0 || std::filesystem::is_directory(folder, error)) return {};
  return fail(Errc::Io, "cannot make " + folder + ": " + std::strerror(errno));
}

Result<> write_kit(const JoinKit& kit, const std::string& folder) {
  for (const JoinKit::File& file : kit.files) TRY(write_output(folder + "/" + file.name, file.text));
  const std::string script = folder + "/join.sh";
  TRY(write_output(script, script_text(kit)));
  ::chmod(script.c_str(), kScriptMode);
  fmt::print("Wrote {0}. Copy the folder to where the data plane is to run, then run join.sh in it: sh {0}/join.sh\n",
             folder);
  return {};
}

Result<> deliver(const JoinKit& kit, const std::string& folder) {
  return folder.empty() ? write_output("-", paste_text(kit)) : write_kit(kit, folder);
}

}  // namespace

Result<int> join_data_plane(const JoinArguments& arguments) {
  std::optional<Platform> platform;
  TRY(JoinTerms terms, terms_of(arguments, platform));
  const Host host = host_of(arguments.host);
  if (arguments.new_certificate) {
    TRY(make_certificate(platform->plane(), arguments, terms));
  } else {
    TRY(read_certificate(arguments, terms));
  }
  TRY(const JoinKit kit, make_join_kit(host, terms));
  if (arguments.address.empty()) warn_of_unknown_host(terms.address);
  if (!arguments.folder.empty()) TRY(make_folder(arguments.folder));
  // Everything else has been done or checked: a certificate is pinned only for a kit that there will be.
  std::string pinned;
  if (arguments.new_certificate) {
    TRY(pinned, pin(*platform, arguments, terms));
  }
  if (auto delivered = deliver(kit, arguments.folder); !delivered) {
    if (!pinned.empty() && platform->unpin(pinned)) fmt::print(stderr, "Took the certificate back.\n");
    return std::unexpected(delivered.error());
  }
  return 0;
}

Result<int> unpin_certificate(const UnpinArguments& arguments) {
  TRY(Platform platform, Platform::open(arguments.platform));
  TRY(platform.unpin(arguments.certificate));
  fmt::print("Control plane {} lets nobody in by {} any more.\n", platform.plane().name, arguments.certificate);
  return 0;
}

}  // namespace sluice::cli
