package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.AlreadyRunningException;
import io.fulmar.ChangeSet;
import io.fulmar.HeldChange;
import io.fulmar.HoldKind;
import io.fulmar.Model;
import io.fulmar.Removal;
import io.fulmar.RunStatus;
import io.fulmar.Start;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.SyncStatus;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.spi.Verdict;
import io.fulmar.testkit.RecordingDestination;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The engine that compares in PostgreSQL, from its first run on, and what else can be asked of it.
 */
class LightningEngineTest extends CustomerFixture {
  private static final String WAITING =
      "select count(*) from pg_stat_activity where datname = current_database()"
          + " and application_name like 'fulmar crm%' and wait_event_type = 'Lock'";

  @Test
  @DisplayName(
      "P1: sends every row once, then what was added, changed and removed, and nothing else")
  void sendsWhatChanged() throws SQLException {
    SyncReport first = run().throwIfFailed();
    assertThat(first.status()).isEqualTo(RunStatus.SUCCEEDED);
    assertThat(sent(first)).containsExactly("ADDED 1", "ADDED 2", "ADDED 3");

    SyncReport unchanged = run().throwIfFailed();
    assertThat(unchanged.status()).isEqualTo(RunStatus.SUCCEEDED);
    assertThat(sent(unchanged)).isEmpty();
    assertThat(unchanged.run()).isGreaterThan(first.run());

    database.execute(
        "insert into customer values (4, 'd@x.io')",
        "update customer set email = 'b@y.io' where id = 2",
        "delete from customer where id = 3");
    SyncReport changed = run().throwIfFailed();
    assertThat(sent(changed)).containsExactly("ADDED 4", "CHANGED 2", "REMOVED 3");
    assertThat(sent(run())).isEmpty();
    assertThat(destination.contents()).hasSize(3);
  }

  @Test
  @DisplayName("P1: tables are heaps, by whose places plans are read, whatever the default is")
  void tablesAreHeaps() throws SQLException {
    database.execute(
        "create access method heap_too type table handler heap_tableam_handler",
        "alter database %s set default_table_access_method = heap_too".formatted(database.name()));
    AtomicReference<String> kinds = new AtomicReference<>();
    destination.verdicts(
        change -> {
          kinds.set(kinds());
          return new Verdict.Accepted();
        });
    run().throwIfFailed();
    assertThat(kinds.get()).isEqualTo("heap");
    assertThat(kinds()).isEqualTo("heap");
  }

  private String kinds() {
    try {
      return query(
          "select string_agg(distinct m.amname, ' ') from pg_class c join pg_am m on m.oid = c.relam"
              + " where c.relnamespace = 'fulmar_planner'::regnamespace and c.relkind = 'r'");
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "view fulmar_planner.state_of_crm as select 1 as mine",
        "view fulmar_planner.holds_of_crm as select 1 as mine",
        "table fulmar_planner.s1_plan_0 as select 1 as mine"
      })
  @DisplayName("H-06: who has a name that a sync will need is told so before anything is sent")
  void nameThatSomebodyHasIsToldBeforeAnythingIsSent(String theirs) throws SQLException {
    database.execute("create " + theirs);
    String name = theirs.split(" ")[1];

    assertThatThrownBy(this::run)
        .isInstanceOf(StateException.class)
        .hasMessageContaining(
            "Cannot make the tables of the sync: \"fulmar_planner\".\"%s\" is nothing that Fulmar has made."
                .formatted(name.substring(name.indexOf('.') + 1)));
    assertThat(destination.changes()).isEmpty();
    assertThat(query("select mine from " + name)).isEqualTo("1");
    database.execute("drop %s %s".formatted(theirs.split(" ")[0], name));
    assertThat(sent(run().throwIfFailed())).hasSize(3);
  }

