package io.fulmar.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Change;
import io.fulmar.ChangeSet;
import io.fulmar.CheckReport;
import io.fulmar.Explanation;
import io.fulmar.HoldKind;
import io.fulmar.InvalidRow;
import io.fulmar.Model;
import io.fulmar.ModelPreview;
import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.RunOptions;
import io.fulmar.RunStatus;
import io.fulmar.SourceException;
import io.fulmar.Start;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.SyncStatus;
import io.fulmar.spi.NotAppliedException;
import io.fulmar.spi.Verdict;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Everything that an application asks of an engine, over ten customers in memory. */
@DisplayName("P1 to P8: an engine over rows in memory")
class InMemoryEngineTest {
  private static final Instant START = Instant.parse("2026-03-01T08:00:00Z");

  private final InMemorySource shop = InMemorySource.create();
  private final InMemorySource.Rows customers =
      shop.model("customers").column("id", "bigint").column("email", "text");
  private final RecordingDestination crm = RecordingDestination.of("crm");
  private final ManualClock clock = ManualClock.at(START);
  private final SyncEngine engine = InMemoryEngine.builder(shop).clock(clock).build();
  private final Sync sync = sync().build();

  @TempDir Path state;

  InMemoryEngineTest() {
    for (long id = 1; id <= 10; id++) {
      customers.row(id, "c" + id + "@x");
    }
  }

  private Sync.Builder sync() {
    return Sync.builder("crm")
        .model(Model.query("customers", "select id, email from app.customer").key("id"))
        .to(crm)
        .onRemoved(Removal.DELETE);
  }

  @AfterEach
  void close() {
    engine.close();
    assertThat(crm.violations()).isEmpty();
  }

  private static List<Long> planned(SyncReport report) {
    return Stream.of(Operation.values()).map(of -> report.counts(of).planned()).toList();
  }

  @Test
  void changesAreDeliveredOnce() {
    SyncReport first = engine.run(sync).throwIfFailed();
    assertThat(first.status()).isEqualTo(RunStatus.SUCCEEDED);
    assertThat(planned(first)).containsExactly(10L, 0L, 0L);
    customers.put(1L, "new@x").remove(2L).row(11L, null);
    SyncReport second = engine.run(sync).throwIfFailed();
    assertThat(planned(second)).containsExactly(1L, 1L, 1L);
    assertThat(second.startedAt()).isEqualTo(START);
    assertThat(crm.contents().get(List.of("1")).string("email")).isEqualTo("new@x");
    assertThat(crm.contents()).hasSize(10).doesNotContainKey(List.of("2"));
    assertThat(planned(engine.run(sync).throwIfFailed())).containsExactly(0L, 0L, 0L);
  }

  @Test
  void rowsWithoutAUsableKeyAreInvalid() {
    customers.row(null, "n@x").row(3L, "again@x");
    SyncReport report = engine.run(sync).throwIfFailed();
    assertThat(report.status()).isEqualTo(RunStatus.WARNING);
    assertThat(report.changeSet().invalidRows())
        .extracting(InvalidRow::reason, InvalidRow::rows)
        .containsExactlyInAnyOrder(
            org.assertj.core.groups.Tuple.tuple(InvalidRow.Reason.NULL_KEY, 1L),
            org.assertj.core.groups.Tuple.tuple(InvalidRow.Reason.DUPLICATE_KEY, 2L));
    assertThat(crm.contents()).hasSize(9);
  }

  @Test
  void heldPlanIsApprovedLater() {
    Sync guarded = sync().guardRemovals(0.1, 0).build();
    assertThat(engine.run(guarded).status()).isEqualTo(RunStatus.SUCCEEDED);
    customers.remove(1L).remove(2L).remove(3L);
    SyncReport held = engine.run(guarded);
    assertThat(held.status()).isEqualTo(RunStatus.HELD);
    ChangeSet plan = engine.storedPlan(guarded).orElseThrow();
    assertThat(plan.planned(Operation.REMOVED)).isEqualTo(3);
    assertThat(engine.apply(guarded, plan.id()).status()).isEqualTo(RunStatus.SUCCEEDED);
    assertThat(crm.contents()).hasSize(7);
    ChangeSet next = engine.plan(guarded);
    assertThat(next.total()).isZero();
    assertThat(engine.discard(guarded)).isTrue();
  }

  @Test
  void rejectedRowsComeBackAndAreQuarantinedByTheClock() {
    Sync strict = sync().quarantineAfter(2, Duration.ofHours(24)).build();
    crm.verdicts(
        change ->
            change.key().longValue("id") == 7
                ? new Verdict.Rejected("BAD", "no", Verdict.Retry.NEXT_RUN)
                : new Verdict.Accepted());
    assertThat(engine.run(strict).counts(Operation.ADDED).failed()).isEqualTo(1);
    clock.advance(Duration.ofHours(25));
    assertThat(engine.run(strict).newlyQuarantined()).isEqualTo(1);
    assertThat(planned(engine.run(strict).throwIfFailed())).containsExactly(0L, 0L, 0L);
    assertThat(engine.holds(strict, 10)).singleElement().returns(2, hold -> hold.attempts());
    Explanation explanation = engine.explain(strict, 7L);
    assertThat(explanation.toString()).contains("QUARANTINED");
    assertThat(engine.release(strict, 7L)).isTrue();
    crm.acceptAll();
    assertThat(planned(engine.run(strict).throwIfFailed())).containsExactly(1L, 0L, 0L);
    assertThat(engine.status(strict).holds(HoldKind.QUARANTINED)).isZero();
    assertThat(engine.status(strict).upToDateAsOf()).isEqualTo(START.plus(Duration.ofHours(25)));
  }

