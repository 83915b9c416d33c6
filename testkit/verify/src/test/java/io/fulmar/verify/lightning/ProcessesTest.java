package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.fulmar.RunStatus;
import io.fulmar.SyncReport;
import io.fulmar.harness.CrmLog;
import io.fulmar.harness.OtherProcess;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.internal.postgres.PgBouncer;
import io.fulmar.testkit.internal.postgres.PgBouncer.PoolMode;
import io.fulmar.verify.fixture.FakeTime;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Several JVMs and one sync: exactly one runs at a time, whoever was stopped and comes back is
 * fenced off, and a process that is told to end leaves nothing for others to wait for. The
 * destination is a file that all of them write to.
 */
@DisplayName("P4: several processes")
class ProcessesTest extends LightningFixture {
  private static final Duration LONG = Duration.ofSeconds(60);
  private static final Duration SHORT = Duration.ofSeconds(2);

  /** How long a call may act where that matters. */
  private static final Duration DEADLINE = Duration.ofSeconds(4);

  @TempDir Path temporary;

  private Path log;

  @BeforeEach
  void placeLog() {
    log = temporary.resolve("log");
  }

  /** A run in this JVM, over the same destination. */
  private SyncReport runHere() {
    try (LightningEngine engine = engineBuilder().lease(SHORT).build()) {
      return engine.run(SyncProcess.sync(SyncProcess.crm(log), DEADLINE).build());
    }
  }

  private void assertDestinationHoldsTheTable() throws Exception {
    assertThat(runHere().throwIfFailed().total().planned()).isZero();
    List<String> rows = new ArrayList<>();
    CrmLog.of(log).rows().forEach((id, v) -> rows.add(id + "=" + v));
    assertThat(String.join(" ", rows))
        .isEqualTo(query("select string_agg(id || '=' || v, ' ' order by id) from item"));
  }

  /** Two processes start the sync at once, so many times; the one that runs is let go then. */
  private void startTogether(TestDatabase where, int rounds) throws Exception {
    int[] ran = new int[2];
    try (OtherProcess one = SyncProcess.start(where, LONG, LONG, log);
        OtherProcess other = SyncProcess.start(where, LONG, LONG, log)) {
      List<OtherProcess> both = List.of(one, other);
      for (OtherProcess each : both) {
        assertThat(each.line()).startsWith("ready");
      }
      for (int round = 1; round <= rounds; round++) {
        database.execute("update item set v = 'round%d' where id <= 3".formatted(round));
        for (OtherProcess each : both) {
          each.send("run");
        }
        List<String> said = List.of(one.line(), other.line());
        assertThat(said)
            .as("round %d", round)
            .containsExactlyInAnyOrder(SyncProcess.CALLING, SyncProcess.REFUSED);
        int winner = said.indexOf(SyncProcess.CALLING);
        ran[winner]++;
        both.get(winner).send("answer");
        int changes = round == 1 ? 10 : 3;
        assertThat(both.get(winner).line()).isEqualTo("ended SUCCEEDED " + changes + " ");
      }
    }
    System.out.printf("ProcessesTest: %d starts together, won %d and %d%n", rounds, ran[0], ran[1]);
    assertThat(CrmLog.of(log).repeats()).isZero();
    assertDestinationHoldsTheTable();
  }

  @Test
  @DisplayName("I-01, I-06, P4: two JVMs start a sync 20 times, the first time without tables")
  void exactlyOneRuns() throws Exception {
    startTogether(database, 20);
  }

  @Test
  @Tag("soak")
  @DisplayName("I-01, P4: two JVMs start a sync 200 times")
  void exactlyOneRunsEachOf200Times() throws Exception {
    startTogether(database, 200);
  }

  @Test
  @DisplayName("F-02, P4: two JVMs start a sync behind a pooler that gives out transactions")
  void exactlyOneRunsBehindPooler() throws Exception {
    try (PgBouncer pooler =
        PgBouncer.before(database).user(ROLE).poolMode(PoolMode.TRANSACTION).poolSize(4).start()) {
      startTogether(pooler.database(), 5);
    }
  }

