package io.fulmar.testkit.assertj;

import static io.fulmar.testkit.assertj.FulmarAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Action;
import io.fulmar.ChangeSet;
import io.fulmar.HoldKind;
import io.fulmar.Model;
import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.RunStatus;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.spi.Capabilities;
import io.fulmar.spi.Verdict;
import io.fulmar.testkit.InMemoryEngine;
import io.fulmar.testkit.InMemorySource;
import io.fulmar.testkit.ManualClock;
import io.fulmar.testkit.RecordingDestination;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.Assertions;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Three customers in memory, delivered to a recording destination; their addresses are values that
 * no message about a run may show.
 */
@DisplayName("P11: assertions say what happened, without values of rows")
class FulmarAssertionsTest {
  private static final Instant START = Instant.parse("2026-03-01T08:00:00Z");

  private final InMemorySource shop = InMemorySource.create();
  private final InMemorySource.Rows customers =
      shop.model("customers")
          .column("id", "bigint")
          .column("email", "text")
          .column("score", "numeric")
          .row(1L, "secret1@x", new BigDecimal("1.0"))
          .row(2L, "secret2@x", null)
          .row(3L, "secret3@x", new BigDecimal("3"));
  private final RecordingDestination crm = RecordingDestination.of("crm");
  private final SyncEngine engine =
      InMemoryEngine.builder(shop).clock(ManualClock.at(START)).build();
  private final Sync sync =
      Sync.builder("crm")
          .model(Model.query("customers", "select * from customer").key("id"))
          .to(crm)
          .onRemoved(Removal.DELETE)
          .guardRemovals(0.3, 0)
          .build();

  @AfterEach
  void close() {
    engine.close();
  }

  private static void says(ThrowingCallable assertion, String... lines) {
    assertThatThrownBy(assertion)
        .isInstanceOf(AssertionError.class)
        .hasMessage(String.join(System.lineSeparator() + "  ", lines));
  }

  @Test
  void whatIsTrueIsAsserted() {
    crm.whenKey(9L).skip();
    assertThat(engine.plan(sync)).added(3).changed(0).removed(0).passesGuards().hasHeld(0);
    assertThat(crm).receivedNothing().holdsNothing();
    assertThat(engine.run(sync)).succeeded().added(3).changed(0).removed(0).hasNoHolds();
    assertThat(engine.run(sync)).plannedNothing().hasNoFailures().hasInvalidRows(0);
    assertThat(engine.plan(sync)).isEmpty().hasInvalidRows(0);
    Assertions.assertThat(engine.discard(sync)).isTrue();
    assertThat(engine.status(sync))
        .lastRunEndedAs(RunStatus.SUCCEEDED)
        .hasSyncedKeys(3)
        .hasNoHolds()
        .hasHolds(HoldKind.REJECTED, 0)
        .isSure()
        .isUpToDateAsOf(START)
        .hasNoHeldPlan();
    assertThat(crm)
        .received(3)
        .received(Operation.ADDED, 2)
        .holdsKeys(1, "2", List.of(3L))
        .holdsRow(Map.of("id", 1, "score", new BigDecimal("1.0")))
        .holdsExactlyRows(
            List.of(
                row(3, "secret3@x", new BigDecimal("3")),
                row(2, "secret2@x", null),
                row(1, "secret1@x", new BigDecimal("1.0"))))
        .keptPromises();
  }

  private static Map<String, Object> row(Object id, Object email, Object score) {
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("id", id);
    row.put("email", email);
    row.put("score", score);
    return row;
  }

