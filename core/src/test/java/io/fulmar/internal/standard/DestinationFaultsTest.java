package io.fulmar.internal.standard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Action;
import io.fulmar.Change;
import io.fulmar.HoldKind;
import io.fulmar.RunStatus;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.harness.ManualClock;
import io.fulmar.spi.Batch;
import io.fulmar.spi.BatchRejectedException;
import io.fulmar.spi.Capabilities;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.spi.NotAppliedException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A destination that misbehaves, and the standard store over a source in memory: what reached the
 * destination in the end, under which ids, and what the next run makes of it.
 */
class DestinationFaultsTest {
  private static final Duration DEADLINE = Duration.ofSeconds(60);

  @TempDir Path root;

  private final ManualClock clock = new ManualClock(Instant.parse("2026-01-15T10:00:00Z"));
  private final MemoryModel source = new MemoryModel();
  private final Crm crm = new Crm();
  private final List<Process> processes = new ArrayList<>();

  @AfterEach
  void closeEverything() {
    processes.forEach(Process::close);
  }

  private Process process() {
    Process process = new Process(root, source, clock, (stop, duration) -> clock.advance(duration));
    processes.add(process);
    return process;
  }

  private static Map<Long, String> rows(int count, String v) {
    Map<Long, String> rows = new TreeMap<>();
    for (long id = 0; id < count; id++) {
      rows.put(id, v);
    }
    return rows;
  }

  private static Crm.Mood firstCall(Crm.Mood first) {
    AtomicInteger calls = new AtomicInteger();
    return (batch, apply) ->
        calls.incrementAndGet() == 1 ? first.answer(batch, apply) : Crm.accept(batch, apply);
  }

  // ------------------------------------------------------------------------------------------ J-03

  @Test
  @DisplayName("J-03: a call that throws before it applied anything goes out again")
  void callThatThrowsBeforeItAppliedGoesOutAgain() {
    for (Exception thrown :
        List.of(
            new IOException("reset"),
            new IllegalStateException("broken"),
            new NotAppliedException("busy", Duration.ofSeconds(2)))) {
      source.rows(rows(4, thrown.getClass().getName()));
      crm.mood(
          firstCall(
              (batch, apply) -> {
                throw thrown;
              }));
      Process process = process();
      SyncReport report = process.run(Process.sync(crm).build()).throwIfFailed();
      assertThat(report.status()).isEqualTo(RunStatus.SUCCEEDED);
      assertThat(report.total().accepted()).isEqualTo(4);
      assertThat(report.calls()).isEqualTo(2);
      assertThat(crm.takeRepeated()).isEmpty();
      assertThat(process.status(Process.sync(crm).build()).unsure()).isZero();
      process.close();
    }
  }

  @Test
  @DisplayName("J-03: a call that throws after it applied goes out again under the same ids")
  void callThatThrowsAfterItAppliedGoesOutAgainUnderTheSameIds() {
    source.rows(rows(4, "a"));
    crm.mood(
        firstCall(
            (batch, apply) -> {
              apply.run();
              throw new IOException("no answer");
            }));
    Process process = process();
    SyncReport report = process.run(Process.sync(crm).build()).throwIfFailed();
    assertThat(report.total().accepted()).isEqualTo(4);
    assertThat(crm.takeRepeated()) // which tells them by their ids
        .containsExactlyInAnyOrder("ADDED 0=a", "ADDED 1=a", "ADDED 2=a", "ADDED 3=a");
    assertThat(crm.rows()).isEqualTo(rows(4, "a"));
  }

  @Test
  @DisplayName(
      "J-03: what stays unknown goes out again in the next run, also when the row went back")
  void whatStaysUnknownGoesOutAgainInTheNextRun() {
    Process process = process();
    Sync sync = Process.sync(crm).build();
    source.rows(rows(4, "a"));
    process.run(sync).throwIfFailed();
    crm.takeSent();
    source.rows(Map.of(0L, "a", 1L, "b", 2L, "a", 3L, "a"));
    crm.mood(
        (batch, apply) -> {
          apply.run();
          throw new IOException("no answer");
        });
    SyncReport unknown = process.run(sync).throwIfFailed();
    assertThat(unknown.status()).isEqualTo(RunStatus.WARNING);
    assertThat(unknown.total()).isEqualTo(new SyncReport.Counts(1, 0, 0, 1));
    assertThat(process.status(sync).unsure()).isEqualTo(1);
    assertThat(crm.takeSent()).containsExactly("CHANGED 1=b", "CHANGED 1=b");
    // The source goes back to what was accepted, but b may be out there.
    crm.mood(Crm::accept);
    source.rows(rows(4, "a"));
    process.run(sync).throwIfFailed();
    assertThat(crm.takeSent()).containsExactly("CHANGED 1=a");
    assertThat(crm.rows()).isEqualTo(rows(4, "a"));
    assertThat(process.status(sync).unsure()).isZero();
  }

  // ------------------------------------------------------------------------------------------ J-05

