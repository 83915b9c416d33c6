package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.ChangeSet;
import io.fulmar.ConfigurationException;
import io.fulmar.Explanation;
import io.fulmar.HeldChange;
import io.fulmar.HoldKind;
import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.RunOptions;
import io.fulmar.RunStatus;
import io.fulmar.Start;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncMode;
import io.fulmar.SyncReport;
import io.fulmar.spi.Verdict;
import io.fulmar.testkit.RecordingDestination;
import io.fulmar.verify.fixture.BothEngines;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * What an application asks of a sync besides running it, with the standard engine on PostgreSQL.
 * Five rows are synced under DELETE before each test; each call has an engine of its own.
 */
@BothEngines
@DisplayName("requests")
class RequestsTest extends SourceFixture {
  @BeforeEach
  void syncFiveRows() throws SQLException {
    database.execute(
        "create table t (id int primary key, v text)",
        "insert into t select i, 'v' || i from generate_series(1, 5) i");
    assertThat(sent(run(sync()).throwIfFailed())).hasSize(5);
  }

  private Sync.Builder builder() {
    return sync("select id, v from t", "id")
        .onRemoved(Removal.DELETE)
        .quarantineAfter(1, Duration.ZERO);
  }

  private Sync sync() {
    return builder().build();
  }

  private <T> T engine(Function<SyncEngine, T> work) {
    try (SyncEngine engine = open()) {
      return work.apply(engine);
    }
  }

  private List<HeldChange> holds(int limit) {
    return engine(engine -> engine.holds(sync(), limit));
  }

  private boolean release(int id) {
    return engine(engine -> engine.release(sync(), id));
  }

  private long releaseAll() {
    return engine(engine -> engine.release(sync()));
  }

  private Optional<ChangeSet> storedPlan() {
    return engine(engine -> engine.storedPlan(sync()));
  }

  private boolean discard() {
    return engine(engine -> engine.discard(sync()));
  }

  private void initialise(Sync sync, Start start) {
    engine(
        engine -> {
          engine.initialise(sync, start);
          return engine;
        });
  }

  private void reject(String... ids) {
    destination.verdicts(
        change ->
            List.of(ids).contains(change.key().text("id"))
                ? new Verdict.Rejected("BAD", "not this one", Verdict.Retry.NEXT_RUN)
                : new Verdict.Accepted());
  }

  // ---------------------------------------------------------------------------------- full resync

  @Test
  @DisplayName(
      "full resync sends every valid row, held ones too; the next run removes what is absent")
  void resyncSendsEveryValidRow() throws SQLException {
    database.execute("update t set v = 'bad' where id = 2");
    reject("2");
    assertThat(run(sync()).newlyQuarantined()).isEqualTo(1);
    destination.acceptAll();
    database.execute("delete from t where id = 5");

    SyncReport report = engine(engine -> engine.resync(sync())).throwIfFailed();

    assertThat(sent(report)).containsExactly("CHANGED 1", "CHANGED 2", "CHANGED 3", "CHANGED 4");
    assertThat(destination.changes(report.run())).allMatch(change -> change.attempt() == 1);
    assertThat(sent(run(sync()).throwIfFailed())).containsExactly("REMOVED 5");
    assertThat(run(sync()).throwIfFailed().total().planned()).isZero();
  }

  @Test
  @DisplayName("P1: a full resync that ends early leaves the rest due")
  void resyncThatEndsEarlyStaysDue() {
    reject("1", "2", "3", "4", "5");
    Sync sync = builder().quarantineAfter(10, Duration.ofHours(1)).build();

    assertThat(engine(engine -> engine.resync(sync)).status()).isEqualTo(RunStatus.WARNING);

    destination.acceptAll();
    assertThat(sent(run(sync).throwIfFailed())).hasSize(5);
    assertThat(run(sync).throwIfFailed().total().planned()).isZero();
  }

  // ---------------------------------------------------------------------------------------- reset

  @Test
  @DisplayName("reset sends nothing, takes the present rows as accepted and forgets what is held")
  void resetTakesThePresentResultAsDelivered() throws SQLException {
    database.execute(
        "update t set v = 'new' where id = 1",
        "update t set v = 'bad' where id = 2",
        "insert into t values (6, 'six')",
        "delete from t where id = 5");
    reject("1", "2", "5", "6");
    run(sync());
    int calls = destination.calls().size();

    ChangeSet taken = engine(engine -> engine.reset(sync()));

    assertThat(destination.calls()).hasSize(calls);
    assertThat(taken.planned(Operation.ADDED)).isEqualTo(1);
    assertThat(taken.planned(Operation.CHANGED)).isEqualTo(2);
    assertThat(taken.ignored()).isEqualTo(1);
    assertThat(holds(10)).isEmpty();
    assertThat(engine(engine -> engine.status(sync())).syncedKeys()).isEqualTo(5);
    assertThat(run(sync()).throwIfFailed().total().planned()).isZero();
    database.execute("delete from t where id = 6");
    assertThat(sent(run(sync()))).containsExactly("REMOVED 6");
  }