  @Test
  void failuresAreToldByTheirCodes() {
    crm.whenKey(1L).reject("BAD_EMAIL", "secret1@x is bad", Verdict.Retry.NEXT_RUN);
    crm.whenKey(2L).unknown();
    SyncReport report = engine.run(sync);
    assertThat(report).hasStatus(RunStatus.WARNING).added(1).hasFailed("BAD_EMAIL", 1);
    String[] rest = {
      "status WARNING",
      "added: 3 planned, 1 accepted, 0 skipped, 2 failed, 0 aborted",
      "1 added failed with BAD_EMAIL",
      "1 added failed with FULMAR_UNKNOWN_OUTCOME",
      "-> BAD_EMAIL: the destination refused it; report.failures() has its message, and it comes back in the next run",
      "-> FULMAR_UNKNOWN_OUTCOME: the destination threw, did not answer in time or left changes out of its answer"
    };
    saysOf("to end as SUCCEEDED", () -> assertThat(report).succeeded(), rest);
    saysOf("to deliver 3 added", () -> assertThat(report).added(3), rest);
    saysOf("to have no failures", () -> assertThat(report).hasNoFailures(), rest);
    saysOf("to leave no holds", () -> assertThat(report).hasNoHolds(), rest);
    saysOf("to plan nothing", () -> assertThat(report).plannedNothing(), rest);
    saysOf("to have 2 invalid rows", () -> assertThat(report).hasInvalidRows(2), rest);
    saysOf(
        "to have 2 changes that failed with BAD_EMAIL",
        () -> assertThat(report).hasFailed("BAD_EMAIL", 2),
        rest);
  }

  private static void saysOf(String expected, ThrowingCallable assertion, String... rest) {
    String[] lines = new String[rest.length + 1];
    lines[0] = "Expecting the run of crm " + expected + ", but:";
    System.arraycopy(rest, 0, lines, 1, rest.length);
    says(assertion, lines);
  }

  @Test
  void otherCodesOfOursHaveTheirRemedies() {
    SyncReport report = engine.run(sync().maxRowBytes(1024).build());
    assertThat(report).succeeded();
    customers.put(1L, "x".repeat(2000), null);
    saysOf(
        "to end as SUCCEEDED",
        () -> assertThat(engine.run(sync().maxRowBytes(1024).build())).succeeded(),
        "status WARNING",
        "changed: 1 planned, 0 accepted, 0 skipped, 1 failed, 0 aborted",
        "1 changed failed with FULMAR_ROW_TOO_LARGE",
        "-> FULMAR_ROW_TOO_LARGE: raise Sync.Builder.maxRowBytes, or select less");
  }

  private Sync.Builder sync() {
    return Sync.builder("crm").model(sync.model()).to(crm).onRemoved(Removal.DELETE);
  }

  @Test
  void invalidAndHeldRowsAreTold() {
    crm.whenKey(1L).skip();
    assertThat(engine.run(sync)).succeeded().added(3);
    customers.row(null, "secret4@x", null).row(2L, "secret5@x", null);
    SyncReport report = engine.run(sync);
    saysOf(
        "to end as SUCCEEDED",
        () -> assertThat(report).succeeded(),
        "status WARNING",
        "nothing was planned",
        "3 rows are invalid {NULL_KEY=1, DUPLICATE_KEY=2}",
        "1 changes are held: quarantined or skipped in this version",
        "-> let the model return each key once, and no NULL in it",
        "-> engine.holds(sync, n) and engine.explain(sync, key) say why, engine.release lets go");
    says(
        () -> assertThat(engine.plan(sync)).hasHeld(0),
        "Expecting the plan of crm to hold back 0 changes, but:",
        "5 rows in the model, 2 synced keys; 0 added, 0 changed, 0 removed planned",
        "3 rows are invalid {NULL_KEY=1, DUPLICATE_KEY=2}",
        "1 changes are held: quarantined or skipped in this version",
        "-> let the model return each key once, and no NULL in it");
  }