  @Test
  @DisplayName("J-05: retriable, permanent and unknown rows of one batch each take their own way")
  void rowsOfOneBatchTakeTheirOwnWays() {
    Process process = process();
    Sync sync = Process.sync(crm).build();
    source.rows(rows(4, "a"));
    crm.mood(
        firstCall(
            (batch, apply) -> {
              apply.run();
              Delivery.Builder answer = Delivery.builder();
              for (Change change : batch.changes()) {
                switch ((int) Crm.id(change)) {
                  case 0 ->
                      answer.answer(
                          change.changeId(),
                          new io.fulmar.spi.Verdict.Rejected(
                              "BUSY", "later", io.fulmar.spi.Verdict.Retry.THIS_RUN));
                  case 1 -> answer.rejected(change, "BAD", "never");
                  case 2 -> {} // not named
                  default -> answer.accepted(change);
                }
              }
              return answer.build();
            }));
    SyncReport report = process.run(sync).throwIfFailed();
    assertThat(report.total()).isEqualTo(new SyncReport.Counts(4, 3, 0, 1));
    assertThat(report.calls()).as("all, the unnamed one, the retriable one").isEqualTo(3);
    assertThat(process.status(sync).holds(HoldKind.REJECTED)).isEqualTo(1);
    assertThat(process.status(sync).unsure()).isZero();
  }

  @Test
  @DisplayName(
      "J-05: a batch that is too large for the destination is split down to its large rows")
  void payloadThatIsTooLargeIsSplit() {
    source.rows(rows(64, "a"));
    crm.mood(
        (batch, apply) -> {
          if (batch.changes().stream().anyMatch(change -> Crm.id(change) == 41)) {
            throw new BatchRejectedException("TOO_LARGE", "413");
          }
          return Crm.accept(batch, apply);
        });
    Process process = process();
    Sync sync = Process.sync(crm).batchRows(64).build();
    SyncReport report = process.run(sync).throwIfFailed();
    assertThat(report.total()).isEqualTo(new SyncReport.Counts(64, 63, 0, 1));
    assertThat(report.calls()).isLessThanOrEqualTo(2 * 6 + 16);
    assertThat(report.failures())
        .extracting(SyncReport.FailureGroup::code, SyncReport.FailureGroup::count)
        .containsExactly(org.assertj.core.groups.Tuple.tuple("TOO_LARGE", 1L));
  }

  // ------------------------------------------------------------------------------------------ J-06

  @Test
  @DisplayName("J-06, P3: a row that fails for 30 runs is tried in each, and then superseded")
  void rowThatFailsForThirtyRuns() {
    Process process = process();
    Sync sync = Process.sync(crm).quarantineAfter(10, Duration.ofHours(24)).build();
    List<String> attempts = new ArrayList<>();
    List<String> ids = new ArrayList<>();
    crm.mood(
        (batch, apply) -> {
          Delivery.Builder answer = Delivery.builder();
          for (Change change : batch.changes()) {
            attempts.add(change.row().text("v") + " " + change.attempt());
            ids.add(change.changeId());
            answer.rejected(change, "BAD", "no");
          }
          return answer.build();
        });
    source.rows(Map.of(1L, "a"));
    for (int run = 1; run <= 30; run++) {
      assertThat(process.run(sync).status()).isEqualTo(RunStatus.WARNING);
      assertThat(attempts).as("an outage of less than a day quarantines nothing").hasSize(run);
      assertThat(attempts.get(run - 1)).isEqualTo("a " + run);
      clock.advance(Duration.ofMinutes(10));
    }
    assertThat(ids).containsOnly(ids.get(0));
    // Another version restarts the count, under another id.
    source.rows(Map.of(1L, "b"));
    process.run(sync);
    assertThat(attempts).endsWith("b 1");
    assertThat(ids.get(30)).isNotEqualTo(ids.get(0));
    // The row goes: nothing of it was ever accepted, so there is nothing to remove.
    source.rows(Map.of());
    assertThat(process.run(sync).changeSet().total()).isZero();
    assertThat(process.status(sync).holds(HoldKind.REJECTED)).isZero();
    // It comes back and is accepted.
    crm.mood(Crm::accept);
    source.rows(Map.of(1L, "b"));
    process.run(sync).throwIfFailed();
    assertThat(crm.rows()).isEqualTo(Map.of(1L, "b"));
  }

  @Test
  @DisplayName("P3: however often a run tries a change, it is one attempt")
  void runIsOneAttempt() {
    Process process = process();
    Sync sync = Process.sync(crm).build();
    List<Integer> attempts = new ArrayList<>();
    crm.mood(
        (batch, apply) -> {
          Change change = batch.changes().get(0);
          attempts.add(change.attempt());
          return Delivery.builder()
              .answer(
                  change.changeId(),
                  new io.fulmar.spi.Verdict.Rejected(
                      "BUSY", "later", io.fulmar.spi.Verdict.Retry.THIS_RUN))
              .build();
        });
    source.rows(Map.of(1L, "a"));
    process.run(sync);
    process.run(sync);
    assertThat(attempts).containsExactly(1, 1, 1, 1, 1, 2, 2, 2, 2, 2);
    // An unknown outcome alone is one too, one among others is none.
    crm.mood(
        (batch, apply) -> {
          attempts.add(batch.changes().get(0).attempt());
          throw new IOException("no answer");
        });
    process.run(sync);
    process.run(sync);
    assertThat(attempts.subList(10, 14)).containsExactly(3, 3, 4, 4);
  }

