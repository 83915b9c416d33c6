package io.fulmar.internal.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Model;
import io.fulmar.RunEvent;
import io.fulmar.RunStatus;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.harness.ManualClock;
import io.fulmar.harness.Reference5a.Remembered;
import io.fulmar.harness.SourceRow;
import io.fulmar.internal.store.FakeStore;
import io.fulmar.spi.Batch;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Two runners over one store that holds two rows. The call of the first one hangs, and the store
 * gives its sync to the second one, as after a lease that ran out; only then the call answers.
 */
@DisplayName("P1, P4, I-02: a call hangs, and another runner takes over")
class TakeoverTest {
  private static final Duration DEADLINE = Duration.ofSeconds(60);

  private final ManualClock clock = new ManualClock(Instant.parse("2026-03-01T00:00:00Z"));
  private final FakeStore store = new FakeStore(clock);
  private final List<Sent> sent = Collections.synchronizedList(new ArrayList<>());
  private final CountDownLatch hanging = new CountDownLatch(1);
  private final CountDownLatch answering = new CountDownLatch(1);

  /** What a call carried, and when it began. */
  private record Sent(String who, long at, List<String> ids) {}

  @AfterEach
  void nothingIsLeft() throws InterruptedException {
    answering.countDown();
    EngineThreads.assertNoneLeft();
    assertThat(store.breaches()).isEmpty();
  }

  private Sync sync(String who, List<RunEvent> events) {
    Destination destination =
        Destination.of(
            "crm",
            batch -> {
              sent.add(new Sent(who, clock.millis(), ids(batch)));
              if (who.equals("first")) {
                hanging.countDown();
                assertThat(answering.await(20, TimeUnit.SECONDS)).isTrue();
              }
              return Delivery.allAccepted();
            });
    return Sync.builder("crm")
        .model(Model.query("rows", "0").key("k"))
        .to(destination)
        .callDeadline(DEADLINE)
        .listener(events::add)
        .build();
  }

  private static List<String> ids(Batch batch) {
    return batch.changes().stream().map(change -> change.changeId()).toList();
  }

  private Runner runner(RunnerSettings.Waiter waiter) {
    return new Runner(
        store, RunnerSettings.defaults().withClock(clock).withNanoTime(() -> 0).withWaiter(waiter));
  }

  @Test
  @DisplayName("the late answer is refused, and the keys are sent when the first call cannot act")
  void lateAnswerIsRefused() throws Exception {
    store.source(List.of(new SourceRow("k1", "a"), new SourceRow("k2", "a")));
    List<RunEvent> heard = Collections.synchronizedList(new ArrayList<>());
    try (Runner first = runner((stop, duration) -> clock.advance(duration))) {
      FutureTask<SyncReport> firstRun = new FutureTask<>(() -> first.run(sync("first", heard)));
      new Thread(firstRun, "caller").start();
      assertThat(hanging.await(20, TimeUnit.SECONDS)).isTrue();
      store.kill();
      clock.advance(Duration.ofSeconds(10));

      // The second runner has taken the first run in, and waits for its call.
      List<Map<String, Remembered>> memories = new ArrayList<>();
      try (Runner second =
          runner(
              (stop, duration) -> {
                memories.add(store.memory());
                answering.countDown();
                ended(firstRun);
                memories.add(store.memory());
                clock.advance(duration);
              })) {
        SyncReport report = second.run(sync("second", new ArrayList<>())).throwIfFailed();
        assertThat(report.status()).isEqualTo(RunStatus.SUCCEEDED);
        assertThat(report.total().accepted()).isEqualTo(2);
      }
      assertThat(memories).hasSize(2);
      assertThat(memories.get(1)).as("after the late answer").isEqualTo(memories.get(0));
      assertThat(memories.get(1).values())
          .hasSize(2)
          .allMatch(memory -> memory.accepted() == null)
          .allMatch(memory -> memory.held() != null && memory.held().unsure());

      assertRunIsRefused(firstRun.get(), heard);
    }
    assertThat(sent).extracting(Sent::who).containsExactly("first", "second");
    assertThat(sent.get(1).ids()).as("change ids").isEqualTo(sent.get(0).ids());
    assertThat(sent.get(1).at()).isGreaterThan(sent.get(0).at() + DEADLINE.toMillis());
    assertThat(store.memory().values())
        .hasSize(2)
        .allMatch(memory -> memory.accepted() != null && memory.held() == null);
  }

  private static void ended(FutureTask<SyncReport> run) {
    try {
      assertThat(run.get(20, TimeUnit.SECONDS)).isNotNull();
    } catch (Exception e) {
      throw new AssertionError("the first run does not end", e);
    }
  }

  /** Who lost its sync says so, to whoever called it and to its listeners. */
  private static void assertRunIsRefused(SyncReport report, List<RunEvent> heard) {
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.error())
        .isInstanceOf(StateException.class)
        .hasMessage("Cannot write: another runner holds the sync, or nobody does.");
    assertThat(heard).last().isEqualTo(new RunEvent.Ended("crm", report.run(), report));
  }
}
