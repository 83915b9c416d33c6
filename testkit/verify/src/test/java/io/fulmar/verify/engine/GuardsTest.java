package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Change;
import io.fulmar.ChangeSet;
import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.RunFailedException;
import io.fulmar.RunStatus;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncMode;
import io.fulmar.SyncReport;
import io.fulmar.SyncStatus;
import io.fulmar.spi.Verdict;
import io.fulmar.verify.fixture.BothEngines;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Runs that would remove too much. 1,000 rows are synced under DELETE before each test, so that
 * more than 300 removals are too many.
 */
@BothEngines
@DisplayName("P7, C-12: guards")
class GuardsTest extends SourceFixture {
  @BeforeEach
  void syncThousandRows() throws SQLException {
    database.execute(
        "create table t (id int primary key, v text)",
        "insert into t select i, 'v' || i from generate_series(1, 1000) i");
    assertThat(run(deleting().build()).throwIfFailed().counts(Operation.ADDED).accepted())
        .isEqualTo(1000);
  }

  private Sync.Builder deleting() {
    return sync("select id, v from t", "id").onRemoved(Removal.DELETE);
  }

  private SyncReport apply(Sync sync, String planId) {
    try (SyncEngine engine = open()) {
      return engine.apply(sync, planId);
    }
  }

  private SyncStatus status(Sync sync) {
    try (SyncEngine engine = open()) {
      return engine.status(sync);
    }
  }

  @Test
  @DisplayName(
      "P7, C-12: 60 % removed: held with its counts, nothing sent, and the message says how to"
          + " approve")
  void massDeleteIsHeldAndNothingIsSent() throws SQLException {
    database.execute("delete from t where id <= 600", "update t set v = 'new' where id = 1000");

    SyncReport held = run(deleting().build());

    assertThat(held.status()).isEqualTo(RunStatus.HELD);
    assertThat(destination.changes(held.run())).isEmpty();
    assertThat(held.calls()).isZero();
    ChangeSet set = held.changeSet();
    assertThat(set.planned(Operation.REMOVED)).isEqualTo(600);
    assertThat(set.planned(Operation.CHANGED)).isEqualTo(1);
    assertThat(set.guards())
        .containsExactly("600 of 1000 synced keys would be removed, more than 30 % and 100");
    assertThat(held.total().attempted()).isZero();
    assertThat(status(deleting().build()).heldPlan()).isEqualTo(set.id());
    assertThatThrownBy(held::throwIfFailed)
        .isInstanceOf(RunFailedException.class)
        .hasMessage(
            "Cannot deliver plan %1$s (added 0, changed 1, removed 600): 600 of 1000 synced keys would be removed, more than 30 %% and 100. Approve it by engine.apply(sync, \"%1$s\"), or mend the source and run again. [sync=crm run=%2$d]"
                .formatted(set.id(), held.run()));
  }

  @Test
  @DisplayName(
      "P7, C-12: approval delivers exactly what was held, whatever the source did since; the next"
          + " run brings the rest")
  void approvalDeliversExactlyWhatWasHeld() throws SQLException {
    database.execute("delete from t where id <= 600", "update t set v = 'held' where id = 1000");
    SyncReport held = run(deleting().build());
    database.execute(
        "update t set v = 'later' where id = 1000",
        "insert into t values (1, 'back'), (5000, 'new')",
        "delete from t where id = 999");

    SyncReport applied = apply(deleting().build(), held.changeSet().id()).throwIfFailed();

    List<Change> sent = destination.changes(applied.run());
    assertThat(sent).hasSize(601);
    assertThat(sent)
        .filteredOn(change -> change.operation() == Operation.REMOVED)
        .extracting(change -> (Integer) change.key().value("id"))
        .containsExactlyInAnyOrderElementsOf(
            java.util.stream.IntStream.rangeClosed(1, 600).boxed().toList());
    assertThat(sent)
        .filteredOn(change -> change.operation() == Operation.CHANGED)
        .extracting(change -> change.row().text("v"))
        .containsExactly("held");
    assertThat(destination.contents()).hasSize(400);
    assertThat(status(deleting().build()).heldPlan()).isNull();
    assertThat(sent(run(deleting().build()).throwIfFailed()))
        .containsExactly("ADDED 1", "ADDED 5000", "CHANGED 1000", "REMOVED 999");
    assertThat(run(deleting().build()).throwIfFailed().total().planned()).isZero();
  }