  @Test
  void heldRunNamesItsGuardAndTheWayOut() {
    assertThat(engine.run(sync)).succeeded();
    customers.clear();
    SyncReport report = engine.run(sync);
    assertThat(report).isHeld().isHeldBy("the model is empty");
    ChangeSet plan = report.changeSet();
    assertThat(engine.status(sync)).hasHeldPlan();
    saysOf(
        "to end as SUCCEEDED",
        () -> assertThat(report).succeeded(),
        "status HELD",
        "removed: 3 planned, 0 accepted, 0 skipped, 0 failed, 3 aborted",
        report.problem().orElseThrow(),
        "-> if the test means this plan, approve it, or set the guard of the sync (guardRemovals, guardChanges, guardReturn, onEmptyModel)");
    says(
        () -> assertThat(plan).passesGuards(),
        "Expecting the plan of crm to pass the guards, but:",
        "0 rows in the model, 3 synced keys; 0 added, 0 changed, 3 removed planned",
        "a guard says: the model is empty, and 3 synced keys would be removed");
    says(
        () -> assertThat(plan).isHeldBy("went back"),
        "Expecting the plan of crm to be held by a guard that says \"went back\", but:",
        "0 rows in the model, 3 synced keys; 0 added, 0 changed, 3 removed planned",
        "a guard says: the model is empty, and 3 synced keys would be removed");
    says(
        () -> assertThat(engine.status(sync)).hasNoHeldPlan(),
        "Expecting a sync without a plan that waits for approval, but of crm:",
        "its last run ended as HELD",
        "3 synced keys, 0 unsure",
        "holds {REJECTED=0, QUARANTINED=0, SKIPPED=0, OPEN=0}",
        "up to date as of 2026-03-01T08:00:00Z",
        "plan " + plan.id() + " waits for approval",
        "-> engine.storedPlan(sync) shows it; engine.apply approves it, engine.discard drops it");
  }

  @Test
  void planTellsItsCounts() {
    String rest = "3 rows in the model, 0 synced keys; 3 added, 0 changed, 0 removed planned";
    ChangeSet plan = engine.plan(sync);
    says(() -> assertThat(plan).added(2), "Expecting the plan of crm to have 2 added, but:", rest);
    says(
        () -> assertThat(plan).changed(1),
        "Expecting the plan of crm to have 1 changed, but:",
        rest);
    says(
        () -> assertThat(plan).removed(1),
        "Expecting the plan of crm to have 1 removed, but:",
        rest);
    says(() -> assertThat(plan).isEmpty(), "Expecting the plan of crm to be empty, but:", rest);
    says(
        () -> assertThat(plan).hasInvalidRows(1),
        "Expecting the plan of crm to have 1 invalid rows, but:",
        rest);
    says(
        () -> assertThat(plan).isHeldBy("empty"),
        "Expecting the plan of crm to be held by a guard that says \"empty\" (none objects: is its threshold reached?), but:",
        rest);
  }

  @Test
  void failedRunRepeatsItsProblem() {
    shop.failNext("42501");
    SyncReport report = engine.run(sync);
    assertThat(report).failed();
    saysOf(
        "to deliver 1 removed",
        () -> assertThat(report).removed(1),
        "status FAILED",
        "nothing was planned",
        report.problem().orElseThrow());
    saysOf(
        "to deliver 1 changed",
        () -> assertThat(report).changed(1),
        "status FAILED",
        "nothing was planned",
        report.problem().orElseThrow());
  }

