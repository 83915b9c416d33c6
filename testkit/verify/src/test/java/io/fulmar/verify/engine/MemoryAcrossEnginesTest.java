package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Change;
import io.fulmar.HoldKind;
import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.RunStatus;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.SyncStatus;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.StopRunException;
import io.fulmar.spi.Verdict;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * What is remembered from one engine to the next, through the files alone: each run has an engine
 * of its own. The table holds ten rows.
 */
@DisplayName("P1, P2, P3: what was not accepted is remembered when the engine is closed")
class MemoryAcrossEnginesTest extends SourceFixture {
  private static final Verdict REJECTED =
      new Verdict.Rejected("NOT_NOW", "try later", Verdict.Retry.NEXT_RUN);

  @BeforeEach
  void createTable() throws SQLException {
    database.execute(
        "create table t (id int primary key, v text)",
        "insert into t select i, 'v' || i from generate_series(1, 10) i");
  }

  private Sync.Builder deleting() {
    return sync("select id, v from t", "id").onRemoved(Removal.DELETE);
  }

  private void reject(Operation operation, int id) {
    destination.verdicts(
        change ->
            change.operation() == operation && change.key().value("id").equals(id)
                ? REJECTED
                : new Verdict.Accepted());
  }

  private Change only(SyncReport report) {
    assertThat(destination.changes(report.run())).hasSize(1);
    return destination.changes(report.run()).get(0);
  }

  @Test
  @DisplayName(
      "P3: a rejected addition comes back under its id, then in its newest version under a new one")
  void rejectedAdditionComesBack() throws SQLException {
    reject(Operation.ADDED, 3);
    SyncReport first = run(deleting().build());
    assertThat(first.status()).isEqualTo(RunStatus.WARNING);
    assertThat(first.failures()).hasSize(1);

    SyncReport second = run(deleting().build());
    SyncReport third = run(deleting().build());
    database.execute("update t set v = 'newer' where id = 3");
    destination.acceptAll();
    SyncReport fourth = run(deleting().build());

    Change original =
        destination.changes(first.run()).stream()
            .filter(change -> change.key().value("id").equals(3))
            .findFirst()
            .orElseThrow();
    assertThat(only(second).changeId()).isEqualTo(original.changeId());
    assertThat(only(third).changeId()).isEqualTo(original.changeId());
    assertThat(List.of(original.attempt(), only(second).attempt(), only(third).attempt()))
        .containsExactly(1, 2, 3);
    assertThat(only(fourth).changeId()).isNotEqualTo(original.changeId());
    assertThat(only(fourth).attempt()).isEqualTo(1);
    assertThat(only(fourth).row().text("v")).isEqualTo("newer");
    assertThat(only(fourth).sequence()).isGreaterThan(only(third).sequence());
    assertThat(run(deleting().build()).throwIfFailed().total().planned()).isZero();
  }

  @Test
  @DisplayName("P3: a rejected change comes back, and is dropped when the source goes back")
  void rejectedChangeComesBack() throws SQLException {
    run(deleting().build()).throwIfFailed();
    database.execute("update t set v = 'b' where id = 4");
    reject(Operation.CHANGED, 4);
    String id = only(run(deleting().build())).changeId();
    assertThat(only(run(deleting().build())).changeId()).isEqualTo(id);

    database.execute("update t set v = 'v4' where id = 4");
    assertThat(sent(run(deleting().build()).throwIfFailed())).isEmpty();

    destination.acceptAll();
    database.execute("update t set v = 'b' where id = 4");
    assertThat(only(run(deleting().build())).changeId())
        .as("A to B to A to B is another change")
        .isNotEqualTo(id);
  }

  @Test
  @DisplayName("P3: a rejected removal comes back until it is accepted")
  void rejectedRemovalComesBack() throws SQLException {
    run(deleting().build()).throwIfFailed();
    database.execute("delete from t where id = 5");
    reject(Operation.REMOVED, 5);
    Change first = only(run(deleting().build()));
    destination.acceptAll();
    Change second = only(run(deleting().build()));

    assertThat(second.operation()).isEqualTo(Operation.REMOVED);
    assertThat(second.changeId()).isEqualTo(first.changeId());
    assertThat(second.attempt()).isEqualTo(2);
    assertThat(run(deleting().build()).throwIfFailed().total().planned()).isZero();
    assertThat(destination.contents()).hasSize(9);
  }