  @Test
  @DisplayName("5a: another key is refused until a reset")
  void resetTakesAnotherKey() {
    Sync other = sync("select id::text as code, v from t", "code").build();
    assertThatThrownBy(() -> run(other))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(
            "its key was (id integer) and now is (code text), so what is remembered no longer fits."
                + " Go back to that key; or reset the sync");

    engine(engine -> engine.reset(other));

    assertThat(run(other).throwIfFailed().total().planned()).isZero();
    assertThat(engine(engine -> engine.status(other)).syncedKeys()).isEqualTo(5);
  }

  @Test
  void resetWithoutAStateIsRefused() {
    Sync other = Sync.builder("other").model(sync().model()).to(destination).build();
    assertThatThrownBy(() -> engine(engine -> engine.reset(other)))
        .isInstanceOf(StateException.class)
        .hasMessage(
            "Cannot use the state of other: there is none in %s, and it is required. Bring it back,"
                    .formatted(tested.whereIs(state, "other"))
                + " or initialise the sync. [sync=other]");
    assertThat(state.resolve("other")).doesNotExist();
  }

  // ------------------------------------------------------------------------------- clear and fill

  @Test
  @DisplayName("clear and fill empties the destination and sends every valid row as added")
  void clearAndFillBeginsAnew() throws SQLException {
    database.execute("delete from t where id = 5", "update t set v = 'new' where id = 1");

    SyncReport report = engine(engine -> engine.clearAndFill(sync())).throwIfFailed();

    assertThat(sent(report)).containsExactly("ADDED 1", "ADDED 2", "ADDED 3", "ADDED 4");
    assertThat(destination.clears()).isEqualTo(1);
    assertThat(destination.contents()).hasSize(4);
    assertThat(run(sync()).throwIfFailed().total().planned()).isZero();
    assertThat(engine(engine -> engine.status(sync())).clearing()).isFalse();
  }

  @Test
  @DisplayName(
      "a clear whose outcome is unknown is repeated by the next run before anything is sent")
  void clearThatFailsIsRepeated() {
    destination.clearing(
        run -> {
          throw new IOException("connection reset");
        });
    Sync sync = builder().callDeadline(Duration.ofSeconds(1)).build();

    SyncReport failed = engine(engine -> engine.clearAndFill(sync));

    assertThat(failed.status()).isEqualTo(RunStatus.FAILED);
    assertThat(failed.problem().orElseThrow())
        .contains(
            "the destination is to be cleared, and clearing it threw java.io.IOException; the next"
                + " run clears it again");
    assertThat(engine(engine -> engine.status(sync)).clearing()).isTrue();
    assertThatThrownBy(() -> engine(engine -> engine.plan(sync)))
        .isInstanceOf(StateException.class)
        .hasMessageContaining("a clear of the destination is not known to have ended");

    destination.clearing(run -> {});
    assertThat(sent(run(sync).throwIfFailed()))
        .containsExactly("ADDED 1", "ADDED 2", "ADDED 3", "ADDED 4", "ADDED 5");
    assertThat(destination.clears()).isEqualTo(2);
    assertThat(run(sync).throwIfFailed().total().planned()).isZero();
    assertThat(destination.clears()).isEqualTo(2);
  }

  @Test
  @DisplayName("P7: an empty model is held before a clear, also where removals are delivered")
  void emptyModelIsNotFilled() throws SQLException {
    database.execute("delete from t");
    Sync sync = builder().onEmptyModel(Sync.EmptyModel.DELIVER).build();

    SyncReport held = engine(engine -> engine.clearAndFill(sync));

    assertThat(held.status()).isEqualTo(RunStatus.HELD);
    assertThat(held.changeSet().guards())
        .containsExactly("the model is empty, and 5 synced keys would be removed");
    assertThat(destination.clears()).isZero();
    engine(engine -> engine.apply(sync, held.changeSet().id())).throwIfFailed();
    assertThat(destination.clears()).isEqualTo(1);
    assertThat(destination.contents()).isEmpty();
  }