  // ------------------------------------------------------------------------------------------ J-08

  /** Knows which keys are in a call just now, and until when a call without an answer may act. */
  private final class Watchful {
    private final CountDownLatch eight = new CountDownLatch(8);
    private final Map<Long, String> inFlight = new ConcurrentHashMap<>();
    private final Map<Long, Long> mayAct = new ConcurrentHashMap<>();
    private final Set<String> twice = ConcurrentHashMap.newKeySet();
    private final Map<Long, String> rows = new ConcurrentHashMap<>();
    private final AtomicInteger most = new AtomicInteger();
    private volatile boolean loses;

    Destination destination() {
      return Destination.of(
          "watchful",
          Capabilities.builder().actions(EnumSet.allOf(Action.class)).concurrency(8).build(),
          this::write);
    }

    private Delivery write(Batch batch) throws Exception {
      boolean lost = false;
      for (Change change : batch.changes()) {
        long id = Crm.id(change);
        String v = String.valueOf(change.row().value("v"));
        if (inFlight.putIfAbsent(id, v) != null) {
          twice.add("key " + id + " is in flight already");
        }
        if (!loses && mayAct.getOrDefault(id, 0L) > clock.millis()) {
          twice.add("an earlier call for key " + id + " may still act");
        }
        rows.put(id, v);
        lost |= loses && id % 5 == 0;
      }
      most.accumulateAndGet(inFlight.size(), Math::max);
      eight.countDown();
      assertThat(eight.await(20, TimeUnit.SECONDS)).isTrue();
      batch.changes().forEach(change -> inFlight.remove(Crm.id(change)));
      if (lost) {
        for (Change change : batch.changes()) {
          mayAct.put(Crm.id(change), clock.millis() + DEADLINE.toMillis());
        }
        throw new IOException("no answer");
      }
      return Delivery.allAccepted();
    }
  }

  @Test
  @DisplayName("J-08, P4: eight calls at once, and never two for one key, across runs")
  void neverTwoCallsForOneKey() {
    Watchful watchful = new Watchful();
    Process process = process();
    Sync sync =
        Process.sync(watchful.destination())
            .batchRows(1)
            .lanes(8)
            .callDeadline(DEADLINE)
            .failFast(1, 1)
            .build();
    source.rows(rows(64, "a"));
    watchful.loses = true;
    SyncReport first = process.run(sync).throwIfFailed();
    assertThat(first.total()).isEqualTo(new SyncReport.Counts(64, 51, 0, 13));
    watchful.loses = false;
    source.rows(rows(64, "b")); // every key again
    SyncReport second = process.run(sync).throwIfFailed();
    assertThat(second.total()).isEqualTo(new SyncReport.Counts(64, 64, 0, 0));
    assertThat(watchful.most).hasValue(8);
    assertThat(watchful.twice).isEmpty();
    assertThat(new HashMap<>(watchful.rows)).isEqualTo(rows(64, "b"));
  }

  // ------------------------------------------------------------------------------------------ J-09

  @Test
  @DisplayName("J-09: a batch that the destination keeps, and tries to change, has no effect")
  void batchThatTheDestinationKeepsHasNoEffect() {
    List<Batch> kept = new ArrayList<>();
    List<List<Change>> contents = new ArrayList<>();
    crm.mood(
        (batch, apply) -> {
          kept.add(batch);
          contents.add(new ArrayList<>(batch.changes()));
          assertThatThrownBy(() -> batch.changes().clear())
              .isInstanceOf(UnsupportedOperationException.class);
          assertThatThrownBy(() -> batch.changes().set(0, batch.changes().get(0)))
              .isInstanceOf(UnsupportedOperationException.class);
          if (batch.size() > 1) {
            throw new IOException("no answer");
          }
          return Crm.accept(batch, apply);
        });
    source.rows(rows(8, "a"));
    Process process = process();
    SyncReport report = process.run(Process.sync(crm).build()).throwIfFailed();
    process.close();
    assertThat(report.total().accepted()).isEqualTo(8);
    assertThat(kept).extracting(Batch::size).startsWith(4, 4, 2, 2, 1, 1, 1, 1);
    for (int call = 0; call < kept.size(); call++) {
      assertThat(kept.get(call).changes()).isEqualTo(contents.get(call));
      assertThat(kept.get(call).changes())
          .as("its rows can be read after the run and its engine are over")
          .allMatch(change -> "a".equals(change.row().text("v")));
    }
  }
}