  @Test
  void waitingMovesTheClock() {
    int[] calls = {0};
    crm.answers(
        (run, batch) -> {
          if (calls[0]++ == 0) {
            throw new NotAppliedException("busy", Duration.ofMinutes(2));
          }
          return io.fulmar.spi.Delivery.allAccepted();
        });
    assertThat(engine.run(sync).status()).isEqualTo(RunStatus.SUCCEEDED);
    assertThat(clock.instant()).isAfterOrEqualTo(START.plus(Duration.ofMinutes(2)));
  }

  @Test
  void partOfARunIsDelivered() {
    SyncReport limited = engine.run(sync, RunOptions.builder().limit(3).build());
    assertThat(limited.total().succeeded()).isEqualTo(3);
    SyncReport one = engine.run(sync, RunOptions.builder().key(9L).build());
    assertThat(crm.changes(one.run()))
        .singleElement()
        .extracting(c -> c.key().text("id"))
        .isEqualTo("9");
    assertThatThrownBy(() -> engine.explain(sync, "nine"))
        .hasMessageContaining("what was given is no value of the key (id integer)");
  }

  @Test
  void requestsDoWhatTheySay() {
    engine.initialise(sync, Start.BASELINE);
    assertThat(planned(engine.run(sync).throwIfFailed())).containsExactly(0L, 0L, 0L);
    assertThat(planned(engine.resync(sync).throwIfFailed())).containsExactly(0L, 10L, 0L);
    customers.put(1L, "x@x");
    assertThat(engine.reset(sync).total()).isEqualTo(1);
    assertThat(planned(engine.run(sync).throwIfFailed())).containsExactly(0L, 0L, 0L);
    assertThat(planned(engine.clearAndFill(sync).throwIfFailed())).containsExactly(10L, 0L, 0L);
    assertThat(crm.clears()).isEqualTo(1);
    RecordingDestination other = RecordingDestination.of("other");
    Sync moved = sync().to(other).build();
    assertThatThrownBy(() -> engine.run(moved).throwIfFailed()).isInstanceOf(StateException.class);
    engine.rebind(sync, other);
    assertThat(planned(engine.run(moved).throwIfFailed())).containsExactly(0L, 0L, 0L);
    engine.forget(moved);
    assertThat(planned(engine.run(moved).throwIfFailed())).containsExactly(10L, 0L, 0L);
  }

  @Test
  void runThatIsCancelledEnds() throws Exception {
    CountDownLatch called = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    crm.answers(
        (run, batch) -> {
          called.countDown();
          go.await();
          return io.fulmar.spi.Delivery.allAccepted();
        });
    Thread canceller =
        new Thread(
            () -> {
              try {
                called.await();
              } catch (InterruptedException e) {
                return;
              }
              engine.cancel(sync);
              go.countDown();
            });
    canceller.start();
    SyncReport report = engine.run(sync().lanes(1).batchRows(4).build());
    canceller.join();
    assertThat(report.status()).isEqualTo(RunStatus.CANCELLED);
    assertThat(crm.contents()).hasSize(4);
    crm.acceptAll();
    assertThat(engine.run(sync).throwIfFailed().total().succeeded()).isEqualTo(6);
  }

  @Test
  void anotherEngineGoesOnWhereOneEnded() {
    try (SyncEngine before = InMemoryEngine.on(shop, state)) {
      assertThat(planned(before.run(sync).throwIfFailed())).containsExactly(10L, 0L, 0L);
    }
    customers.put(1L, "x@x");
    try (SyncEngine after =
        InMemoryEngine.builder(shop).state(state).requireExistingState().build()) {
      assertThat(planned(after.run(sync).throwIfFailed())).containsExactly(0L, 1L, 0L);
    }
    try (SyncEngine own = InMemoryEngine.builder(shop).requireExistingState().build()) {
      assertThatThrownBy(() -> own.run(sync).throwIfFailed())
          .isInstanceOf(StateException.class)
          .hasMessageContaining("and it is required");
    }
  }

  @Test
  void otherRowsOverTheSameStateAreAnotherDatabase() {
    try (SyncEngine before = InMemoryEngine.on(shop, state)) {
      assertThat(before.run(sync).status()).isEqualTo(RunStatus.SUCCEEDED);
    }
    InMemorySource copy = InMemorySource.create();
    copy.model("customers").column("id", "bigint").column("email", "text").row(1L, "c1@x");
    try (SyncEngine after = InMemoryEngine.on(copy, state)) {
      SyncReport report = after.run(sync);
      assertThat(report.status()).isEqualTo(RunStatus.HELD);
      assertThat(report.problem().orElseThrow()).contains("the source is another database");
    }
  }

