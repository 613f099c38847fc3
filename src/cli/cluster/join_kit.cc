// SPDX-License-Identifier: Apache-2.0
#include "cli/cluster/join_kit.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "base/json.h"
#include "base/strings.h"

namespace sluice::cli {
namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;

constexpr std::string_view kCertificate = "cluster.crt";
constexpr std::string_view kKey = "cluster.key";
constexpr std::string_view kAuthority = "cluster-ca.crt";
constexpr std::string_view kEnd = "END-OF-FILE";
constexpr std::string_view kEndOfScript = "END-OF-SCRIPT";
constexpr std::string_view kAboutImage =
    "# The image is built from packaging/Dockerfile of Sluice's sources; no registry has it.\n";

/// What the link needs, with certificates below `folder`.
Settings settings_of(const JoinTerms& terms, const std::string& folder) {
  Settings settings = {{"role", "data_plane"},
                       {"database", "off"},
                       {"cluster_control_plane", terms.address},
                       {"cluster_mtls", terms.mtls},
                       {"cluster_cert", folder + std::string(kCertificate)},
                       {"cluster_cert_key", folder + std::string(kKey)}};
  if (terms.mtls == "pki" && !terms.server_name.empty()) {
    settings.emplace_back("cluster_server_name", terms.server_name);
  }
  if (!terms.authority.empty()) settings.emplace_back("cluster_ca_cert", folder + std::string(kAuthority));
  std::string labels;
  for (const auto& [key, value] : terms.labels) labels.append(labels.empty() ? "" : ",").append(key + ":" + value);
  if (!labels.empty()) settings.emplace_back("cluster_dp_labels", labels);
  return settings;
}

std::string variable(std::string_view setting) {
  return "SLUICE_" + to_upper(setting);
}

/// PEM texts end with a line break, or the here-document would not.
std::string whole_lines(std::string text) {
  if (!text.ends_with('\n')) text += '\n';
  return text;
}

std::vector<JoinKit::File> certificate_files(const JoinTerms& terms) {
  std::vector<JoinKit::File> files = {{std::string(kCertificate), whole_lines(terms.certificate)},
                                      {std::string(kKey), whole_lines(terms.key)}};
  if (!terms.authority.empty()) files.push_back({std::string(kAuthority), whole_lines(terms.authority)});
  return files;
}

std::string shell_word(const std::string& text) {
  const auto harmless = [](char c) {
    return is_ascii_alpha(c) || is_ascii_digit(c) || std::string_view("_-./:=,@").contains(c);
  };
  return std::ranges::all_of(text, harmless) ? text : "'" + text + "'";
}

// docker
// -------------------------------------------------------------------------------------------------------------------

/// The container runs as whoever starts it, so that nobody else needs to be able to read the key.
JoinKit docker_kit(const JoinTerms& terms) {
  JoinKit kit{.title = "in a container", .folder = terms.name, .files = certificate_files(terms), .commands = {}};
  kit.commands = std::string(kAboutImage) + "mkdir -p state\n";
  kit.commands += "docker run --detach --restart unless-stopped \\\n";
  kit.commands += "  --name " + terms.name + " --user \"$(id -u):$(id -g)\" \\\n";
  kit.commands += "  --publish 8000:8000 --publish 8443:8443 \\\n";
  kit.commands += "  --volume \"$PWD/state:/var/lib/sluice\" \\\n";
  for (const JoinKit::File& file : kit.files) {
    kit.commands += fmt::format("  --volume \"$PWD/{0}:/etc/sluice/{0}:ro\" \\\n", file.name);
  }
  for (const auto& [name, value] : settings_of(terms, "/etc/sluice/")) {
    kit.commands += "  --env " + shell_word(variable(name) + "=" + value) + " \\\n";
  }
  kit.commands += "  " + shell_word(terms.image) + "\n";
  return kit;
}

// shell
// -------------------------------------------------------------------------------------------------------------------

/// As it is started by hand, for a first try: in the foreground, its state beside its certificates. Settings that are
/// in the environment already hold.
JoinKit shell_kit(const JoinTerms& terms) {
  JoinKit kit{.title = "in this shell", .folder = terms.name, .files = certificate_files(terms), .commands = {}};
  for (const auto& [name, value] : settings_of(terms, "$PWD/")) {
    kit.commands += fmt::format("export {}=\"{}\"\n", variable(name), value);
  }
  kit.commands += "exec sluice start --prefix \"$PWD/state\"\n";
  return kit;
}

// systemd
// -------------------------------------------------------------------------------------------------------------------

/// Beside the unit that comes with the package. systemd reads the key as root and hands it over as a credential, since
/// the unit's user exists only while it runs.
std::string drop_in(const JoinTerms& terms, const std::vector<JoinKit::File>& files) {
  std::string text = "[Service]\n";
  for (const JoinKit::File& file : files)
    text += fmt::format("LoadCredential={0}:/etc/sluice/data-plane/{0}\n", file.name);
  for (const auto& [name, value] : settings_of(terms, "%d/")) {
    text += fmt::format("Environment={}={}\n", variable(name), value);
  }
  return text;
}

JoinKit systemd_kit(const JoinTerms& terms) {
  JoinKit kit{.title = "under systemd", .folder = terms.name, .files = certificate_files(terms), .commands = {}};
  const std::string unit = drop_in(terms, kit.files);
  kit.commands = "# Makes a data plane of this machine's gateway, which has to be installed: packaging/README.md.\n";
  kit.commands += "{ test -x /usr/bin/sluice && systemctl cat sluice.service > /dev/null; } ||\n";
  kit.commands += "  { echo 'sluice: /usr/bin/sluice and the unit sluice.service are needed' >&2; exit 1; }\n";
  for (const JoinKit::File& file : kit.files) {
    kit.commands += fmt::format("sudo install -D -m 0600 {0} /etc/sluice/data-plane/{0}\n", file.name);
  }
  kit.files.push_back({"data-plane.conf", unit});
  kit.commands += "sudo install -D -m 0644 data-plane.conf /etc/systemd/system/sluice.service.d/data-plane.conf\n";
  kit.commands += "test -e /etc/sluice/sluice.conf || sudo install -m 0644 /dev/null /etc/sluice/sluice.conf\n";
  kit.commands += "sudo systemctl daemon-reload\n";
  kit.commands += "sudo systemctl enable sluice\n";
  kit.commands += "sudo systemctl restart sluice\n";
  kit.commands += fmt::format("rm {}  # systemd has its own copy\n", kKey);
  return kit;
}

// Kubernetes
// -------------------------------------------------------------------------------------------------------------------

/// Indented as a block scalar wants it.
std::string block(const std::string& text, std::string_view indent) {
  std::string out;
  for (std::string_view line : split(trim(text), '\n')) out.append(indent).append(trim(line, "\r")).append("\n");
  return out;
}

/// The one that is there from the beginning needs no manifest.
std::string namespace_manifest(const JoinTerms& terms) {
  if (terms.space == "default") return "";
  return fmt::format("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {}\n---\n", terms.space);
}

std::string secret_manifest(const JoinTerms& terms) {
  std::string text = fmt::format(
      "apiVersion: v1\n"
      "kind: Secret\n"
      "metadata:\n"
      "  name: {0}-cluster\n"
      "  namespace: {1}\n"
      "stringData:\n",
      terms.name, terms.space);
  for (const JoinKit::File& file : certificate_files(terms)) {
    text += fmt::format("  {}: |\n{}", file.name, block(file.text, "    "));
  }
  return text;
}

std::string environment_manifest(const JoinTerms& terms) {
  Settings settings = settings_of(terms, "/etc/sluice/cluster/");
  settings.emplace_back("status_listen", "0.0.0.0:8007");  // for the probe
  std::string text;
  for (const auto& [name, value] : settings) {
    text += fmt::format("            - {{name: {}, value: {}}}\n", variable(name), to_json(value));
  }
  return text;
}

constexpr std::string_view kDeployment = R"(apiVersion: apps/v1
kind: Deployment
metadata:
  name: {0}
  namespace: {1}
spec:
  replicas: 2
  selector:
    matchLabels: {{app: {0}}}
  template:
    metadata:
      labels: {{app: {0}}}
    spec:
      securityContext: {{runAsNonRoot: true, runAsUser: 65532, runAsGroup: 65532, fsGroup: 65532}}
      containers:
        - name: sluice
          image: {2}
          args: [start]
          env:
{3}          ports:
            - {{name: proxy, containerPort: 8000}}
            - {{name: proxy-tls, containerPort: 8443}}
            - {{name: status, containerPort: 8007}}
          readinessProbe:
            httpGet: {{path: /status/ready, port: status}}
          volumeMounts:
            - {{name: cluster, mountPath: /etc/sluice/cluster, readOnly: true}}
            - {{name: state, mountPath: /var/lib/sluice}}
      volumes:
        - name: cluster
          secret: {{secretName: {0}-cluster, defaultMode: 0440}}
        # Gone with the pod: the next one needs the control plane, or cluster_fallback_config_storage (docs/hybrid.md).
        - name: state
          emptyDir: {{}}
---
apiVersion: v1
kind: Service
metadata:
  name: {0}
  namespace: {1}
spec:
  type: LoadBalancer
  selector: {{app: {0}}}
  ports:
    - {{name: proxy, port: 80, targetPort: proxy}}
    - {{name: proxy-tls, port: 443, targetPort: proxy-tls}}
)";