  @Test
  @DisplayName("P3: what is rejected comes back in its newest version, also after a restart")
  void rejectedComesBack() throws SQLException {
    destination.verdicts(
        change ->
            "2".equals(change.key().text("id"))
                ? new Verdict.Rejected("INVALID", "no such", Verdict.Retry.NEXT_RUN)
                : new Verdict.Accepted());
    SyncReport first = run();
    assertThat(first.status()).isEqualTo(RunStatus.WARNING);
    try (LightningEngine engine = open()) {
      HeldChange held = engine.holds(crm().build(), 10).get(0);
      assertThat(held.key().text("id")).isEqualTo("2");
      assertThat(held.kind()).isEqualTo(HoldKind.REJECTED);
      assertThat(held.attempts()).isEqualTo(1);
      assertThat(held.code()).isEqualTo("INVALID");
      assertThat(held.changeId())
          .isEqualTo(
              destination.changes(first.run()).stream()
                  .filter(change -> "2".equals(change.key().text("id")))
                  .findFirst()
                  .orElseThrow()
                  .changeId());
      SyncStatus status = engine.status(crm().build());
      assertThat(status.syncedKeys()).isEqualTo(2);
      assertThat(status.holds(HoldKind.REJECTED)).isEqualTo(1);
    }

    database.execute("update customer set email = 'b@y.io' where id = 2");
    destination.acceptAll();
    SyncReport second = run().throwIfFailed();
    assertThat(sent(second)).containsExactly("ADDED 2");
    assertThat(destination.changes(second.run()).get(0).row().text("email")).isEqualTo("b@y.io");
    try (LightningEngine engine = open()) {
      assertThat(engine.holds(crm().build(), 10)).isEmpty();
    }
  }

  @Test
  @DisplayName("P7: a plan that is kept is delivered as it was planned, by any engine")
  void storedPlanIsDelivered() throws SQLException {
    ChangeSet plan;
    try (LightningEngine engine = open()) {
      plan = engine.plan(crm().build());
      assertThat(engine.storedPlan(crm().build()).orElseThrow().id()).isEqualTo(plan.id());
    }
    database.execute("update customer set email = 'late@x.io'");
    try (LightningEngine engine = open()) {
      SyncReport report = engine.apply(crm().build(), plan.id()).throwIfFailed();
      assertThat(sent(report)).containsExactly("ADDED 1", "ADDED 2", "ADDED 3");
      assertThat(destination.changes(report.run()).get(0).row().text("email"))
          .isNotEqualTo("late@x.io");
      assertThat(engine.storedPlan(crm().build())).isEmpty();
      assertThatThrownBy(() -> engine.apply(crm().build(), plan.id()))
          .isInstanceOf(StateException.class)
          .hasMessageContaining("there is no such plan");
    }
    assertThat(sent(run())).containsExactly("CHANGED 1", "CHANGED 2", "CHANGED 3");
  }

