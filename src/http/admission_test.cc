// SPDX-License-Identifier: Apache-2.0
#include "http/admission.h"

#include <gtest/gtest.h>

namespace sluice::http {
namespace {

class AdmissionTest : public testing::Test {
 protected:
  rt::MemoryGauge memory;
  Ceilings ceilings;
  Admission admission{ceilings, memory};
};

TEST_F(AdmissionTest, TakesEverythingWhereNothingIsLimited) {
  EXPECT_FALSE(admission.judge_request());
  const Admission::Place one = admission.take_place();
  EXPECT_FALSE(admission.is_full());
}

TEST_F(AdmissionTest, IsFullUntilAConnectionHasGone) {
  ceilings.connections = 2;
  const Admission::Place first = admission.take_place();
  {
    const Admission::Place second = admission.take_place();
    EXPECT_TRUE(admission.is_full());
  }
  EXPECT_FALSE(admission.is_full());
}

TEST_F(AdmissionTest, TurnsAwayOneRequestTooManyUntilAnotherHasEnded) {
  ceilings.requests = 2;
  const Admission::Seat first(admission);
  {
    const Admission::Seat second(admission);
    EXPECT_EQ(admission.judge_request(), Shed::Requests);
  }
  EXPECT_FALSE(admission.judge_request());
  EXPECT_EQ(admission.in_flight(), 1U);
}

TEST_F(AdmissionTest, TurnsRequestsAwayWhenMemoryIsShort) {
  memory.set_limit(1);  // whatever a process has is more
  memory.refresh();
  EXPECT_EQ(admission.judge_request(), Shed::Memory);
}

TEST_F(AdmissionTest, OneLateTurnIsNotTooMuchWork) {
  ceilings.delay_ms = 100;
  admission.sample_delay(900);
  admission.sample_delay(0);
  admission.sample_delay(900);
  admission.sample_delay(900);
  EXPECT_FALSE(admission.judge_request());
  admission.sample_delay(900);
  EXPECT_EQ(admission.judge_request(), Shed::Delay);
}

TEST_F(AdmissionTest, DelayIsOverWhenItIsWellBelow) {
  ceilings.delay_ms = 100;
  for (int i = 0; i < 3; ++i) admission.sample_delay(200);
  admission.sample_delay(90);
  EXPECT_EQ(admission.judge_request(), Shed::Delay);
  admission.sample_delay(40);
  EXPECT_FALSE(admission.judge_request());
}

TEST_F(AdmissionTest, CountsByReason) {
  admission.note(Shed::Memory);
  admission.note(Shed::Memory);
  admission.note(Shed::Idle);
  EXPECT_EQ(admission.count(Shed::Memory), 2U);
  EXPECT_EQ(admission.count(Shed::Idle), 1U);
  EXPECT_EQ(admission.count(Shed::Delay), 0U);
}

}  // namespace
}  // namespace sluice::http
