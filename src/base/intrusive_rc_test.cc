// SPDX-License-Identifier: Apache-2.0
#include "base/intrusive_rc.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

struct Base : RcObject {
  virtual ~Base() = default;
  virtual int kind() { return 1; }
};
struct Derived final : Base {
  explicit Derived(int& destroyed_count) : destroyed(destroyed_count) {}
  ~Derived() override { ++destroyed; }
  int kind() override { return 2; }
  int& destroyed;
};

TEST(Rc, DestroysWithTheLastReference) {
  int destroyed = 0;
  Rc<Derived> first = make_rc<Derived>(destroyed);
  Rc<Derived> second = first;
  EXPECT_EQ(first.use_count(), 2U);
  first = nullptr;
  EXPECT_EQ(destroyed, 0);
  second = nullptr;
  EXPECT_EQ(destroyed, 1);
}

TEST(Rc, HoldsDerivedObjectsByTheirBase) {
  int destroyed = 0;
  {
    const Rc<Base> base = make_rc<Derived>(destroyed);
    EXPECT_EQ(base->kind(), 2);
  }
  EXPECT_EQ(destroyed, 1);
}

TEST(Rc, MovesWithoutCounting) {
  int destroyed = 0;
  Rc<Derived> first = make_rc<Derived>(destroyed);
  const Rc<Derived> second = std::move(first);
  EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): the state after a move is what is tested
  EXPECT_EQ(second.use_count(), 1U);
}

TEST(Rc, TakesAFurtherReferenceFromTheObjectItself) {
  int destroyed = 0;
  const Rc<Derived> first = make_rc<Derived>(destroyed);
  const Rc<Derived> again(*first);
  EXPECT_EQ(first, again);
  EXPECT_EQ(first.use_count(), 2U);
}

}  // namespace
}  // namespace sluice
