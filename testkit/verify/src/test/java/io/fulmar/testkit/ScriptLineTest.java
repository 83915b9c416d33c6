package io.fulmar.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Change;
import io.fulmar.HeldChange;
import io.fulmar.HoldKind;
import io.fulmar.Model;
import io.fulmar.Operation;
import io.fulmar.RunStatus;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.spi.Verdict;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Ten customers in memory, delivered to a destination that plays a script. */
@DisplayName("P1, P2, P3: a recording destination plays its script")
class ScriptLineTest {
  private static final Instant START = Instant.parse("2026-03-01T08:00:00Z");

  private final InMemorySource shop = InMemorySource.create();
  private final RecordingDestination crm = RecordingDestination.of("crm");
  private final ManualClock clock = ManualClock.at(START);
  private final SyncEngine engine =
      InMemoryEngine.builder(shop).clock(clock).grace(Duration.ofMillis(50)).build();
  private final Sync sync = sync().build();

  ScriptLineTest() {
    InMemorySource.Rows rows = shop.model("customers").column("id", "bigint").column("v", "text");
    for (long id = 1; id <= 10; id++) {
      rows.row(id, "v");
    }
  }

  private Sync.Builder sync() {
    return Sync.builder("crm")
        .model(Model.query("customers", "select id, v from customer").key("id"))
        .to(crm)
        .lanes(1);
  }

  @AfterEach
  void close() {
    engine.close();
    assertThat(crm.violations()).isEmpty();
  }

  private SyncReport.Counts run() {
    return engine.run(sync).counts(Operation.ADDED);
  }

  @Test
  void keyIsRejectedTwiceAndThenAccepted() {
    crm.whenKey(7L).reject("BAD").times(2);
    assertThat(run()).isEqualTo(new SyncReport.Counts(10, 9, 0, 1));
    assertThat(run()).isEqualTo(new SyncReport.Counts(1, 0, 0, 1));
    assertThat(engine.holds(sync, 9)).singleElement().extracting(HeldChange::code).isEqualTo("BAD");
    assertThat(run()).isEqualTo(new SyncReport.Counts(1, 1, 0, 0));
    crm.verifyScript();
  }

  @Test
  void verdictsFollowEachOther() {
    crm.whenKey(7L).reject("SOON", "try again", Verdict.Retry.THIS_RUN).times(1).skip().times(1);
    crm.whenChange(change -> change.key().longValue("id") > 8).unknown().times(2).accept();
    crm.verdicts(change -> new Verdict.Rejected("REST", "no", Verdict.Retry.NEXT_RUN));
    SyncReport report = engine.run(sync);
    assertThat(report.counts(Operation.ADDED)).isEqualTo(new SyncReport.Counts(10, 2, 1, 7));
    assertThat(report.failures()).singleElement().returns(7L, SyncReport.FailureGroup::count);
    assertThat(engine.status(sync).holds(HoldKind.SKIPPED)).isEqualTo(1);
    crm.verifyScript();
  }

  @Test
  void linesThatWereWrittenFirstWin() {
    crm.whenKey(1L).skip();
    crm.whenChange(change -> true).reject("ALL");
    assertThat(run()).isEqualTo(new SyncReport.Counts(10, 0, 1, 9));
    crm.verifyScript();
  }

  @Test
  void batchThatIsNotAppliedComesAgainAfterItsTime() {
    crm.onCall(1).notApplied(Duration.ofMinutes(3)).times(1);
    crm.onCall(2).notApplied().times(1);
    assertThat(run()).isEqualTo(new SyncReport.Counts(10, 10, 0, 0));
    assertThat(crm.calls()).hasSize(3);
    assertThat(clock.instant()).isAfter(START.plus(Duration.ofMinutes(3)));
    crm.verifyScript();
  }

  @Test
  void badRowOfARejectedBatchIsFound() {
    crm.whenKey(4L).rejectBatch("BAD_ROW");
    SyncReport report = engine.run(sync);
    assertThat(report.counts(Operation.ADDED)).isEqualTo(new SyncReport.Counts(10, 9, 0, 1));
    assertThat(report.failures()).singleElement().returns("BAD_ROW", SyncReport.FailureGroup::code);
    crm.verifyScript();
  }