  @Test
  @DisplayName("P7, C-12: while a plan is held, later runs keep the older plan and its id")
  void laterRunsKeepTheOlderPlan() throws SQLException {
    database.execute("delete from t where id <= 600");
    SyncReport first = run(deleting().build());
    database.execute("delete from t where id <= 700");

    SyncReport second = run(deleting().build());
    SyncReport third = run(deleting().build());

    assertThat(second.status()).isEqualTo(RunStatus.HELD);
    assertThat(third.status()).isEqualTo(RunStatus.HELD);
    assertThat(third.changeSet().id()).isEqualTo(first.changeSet().id());
    assertThat(third.run()).isGreaterThan(second.run());
    assertThat(status(deleting().build()).heldPlan()).isEqualTo(first.changeSet().id());
    SyncReport applied = apply(deleting().build(), first.changeSet().id()).throwIfFailed();
    assertThat(applied.counts(Operation.REMOVED).accepted()).isEqualTo(600);
    assertThat(run(deleting().build()).throwIfFailed().counts(Operation.REMOVED).accepted())
        .isEqualTo(100);
  }

  @Test
  @DisplayName("P7: when the source is mended the next run delivers, and the held plan is gone")
  void mendedSourceDropsTheHeldPlan() throws SQLException {
    database.execute("create table saved as table t", "delete from t where id <= 600");
    SyncReport held = run(deleting().build());
    database.execute("insert into t select * from saved where id between 2 and 600");

    SyncReport mended = run(deleting().build());

    assertThat(sent(mended.throwIfFailed())).containsExactly("REMOVED 1");
    assertThat(status(deleting().build()).heldPlan()).isNull();
    assertThatThrownBy(() -> apply(deleting().build(), held.changeSet().id()))
        .isInstanceOf(StateException.class)
        .hasMessageMatching(
            "Cannot apply plan %s of crm: there is no such plan\\. None is stored\\. .*\\[sync=crm run=\\d+]"
                .formatted(held.changeSet().id()));
  }

  @Test
  @DisplayName("P7: a held plan is stale once the state has moved on")
  void heldPlanIsStaleOnceTheStateMoved() throws SQLException {
    database.execute("delete from t where id <= 600");
    SyncReport held = run(deleting().build());
    assertThat(
            run(sync("select id, v from t", "id")
                    .guardRemovals(1, 0)
                    .onRemoved(Removal.DELETE)
                    .build())
                .status())
        .isEqualTo(RunStatus.SUCCEEDED);

    assertThatThrownBy(() -> apply(deleting().build(), held.changeSet().id()))
        .isInstanceOf(StateException.class)
        .hasMessageStartingWith("Cannot apply plan " + held.changeSet().id() + " of crm: ");
    assertThat(destination.contents()).hasSize(400);
  }

  @Test
  @DisplayName("P7: a held plan is stale under another mode or removal")
  void heldPlanIsStaleUnderOtherSettings() throws SQLException {
    database.execute("delete from t where id <= 600");
    String plan = run(deleting().build()).changeSet().id();

    assertThatThrownBy(() -> apply(deleting().onRemoved(Removal.CLEAR).build(), plan))
        .isInstanceOf(StateException.class)
        .hasMessageContaining("mode or removal have changed since it was made");
    assertThatThrownBy(() -> apply(deleting().mode(SyncMode.UPDATE).build(), plan))
        .isInstanceOf(StateException.class)
        .hasMessageContaining("mode or removal have changed since it was made");
    assertThat(apply(deleting().build(), plan).throwIfFailed().counts(Operation.REMOVED).accepted())
        .isEqualTo(600);
    assertThatThrownBy(() -> apply(deleting().build(), plan)).isInstanceOf(StateException.class);
    assertThat(destination.changes()).hasSize(1600);
  }

  @Test
  @DisplayName("P7: a plan that is no one's is refused")
  void unknownPlanIsRefused() {
    assertThatThrownBy(() -> apply(deleting().build(), "12345"))
        .isInstanceOf(StateException.class)
        .hasMessageStartingWith("Cannot apply plan 12345 of crm: there is no such plan.");
  }

  @Test
  @DisplayName("P7: an empty model is held, however few keys there are")
  void emptyModelIsHeld() throws SQLException {
    database.execute("delete from t where id > 3");
    run(deleting().guardRemovals(1, 0).build()).throwIfFailed();
    database.execute("truncate t");

    SyncReport held = run(deleting().build());

    assertThat(held.status()).isEqualTo(RunStatus.HELD);
    assertThat(held.changeSet().guards())
        .containsExactly("the model is empty, and 3 synced keys would be removed");
    assertThat(destination.contents()).hasSize(3);
    assertThat(
            apply(deleting().build(), held.changeSet().id())
                .throwIfFailed()
                .counts(Operation.REMOVED)
                .accepted())
        .isEqualTo(3);
    assertThat(destination.contents()).isEmpty();
    assertThat(run(deleting().build()).status()).isEqualTo(RunStatus.SUCCEEDED);
  }

