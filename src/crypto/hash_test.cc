// SPDX-License-Identifier: Apache-2.0
#include "crypto/hash.h"

#include <gtest/gtest.h>

#include "base/strings.h"
#include "base/uuid.h"
#include "crypto/random.h"
#include "crypto/uuid5.h"

namespace sluice::crypto {
namespace {

TEST(Hash, MatchesKnownDigests) {
  EXPECT_EQ(md5_hex(""), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(md5_hex("abc"), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(sha1_hex("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(digest(Hash::Sha384, "abc")).substr(0, 32), "cb00753f45a35e8bb5a03d699ac65007");
  EXPECT_EQ(to_hex(digest(Hash::Sha512, "abc")).substr(0, 32), "ddaf35a193617abacc417349ae204131");
}

TEST(Hash, MatchesKnownMacs) {  // RFC 4231, cases 1, 2 and 6
  EXPECT_EQ(to_hex(hmac_sha256(std::string(20, '\x0b'), "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(to_hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(to_hex(hmac_sha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_EQ(to_hex(hmac(Hash::Sha512, "Jefe", "what do ya want for nothing?")).substr(0, 32),
            "164b7a7bfcf819e2e395fbe73b56e0a3");
}

TEST(Digest, TakesDataInPiecesAndStartsOver) {
  Digest pieces(Hash::Sha256);
  EXPECT_EQ(pieces.update("a").update("").update("bc").finish(), sha256("abc"));
  EXPECT_EQ(pieces.finish(), sha256(""));
}

TEST(ConstantTimeEqual, ComparesContentAndLength) {
  EXPECT_TRUE(constant_time_equal("", ""));
  EXPECT_TRUE(constant_time_equal("abc", "abc"));
  EXPECT_FALSE(constant_time_equal("abc", "abd"));
  EXPECT_FALSE(constant_time_equal("abc", "abcd"));
}

TEST(UuidV5, MatchesTheExampleOfTheStandard) {  // RFC 9562, appendix A.4
  EXPECT_EQ(uuid_v5(dns_namespace(), "www.example.com").to_string(), "2ed6657d-e927-568b-95e1-2665a8aea6a2");
}

TEST(Random, TokensDifferAndHaveTheirLength) {
  EXPECT_EQ(random_octets(33).size(), 33U);
  EXPECT_EQ(random_token().size(), 43U);
  EXPECT_NE(random_token(), random_token());
}

}  // namespace
}  // namespace sluice::crypto