  @Test
  void whatCannotBeClearedIsRefused() {
    RecordingDestination unclearable =
        RecordingDestination.of(
            "test:recording",
            io.fulmar.spi.Capabilities.builder().actions(io.fulmar.Action.values()).build());
    Sync sync = Sync.builder("crm").model(sync().model()).to(unclearable).build();
    assertThatThrownBy(() -> engine(engine -> engine.clearAndFill(sync)))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("recording does not say that it can be cleared");
    Sync updating = builder().mode(SyncMode.UPDATE).build();
    assertThatThrownBy(() -> engine(engine -> engine.clearAndFill(updating)))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("mode UPDATE has nothing to update");
  }

  // ---------------------------------------------------------------------------- holds and release

  @Test
  @DisplayName(
      "P11: a key to release that is none is named by its column and type, not by its text")
  void keyToReleaseThatIsNone() throws SQLException {
    database.execute("update t set v = 'bad' where id = 1");
    reject("1");
    run(sync());

    for (String text : List.of("canary", "can\0ary", "99999999999999999999")) {
      assertThatThrownBy(() -> engine(engine -> engine.release(sync(), text)))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageMatching(
              "Cannot look at a key of rows: what was given is no value of the key \\(id integer\\)\\."
                  + " Give the columns of the key in its order, as their values or as PostgreSQL's"
                  + " text\\. \\[sync=crm.*\\]")
          .hasNoCause();
    }
    assertThat(release(1)).isTrue();
  }

  @Test
  @DisplayName("P3: what is held can be seen, and released one by one or all at once")
  void heldChangesAreSeenAndReleased() throws SQLException {
    database.execute(
        "update t set v = 'wrong' where id in (1, 2, 3)", "delete from t where id = 4");
    reject("1", "2", "3", "4");
    assertThat(run(sync()).newlyQuarantined()).isEqualTo(4);

    List<HeldChange> held = holds(100);

    assertThat(held)
        .extracting(
            h ->
                "%s %s %s #%d %s"
                    .formatted(
                        h.key().text("id"), h.kind(), h.subject(), h.attempts(), h.reason().get()))
        .containsExactlyInAnyOrder(
            "1 QUARANTINED ROW #1 BAD: not this one",
            "2 QUARANTINED ROW #1 BAD: not this one",
            "3 QUARANTINED ROW #1 BAD: not this one",
            "4 QUARANTINED REMOVAL #1 BAD: not this one");
    assertThat(held.toString()).doesNotContain("wrong");
    assertThat(holds(2)).hasSize(2);
    destination.acceptAll();
    assertThat(run(sync()).throwIfFailed().total().planned()).isZero();

    assertThat(release(2)).isTrue();
    assertThat(release(2)).isFalse();
    assertThat(release(77)).isFalse();
    SyncReport one = run(sync()).throwIfFailed();
    assertThat(sent(one)).containsExactly("CHANGED 2");
    assertThat(destination.changes(one.run()).get(0).attempt()).isEqualTo(1);

    assertThat(releaseAll()).isEqualTo(3);
    assertThat(sent(run(sync()).throwIfFailed()))
        .containsExactly("CHANGED 1", "CHANGED 3", "REMOVED 4");
    assertThat(holds(100)).isEmpty();
  }

  @Test
  @DisplayName(
      "J-06, P3: a row that fails for 30 runs is found again when its key changes its type")
  void rejectedRowOutlivesTheTypeOfItsKey() throws SQLException {
    Sync patient = builder().quarantineAfter(1_000, Duration.ofHours(1)).build();
    database.execute("update t set v = 'bad' where id = 2");
    reject("2");
    for (int run = 1; run <= 30; run++) {
      SyncReport report = run(patient);
      assertThat(sent(report)).containsExactly("CHANGED 2");
      assertThat(destination.changes(report.run()).get(0).attempt()).isEqualTo(run);
    }
    database.execute("alter table t alter column id type bigint");

    SyncReport report = run(patient);

    assertThat(sent(report))
        .as("another type makes every row another version of the same key")
        .containsExactly("CHANGED 1", "CHANGED 2", "CHANGED 3", "CHANGED 4", "CHANGED 5");
    assertThat(report.total().failed()).isEqualTo(1);
    destination.acceptAll();
    assertThat(sent(run(patient).throwIfFailed())).containsExactly("CHANGED 2");
    assertThat(holds(10)).isEmpty();
    database.execute("delete from t where id = 2");
    assertThat(sent(run(patient).throwIfFailed())).containsExactly("REMOVED 2");
  }

  // ------------------------------------------------------------------------------------ beginning

