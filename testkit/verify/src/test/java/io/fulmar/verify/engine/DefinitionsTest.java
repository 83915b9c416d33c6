package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.ChangeSet;
import io.fulmar.ConfigurationException;
import io.fulmar.Mapping;
import io.fulmar.Operation;
import io.fulmar.RunOptions;
import io.fulmar.RunStatus;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncMode;
import io.fulmar.SyncReport;
import io.fulmar.verify.fixture.BothEngines;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Optional;
import java.util.function.Function;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Syncs whose definition changes between runs, with the standard engine on PostgreSQL. 2,000 rows
 * are synced before each test; the clock stands still unless the test moves it.
 */
@BothEngines
@DisplayName("P7: definitions, plans and their age")
class DefinitionsTest extends SourceFixture {
  private Instant now = Instant.parse("2026-04-01T12:00:00Z");

  @BeforeEach
  void syncRows() throws SQLException {
    database.execute(
        "create table t (id int primary key, v text, w text)",
        "insert into t select i, 'v' || i, 'w' || i from generate_series(1, 2000) i");
    assertThat(run("select id, v from t").throwIfFailed().total().accepted()).isEqualTo(2000);
  }

  private Sync.Builder of(String sql) {
    return sync(sql, "id");
  }

  private SyncReport run(String sql) {
    return engine(engine -> engine.run(of(sql).build()));
  }

  private <T> T engine(Function<SyncEngine, T> work) {
    Clock clock = Clock.fixed(now, ZoneOffset.UTC);
    try (SyncEngine engine = tested.on(source(), state, clock)) {
      return work.apply(engine);
    }
  }

  private void pass(Duration time) {
    now = now.plus(time);
  }

  @Test
  @DisplayName("P7 (c): another definition that changes too much is held, and says what differs")
  void definitionThatChangesTooMuchIsHeld() {
    SyncReport held = run("select id, v || '!' as v from t");

    assertThat(held.status()).isEqualTo(RunStatus.HELD);
    assertThat(held.changeSet().guards())
        .containsExactly(
            "other query than in the last run would change 2000 of 2000 synced keys, more than 10 %"
                + " and 1000");
    assertThat(destination.changes(held.run())).isEmpty();
    SyncReport columns = run("select id, v, w from t");
    assertThat(columns.status()).isEqualTo(RunStatus.HELD);
  }

  @Test
  @DisplayName("P7 (c): once it is approved, runs go on under the new definition")
  void approvedDefinitionIsTheOneToCompareWith() throws SQLException {
    String sql = "select id, v, w from t";
    SyncReport held = run(sql);

    SyncReport applied =
        engine(engine -> engine.apply(of(sql).build(), held.changeSet().id())).throwIfFailed();

    assertThat(applied.counts(Operation.CHANGED).accepted()).isEqualTo(2000);
    database.execute("update t set v = v || '?'");
    assertThat(run(sql).throwIfFailed().counts(Operation.CHANGED).accepted()).isEqualTo(2000);
  }

  @Test
  @DisplayName("P7 (c): rows that change under the same definition are no matter of definitions")
  void sameDefinitionIsNotHeld() throws SQLException {
    database.execute("update t set v = v || '?'");
    assertThat(run("select id, v from t").throwIfFailed().total().accepted()).isEqualTo(2000);
  }

  @Test
  @DisplayName(
      "P7 (c): a column whose type changes is another definition, the query being the same")
  void changedTypeIsAnotherDefinition() throws SQLException {
    database.execute("alter table t alter column v type varchar(50)");
    SyncReport held = run("select id, v from t");
    assertThat(held.changeSet().guards())
        .containsExactly(
            "other columns than in the last run would change 2000 of 2000 synced keys, more than 10 %"
                + " and 1000");
  }

  @Test
  @DisplayName("P7 (c): few changes pass, and so does everything if the guard is off")
  void fewChangesPassAndTheGuardCanBeSwitchedOff() {
    String few = "select id, case when id <= 200 then 'x' else v end as v from t";
    assertThat(run(few).throwIfFailed().counts(Operation.CHANGED).accepted()).isEqualTo(200);
    Sync off = of("select id, v, w from t").guardChanges(1, 0).build();
    assertThat(engine(engine -> engine.run(off)).throwIfFailed().total().accepted())
        .isEqualTo(2000);
  }

  @Test
  @DisplayName("P7 (c): a trial of some rows approves nothing")
  void trialDoesNotApproveADefinition() {
    Sync next = of("select id, v, w from t").build();
    RunOptions trial = RunOptions.builder().key(1).key(2).build();

    assertThat(engine(engine -> engine.run(next, trial)).throwIfFailed().total().accepted())
        .isEqualTo(2);

    assertThat(engine(engine -> engine.run(next)).status()).isEqualTo(RunStatus.HELD);
  }

  @Test
  @DisplayName(
      "P7 (c), 5a: another mapping that changes too much is held; a plan under it is stale")
  void otherMappingIsAnotherDefinition() throws SQLException {
    Mapping mapping = Mapping.builder().columns("id", "v").constant("source", "shop").build();
    Sync mapped = of("select id, v from t").mapping(mapping).build();

    ChangeSet held = engine(engine -> engine.run(mapped)).changeSet();

    assertThat(held.guards())
        .containsExactly(
            "other mapping than in the last run would change 2000 of 2000 synced keys, more than"
                + " 10 % and 1000");
    assertThatThrownBy(
            () -> engine(engine -> engine.apply(of("select id, v from t").build(), held.id())))
        .isInstanceOf(StateException.class)
        .hasMessageContaining("the mapping has changed since it was made");
    assertThat(engine(engine -> engine.apply(mapped, held.id())).throwIfFailed().total().accepted())
        .isEqualTo(2000);
  }

