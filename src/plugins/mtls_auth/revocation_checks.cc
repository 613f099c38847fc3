// SPDX-License-Identifier: Apache-2.0
#include "plugins/mtls_auth/revocation_checks.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "base/log.h"
#include "http/client.h"
#include "rt/offload.h"
#include "rt/reactor.h"

namespace sluice::plugins {

using crypto::RevocationAnswer;

namespace {

constexpr std::int64_t kPauseS = 5;         // after a question that nobody answered
constexpr std::size_t kMostQuestions = 64;  // at a time
constexpr std::size_t kMostAnswer = 64 << 10;
constexpr std::size_t kMostList = 16 << 20;

Result<std::string> content_of(Result<http::ClientResponse> response) {
  if (!response) return std::unexpected(std::move(response).error());
  if (response->status == 200) return std::move(response->body);
  return fail(Errc::Refused, "the answer has status " + std::to_string(response->status), Blame::Upstream);
}

void note_failure(const std::string& url, const Error& error) {
  static log::Counted failed(log::Level::Info, "mtls_auth.authority_silent");  // a client decides how often
  failed.hit({{"url", url}, {"error", error}});
}

}  // namespace

/// A request stands among those that wait for the same answer, as long as it does.
class RevocationChecks::Listed {
 public:
  Listed(RevocationChecks& checks, const std::string& digest, Asker& asker)
      : checks_(checks), digest_(digest), asker_(asker) {
    checks_.asking_[digest].push_back(&asker);
  }
  Listed(const Listed&) = delete;
  Listed& operator=(const Listed&) = delete;
  ~Listed() {
    const auto among = checks_.asking_.find(digest_);
    if (among != checks_.asking_.end()) std::erase(among->second, &asker_);
  }

 private:
  RevocationChecks& checks_;
  const std::string& digest_;
  Asker& asker_;
};

bool RevocationChecks::admits(Status status) const {
  if (status == Status::Unknown) return terms_.doubt == Doubt::Admits;
  return status == Status::Good;
}

std::optional<bool> RevocationChecks::known(const std::string& digest) {
  const Answer* answer = answers_.find(digest);
  if (answer == nullptr || answer->until_s <= host_.reactor.clock().wall_s()) return std::nullopt;
  return admits(answer->status);
}

Task<bool> RevocationChecks::ask(std::string digest, VerifiedClients::Ref client) {
  const bool is_first = !asking_.contains(digest);
  if (is_first && asking_.size() >= kMostQuestions) co_return admits(Status::Unknown);
  Asker asker{rt::Waiter(host_.reactor)};
  const Listed listed(*this, digest, asker);
  if (is_first) questions_.spawn(find_out(digest, std::move(client)));
  // It ends: everything that is asked has a deadline.
  if (!asker.admitted) co_await asker.woken.wait(rt::Deadline::never());
  co_return asker.admitted.value_or(false);
}

Task<void> RevocationChecks::find_out(std::string digest, VerifiedClients::Ref client) {
  const RevocationAnswer answer = co_await question_all(std::move(client));
  const std::int64_t now_s = host_.reactor.clock().wall_s();
  std::int64_t until_s = now_s + (answer.status == Status::Unknown ? kPauseS : terms_.keep_s);
  // One that has just ended was taken because clocks differ, and is not believed for long.
  if (answer.next_update_s != 0) until_s = std::min(until_s, std::max(answer.next_update_s, now_s + kPauseS));
  answers_.put(digest, {answer.status, until_s});
  auto waiting = asking_.extract(digest);
  for (Asker* asker : waiting.mapped()) {
    asker->admitted = admits(answer.status);
    asker->woken.wake_soon();
  }
}

/// The first answer that is one.
Task<RevocationAnswer> RevocationChecks::question_all(VerifiedClients::Ref client) {
  const std::vector<crypto::Certificate>& chain = client->chain.certificates;
  if (chain.size() < 2) co_return RevocationAnswer{};  // listed itself: nobody above it can revoke it
  const crypto::RevocationSources sources = crypto::revocation_sources(chain.front());
  const rt::Deadline deadline = host_.reactor.after_ms(terms_.timeout_ms);
  for (const std::string& url : sources.responders) {
    const auto answer = co_await question_responder(url, client, deadline);
    if (answer && answer->status != Status::Unknown) co_return *answer;
    if (!answer) note_failure(url, answer.error());
  }
  for (const std::string& url : sources.lists) {
    const auto answer = co_await read_list(url, client, deadline);
    if (answer) co_return *answer;
    note_failure(url, answer.error());
  }
  co_return RevocationAnswer{};
}

Task<Result<RevocationAnswer>> RevocationChecks::question_responder(std::string url, VerifiedClients::Ref client,
                                                                    rt::Deadline deadline) {
  const std::vector<crypto::Certificate>& chain = client->chain.certificates;
  CO_TRY(auto question, crypto::OcspQuestion::about(chain[0], chain[1]));
  http::ClientRequest request{
      .method = "POST",
      .url = std::move(url),
      .headers = {{"Content-Type", "application/ocsp-request"}, {"Accept", "application/ocsp-response"}},
      .body = question->der(),
      .max_response = kMostAnswer};
  CO_TRY(std::string der, content_of(co_await host_.client.send(std::move(request), deadline)));
  co_return co_await rt::offload(host_.blocking, host_.reactor,
                                 [question, der = std::move(der)] { return question->judge(der); });
}

Task<Result<RevocationAnswer>> RevocationChecks::read_list(std::string url, VerifiedClients::Ref client,
                                                           rt::Deadline deadline) {
  http::ClientRequest request;
  request.url = std::move(url);
  request.max_response = kMostList;
  CO_TRY(std::string list, content_of(co_await host_.client.send(std::move(request), deadline)));
  co_return co_await rt::offload(host_.blocking, host_.reactor, [client, list = std::move(list)] {
    const std::vector<crypto::Certificate>& chain = client->chain.certificates;
    return crypto::judge_list(list, chain[0], chain[1]);
  });
}

}  // namespace sluice::plugins