JoinKit kubernetes_kit(const JoinTerms& terms) {
  JoinKit kit{.title = "in Kubernetes", .folder = terms.name, .files = {}, .commands = {}};
  const std::string manifest =
      namespace_manifest(terms) + secret_manifest(terms) + "---\n" +
      fmt::format(kDeployment, terms.name, terms.space, to_json(Json(terms.image)), environment_manifest(terms));
  kit.files.push_back({"data-plane.yaml", manifest});
  kit.commands = std::string(kAboutImage) + "kubectl apply -f data-plane.yaml\n";
  kit.commands += fmt::format("kubectl --namespace {} rollout status deployment/{}\n", terms.space, terms.name);
  kit.commands += "rm data-plane.yaml  # the key in it is in the cluster now\n";
  return kit;
}

/// Quotes and line breaks mean something in each of the forms; nothing that belongs here has them.
Result<> check(std::string_view what, std::string_view value) {
  const auto odd = [](char c) {
    return static_cast<unsigned char>(c) < ' ' || c == '\x7f' || std::string_view("'\"\\`$%#").contains(c);
  };
  if (std::ranges::none_of(value, odd)) return {};
  return fail(Errc::Invalid, std::string(what) + ": a quote, '$', '%', '#', '\\' or control character in it");
}

/// A DNS label: containers, deployments and folders may be called so.
Result<> check_name(std::string_view what, std::string_view name) {
  const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || is_ascii_digit(c) || c == '-'; };
  constexpr std::size_t kMax = 52;
  const bool good = !name.empty() && name.size() <= kMax && std::ranges::all_of(name, allowed) && name.front() != '-' &&
                    name.back() != '-';
  if (good) return {};
  return fail(Errc::Invalid, fmt::format("{}: expected lower-case letters, digits and '-', at most {}", what, kMax));
}