  @Test
  void sourceThatCannotBeReachedIsThrown() {
    shop.unreachable();
    assertThatThrownBy(() -> engine.run(sync).throwIfFailed())
        .isInstanceOf(SourceException.class)
        .hasMessageStartingWith(
            "Cannot connect to the source in memory: the test has made it unreachable. Look at host, port, network and server log, and run again. [sync=crm run=")
        .hasMessageEndingWith("sqlstate=08001]");
    assertThat(engine.check().passed()).isFalse();
    shop.reachable();
    assertThat(engine.run(sync).status()).isEqualTo(RunStatus.SUCCEEDED);
  }

  @Test
  void readThatFailsForGoodEndsTheRun() {
    shop.failNext("42501");
    SyncReport report = engine.run(sync);
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.error()).isInstanceOf(SourceException.class);
    assertThat(report.problem().orElseThrow())
        .startsWith("Cannot read the model customers: the test lets this read fail.")
        .endsWith("sqlstate=42501]");
    assertThat(crm.calls()).isEmpty();
    assertThat(planned(engine.run(sync).throwIfFailed())).containsExactly(10L, 0L, 0L);
  }

  @Test
  void readThatMayPassIsBegunAgain() {
    shop.failNext(2, "57P01");
    assertThat(planned(engine.run(sync).throwIfFailed())).containsExactly(10L, 0L, 0L);
    assertThat(shop.failuresLeft()).isZero();
    assertThat(clock.instant()).isAfter(START);
  }

  @Test
  void checkLooksAtModelStateAndDestination() {
    CheckReport report = engine.check(sync);
    assertThat(report.steps())
        .extracting(CheckReport.Step::name)
        .contains("rows in memory", "model", "first rows", "state", "state of crm");
    assertThat(report.steps())
        .extracting(CheckReport.Step::verdict)
        .containsOnly(CheckReport.Verdict.PASSED);
    assertThat(report.source()).isEqualTo("rows in memory");
    customers.row(1L, "twice");
    assertThat(engine.check(sync).text()).contains("would not be sent");
    Sync wrong =
        Sync.builder("other").model(Model.query("orders", "select 1").key("id")).to(crm).build();
    assertThatThrownBy(() -> engine.check(wrong).throwIfFailed())
        .hasMessageContaining("the source in memory has no model of that name but customers");
  }

  @Test
  void previewGivesTheFirstHundredRows() {
    for (long id = 11; id <= 150; id++) {
      customers.row(id, "c");
    }
    ModelPreview preview = engine.preview(sync.model());
    assertThat(preview.rows()).hasSize(100);
    assertThat(preview.columns())
        .extracting(ModelPreview.Column::type)
        .containsExactly("bigint", "text");
    assertThat(engine.validate(sync.model()).findings()).isEmpty();
  }

  @Test
  void closedEngineLeavesNothing() throws IOException {
    List<Path> before = directories();
    Change change;
    try (SyncEngine own = InMemoryEngine.on(shop)) {
      assertThat(own.run(sync).status()).isEqualTo(RunStatus.SUCCEEDED);
      change = crm.changes().get(0);
      assertThat(directories()).hasSize(before.size() + 1);
    }
    assertThat(directories()).isEqualTo(before);
    assertThat(change.row().columns()).containsExactly("id", "email");
    SyncStatus status = engine.status(sync);
    assertThat(status.lastRun()).isNull();
  }

  /** Those of this process: other tests may run beside it in others. */
  private static List<Path> directories() throws IOException {
    String ours = "fulmar-memory-" + ProcessHandle.current().pid() + "-";
    Path place =
        Files.isDirectory(Path.of("/dev/shm"))
            ? Path.of("/dev/shm")
            : Path.of(System.getProperty("java.io.tmpdir"));
    try (Stream<Path> files = Files.list(place)) {
      return files.filter(f -> f.getFileName().toString().startsWith(ours)).sorted().toList();
    }
  }

  @Test
  @Tag("soak")
  void timeOfARun() throws IOException {
    for (String place : List.of("memory", "disk")) {
      long[] micros = new long[400];
      for (int i = 0; i < micros.length; i++) {
        Path directory = Files.createTempDirectory(state, "run");
        long began = System.nanoTime();
        try (SyncEngine one =
            place.equals("memory") ? InMemoryEngine.on(shop) : InMemoryEngine.on(shop, directory)) {
          assertThat(one.run(sync).status()).isEqualTo(RunStatus.SUCCEEDED);
        }
        micros[i] = (System.nanoTime() - began) / 1_000;
      }
      System.out.println(
          "engine, first run of 10 rows and close, state in "
              + place
              + ": first "
              + micros[0]
              + " us, later median "
              + Arrays.stream(micros).skip(100).sorted().skip(150).findFirst().orElseThrow()
              + " us");
    }
  }
}
