// SPDX-License-Identifier: Apache-2.0
#include "cli/cluster/join_kit.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::cli {
namespace {

using testing::HasSubstr;

JoinTerms terms() {
  JoinTerms terms;
  terms.address = "0123456789.cp.example.com:8005";
  terms.certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
  terms.key = "-----BEGIN PRIVATE KEY-----\nMIGH\n-----END PRIVATE KEY-----\n";
  return terms;
}

JoinTerms pinned() {
  JoinTerms pinned = terms();
  pinned.mtls = "pki";
  pinned.server_name = "0123456789.cp.example.com";
  pinned.authority = "-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----";
  pinned.labels = {{"region", "eu-1"}, {"team", "shop"}};
  return pinned;
}

/// UPDATE_GOLDEN=1 writes the file anew.
void expect_golden(const std::string& name, const std::string& text) {
  const std::string path = "src/cli/cluster/testdata/" + name;
  if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(path) << text;
  std::ostringstream golden;
  golden << std::ifstream(path).rdbuf();
  EXPECT_EQ(text, golden.str()) << path << ": UPDATE_GOLDEN=1 build/dev/tests/cli_test --gtest_filter='JoinKit*'";
}

void expect_pasted(const std::string& name, Host host, const JoinTerms& wanted) {
  const auto kit = make_join_kit(host, wanted);
  ASSERT_TRUE(kit) << kit.error().what;
  expect_golden(name, paste_text(*kit));
}

TEST(JoinKit, DockerWithASharedCertificate) {
  expect_pasted("docker_shared.txt", Host::Docker, terms());
}

TEST(JoinKit, DockerWithAPinnedCertificate) {
  expect_pasted("docker_pinned.txt", Host::Docker, pinned());
}

TEST(JoinKit, SystemdWithASharedCertificate) {
  expect_pasted("systemd_shared.txt", Host::Systemd, terms());
}

TEST(JoinKit, SystemdWithAPinnedCertificate) {
  expect_pasted("systemd_pinned.txt", Host::Systemd, pinned());
}

TEST(JoinKit, KubernetesWithAPinnedCertificate) {
  expect_pasted("kubernetes_pinned.txt", Host::Kubernetes, pinned());
}

TEST(JoinKit, KubernetesInANamespaceOfItsOwn) {
  JoinTerms terms = pinned();
  terms.space = "sluice";
  expect_pasted("kubernetes_namespace.txt", Host::Kubernetes, terms);
}

TEST(JoinKit, AShellWithAPinnedCertificate) {
  expect_pasted("shell_pinned.txt", Host::Shell, pinned());
}

TEST(JoinKit, TheScriptOfAFolder) {
  const auto kit = make_join_kit(Host::Systemd, pinned());
  ASSERT_TRUE(kit);
  expect_golden("systemd_pinned.sh", script_text(*kit));
}

TEST(JoinKit, RefusesWhatWouldBreakOutOfACommandLine) {
  JoinTerms odd = terms();
  odd.image = "sluice'; rm -rf ~; '";
  EXPECT_THAT(make_join_kit(Host::Docker, odd).error().what, HasSubstr("--image"));
  odd = terms();
  odd.name = "a b";
  EXPECT_THAT(make_join_kit(Host::Docker, odd).error().what, HasSubstr("--name"));
  odd = terms();
  odd.labels = {{"a", "$(id)"}};
  EXPECT_THAT(make_join_kit(Host::Docker, odd).error().what, HasSubstr("--label"));
}

TEST(JoinKit, AnAddressNeedsAPort) {
  JoinTerms odd = terms();
  odd.address = "cp.example.com";
  EXPECT_THAT(make_join_kit(Host::Docker, odd).error().what, HasSubstr("host:port"));
}

}  // namespace
}  // namespace sluice::cli