  @Test
  @DisplayName("P3: after its last attempt a change is held until the row changes")
  void quarantinedChangeIsHeldUntilTheRowChanges() throws SQLException {
    Sync sync = deleting().quarantineAfter(2, Duration.ZERO).build();
    reject(Operation.ADDED, 3);
    assertThat(run(sync).newlyQuarantined()).isZero();
    assertThat(run(sync).newlyQuarantined()).isEqualTo(1);

    SyncReport held = run(sync);
    assertThat(sent(held)).isEmpty();
    assertThat(held.changeSet().held()).isEqualTo(1);
    database.execute("update t set v = 'mended' where id = 3");
    destination.acceptAll();

    assertThat(sent(run(sync).throwIfFailed())).containsExactly("ADDED 3");
  }

  @Test
  @DisplayName(
      "P1, P2: a change without an answer is sent again under its id, also when the row has gone")
  void changeWithoutAnswerIsSentAgain() throws SQLException {
    Sync sync = deleting().callDeadline(Duration.ofSeconds(1)).build();
    destination.verdicts(
        change -> change.key().value("id").equals(7) ? null : new Verdict.Accepted());
    SyncReport first = run(sync);
    assertThat(first.status()).isEqualTo(RunStatus.WARNING);
    Map<String, Long> calls =
        destination.changes(first.run()).stream()
            .filter(change -> change.key().value("id").equals(7))
            .collect(Collectors.groupingBy(Change::changeId, Collectors.counting()));
    assertThat(calls).as("repeated within the run, under one id").hasSize(1);
    assertThat(status(sync).unsure()).isEqualTo(1);

    database.execute("delete from t where id = 7");
    destination.acceptAll();
    SyncReport second = run(sync);

    assertThat(sent(second)).containsExactly("REMOVED 7");
    assertThat(status(sync).unsure()).isZero();
    assertThat(run(sync).throwIfFailed().total().planned()).isZero();
  }

  @Test
  @DisplayName("P2: when the destination stops a run, what it had accepted is not sent again")
  void acceptedBatchesAreNotSentAgain() {
    AtomicInteger calls = new AtomicInteger();
    destination.answers(
        (run, batch) -> {
          if (calls.incrementAndGet() > 2) {
            throw new StopRunException("QUOTA", "used up");
          }
          return Delivery.allAccepted();
        });
    Sync sync = deleting().batchRows(3).build();
    SyncReport stopped = run(sync);
    assertThat(stopped.status()).isEqualTo(RunStatus.FAILED);
    assertThat(stopped.counts(Operation.ADDED).accepted()).isEqualTo(6);
    destination.acceptAll();

    SyncReport rest = run(sync).throwIfFailed();

    assertThat(rest.counts(Operation.ADDED).accepted()).isEqualTo(4);
    assertThat(destination.contents()).hasSize(10);
    assertThat(run(sync).throwIfFailed().total().planned()).isZero();
  }

  @Test
  @DisplayName("P1: a skipped version is held, its next version is not")
  void skippedVersionIsHeld() throws SQLException {
    destination.verdicts(
        change ->
            change.key().value("id").equals(2) ? new Verdict.Skipped() : new Verdict.Accepted());
    run(deleting().build()).throwIfFailed();
    destination.acceptAll();
    assertThat(sent(run(deleting().build()))).isEmpty();
    assertThat(status(deleting().build()).holds(HoldKind.SKIPPED)).isEqualTo(1);

    database.execute("update t set v = 'next' where id = 2");
    assertThat(sent(run(deleting().build()))).containsExactly("ADDED 2");
  }

  @Test
  @DisplayName("P2: status tells where a sync stands, without source or destination")
  void statusTellsWhereASyncStands() throws SQLException {
    Sync sync = deleting().build();
    assertThat(status(sync).lastRun()).isNull();
    SyncReport good = run(sync);
    SyncStatus upToDate = status(sync);
    assertThat(upToDate.syncedKeys()).isEqualTo(10);
    assertThat(upToDate.lastRun().run()).isEqualTo(good.run());
    assertThat(upToDate.upToDateAsOf()).isEqualTo(good.changeSet().snapshotAt());
    assertThat(upToDate.failuresInARow()).isZero();

    destination.answers(
        (run, batch) -> {
          throw new StopRunException("AUTH", "no longer");
        });
    database.execute("update t set v = 'x' where id = 1");
    run(sync);
    run(sync);

    SyncStatus failing = status(sync);
    assertThat(failing.failuresInARow()).isEqualTo(2);
    assertThat(failing.lastRun().status()).isEqualTo(RunStatus.FAILED);
    assertThat(failing.upToDateAsOf()).isEqualTo(upToDate.upToDateAsOf());
    assertThat(failing.lastSuccessAt()).isEqualTo(upToDate.lastSuccessAt());
  }

  private SyncStatus status(Sync sync) {
    try (SyncEngine engine = StandardEngine.on(source(), state)) {
      return engine.status(sync);
    }
  }
}