  @Test
  @DisplayName("initialise as BASELINE: only later changes are sent")
  void baselineSendsOnlyLaterChanges() throws SQLException {
    Sync fresh = Sync.builder("fresh").model(sync().model()).to(destination).build();
    int calls = destination.calls().size();

    initialise(fresh, Start.BASELINE);

    assertThat(destination.calls()).hasSize(calls);
    assertThat(run(fresh).throwIfFailed().total().planned()).isZero();
    database.execute("update t set v = 'later' where id = 3");
    assertThat(sent(run(fresh).throwIfFailed())).containsExactly("CHANGED 3");
    assertThatThrownBy(() -> initialise(fresh, Start.SEND))
        .isInstanceOf(StateException.class)
        .hasMessageContaining("Cannot initialise fresh: it has a state in");
  }

  @Test
  @DisplayName("P1: a BASELINE that did not end is not taken for an empty state")
  void baselineThatFailsIsNotRun() throws SQLException {
    Sync fresh = Sync.builder("fresh").model(sync().model()).to(destination).build();
    database.execute("alter table t rename to hidden");
    assertThatThrownBy(() -> initialise(fresh, Start.BASELINE))
        .isInstanceOf(io.fulmar.FulmarException.class);
    database.execute("alter table hidden rename to t");

    assertThatThrownBy(() -> run(fresh))
        .isInstanceOf(StateException.class)
        .hasMessageContaining("that did not end. Initialise it again");
    initialise(fresh, Start.BASELINE);
    assertThat(run(fresh).throwIfFailed().total().planned()).isZero();
  }

  @Test
  void stateThatIsRequiredIsMadeByInitialise() {
    Sync fresh = Sync.builder("fresh").model(sync().model()).to(destination).build();
    try (SyncEngine engine = tested.requiringState(source(), state)) {
      assertThatThrownBy(() -> engine.run(fresh)).isInstanceOf(StateException.class);
      engine.initialise(fresh, Start.SEND);
      assertThat(sent(engine.run(fresh).throwIfFailed())).hasSize(5);
    }
  }

  @Test
  @DisplayName("forget: the next run is the first, also after damage")
  void forgottenSyncBeginsAnew() throws IOException, SQLException {
    forget();
    assertThat(sent(run(sync()).throwIfFailed())).hasSize(5).allMatch(c -> c.startsWith("ADDED"));
    tested.damage(database, state, "crm");
    assertThatThrownBy(() -> run(sync()).throwIfFailed())
        .hasMessageMatching("(?i).*forget the sync.*");
    forget();
    assertThat(sent(run(sync()).throwIfFailed())).hasSize(5);
  }

  private void forget() {
    engine(
        engine -> {
          engine.forget(sync());
          return engine;
        });
  }

  @Test
  @DisplayName("rebind keeps what is remembered, now as that of another destination")
  void reboundStateIsThatOfAnotherDestination() throws SQLException {
    RecordingDestination moved = RecordingDestination.of("test:moved");
    Sync there = Sync.builder("crm").model(sync().model()).to(moved).build();
    assertThatThrownBy(() -> run(there))
        .isInstanceOf(StateException.class)
        .hasMessageContaining("the destination now is test:moved")
        .hasMessageContaining("rebind");

    engine(
        engine -> {
          engine.rebind(there, moved);
          return engine;
        });

    database.execute("update t set v = 'moved' where id = 1");
    run(there).throwIfFailed();
    assertThat(moved.changes()).hasSize(1);
    assertThatThrownBy(() -> run(sync())).isInstanceOf(StateException.class);
  }

  // ------------------------------------------------------------------------------- parts of a run

  @Test
  @DisplayName("limit: so many changes are delivered, the rest is aborted and stays due")
  void limitDeliversAPart() throws SQLException {
    database.execute("update t set v = v || '!'");

    SyncReport report =
        engine(engine -> engine.run(sync(), RunOptions.builder().limit(2).build())).throwIfFailed();

    assertThat(sent(report)).hasSize(2);
    assertThat(report.total().planned()).isEqualTo(5);
    assertThat(report.total().aborted()).isEqualTo(3);
    assertThat(sent(run(sync()).throwIfFailed())).hasSize(3);
    assertThat(run(sync()).throwIfFailed().total().planned()).isZero();
  }

  @Test
  @DisplayName("keys: only these are looked at, in whatever way they are absent or present")
  void keysDeliverSingleRecords() throws SQLException {
    database.execute("update t set v = v || '!'", "delete from t where id = 4");
    RunOptions three = RunOptions.builder().key(2).key("4").key(99).build();

    SyncReport report = engine(engine -> engine.run(sync(), three)).throwIfFailed();

    assertThat(sent(report)).containsExactly("CHANGED 2", "REMOVED 4");
    assertThat(report.changeSet().rows()).isEqualTo(1);
    assertThat(sent(run(sync()).throwIfFailed()))
        .containsExactly("CHANGED 1", "CHANGED 3", "CHANGED 5");
    assertThat(run(sync()).throwIfFailed().total().planned()).isZero();
  }

