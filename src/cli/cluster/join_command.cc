// SPDX-License-Identifier: Apache-2.0
#include "cli/cluster/join_command.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/core.h>
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

/// A key pair that only whoever reads the output will have; the control plane is told of the certificate.
Result<> make_certificate(Platform& platform, const JoinArguments& arguments, JoinTerms& terms) {
  if (platform.plane().auth_type == "pki_client_certs") {
    return fail(Errc::Refused, "control plane '" + platform.plane().name +
                                   "' takes certificates of an authority, so one of our making opens nothing: use "
                                   "--cert and --key with one that the authority has issued");
  }
  TRY(auto made, net::tls::make_self_signed({kSubject}, {.curve = "P-256", .days = arguments.days}));
  TRY(const auto certificate, crypto::Certificate::parse(made.certificate));
  TRY(const std::string id, platform.pin(made.certificate, arguments.name));
  fmt::print(stderr, "Pinned a new certificate at control plane {} as {}, valid until {}.\n", platform.plane().name, id,
             format_rfc3339(certificate.not_after() * 1000).substr(0, 10));
  terms.certificate = std::move(made.certificate);
  terms.key = std::move(made.key);
  return {};
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
/// is meant, the data plane's own certificate says.
Result<> read_authority(const JoinArguments& arguments, JoinTerms& terms) {
  TRY(Input authority, read_input(arguments.authority_file));
  auto chain = crypto::Certificate::parse_chain(authority.text);
  if (!chain) return fail(arguments.authority_file + ": ", std::move(chain).error());
  const auto names = chain->front().names();
  const bool shared = std::ranges::find(names, kSharedName) != names.end();
  if (shared && arguments.server_name.empty()) terms.server_name = kSharedName;
  terms.authority = std::move(authority.text);
  return {};
}

Result<> check(const JoinArguments& arguments) {
  const bool files = !arguments.certificate_file.empty() && !arguments.key_file.empty();
  if (arguments.new_certificate == files) {
    return fail(Errc::Invalid, "either --new-certificate, or --cert and --key");
  }
  if (arguments.new_certificate && arguments.mtls == "shared") {
    return fail(Errc::Invalid, "--new-certificate: with --mtls shared both sides have one certificate, not a new one");
  }
  return {};
}

/// The control plane itself is asked where it is found, unless that was said.
Result<JoinTerms> terms_of(const JoinArguments& arguments) {
  TRY(check(arguments));
  JoinTerms terms;
  terms.mtls = !arguments.mtls.empty() ? arguments.mtls : arguments.new_certificate ? "pki" : "shared";
  terms.address = arguments.address;
  terms.server_name = arguments.server_name;
  terms.image = arguments.image;
  terms.space = arguments.space;
  terms.name = arguments.name;
  TRY(terms.labels, labels_of(arguments.labels));
  const bool unknown = terms.address.empty() || (terms.mtls == "pki" && terms.server_name.empty());
  std::optional<Platform> platform;
  if (arguments.new_certificate || unknown) {
    TRY(platform, Platform::open(arguments.platform));
    const std::string address = address_of(platform->plane().endpoint);
    if (terms.address.empty()) terms.address = address;
    if (terms.server_name.empty()) terms.server_name = address.substr(0, address.rfind(':'));
  }
  if (!arguments.authority_file.empty()) TRY(read_authority(arguments, terms));
  // Everything else has been checked: a certificate is pinned only for a kit that will be.
  if (!arguments.new_certificate) {
    TRY(read_certificate(arguments, terms));
    return terms;
  }
  TRY(make_join_kit(host_of(arguments.host), terms));
  TRY(make_certificate(*platform, arguments, terms));
  return terms;
}

Result<> write_kit(const JoinKit& kit, const std::string& folder) {
  if (::mkdir(folder.c_str(), kScriptMode) != 0 && errno != EEXIST) {
    return fail(Errc::Io, "cannot make " + folder + ": " + std::strerror(errno));
  }
  for (const JoinKit::File& file : kit.files) TRY(write_output(folder + "/" + file.name, file.text));
  const std::string script = folder + "/join.sh";
  TRY(write_output(script, script_text(kit)));
  ::chmod(script.c_str(), kScriptMode);
  fmt::print("Wrote {}. Copy the folder to where the data plane is to run, then: ./join.sh\n", folder);
  return {};
}

}  // namespace

Result<int> join_data_plane(const JoinArguments& arguments) {
  TRY(const JoinTerms terms, terms_of(arguments));
  TRY(const JoinKit kit, make_join_kit(host_of(arguments.host), terms));
  if (arguments.folder.empty()) {
    TRY(write_output("-", paste_text(kit)));
  } else {
    TRY(write_kit(kit, arguments.folder));
  }
  return 0;
}

}  // namespace sluice::cli
