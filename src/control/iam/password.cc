// SPDX-License-Identifier: Apache-2.0
#include "control/iam/password.h"

#include <array>
#include <new>
#include <stdexcept>
#include <utility>

#include <sodium.h>

namespace sluice::control::iam {
namespace {

constexpr unsigned long long kPasses = 3;
constexpr std::size_t kMemory = 64UL * 1024 * 1024;

void prepare_library() {
  static const bool kReady = ::sodium_init() >= 0;
  if (!kReady) throw std::runtime_error("libsodium cannot be used");
}

/// What an unknown account's password is compared with, so that it takes as long as with a known one.
const std::string& nobodys_hash() {
  static const std::string kHash = hash_password("nobody has this password");
  return kHash;
}

/// One who waits, as long as it lives. It belongs to the work: who asks and goes away leaves that to be done.
class Place {
 public:
  explicit Place(std::shared_ptr<std::atomic<std::size_t>> count) : count_(std::move(count)) { ++*count_; }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() { --*count_; }

 private:
  std::shared_ptr<std::atomic<std::size_t>> count_;
};

}  // namespace

std::string hash_password(std::string_view password) {
  prepare_library();
  std::array<char, crypto_pwhash_STRBYTES> out{};
  const int failed = ::crypto_pwhash_str_alg(out.data(), password.data(), password.size(), kPasses, kMemory,
                                             crypto_pwhash_ALG_ARGON2ID13);
  if (failed != 0) throw std::bad_alloc();
  return out.data();
}

bool verify_password(std::string_view hash, std::string_view password) {
  prepare_library();
  const bool known = !hash.empty();
  const std::string text(known ? hash : std::string_view(nobodys_hash()));
  const bool same = ::crypto_pwhash_str_verify(text.c_str(), password.data(), password.size()) == 0;
  return same && known;
}

template <class Work>
Task<Result<std::invoke_result_t<Work>>> PasswordHasher::run(From from, Work work) {
  if (*waiting_ >= kMostWaiting - (from == From::Stranger ? kKeptPlaces : 0)) {
    co_return fail(Errc::Unavailable, "too many log-ins at the same time", Blame::System, Retry::Safe);
  }
  if (thread_ == nullptr) thread_ = std::make_unique<rt::BlockingPool>(1);
  // Exceptions do not cross threads here.
  using Value = std::invoke_result_t<Work>;
  auto guarded = [work = std::move(work), place = std::make_shared<Place>(waiting_)]() mutable -> Result<Value> {
    const auto done = std::exchange(place, nullptr);
    try {
      return work();
    } catch (const std::exception& thrown) {
      return fail(Errc::Unavailable, std::string("a password cannot be hashed: ") + thrown.what(), Blame::System);
    }
  };
  co_return co_await rt::offload(*thread_, reactor_, std::move(guarded));
}

Task<Result<std::string>> PasswordHasher::hash(Secret<std::string> password) {
  co_return co_await run(From::Known, [password = std::move(password)] { return hash_password(password.reveal()); });
}

Task<Result<bool>> PasswordHasher::verify(std::string hash, Secret<std::string> password, From from) {
  auto work = [hash = std::move(hash), password = std::move(password)] {
    return verify_password(hash, password.reveal());
  };
  co_return co_await run(from, std::move(work));
}

}  // namespace sluice::control::iam