  @Test
  void keysThatDoNotFitAreRefused() {
    assertThatThrownBy(
            () -> engine(engine -> engine.run(sync(), RunOptions.builder().key("x").build())))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageMatching(
            "Cannot look at a key of rows: what was given is no value of the key \\(id integer\\)\\."
                + " Give .*\\[sync=crm run=\\d+]");
    assertThatThrownBy(
            () -> engine(engine -> engine.run(sync(), RunOptions.builder().key(1, 2).build())))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("2 columns were given, and the key has 1 (id integer)");
  }

  @Test
  @DisplayName("P7: one key that left an otherwise full model is no empty model")
  void oneRemovedKeyIsNoEmptyModel() throws SQLException {
    database.execute("delete from t where id = 3");
    SyncReport report =
        engine(engine -> engine.run(sync(), RunOptions.builder().key(3).build())).throwIfFailed();
    assertThat(sent(report)).containsExactly("REMOVED 3");
  }

  @Test
  void budgetHandsOutNothingOnceItIsSpent() throws SQLException {
    database.execute("update t set v = v || '!'");
    RunOptions options = RunOptions.builder().budget(Duration.ofMillis(1)).build();

    SyncReport report = engine(engine -> engine.run(sync(), options));

    assertThat(report.status()).isEqualTo(RunStatus.SUCCEEDED);
    assertThat(report.total().aborted()).isEqualTo(5);
    assertThat(engine(engine -> engine.status(sync())).upToDateAsOf())
        .isBefore(report.changeSet().snapshotAt());
    assertThat(sent(run(sync()).throwIfFailed())).hasSize(5);
  }

  // ---------------------------------------------------------------------------------------- plans

  @Test
  void storedPlanCanBeFoundAndDiscarded() throws SQLException {
    database.execute("update t set v = v || '!' where id < 3");
    assertThat(storedPlan()).isEmpty();

    ChangeSet plan = engine(engine -> engine.plan(sync()));

    ChangeSet found = storedPlan().orElseThrow();
    assertThat(found.id()).isEqualTo(plan.id());
    assertThat(found.samples())
        .extracting(sample -> sample.operation() + " " + sample.key().text("id"))
        .containsExactlyInAnyOrder("CHANGED 1", "CHANGED 2");
    assertThat(discard()).isTrue();
    assertThat(discard()).isFalse();
    assertThat(storedPlan()).isEmpty();
    assertThatThrownBy(() -> engine(engine -> engine.apply(sync(), plan.id())))
        .isInstanceOf(StateException.class);
    assertThat(sent(run(sync()).throwIfFailed())).containsExactly("CHANGED 1", "CHANGED 2");
  }

  // -------------------------------------------------------------------------------------- explain

  private String explained(Object key) {
    Explanation explanation = engine(engine -> engine.explain(sync(), key));
    return "%s/%s %s: %s"
        .formatted(
            explanation.source(), explanation.accepted(), explanation.next(), explanation.rule());
  }

  @Test
  @DisplayName("explain names the rule that applies to a key, and the last reason, without values")
  void keysAreExplained() throws SQLException {
    assertThat(explained(1)).isEqualTo("PRESENT/THIS_VERSION null: same");
    assertThat(explained(77)).isEqualTo("ABSENT/NOTHING null: unknown-key");
    database.execute(
        "update t set v = 'secret' where id in (1, 2)",
        "insert into t values (6, 'six')",
        "delete from t where id = 5");
    assertThat(explained(1)).isEqualTo("PRESENT/OTHER_VERSION CHANGED: changed");
    assertThat(explained(5)).isEqualTo("ABSENT/OTHER_VERSION REMOVED: removed");
    assertThat(explained(6)).isEqualTo("PRESENT/NOTHING ADDED: new");
    reject("2", "6");
    run(sync());
    assertThat(explained(2)).isEqualTo("PRESENT/OTHER_VERSION null: held");
    Explanation held = engine(engine -> engine.explain(sync(), 2));
    assertThat(held.text())
        .isEqualTo(
            "The next run does not send this key: this version is held until it changes or is"
                + " released. Remembered as QUARANTINED after 1 attempts: BAD: not this one.");
    assertThat(held.held().kind()).isEqualTo(HoldKind.QUARANTINED);
    assertThat(held.toString()).doesNotContain("secret");
    assertThat(held.row().text("v")).isEqualTo("secret");
  }
}
