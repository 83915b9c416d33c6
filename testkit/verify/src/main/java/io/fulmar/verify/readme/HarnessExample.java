package io.fulmar.verify.readme;

import io.fulmar.testkit.harness.CrashSweep;
import io.fulmar.testkit.harness.RandomHistories;

/** README.md's example of the harnesses, between the markers. */
public final class HarnessExample {
  private HarnessExample() {}

  /** Sweeps and plays. */
  static void run(RandomHistories.Subjects subjects) throws Exception {
    // begin README
    CrashSweep.of(CrmLife.class).sample(2).pairs(1).run();
    RandomHistories.of(subjects).count(2).play(); // seed -> new CrmHistory(...)
    // end README
  }
}