  @Test
  @DisplayName("A-07, I-02, P4: a JVM that was stopped for longer than its lease is fenced off")
  void stoppedProcessIsFencedOff() throws Exception {
    try (OtherProcess zombie = SyncProcess.start(database, SHORT, DEADLINE, log)) {
      assertThat(zombie.line()).startsWith("ready");
      zombie.send("run");
      assertThat(zombie.line()).isEqualTo(SyncProcess.CALLING);
      zombie.signal("STOP");
      awaitQuery("select expires_at < clock_timestamp() from fulmar_planner.fulmar_leases", "t");

      SyncReport successor = runHere();

      assertThat(successor.status()).isEqualTo(RunStatus.SUCCEEDED);
      assertThat(successor.total().accepted()).isEqualTo(10);
      String memory = memory();
      zombie.signal("CONT");
      zombie.send("answer");
      String said = zombie.line();
      List<String> all = new ArrayList<>();
      while (!said.startsWith("ended") && !said.startsWith("failed") && !said.isEmpty()) {
        all.add(said);
        said = zombie.line();
      }
      assertThat(said).startsWith("ended FAILED").contains("lease").contains("[sync=crm run=");
      assertThat(memory()).as("what is remembered").isEqualTo(memory);
      assertThat(all)
          .as("a call that ends after its deadline is told to the listener")
          .allMatch(line -> line.startsWith("late write: "));
      assertThat(CrmLog.of(log).early(DEADLINE)).isEmpty();
      // What came last from the zombie is in the destination, and the same rows.
      assertDestinationHoldsTheTable();
    }
  }

  private String memory() throws Exception {
    return query("select string_agg(s::text, ' ' order by k0) from fulmar_planner.s1_state_0 s")
        + query(
            "select (run, state_version, keys, last_status)::text from fulmar_planner.fulmar_syncs");
  }

  @Test
  @DisplayName("A-11: SIGTERM ends a run in order, and the next one need not wait")
  void terminatedProcessLeavesNothingToWaitFor() throws Exception {
    try (OtherProcess process = SyncProcess.start(database, LONG, LONG, log)) {
      assertThat(process.line()).startsWith("ready");
      process.send("run");
      assertThat(process.line()).isEqualTo(SyncProcess.CALLING);
      process.signal("TERM");
      assertThat(process.line()).isEqualTo(SyncProcess.CLOSING);
      awaitQuery(
          "select count(*) from pg_stat_activity where application_name like 'fulmar crm%'"
              + " and state = 'idle in transaction'",
          "0");
      process.send("answer");
      assertThat(process.rest()).endsWith("exit code 143");
    }
    assertThat(
            query(
                "select count(*) from fulmar_planner.fulmar_leases where expires_at > clock_timestamp()"))
        .isEqualTo("0");

    int before = CrmLog.of(log).accepted().size();
    assertThat(before).isLessThan(10);

    SyncReport next = runHere();

    assertThat(next.status()).isEqualTo(RunStatus.SUCCEEDED);
    assertThat(next.total().accepted()).as("what was not sent before").isEqualTo(10 - before);
    assertThat(CrmLog.of(log).repeats()).isZero();
    assertDestinationHoldsTheTable();
  }

  @Test
  @DisplayName("I-03: clocks of JVMs that are hours apart do not matter to who may run")
  void clocksOfProcessesDoNotMatter() throws Exception {
    Path library = FakeTime.library();
    assumeTrue(library != null, "there is no libfaketime here");
    try (OtherProcess early = shifted(library, "-1h");
        OtherProcess late = shifted(library, "+2h")) {
      long began = Long.parseLong(early.line().substring(6));
      long hours = (Long.parseLong(late.line().substring(6)) - began) / 3_600_000;
      assertThat(hours).as("hours between the two").isBetween(2L, 3L);
      early.send("run");
      assertThat(early.line()).isEqualTo(SyncProcess.CALLING);
      late.send("run");
      assertThat(late.line()).isEqualTo(SyncProcess.REFUSED);
      early.send("answer");
      assertThat(early.line()).isEqualTo("ended SUCCEEDED 10 ");
      database.execute("update item set v = 'late' where id = 1");
      late.send("run");
      assertThat(late.line()).isEqualTo(SyncProcess.CALLING);
      late.send("answer");
      assertThat(late.line()).isEqualTo("ended SUCCEEDED 1 ");
      database.execute("update item set v = 'early-again' where id = 1");
      early.send("run");
      assertThat(early.line()).isEqualTo(SyncProcess.CALLING);
      early.send("answer");
      assertThat(early.line()).isEqualTo("ended SUCCEEDED 1 ");
    }
    assertDestinationHoldsTheTable();
  }

  private OtherProcess shifted(Path library, String by) throws Exception {
    return SyncProcess.startUnder(
        List.of("env", "LD_PRELOAD=" + library, "FAKETIME=" + by), database, LONG, LONG, log);
  }
}
