package io.fulmar.internal.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;

/** Looks for threads that a run has left behind. */
final class EngineThreads {
  private EngineThreads() {}

  static List<Thread> alive() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("fulmar-") && thread.isAlive())
        .toList();
  }

  /** Fails if threads of the engine go on, after the last steps that they may still have to do. */
  static void assertNoneLeft() throws InterruptedException {
    for (Thread thread : alive()) {
      thread.join(5_000);
      assertThat(thread.isAlive()).as("%s goes on after its run", thread.getName()).isFalse();
    }
  }
}
