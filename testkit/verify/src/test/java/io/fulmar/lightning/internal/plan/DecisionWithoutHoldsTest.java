package io.fulmar.lightning.internal.plan;

import io.fulmar.internal.store.Memory;

/** The same where nothing is held, which is planned by a statement that joins the state alone. */
class DecisionWithoutHoldsTest extends DecisionTest {
  @Override
  boolean isLookedAt(Memory memory) {
    return memory.hold() == null && memory.until() == 0;
  }

  @Override
  int leastCases() {
    return 15;
  }
}
