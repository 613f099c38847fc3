// SPDX-License-Identifier: Apache-2.0
#include "control/cluster/door.h"

#include <set>

#include <gmock/gmock.h>

#include "entity/catalog_fixture.h"
#include "net/tls/ocsp_fixture.h"
#include "net/tls/tls_fixture.h"

namespace sluice::control::cluster {
namespace {

using net::tls::PemPair;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Control planes that a test makes up.
class Planes final : public Directory {
 public:
  [[nodiscard]] Result<std::shared_ptr<Hub>> by_server_name(std::string_view name) const override {
    const auto at = names.find(std::string(name));
    if (at == names.end()) return nullptr;
    if (auto hub = find(at->second)) return hub;
    return fail(Errc::Unavailable, "not open");
  }
  [[nodiscard]] std::shared_ptr<Hub> standard() const override { return open.begin()->second; }
  [[nodiscard]] std::shared_ptr<Hub> find(const Uuid& id) const override {
    const auto at = open.find(id);
    return at != open.end() ? at->second : nullptr;
  }
  [[nodiscard]] std::vector<Uuid> pinned_at(std::string_view sha256) const override {
    std::vector<Uuid> found;
    for (const auto& [fingerprint, id] : pins) {
      if (fingerprint == sha256) found.push_back(id);
    }
    return found;
  }
  [[nodiscard]] std::optional<std::vector<std::string>> issuers(const Uuid& id) const override {
    const auto at = authorities.find(id);
    return at != authorities.end() ? std::optional(at->second) : std::nullopt;
  }

  std::map<Uuid, std::shared_ptr<Hub>> open;  // the first one is the standard one
  std::map<std::string, Uuid> names;
  std::set<std::pair<std::string, Uuid>> pins;
  std::map<Uuid, std::vector<std::string>> authorities;
};

/// One that issues certificates to nodes.
struct Authority {
  net::tls::KeyPtr key = net::tls::new_key();
  net::tls::X509Ptr own =
      net::tls::certificate("authority", key.get(), nullptr, nullptr, {{NID_basic_constraints, "critical,CA:TRUE"}});

  [[nodiscard]] std::string pem() const { return net::tls::pem_of(own.get()); }
  [[nodiscard]] PemPair issue(const std::string& name = "node", long ends_s = 3600,
                              const std::string& organization = "") const {
    const net::tls::KeyPtr node = net::tls::new_key();
    const net::tls::X509Ptr made = net::tls::certificate(name, node.get(), own.get(), key.get(), {});
    if (!organization.empty()) {
      X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "O", MBSTRING_ASC,
                                 reinterpret_cast<const unsigned char*>(organization.c_str()), -1, 0, 0);
    }
    X509_gmtime_adj(X509_getm_notAfter(made.get()), ends_s);
    X509_sign(made.get(), key.get(), EVP_sha256());
    return {net::tls::pem_of(made.get()), net::tls::key_pem(node.get())};
  }
};

std::string fingerprint_of(const PemPair& pair) {
  return crypto::Certificate::parse(pair.certificate)->sha256_hex();
}

class DoorTest : public net::tls::TlsTest {
 protected:
  DoorTest() {
    for (const Uuid& id : {standard, shop}) {
      planes.open[id] = std::make_shared<Hub>(id, Hub::Parts{.reactor = reactor, .store = store}, LinkTerms{});
    }
    planes.names = {{"default.cp", standard}, {"shop.cp", shop}, {"gone.cp", numbered(9)}};
  }
  static Uuid numbered(std::uint8_t number) {
    Uuid id;
    id.octets[15] = number;
    return id;
  }

  /// Comes with that certificate.
  void come(const PemPair& pair) {
    open_pair();
    net::tls::ClientSettings client;
    client.verify = false;
    client.identity =
        std::make_shared<const net::tls::Identity>(*net::tls::Identity::from_pem(pair.certificate, pair.key));
    net::tls::ServerSettings settings;
    settings.client_auth = net::tls::ClientAuth::Any;
    settings.tickets = false;
    ASSERT_TRUE(shake_hands(server_context(std::move(settings)), client_context(std::move(client))).ok());
  }
  /// What whoever has come is told: the control plane's name, or why not.
  std::string asks_for(std::string_view name) {
    const auto hub = door.judge(server, name);
    if (!hub) return hub.error().what;
    return (*hub)->control_plane() == standard ? "default" : "shop";
  }
  void pin(const PemPair& pair, const Uuid& plane) { planes.pins.emplace(fingerprint_of(pair), plane); }