  @Test
  @DisplayName("P7 (c): another mode that changes too much is held")
  void otherModeIsAnotherDefinition() throws SQLException {
    database.execute("update t set v = v || '?'");
    Sync updating = of("select id, v from t").mode(SyncMode.UPDATE).build();
    assertThat(engine(engine -> engine.run(updating)).changeSet().guards())
        .containsExactly(
            "other mode than in the last run would change 2000 of 2000 synced keys, more than 10 % and"
                + " 1000");
  }

  @Test
  @DisplayName(
      "P7 (d): two versions of an application side by side do not overwrite each other in turn")
  void definitionThatComesBackIsHeld() {
    String before = "select id, v from t";
    String after = "select id, case when id <= 5 then 'x' else v end as v from t";
    Instant used = now;
    pass(Duration.ofHours(1));
    assertThat(run(after).throwIfFailed().total().accepted()).isEqualTo(5);
    pass(Duration.ofHours(1));

    SyncReport held = run(before);

    assertThat(held.status()).isEqualTo(RunStatus.HELD);
    assertThat(held.changeSet().guards())
        .containsExactly(
            "query went back to what was used at "
                + used
                + ", before the last run; two versions of the application may be at work");
    assertThat(run(after).throwIfFailed().total().planned()).isZero();
    Sync off = of(before).guardReturn(Duration.ZERO).build();
    assertThat(engine(engine -> engine.run(off)).throwIfFailed().total().accepted()).isEqualTo(5);
  }

  @Test
  @DisplayName("P7 (d): a definition that was in use longer ago may come back")
  void oldDefinitionMayComeBack() {
    pass(Duration.ofHours(1));
    String after = "select id, case when id <= 5 then 'x' else v end as v from t";
    assertThat(run(after).throwIfFailed().total().accepted()).isEqualTo(5);
    pass(Duration.ofHours(24));
    assertThat(run("select id, v from t").throwIfFailed().total().accepted()).isEqualTo(5);
  }

  @Test
  @DisplayName("P7: a guard of the application holds a run, and one that throws holds it too")
  void ownGuardsHold() throws SQLException {
    database.execute("update t set v = 'x' where id <= 3");
    Sync guarded =
        of("select id, v from t")
            .guard(plan -> Optional.of("changes " + plan.planned(Operation.CHANGED)))
            .guard(
                plan -> {
                  throw new IllegalStateException("with a secret");
                })
            .guard(plan -> Optional.empty())
            .build();

    ChangeSet held = engine(engine -> engine.run(guarded)).changeSet();

    assertThat(held.guards()).hasSize(2);
    assertThat(held.guards().get(0)).isEqualTo("changes 3");
    assertThat(held.guards().get(1))
        .startsWith("the guard io.fulmar.verify.engine.DefinitionsTest")
        .endsWith("threw java.lang.IllegalStateException");
    assertThat(held.syncedKeys()).isEqualTo(2000);
    assertThat(engine(engine -> engine.apply(guarded, held.id())).throwIfFailed().total())
        .extracting(SyncReport.Counts::accepted)
        .isEqualTo(3L);
  }

  @Test
  @DisplayName("P7: a revision lower than the newest one that was seen is refused")
  void oldRevisionIsRefused() {
    Sync third = of("select id, v from t").revision(3).build();
    assertThat(engine(engine -> engine.run(third)).throwIfFailed().total().planned()).isZero();
    assertThatThrownBy(
            () -> engine(engine -> engine.run(of("select id, v from t").revision(2).build())))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            "Cannot run crm: this is revision 2 of it, and revision 3 has run. Stop the old version"
                + " of the application, or raise the revision. [sync=crm]");
    assertThatThrownBy(() -> run("select id, v from t")).isInstanceOf(ConfigurationException.class);
    assertThat(engine(engine -> engine.run(third)).throwIfFailed().total().planned()).isZero();
  }

  @Test
  @DisplayName("a stored plan expires")
  void plansExpire() throws SQLException {
    database.execute("update t set v = 'x' where id = 1");
    Sync sync = of("select id, v from t").planExpiry(Duration.ofHours(1)).build();
    ChangeSet plan = engine(engine -> engine.plan(sync));
    pass(Duration.ofMinutes(59));
    Optional<ChangeSet> stored = engine(engine -> engine.storedPlan(sync));
    assertThat(stored).isPresent();
    pass(Duration.ofMinutes(1));
    stored = engine(engine -> engine.storedPlan(sync));
    assertThat(stored).isEmpty();
    assertThatThrownBy(() -> engine(engine -> engine.apply(sync, plan.id())))
        .isInstanceOf(StateException.class)
        .hasMessageContaining("it has expired (planExpiry PT1H). Run or plan anew.");
  }

  @Test
  @DisplayName("a stored plan is refused under another key, and after a release or a reset")
  void plansAreRefusedWhenTheStateMoved() throws SQLException {
    database.execute("update t set v = 'x' where id = 1");
    Sync sync = of("select id, v from t").build();
    ChangeSet plan = engine(engine -> engine.plan(sync));
    Sync other = sync("select id, v from t", "id", "v").build();
    assertThatThrownBy(() -> engine(engine -> engine.apply(other, plan.id())))
        .isInstanceOf(StateException.class)
        .hasMessageContaining("the key has changed since it was made");
    engine(engine -> engine.reset(sync));
    assertThatThrownBy(() -> engine(engine -> engine.apply(sync, plan.id())))
        .isInstanceOf(StateException.class);
  }
}