  @Test
  void runIsStopped() {
    crm.onCall(2).stopRun("QUOTA");
    SyncReport report = engine.run(sync().batchRows(4).build());
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.problem().orElseThrow()).contains("QUOTA");
    assertThat(report.counts(Operation.ADDED)).isEqualTo(new SyncReport.Counts(10, 4, 0, 0));
    crm.verifyScript();
  }

  @Test
  void whatIsThrownBeforeOrAfterApplyingIsUnknown() {
    crm.whenKey(1L).throwBeforeApplying().times(1).throwAfterApplying().times(1);
    assertThat(run()).isEqualTo(new SyncReport.Counts(10, 10, 0, 0));
    List<String> ids =
        crm.changes().stream()
            .filter(c -> c.key().longValue("id") == 1)
            .map(Change::changeId)
            .toList();
    assertThat(ids).hasSize(3).containsOnly(ids.get(0));
    crm.verifyScript();
  }

  @Test
  void throwingAfterApplyingLeavesTheRowsThere() {
    crm.whenChange(change -> true).throwAfterApplying();
    SyncReport report = engine.run(sync);
    assertThat(report.total().accepted()).isZero();
    assertThat(engine.status(sync).unsure()).isPositive();
    assertThat(crm.contents()).hasSize(10);
  }

  @Test
  void hangingCallIsLetGo() throws Exception {
    crm.onCall(1).hang().times(1);
    CompletableFuture<SyncReport> report = CompletableFuture.supplyAsync(() -> engine.run(sync));
    crm.awaitHanging(1);
    assertThat(report).isNotDone();
    crm.letGo();
    assertThat(report.get(30, TimeUnit.SECONDS).total().accepted()).isEqualTo(10);
    crm.verifyScript();
  }

  @Test
  void hangingCallIsEndedByAnInterruptBeforeItApplies() throws Exception {
    crm.onCall(1).hang();
    CompletableFuture<SyncReport> report = CompletableFuture.supplyAsync(() -> engine.run(sync));
    crm.awaitHanging(1);
    engine.cancel(sync);
    assertThat(report.get(30, TimeUnit.SECONDS).status()).isEqualTo(RunStatus.CANCELLED);
    assertThat(crm.contents()).isEmpty();
    assertThat(engine.status(sync).unsure()).isEqualTo(10);
  }

  @Test
  void lateCallAppliesAfterItsRun() throws Exception {
    crm.onCall(1).hangIgnoringInterrupts();
    CompletableFuture<SyncReport> report = CompletableFuture.supplyAsync(() -> engine.run(sync));
    crm.awaitHanging(1);
    engine.cancel(sync);
    SyncReport ended = report.get(30, TimeUnit.SECONDS);
    assertThat(ended.abandonedCalls()).isEqualTo(1);
    assertThat(crm.contents()).isEmpty();
    crm.letGo();
    while (crm.contents().isEmpty()) {
      Thread.onSpinWait();
    }
    assertThat(crm.contents()).hasSize(10);
  }

  @Test
  void lineThatWasNotUsedIsReported() {
    crm.whenKey(7L).reject("BAD").times(2).skip();
    crm.whenKey("99").unknown();
    crm.onCall(9).hang();
    crm.whenChange(change -> true);
    assertThat(run().failed()).isEqualTo(1);
    assertThat(crm.unusedScript()).hasSize(4);
    assertThatThrownBy(crm::verifyScript)
        .isInstanceOf(AssertionError.class)
        .hasMessage(
            String.join(
                System.lineSeparator(),
                "The script of crm was not played to its end, so this test does not show what it seems to:",
                "- whenKey(7).reject(BAD).times(2).skip(): reject(BAD).times(2) was used 1 times",
                "- whenKey(99).unknown(): unknown() was never used",
                "- onCall(9).hang(): hang() was never used",
                "- whenChange(...): says nothing. Let an answer follow it"));
  }

  @Test
  void linesAreWrittenInForm() {
    ScriptLine line = crm.whenKey("a", 2).skip();
    assertThat(line).hasToString("whenKey(a, 2).skip()");
    assertThatThrownBy(line::accept)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(
            "an answer without times(n) has no end, so nothing follows it: whenKey(a, 2).skip()");
    assertThatThrownBy(() -> line.times(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("count must be at least 1, is 0");
    assertThatThrownBy(() -> line.times(1).times(2))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("times(2) follows an answer: whenKey(a, 2).skip().times(1)");
    assertThatThrownBy(() -> crm.onCall(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("number must be at least 1, is 0");
  }
}
