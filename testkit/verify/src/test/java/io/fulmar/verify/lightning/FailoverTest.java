package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.fulmar.Change;
import io.fulmar.ChangeSet;
import io.fulmar.Model;
import io.fulmar.RunStatus;
import io.fulmar.Source;
import io.fulmar.SourceException;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.lightning.TimelineChange;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import io.fulmar.testkit.internal.postgres.HotStandby;
import io.fulmar.testkit.internal.postgres.ServerProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The database is another one than at the last run, and what the engine remembers went with it: a
 * standby that had not yet got everything is promoted, as after a restore to an earlier moment too,
 * or a dump is restored into another cluster. The model is a table, twenty rows of which were
 * delivered before.
 */
class FailoverTest extends OwnServerFixture {
  @Override
  ServerProcess startServer() {
    return ServerProcess.create(database, Map.of("timezone", "Asia/Kathmandu"));
  }

  private SyncReport run(TestDatabase on, TimelineChange change) {
    Sync sync =
        syncBuilder().model(Model.table("items", "public", "item").key("id")).lanes(1).build();
    try (LightningEngine engine =
        LightningEngine.builder(sourceOf(on).build()).onTimelineChange(change).build()) {
      return engine.run(sync);
    }
  }

  private SyncReport run(TestDatabase on) {
    return run(on, TimelineChange.WARN);
  }

  private static void assertWay(SyncReport report, ChangeSet.Way.Kind kind, String reason) {
    assertThat(report.way().orElseThrow().kind()).as(report.way().toString()).isEqualTo(kind);
    assertThat(report.way().orElseThrow().reason()).contains(reason);
  }

  /** A standby that has what two runs have left, and will get no more. */
  private HotStandby standbyOfTwoRuns() throws Exception {
    run(database).throwIfFailed();
    assertWay(run(database).throwIfFailed(), ChangeSet.Way.Kind.DELTA, "");
    HotStandby standby = HotStandby.of(database).start();
    standby.awaitReplay();
    standby.cutOff();
    return standby;
  }

  private void changeAfterwards() throws Exception {
    database.execute(
        "update item set v = 'lost' where id = 1",
        "delete from item where id = 2",
        "insert into item values (21, 'lost too')");
    assertThat(sent(run(database).throwIfFailed()))
        .containsExactly("ADDED 21", "CHANGED 1", "REMOVED 2");
  }

  @ParameterizedTest
  @EnumSource(names = {"WARN", "RESYNC"})
  @DisplayName(
      "E-05, E-07: a standby that lacks the last run is promoted: noticed, and all rows are compared")
  void promotedStandbyIsNoticed(TimelineChange change) throws Exception {
    try (HotStandby standby = standbyOfTwoRuns()) {
      changeAfterwards();
      long newest = destination.changes().stream().mapToLong(Change::sequence).max().orElseThrow();
      standby.promote();
      TestDatabase promoted = standby.database();
      promoted.execute("update item set v = 'new' where id = 3");

      SyncReport report = run(promoted, change);

      String why = change == TimelineChange.RESYNC ? "there is no base" : "promoted or restored";
      assertWay(report, ChangeSet.Way.Kind.FULL, why);
      switch (change) {
        case WARN -> assertThat(sent(report.throwIfFailed())).containsExactly("CHANGED 3");
        case HOLD -> {
          assertThat(report.status()).isEqualTo(RunStatus.HELD);
          assertThat(report.changeSet().guards().get(0)).contains("timeline");
          assertThat(sent(report)).isEmpty();
        }
        case RESYNC -> {
          assertThat(sent(report.throwIfFailed())).hasSize(ROWS).allMatch(s -> s.startsWith("CHA"));
          // Nobody remembers that row 21 was ever delivered: the README says what to do about it.
          assertThat(contents())
              .isEqualTo(
                  query(promoted, "select string_agg(id || '=' || v, ' ' order by id) from item")
                      + " 21=lost too");
        }
      }
      assertThat(destination.changes(report.run()))
          .allSatisfy(sent -> assertThat(sent.sequence()).isGreaterThan(newest));
      if (change != TimelineChange.HOLD) {
        SyncReport next = run(promoted, change).throwIfFailed();
        assertThat(sent(next)).isEmpty();
        assertWay(next, ChangeSet.Way.Kind.DELTA, "");
      }
    }
  }

