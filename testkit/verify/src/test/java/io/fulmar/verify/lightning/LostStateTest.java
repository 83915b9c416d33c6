package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.RunStatus;
import io.fulmar.Start;
import io.fulmar.StateException;
import io.fulmar.SyncReport;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.lightning.TimelineChange;
import io.fulmar.spi.Verdict;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What is remembered is lost, emptied, or from somewhere else. One run has been before: keys 1 and
 * 2 are accepted, and key 3 is rejected.
 */
class LostStateTest extends CustomerFixture {
  private static final String REMEDY =
      "Restore it, or forget the sync, and its next run sends every row; or forget it and initialise"
          + " it as BASELINE, if the destination holds the present rows. [sync=crm]";

  @BeforeEach
  void runOnce() {
    destination.verdicts(
        change ->
            "3".equals(change.key().text("id"))
                ? new Verdict.Rejected("INVALID", "no such", Verdict.Retry.NEXT_RUN)
                : new Verdict.Accepted());
    assertThat(run().status()).isEqualTo(RunStatus.WARNING);
    destination.acceptAll();
  }

  @Test
  void fixtureHoldsAStateAndAHold() throws SQLException {
    assertThat(query("select count(*) from fulmar_planner.s1_state_0")).isEqualTo("2");
    assertThat(query("select count(*) from fulmar_planner.s1_holds")).isEqualTo("1");
    assertThat(sent(run())).containsExactly("ADDED 3");
  }