  @Test
  @DisplayName("P4: a second engine is refused while the first one delivers, and may run after it")
  void secondEngineIsRefused() throws Exception {
    CountDownLatch writing = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    destination.verdicts(
        change -> {
          writing.countDown();
          try {
            assertThat(goOn.await(30, TimeUnit.SECONDS)).isTrue();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
          return new Verdict.Accepted();
        });
    CompletableFuture<SyncReport> first = CompletableFuture.supplyAsync(this::run);
    assertThat(writing.await(30, TimeUnit.SECONDS)).isTrue();
    String process = "/" + ProcessHandle.current().pid() + "/";

    assertThatThrownBy(this::run)
        .isInstanceOf(AlreadyRunningException.class)
        .hasMessageStartingWith("Cannot run crm: ")
        .hasMessageContaining(process);
    try (LightningEngine engine = open()) {
      assertThatThrownBy(() -> engine.forget(crm().build()))
          .isInstanceOf(AlreadyRunningException.class);
      assertThat(engine.status(crm().build()).syncedKeys()).isZero();
    }
    goOn.countDown();
    assertThat(first.get(30, TimeUnit.SECONDS).status()).isEqualTo(RunStatus.SUCCEEDED);
    assertThat(sent(run())).isEmpty();
  }

  @Test
  @DisplayName(
      "P8, C-10: rows that a migration makes unique while a run waits for it are ambiguous")
  void rowsThatBecomeUniqueWhileARunWaitsAreAmbiguous() throws Exception {
    database.execute("alter table customer drop constraint customer_pkey");
    database.execute("insert into customer values (3, 'again@x.io')");
    CompletableFuture<SyncReport> running;
    try (Connection migration = database.connect();
        Statement statement = migration.createStatement()) {
      migration.setAutoCommit(false);
      statement.execute("lock table customer in access exclusive mode");
      running = CompletableFuture.supplyAsync(this::run);
      for (int i = 0; i < 1_000 && query(WAITING).equals("0"); i++) {
        database.execute("select pg_sleep(0.02)");
      }
      assertThat(query(WAITING)).isEqualTo("1");
      statement.execute("delete from customer where email = 'c@x.io'");
      statement.execute("alter table customer add primary key (id)");
      migration.commit();
    }

    SyncReport report = running.get(60, TimeUnit.SECONDS);
    assertThat(report.status()).as(String.valueOf(report.error())).isEqualTo(RunStatus.WARNING);
    assertThat(report.changeSet().invalid()).isEqualTo(2);
    assertThat(sent(report)).containsExactly("ADDED 1", "ADDED 2");
    assertThat(sent(run().throwIfFailed())).containsExactly("ADDED 3");
  }

  @Test
  void discardedPlanLeavesNothing() throws SQLException {
    try (LightningEngine engine = open()) {
      engine.plan(crm().build());
      assertThat(engine.discard(crm().build())).isTrue();
      assertThat(engine.discard(crm().build())).isFalse();
      assertThat(engine.storedPlan(crm().build())).isEmpty();
    }
    assertThat(query("select count(*) from fulmar_planner.fulmar_plans")).isEqualTo("0");
  }

  @Test
  void baselineSendsOnlyLaterChanges() throws SQLException {
    try (LightningEngine engine = open()) {
      engine.initialise(crm().build(), Start.BASELINE);
    }
    assertThat(sent(run())).isEmpty();
    database.execute("update customer set email = 'b@y.io' where id = 2");
    assertThat(sent(run())).containsExactly("CHANGED 2");
    try (LightningEngine engine = open()) {
      assertThatThrownBy(() -> engine.initialise(crm().build(), Start.SEND))
          .isInstanceOf(StateException.class)
          .hasMessageContaining(
              "Cannot initialise crm: it has a state in the schema fulmar_planner");
    }
  }

  @Test
  void resyncSendsEveryRowAndResetNone() throws SQLException {
    run().throwIfFailed();
    try (LightningEngine engine = open()) {
      assertThat(sent(engine.resync(crm().build()).throwIfFailed()))
          .containsExactly("CHANGED 1", "CHANGED 2", "CHANGED 3");
      database.execute("update customer set email = 'z@x.io'");
      engine.reset(crm().build());
    }
    assertThat(sent(run())).isEmpty();
  }

  @Test
  void clearAndFillEmptiesAndSendsAll() throws SQLException {
    run().throwIfFailed();
    try (LightningEngine engine = open()) {
      SyncReport filled = engine.clearAndFill(crm().build()).throwIfFailed();
      assertThat(sent(filled)).containsExactly("ADDED 1", "ADDED 2", "ADDED 3");
    }
    assertThat(destination.clears()).isEqualTo(1);
    assertThat(sent(run())).isEmpty();
  }

  @Test
  @DisplayName("P3: a change that is released is tried again, one key or all")
  void releasedChangesComeBack() throws SQLException {
    destination.verdicts(change -> new Verdict.Skipped());
    run();
    destination.acceptAll();
    assertThat(sent(run())).isEmpty();
    try (LightningEngine engine = open()) {
      assertThat(engine.release(crm().build(), 2)).isTrue();
      assertThat(engine.release(crm().build(), 77)).isFalse();
    }
    assertThat(sent(run())).containsExactly("ADDED 2");
    try (LightningEngine engine = open()) {
      assertThat(engine.release(crm().build())).isEqualTo(2);
    }
    assertThat(sent(run())).containsExactly("ADDED 1", "ADDED 3");
  }

  @Test
  void forgottenSyncLeavesNoTables() throws SQLException {
    run().throwIfFailed();
    String tables =
        "select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace"
            + " where n.nspname = 'fulmar_planner' and c.relname ~ '^s[0-9]|crm'";
    assertThat(query(tables)).isNotEqualTo("0");
    try (LightningEngine engine = open()) {
      engine.forget(crm().build());
    }
    assertThat(query(tables)).isEqualTo("0");
    assertThat(query("select count(*) from fulmar_planner.fulmar_syncs")).isEqualTo("0");
    assertThat(query("select count(*) from fulmar_planner.fulmar_leases")).isEqualTo("0");
    assertThat(sent(run())).containsExactly("ADDED 1", "ADDED 2", "ADDED 3");
  }

  @Test
  void renamedSyncRemembersWhatItSent() throws SQLException {
    run().throwIfFailed();
    Sync renamed =
        Sync.builder("crm2")
            .model(Model.query("customers", ROWS).key("id"))
            .to(destination)
            .onRemoved(Removal.DELETE)
            .build();
    try (LightningEngine engine = open()) {
      engine.rename("crm", renamed);
      assertThatThrownBy(() -> engine.rename("crm", renamed))
          .isInstanceOf(StateException.class)
          .hasMessageStartingWith(
              "Cannot rename crm: it has no state in the schema fulmar_planner");
    }
    assertThat(sent(run(renamed))).isEmpty();
    database.execute("update customer set email = 'b@y.io' where id = 2");
    assertThat(sent(run(renamed))).containsExactly("CHANGED 2");
    assertThat(query("select string_agg(sync, ',') from fulmar_planner.fulmar_syncs"))
        .isEqualTo("crm2");
  }

  @Test
  void anotherDestinationIsRefusedUntilTheSyncIsRebound() throws SQLException {
    run().throwIfFailed();
    RecordingDestination other = RecordingDestination.of("test:other");
    Sync moved = crm().to(other).build();
    assertThatThrownBy(() -> run(moved))
        .isInstanceOf(StateException.class)
        .hasMessageContaining("its state says what test:crm has accepted");
    try (LightningEngine engine = open()) {
      engine.rebind(crm().build(), other);
    }
    assertThat(run(moved).status()).isEqualTo(RunStatus.SUCCEEDED);
    assertThat(other.changes()).isEmpty();
  }

  @Test
  void syncWithoutStateIsRefusedWhereOneIsRequired() {
    try (LightningEngine engine =
        LightningEngine.builder(source()).requireExistingState().build()) {
      assertThatThrownBy(() -> engine.run(crm().build()))
          .isInstanceOf(StateException.class)
          .hasMessageStartingWith(
              "Cannot use the state of crm: there is none in the schema fulmar_planner");
      engine.initialise(crm().build(), Start.SEND);
      assertThat(engine.run(crm().build()).status()).isEqualTo(RunStatus.SUCCEEDED);
    }
  }

  @Test
  void statusOfASyncThatNeverRanIsEmpty() {
    try (LightningEngine engine = open()) {
      SyncStatus status = engine.status(crm().build());
      assertThat(status.lastRun()).isNull();
      assertThat(status.syncedKeys()).isZero();
      assertThat(engine.holds(crm().build(), 5)).isEmpty();
      assertThat(engine.storedPlan(crm().build())).isEmpty();
    }
  }
}