  @Test
  @DisplayName(
      "E-06: while the old primary goes on, each has a lease of its own; the promoted one says so once")
  void splitIsNoticedByTheTimeline() throws Exception {
    try (HotStandby standby = standbyOfTwoRuns()) {
      standby.promote();
      TestDatabase promoted = standby.database();
      database.execute("update item set v = 'here' where id = 1");
      promoted.execute("update item set v = 'there' where id = 1");

      SyncReport here = run(database).throwIfFailed();
      SyncReport there = run(promoted).throwIfFailed();

      assertWay(here, ChangeSet.Way.Kind.DELTA, "");
      assertWay(there, ChangeSet.Way.Kind.FULL, "promoted or restored");
      assertThat(sent(here)).containsExactly("CHANGED 1");
      assertThat(sent(there)).containsExactly("CHANGED 1");
      assertThat(destination.changes(there.run()).get(0).sequence())
          .isGreaterThan(destination.changes(here.run()).get(0).sequence());
    }
  }

  @Test
  @DisplayName(
      "E-08: after a switch-over the next run finds the new primary, and the state with it")
  void switchOverIsFollowed() throws Exception {
    try (HotStandby standby = HotStandby.of(database).start()) {
      TestDatabase second = standby.database();
      Source both =
          Source.builder()
              .hosts("localhost:" + database.port(), "localhost:" + second.port())
              .database(database.name())
              .user(ROLE)
              .connectTimeout(Duration.ofSeconds(2))
              .targetServer(Source.TargetServer.PRIMARY)
              .withoutTls()
              .build();
      Sync sync = syncBuilder().build();
      try (LightningEngine engine = LightningEngine.on(both)) {
        assertThat(sent(engine.run(sync).throwIfFailed())).hasSize(ROWS);
        standby.awaitReplay();
        server().stop(ServerProcess.Stop.FAST);
        try {
          assertThatThrownBy(() -> engine.run(sync))
              .isInstanceOf(SourceException.class)
              .hasMessageStartingWith("Cannot connect to localhost:" + database.port());
          standby.promote();
          second.execute("update item set v = 'new' where id = 3");
          long began = System.nanoTime();
          SyncReport report = engine.run(sync).throwIfFailed();
          assertThat(Duration.ofNanos(System.nanoTime() - began))
              .isLessThan(Duration.ofSeconds(30));
          assertThat(sent(report)).containsExactly("CHANGED 3");
        } finally {
          server().start();
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"WARN", "HOLD"})
  @DisplayName("A-12: a dump that is restored into another cluster is noticed, and nothing is lost")
  void restoredDumpIsNoticed(TimelineChange change, @TempDir Path directory) throws Exception {
    // A dump is made by a program that is at least as new as the server.
    Path dump = directory.resolve("dump.sql");
    try (TestPostgres old = TestPostgres.builder().majorVersion(14).start();
        TestPostgres fresh = TestPostgres.builder().majorVersion(14).start()) {
      TestDatabase before = old.createDatabase();
      prepare(before);
      run(before).throwIfFailed();
      run(before).throwIfFailed();
      assumeTrue(call(directory, "pg_dump", before, "--file=" + dump), "there is no pg_dump here");
      TestDatabase after = fresh.createDatabase();
      after.execute("create role " + ROLE + " login");
      assertThat(
              call(directory, "psql", after, "--set=ON_ERROR_STOP=1", "--quiet", "--file=" + dump))
          .isTrue();
      after.execute("update item set v = 'new' where id = 3", "delete from item where id = 4");

      SyncReport report = run(after, change);

      assertWay(report, ChangeSet.Way.Kind.FULL, "");
      List<String> due = List.of("CHANGED 3", "REMOVED 4");
      switch (change) {
        case WARN -> assertThat(sent(report.throwIfFailed())).isEqualTo(due);
        case HOLD -> {
          assertThat(report.status()).isEqualTo(RunStatus.HELD);
          assertThat(sent(report)).isEmpty();
        }
        case RESYNC -> assertThat(sent(report.throwIfFailed())).hasSize(10).containsAll(due);
      }
      if (change != TimelineChange.HOLD) {
        assertThat(sent(run(after, change).throwIfFailed())).isEmpty();
        assertWay(run(after, change), ChangeSet.Way.Kind.DELTA, "");
      }
    }
  }

  /** Whether there is such a program; it must succeed. */
  private static boolean call(
      Path directory, String program, TestDatabase database, String... arguments)
      throws IOException, InterruptedException {
    Path log = directory.resolve(program + ".log");
    ProcessBuilder builder =
        new ProcessBuilder(
            Stream.concat(
                    Stream.of(
                        program,
                        "--host=" + database.host(),
                        "--port=" + database.port(),
                        "--username=" + database.user(),
                        "--dbname=" + database.name()),
                    Stream.of(arguments))
                .toList());
    Process process;
    try {
      process = builder.redirectErrorStream(true).redirectOutput(log.toFile()).start();
    } catch (IOException e) {
      assertThat(System.getenv("CI")).as(program + " is missing").isNotEqualTo("true");
      return false;
    }
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).as(program).isTrue();
    assertThat(process.exitValue()).as(Files.readString(log)).isZero();
    return true;
  }
}