  Door::Terms sharing(const PemPair& pair) {
    Door::Terms terms;
    terms.own_fingerprints = {fingerprint_of(pair)};
    return terms;
  }
  Door::Terms trusting(const Authority& root) {
    Door::Terms terms;
    terms.shared = false;
    terms.trust = trust({root.pem()});
    return terms;
  }

  /// Why a guest who asked for `name` was dismissed, once everybody has been judged again.
  std::vector<std::string> dismissed(std::string_view name, const Uuid& plane, const std::function<void()>& change) {
    std::vector<std::string> reasons;
    const Door::Guest guest(door, server, std::string(name), planes.open.at(plane),
                            [&](const std::string& why) { reasons.push_back(why); });
    change();
    bool later = false;
    auto wait = [](rt::Reactor& on, bool& done) -> Task<void> {
      co_await rt::Sleep(on, on.after_ms(20));
      done = true;
    }(reactor, later);
    wait.start();
    rt::turn_until(reactor, [&] { return later; });
    return reasons;
  }

  const Uuid standard = numbered(1);
  const Uuid shop = numbered(2);
  const PemPair own = certificate_for("kong_clustering");
  const PemPair node = certificate_for("node");
  const Authority authority;
  entity::PluginSchemas plugins = entity::test_plugins();
  entity::Catalog catalog{plugins};
  store::MemoryStore store{catalog};
  Planes planes;
  Door door{planes, sharing(own), reactor};
};

TEST_F(DoorTest, TheClustersOwnCertificateOpensTheStandardControlPlaneAndNoOther) {
  come(own);
  EXPECT_EQ(asks_for("kong_clustering"), "default");
  EXPECT_EQ(asks_for("default.cp"), "default");
  EXPECT_THAT(asks_for("shop.cp"), HasSubstr("not pinned to the control plane that it asks for"));
}

TEST_F(DoorTest, TheClustersOwnCertificateOpensOneThatHasPinnedIt) {
  come(own);
  pin(own, shop);
  EXPECT_EQ(asks_for("shop.cp"), "shop");
  EXPECT_EQ(asks_for("kong_clustering"), "default");
}

TEST_F(DoorTest, APinnedCertificateOpensTheOneThatHasPinnedItAndNoOther) {
  come(node);
  pin(node, shop);
  EXPECT_EQ(asks_for("shop.cp"), "shop");
  EXPECT_EQ(asks_for("kong_clustering"), "shop");
  EXPECT_THAT(asks_for("default.cp"), HasSubstr("unknown"));
}

TEST_F(DoorTest, AStrangersCertificateOpensNothing) {
  come(node);
  EXPECT_THAT(asks_for(""), HasSubstr("its certificate is unknown: CN=node"));
  EXPECT_THAT(asks_for("shop.cp"), HasSubstr("not pinned"));
}

TEST_F(DoorTest, WhoAsksForOneThatIsNotOpenNeverGetsTheStandardOne) {
  come(own);
  EXPECT_EQ(asks_for("gone.cp"), "not open");
  planes.open.erase(shop);
  EXPECT_EQ(asks_for("shop.cp"), "not open");
  come(node);
  pin(node, shop);
  EXPECT_EQ(asks_for("shop.cp"), "not open");
  door.change(trusting(authority));
  come(authority.issue());
  EXPECT_EQ(asks_for("gone.cp"), "not open");
}

TEST_F(DoorTest, WhoIsPinnedByOneThatIsNotOpenNeverGetsTheStandardOne) {
  door.change(trusting(authority));
  const PemPair issued = authority.issue();
  come(issued);
  EXPECT_EQ(asks_for("control.test"), "default");
  pin(issued, shop);
  planes.open.erase(shop);
  EXPECT_THAT(asks_for("control.test"), HasSubstr("not open here"));
}

TEST_F(DoorTest, ACertificateOfTheClustersAuthorityOpensTheStandardControlPlaneAndNoOther) {
  door.change(trusting(authority));
  come(authority.issue());
  EXPECT_EQ(asks_for("default.cp"), "default");
  EXPECT_THAT(asks_for("shop.cp"), HasSubstr("not pinned"));
}

TEST_F(DoorTest, AControlPlaneWithAuthoritiesTakesWhatTheyHaveIssued) {
  planes.authorities[shop] = {};
  come(authority.issue());
  EXPECT_THAT(asks_for("shop.cp"), HasSubstr("no authority yet"));
  planes.authorities[shop] = {authority.pem()};
  EXPECT_EQ(asks_for("shop.cp"), "shop");
  EXPECT_THAT(asks_for("default.cp"), HasSubstr("unknown"));
  come(Authority().issue());
  EXPECT_THAT(asks_for("shop.cp"), HasSubstr("the client's certificate"));
}

TEST_F(DoorTest, AControlPlaneWithAuthoritiesDoesNotTakeWhatTheClustersHasIssued) {
  door.change(trusting(authority));
  planes.authorities[shop] = {Authority().pem()};
  come(authority.issue());
  EXPECT_THAT(asks_for("shop.cp"), HasSubstr("the client's certificate"));
}

TEST_F(DoorTest, WhoIsPinnedByTwoHasToAskForOne) {
  planes.open[numbered(3)] =
      std::make_shared<Hub>(numbered(3), Hub::Parts{.reactor = reactor, .store = store}, LinkTerms{});
  come(node);
  pin(node, shop);
  pin(node, numbered(3));
  EXPECT_EQ(asks_for("shop.cp"), "shop");
  EXPECT_EQ(door.judge(server, "control.test").error().code, Errc::Conflict);
  pin(node, standard);
  EXPECT_EQ(asks_for("control.test"), "default");
}

TEST_F(DoorTest, OnlyARealCommonNameCounts) {
  Door::Terms terms = trusting(authority);
  terms.common_names = {"edge, one", "forged"};
  door.change(terms);
  come(authority.issue("edge, one"));
  EXPECT_EQ(asks_for(""), "default");
  come(authority.issue("stranger", 3600, "CN=forged"));
  EXPECT_THAT(asks_for(""), HasSubstr("not among cluster_allowed_common_names: stranger"));
}

TEST_F(DoorTest, ACertificateThatHasEndedOpensNothing) {
  door.change(trusting(authority));
  const PemPair ended = authority.issue("node", -60);
  pin(ended, shop);
  come(ended);
  EXPECT_THAT(asks_for("shop.cp"), HasSubstr("not valid now"));
}

TEST_F(DoorTest, AGuestStaysWhileNothingOfHisHasChanged) {
  come(own);
  EXPECT_THAT(dismissed("kong_clustering", standard, [&] { door.judge_again(); }), IsEmpty());
  EXPECT_EQ(door.guests(), 0);
}

TEST_F(DoorTest, AGuestWhoseCertificateIsUnpinnedGoes) {
  come(node);
  pin(node, shop);
  const auto unpin = [&] {
    planes.pins.clear();
    door.judge_again();
  };
  EXPECT_THAT(dismissed("shop.cp", shop, unpin), ElementsAre(HasSubstr("not pinned")));
}

TEST_F(DoorTest, AGuestGoesWhenItsAuthorityDoes) {
  planes.authorities[shop] = {authority.pem()};
  come(authority.issue());
  const auto remove = [&] {
    planes.authorities[shop].clear();
    door.judge_again();
  };
  EXPECT_THAT(dismissed("shop.cp", shop, remove), ElementsAre(HasSubstr("no authority yet")));
}

TEST_F(DoorTest, AGuestGoesWhenTheClustersCertificateIsReplacedByAnother) {
  come(own);
  const auto replace = [&] { door.change(sharing(node)); };
  EXPECT_THAT(dismissed("", standard, replace), ElementsAre(HasSubstr("unknown")));
}

TEST_F(DoorTest, AGuestGoesWhenHisCertificateIsPinnedElsewhere) {
  door.change(trusting(authority));
  const PemPair issued = authority.issue();
  come(issued);
  const auto move = [&] {
    pin(issued, shop);
    door.judge_again();
  };
  EXPECT_THAT(dismissed("", standard, move), ElementsAre(HasSubstr("another control plane")));
}

TEST_F(DoorTest, AGuestStaysWhenHisCertificateEnds) {
  door.change(trusting(authority));
  come(authority.issue("node", -60));
  EXPECT_THAT(dismissed("", standard, [&] { door.judge_again(); }), IsEmpty());
}

}  // namespace
}  // namespace sluice::control::cluster