  @Test
  void statusSaysWhereTheSyncStands() {
    crm.whenKey(1L).reject("BAD").times(1);
    crm.whenKey(2L).unknown();
    statusSays(
        () -> assertThat(engine.status(sync)).lastRunEndedAs(RunStatus.SUCCEEDED),
        "whose last run ended as SUCCEEDED",
        "it has not run",
        "0 synced keys, 0 unsure",
        "holds {REJECTED=0, QUARANTINED=0, SKIPPED=0, OPEN=0}",
        "up to date as of null",
        "-> Look at its report");
    assertThat(engine.run(sync)).hasStatus(RunStatus.WARNING);
    String[] rest = {
      "its last run ended as WARNING",
      "1 synced keys, 1 unsure",
      "holds {REJECTED=1, QUARANTINED=0, SKIPPED=0, OPEN=1}",
      "up to date as of null"
    };
    statusSays(
        () -> assertThat(engine.status(sync)).hasSyncedKeys(3),
        "with 3 synced keys",
        with(rest, "-> Look at the failures of its last report"));
    statusSays(
        () -> assertThat(engine.status(sync)).hasNoHolds(),
        "without holds",
        with(
            rest,
            "-> engine.holds(sync, n) and engine.explain(sync, key) say why, engine.release lets go"));
    statusSays(
        () -> assertThat(engine.status(sync)).hasHolds(HoldKind.SKIPPED, 1),
        "with 1 holds of kind SKIPPED",
        with(rest, "-> engine.holds(sync, n) shows them"));
    statusSays(
        () -> assertThat(engine.status(sync)).isSure(),
        "without unsure keys",
        with(
            rest,
            "-> A call gave no answer, or not for all of its changes; the next run sends them again"));
    statusSays(
        () -> assertThat(engine.status(sync)).isUpToDateAsOf(START),
        "that is up to date as of 2026-03-01T08:00:00Z",
        with(rest, "-> Only a run that leaves nothing unsent, rejected or invalid moves it"));
    statusSays(
        () -> assertThat(engine.status(sync)).hasHeldPlan(),
        "with a plan that waits for approval",
        with(rest, "-> Look at the status of its last report"));
  }

  private static String[] with(String[] lines, String last) {
    String[] all = Arrays.copyOf(lines, lines.length + 1);
    all[lines.length] = last;
    return all;
  }

  private static void statusSays(ThrowingCallable assertion, String expected, String... rest) {
    String[] lines = new String[rest.length + 1];
    lines[0] = "Expecting a sync " + expected + ", but of crm:";
    System.arraycopy(rest, 0, lines, 1, rest.length);
    says(assertion, lines);
  }

  @Test
  void destinationShowsWhatTheTestGaveIt() {
    says(
        () -> assertThat(crm).received(Operation.ADDED, 1),
        "Expecting crm to have received added [1], but:",
        "it received 0 changes in 0 calls",
        "-> look at the report of the run: nothing due, held by a guard, or failed earlier");
    customers.remove(2L).remove(3L);
    assertThat(engine.run(sync)).succeeded();
    says(
        () -> assertThat(crm).received(2),
        "Expecting crm to have received 2 changes, but:",
        "it received 1 changes in 1 calls",
        "added [1], attempt 1");
    says(
        () -> assertThat(crm).holdsKeys(2, 3),
        "Expecting crm to hold 2 keys, but:",
        "it holds 1",
        "missing: [[2], [3]]",
        "not expected: [[1]]");
    says(
        () -> assertThat(crm).holdsRow(Map.of("score", new BigDecimal("1.00"))),
        "Expecting crm to hold a row with {score=1.00}, but:",
        "it holds 1 rows",
        "{id=1, email=secret1@x, score=1.0}");
    says(
        () -> assertThat(crm).holdsExactlyRows(List.of(Map.of("id", 1))),
        "Expecting crm to hold exactly 1 rows, but:",
        "missing: [{id=1}]",
        "not expected: [{id=1, email=secret1@x, score=1.0}]");
  }

  @Test
  void scriptThatWasNotPlayedIsTold() {
    crm.whenKey(9L).skip().times(2);
    says(
        () -> assertThat(crm).playedScript(),
        "Expecting crm to have played its script to the end, but:",
        "whenKey(9).skip().times(2): skip().times(2) was never used",
        "-> a line that never applied proves nothing: look at its key, or how often it is tried");
  }

  @Test
  void brokenPromisesAreTold() {
    RecordingDestination deletesOnly =
        RecordingDestination.of(
            "other", Capabilities.builder().actions(EnumSet.of(Action.DELETE)).build());
    assertThatThrownBy(() -> deletesOnly.clear(null)).isInstanceOf(IllegalStateException.class);
    says(
        () -> assertThat(deletesOnly).keptPromises(),
        "Expecting other to see all promises to destinations kept, but:",
        "a clear is asked for, which cannot be done");
  }

  @Test
  void nothingIsNoReport() {
    assertThatThrownBy(() -> assertThat((SyncReport) null).succeeded())
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("Expecting actual not to be null");
  }
}