  @Test
  @DisplayName("P7: an empty model is delivered where the sync says so, within the other guard")
  void emptyModelIsDeliveredWhenAsked() throws SQLException {
    database.execute("truncate t");
    assertThat(run(deleting().onEmptyModel(Sync.EmptyModel.DELIVER).build()).changeSet().guards())
        .containsExactly("1000 of 1000 synced keys would be removed, more than 30 % and 100");
    assertThat(run(deleting().guardRemovals(1, 0).build()).changeSet().guards()).hasSize(1);

    SyncReport report =
        run(deleting().onEmptyModel(Sync.EmptyModel.DELIVER).guardRemovals(1, 0).build());

    assertThat(report.throwIfFailed().counts(Operation.REMOVED).accepted()).isEqualTo(1000);
    assertThat(destination.contents()).isEmpty();
  }

  @Test
  @DisplayName("P7: a share of 1 switches the guard off")
  void shareOfOneSwitchesTheGuardOff() throws SQLException {
    database.execute("delete from t where id <= 999");

    assertThat(
            run(deleting().guardRemovals(1, 0).build())
                .throwIfFailed()
                .counts(Operation.REMOVED)
                .accepted())
        .isEqualTo(999);
  }

  @Test
  @DisplayName("P7: exactly at the share, or at the number of rows, nothing is held; one more is")
  void thresholdsAreExclusive() throws SQLException {
    database.execute("delete from t where id <= 300");
    assertThat(run(deleting().build()).throwIfFailed().counts(Operation.REMOVED).accepted())
        .as("300 of 1000 are not more than 30 %%")
        .isEqualTo(300);
    database.execute("delete from t where id <= 510");
    assertThat(run(deleting().build()).throwIfFailed().counts(Operation.REMOVED).accepted())
        .as("210 of 700 are not more than 30 %%")
        .isEqualTo(210);
    database.execute("delete from t where id <= 658");
    assertThat(run(deleting().build()).status()).as("148 of 490").isEqualTo(RunStatus.HELD);
    assertThat(run(deleting().guardRemovals(0.3, 148).build()).status())
        .as("148 are not more than 148")
        .isEqualTo(RunStatus.SUCCEEDED);
    database.execute("delete from t where id <= 758");
    assertThat(run(deleting().guardRemovals(0.1, 100).build()).status())
        .as("100 are not more than 100")
        .isEqualTo(RunStatus.SUCCEEDED);
    assertThat(destination.contents()).hasSize(242);
  }

  @Test
  @DisplayName("P7: removals that were planned before and rejected do not count again")
  void rejectedRemovalsDoNotCountAgain() throws SQLException {
    database.execute("delete from t where id <= 250");
    destination.verdicts(
        change ->
            change.operation() == Operation.REMOVED
                ? new Verdict.Rejected("LOCKED", "not now", Verdict.Retry.NEXT_RUN)
                : new Verdict.Accepted());
    run(deleting().batchRows(50).build());
    destination.acceptAll();
    database.execute("delete from t where id <= 500");

    SyncReport report = run(deleting().build());

    assertThat(report.changeSet().guards()).isEmpty();
    assertThat(report.throwIfFailed().counts(Operation.REMOVED).accepted()).isEqualTo(500);
  }

  @Test
  @DisplayName(
      "P7: under IGNORE nothing is removed, so nothing is held; turned to DELETE, the gone keys"
          + " count")
  void goneKeysCountWhenIgnoreBecomesDelete() throws SQLException {
    database.execute("delete from t where id <= 600");
    SyncReport ignored = run(sync("select id, v from t", "id").build());
    assertThat(ignored.status()).isEqualTo(RunStatus.SUCCEEDED);
    assertThat(ignored.changeSet().ignored()).isEqualTo(600);

    SyncReport held = run(deleting().build());

    assertThat(held.status()).isEqualTo(RunStatus.HELD);
    assertThat(held.changeSet().planned(Operation.REMOVED)).isEqualTo(600);
    assertThat(destination.contents()).hasSize(1000);
  }

  @Test
  @DisplayName("P7: plan and apply deliver by hand; plan alone sends nothing and remembers nothing")
  void planAndApplyDeliverByHand() throws SQLException {
    database.execute("update t set v = 'new' where id <= 5");
    ChangeSet plan;
    try (SyncEngine engine = open()) {
      plan = engine.plan(deleting().build());
      assertThat(engine.plan(deleting().build()).planned()).isEqualTo(plan.planned());
      plan = engine.plan(deleting().build());
    }
    assertThat(plan.planned(Operation.CHANGED)).isEqualTo(5);
    assertThat(destination.changes()).hasSize(1000);

    SyncReport applied = apply(deleting().build(), plan.id()).throwIfFailed();

    assertThat(sent(applied))
        .containsExactly("CHANGED 1", "CHANGED 2", "CHANGED 3", "CHANGED 4", "CHANGED 5");
    assertThat(run(deleting().build()).throwIfFailed().total().planned()).isZero();
  }
}