Result<> check_address(std::string_view address) {
  const std::size_t colon = address.rfind(':');
  const bool has_port = colon != address.npos && colon > 0 && parse_int<std::uint16_t>(address.substr(colon + 1));
  if (has_port) return {};
  return fail(Errc::Invalid, "--address: expected host:port, not '" + std::string(address) + "'");
}

}  // namespace

Result<JoinKit> make_join_kit(Host host, const JoinTerms& terms) {
  TRY(check_address(terms.address));
  TRY(check("--address", terms.address));
  TRY(check("--server-name", terms.server_name));
  TRY(check("--image", terms.image));
  TRY(check_name("--name", terms.name));
  TRY(check_name("--namespace", terms.space));
  for (const auto& [key, value] : terms.labels) TRY(check("--label", key + value));
  switch (host) {
    case Host::Docker:
      return docker_kit(terms);
    case Host::Shell:
      return shell_kit(terms);
    case Host::Systemd:
      return systemd_kit(terms);
    case Host::Kubernetes:
      break;
  }
  return kubernetes_kit(terms);
}

std::string paste_text(const JoinKit& kit) {
  // To a shell of its own: that of who pastes keeps its folder, umask and options, and need not know what a comment is.
  std::string text = fmt::format("sh -eu <<'{}'\n# Joins a data plane {}. To be pasted into a shell there.\n",
                                 kEndOfScript, kit.title);
  text += "# It contains a private key: whoever has that may join.\n";
  text += "umask 077\nmkdir -p " + kit.folder + "\ncd " + kit.folder + "\n";
  for (const JoinKit::File& file : kit.files) {
    text += fmt::format("\ncat > {} <<'{}'\n{}{}\n", file.name, kEnd, file.text, kEnd);
  }
  return fmt::format("{}\n{}{}\n", text, kit.commands, kEndOfScript);
}

std::string script_text(const JoinKit& kit) {
  return "#!/bin/sh\n# Joins a data plane " + kit.title + ". To be run in the folder where it stands.\nset -eu\n" +
         "cd \"$(dirname \"$0\")\"\n" + kit.commands;
}

}  // namespace sluice::cli