  @ParameterizedTest(name = "{0}")
  @DisplayName("A-10: a state that was lost is told, and sends nothing until the sync is forgotten")
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          truncate fulmar_planner.s1_state_0 | its table "fulmar_planner"."s1_state_0" has 0 rows, and the last run left 2, so it was emptied, replaced or restored
          truncate fulmar_planner.s1_holds | its table "fulmar_planner"."s1_holds" has 0 rows, and the last run left 1, so it was emptied, replaced or restored
          drop table fulmar_planner.s1_state_0 cascade | its table "fulmar_planner"."s1_state_0" is missing
          drop table fulmar_planner.s1_holds cascade | its table "fulmar_planner"."s1_holds" is missing
          drop table fulmar_planner.s1_ledger | its table "fulmar_planner"."s1_ledger" is missing
          delete from fulmar_planner.fulmar_syncs | its row in fulmar_syncs is missing, though it has run before
          """)
  void lostStateSendsNothing(String loss, String fact) throws SQLException {
    database.execute(loss);
    int calls = destination.calls().size();

    assertThatThrownBy(this::run)
        .isInstanceOf(StateException.class)
        .hasMessage("Cannot use the state of crm: " + fact + ". " + REMEDY);
    assertThatThrownBy(this::run).isInstanceOf(StateException.class);
    assertThat(destination.calls()).hasSize(calls);

    try (LightningEngine engine = open()) {
      engine.forget(crm().build());
      engine.initialise(crm().build(), Start.BASELINE);
    }
    assertThat(sent(run())).isEmpty();
    database.execute("update customer set email = 'new@x.io' where id = 1");
    assertThat(sent(run())).containsExactly("CHANGED 1");
  }

  @Test
  @DisplayName(
      "A-10: rows that were deleted from the state are missed where everything is compared")
  void deletedRowsAreMissed() throws SQLException {
    database.execute("delete from fulmar_planner.s1_state_0 where k0 = 1");
    int calls = destination.calls().size();

    assertThatThrownBy(() -> run().throwIfFailed())
        .hasMessageContaining("has 1 keys, and 2 were left in it");
    assertThat(destination.calls()).hasSize(calls);
  }

  @Test
  @DisplayName("A-10: all shared tables are gone, those of the sync are there: no first run")
  void lostRegistryIsNoFirstRun() throws SQLException {
    database.execute(
        "drop table fulmar_planner.fulmar_syncs, fulmar_planner.fulmar_leases,"
            + " fulmar_planner.fulmar_plans cascade");
    int calls = destination.calls().size();

    assertThatThrownBy(this::run).isInstanceOf(StateException.class);
    assertThat(destination.calls()).hasSize(calls);
  }

  @ParameterizedTest
  @DisplayName("A-10: a table that was written anew with all its rows is the same")
  @CsvSource({
    "vacuum full fulmar_planner.s1_state_0",
    "vacuum full fulmar_planner.s1_holds",
    "cluster fulmar_planner.s1_state_0 using s1_state_0_pkey"
  })
  void rewrittenTableIsTheSame(String rewrite) throws SQLException {
    database.execute(rewrite);

    assertThat(sent(run())).containsExactly("ADDED 3");
    assertThat(sent(run())).isEmpty();
  }

  @Test
  @DisplayName("I-07: a state of a newer version is refused by each call that reads it")
  void newerFormatIsRefused() throws SQLException {
    database.execute("update fulmar_planner.fulmar_syncs set format = 2");
    String message =
        "Cannot use the state of crm: it has the format 2, and this version of Fulmar reads up to 1."
            + " Use the version that wrote it, or a later one. [sync=crm]";
    try (LightningEngine engine = open()) {
      assertThatThrownBy(() -> engine.run(crm().build())).hasMessage(message);
      assertThatThrownBy(() -> engine.status(crm().build())).hasMessage(message);
      assertThatThrownBy(() -> engine.holds(crm().build(), 1)).hasMessage(message);
      assertThatThrownBy(() -> engine.storedPlan(crm().build())).hasMessage(message);
      assertThatThrownBy(() -> engine.forget(crm().build())).hasMessage(message);
    }
  }

  /** The server is another one than at the last run, as the state tells it. */
  enum Elsewhere {
    PROMOTED("update fulmar_planner.fulmar_syncs set timeline = timeline + 1"),
    RESTORED_INTO_ANOTHER_CLUSTER(
        "update fulmar_planner.fulmar_syncs set system_identifier = 7000000000000000001"),
    MOVED_TO_ANOTHER_DATABASE("update fulmar_planner.fulmar_syncs set database = 'elsewhere'");

    private final String sql;

    Elsewhere(String sql) {
      this.sql = sql;
    }
  }

  private SyncReport run(TimelineChange change) {
    try (LightningEngine engine =
        LightningEngine.builder(source()).onTimelineChange(change).build()) {
      return engine.run(crm().build());
    }
  }

  @ParameterizedTest
  @DisplayName("E-05, E-07, A-12: after a promotion, a restore or a move WARN goes on")
  @EnumSource(Elsewhere.class)
  void warnGoesOn(Elsewhere elsewhere) throws SQLException {
    database.execute(elsewhere.sql);

    assertThat(sent(run(TimelineChange.WARN))).containsExactly("ADDED 3");
    assertThat(sent(run(TimelineChange.HOLD))).isEmpty();
  }

  @ParameterizedTest
  @DisplayName("E-05, E-07, A-12: HOLD keeps the plan until it is approved, once")
  @EnumSource(Elsewhere.class)
  void holdWaitsForApproval(Elsewhere elsewhere) throws SQLException {
    database.execute(elsewhere.sql);

    SyncReport held = run(TimelineChange.HOLD);
    assertThat(held.status()).isEqualTo(RunStatus.HELD);
    assertThat(sent(held)).isEmpty();
    List<String> guards = held.changeSet().guards();
    assertThat(guards).hasSize(1);
    assertThat(guards.get(0))
        .contains("what the destination accepted after that is not known here");
    try (LightningEngine engine = open()) {
      assertThat(sent(engine.apply(crm().build(), held.changeSet().id()).throwIfFailed()))
          .containsExactly("ADDED 3");
    }
    database.execute("update customer set email = 'new@x.io' where id = 1");
    assertThat(sent(run(TimelineChange.HOLD).throwIfFailed())).containsExactly("CHANGED 1");
  }

  @ParameterizedTest
  @DisplayName("E-05, E-07, A-12: RESYNC sends every row again, once")
  @EnumSource(Elsewhere.class)
  void resyncSendsEverything(Elsewhere elsewhere) throws SQLException {
    database.execute(elsewhere.sql);

    assertThat(sent(run(TimelineChange.RESYNC).throwIfFailed()))
        .containsExactly("ADDED 3", "CHANGED 1", "CHANGED 2");
    assertThat(sent(run(TimelineChange.RESYNC).throwIfFailed())).isEmpty();
  }

  @Test
  @DisplayName("E-07: the numbers of runs grow although the state went back")
  void runNumbersGrowAfterARestore() throws SQLException {
    SyncReport before = run();
    database.execute(
        "update fulmar_planner.fulmar_syncs set run = 5, folded_run = 5",
        "update fulmar_planner.fulmar_numbers set last_run = 5");

    assertThat(run().run()).isGreaterThan(before.run());
  }
}
