package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Model;
import io.fulmar.Removal;
import io.fulmar.Source;
import io.fulmar.StandardEngine;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.harness.OtherProcess;
import io.fulmar.internal.run.RunnerSettings;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.lightning.internal.schema.Schemas;
import io.fulmar.lightning.internal.state.CrashPoint;
import io.fulmar.lightning.internal.state.LightningSettings;
import io.fulmar.lightning.internal.state.LightningStore;
import io.fulmar.lightning.internal.state.StoredEngine;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.network.FaultProxy;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A process dies while it moves the state of a sync from the standard engine to Lightning. Ten rows
 * have been delivered by the standard engine, and one has changed since. Whatever has happened, at
 * most one engine runs the sync, and asking for the move again ends it.
 */
@DisplayName("P1, P2, P4, A-05: deaths while a state is moved")
class MoveCrashTest extends LightningFixture {
  private static final List<String> LIGHT =
      List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-Xmx128m");

  @TempDir Path state;

  /** Who can run the sync after a death. */
  enum Runs {
    STANDARD,
    NOBODY,
    LIGHTNING
  }

  private SyncEngine standard() {
    return StandardEngine.on(sourceBuilder().build(), state);
  }

  private void deliverTenAndChangeOne() throws SQLException {
    try (SyncEngine engine = standard()) {
      engine.run(sync()).throwIfFailed();
    }
    database.execute("update item set v = 'changed' where id = 7");
  }

  private void moveAgain() {
    try (LightningEngine engine = engineBuilder().build()) {
      engine.moveIn(sync(), state);
    }
  }

  private void assertRuns(Runs who) {
    try (SyncEngine engine = standard()) {
      if (who == Runs.STANDARD) {
        assertThat(engine.status(sync()).syncedKeys()).isEqualTo(10);
      } else {
        assertThatThrownBy(() -> engine.run(sync()))
            .isInstanceOf(StateException.class)
            .hasMessageContaining(
                who == Runs.NOBODY
                    ? "was begun and is not known to have ended. Move it again"
                    : "moved to Lightning, schema fulmar_planner");
      }
    }
    try (SyncEngine engine = engineBuilder().build()) {
      if (who == Runs.LIGHTNING) {
        assertThat(engine.status(sync()).syncedKeys()).isEqualTo(10);
      } else {
        assertThatThrownBy(() -> engine.run(sync()))
            .isInstanceOf(StateException.class)
            .hasMessageContaining("that did not end");
      }
    }
  }

  private void assertNothingIsSentTwice() throws SQLException {
    SyncReport report = run();
    assertThat(sent(report)).containsExactly("CHANGED 7");
    assertConverges();
  }

  @ParameterizedTest
  @CsvSource({"MOVE_ANNOUNCED, NOBODY", "MOVED_IN, NOBODY"})
  @DisplayName("kill -9 right before the commit and right after it")
  void killedAroundTheCommit(CrashPoint point, Runs who) throws Exception {
    killed(point, who);
  }

  @ParameterizedTest
  @CsvSource({
    "CLAIMED, STANDARD",
    "TIDIED, STANDARD",
    "MOVE_WRITTEN, STANDARD",
    "MOVE_ENDED, LIGHTNING"
  })
  @Tag("soak")
  @DisplayName("kill -9 at each other step")
  void killedElsewhere(CrashPoint point, Runs who) throws Exception {
    killed(point, who);
  }

  private void killed(CrashPoint point, Runs who) throws Exception {
    deliverTenAndChangeOne();
    try (OtherProcess process =
        OtherProcess.start(
            MoveCrashTest.class,
            LIGHT,
            database.host(),
            Integer.toString(database.port()),
            database.name(),
            state.toString(),
            point.name())) {
      assertThat(process.rest()).endsWith("exit code 137");
    }
    awaitQuery(
        "select count(*) from fulmar_planner.fulmar_leases where expires_at > clock_timestamp()",
        "0");
    if (point != CrashPoint.MOVED_IN) { // then Lightning could, and the directory does not know
      assertRuns(who);
    }

    moveAgain();

    assertRuns(Runs.LIGHTNING);
    assertNothingIsSentTwice();
  }

  /** What becomes of the COMMIT that brings everything over. */
  enum Commit {
    /** The server does it; its answer is cut off. */
    ARRIVES,
    /** The server never gets it. */
    IS_LOST
  }

  @ParameterizedTest
  @EnumSource
  @DisplayName("B-04: the connection breaks at the COMMIT of the move")
  void connectionBreaksAtCommit(Commit commit) throws Exception {
    deliverTenAndChangeOne();
    try (FaultProxy proxy = FaultProxy.before(database.host(), database.port())) {
      CrashPoint.Watch watch =
          point -> {
            if (point == CrashPoint.MOVE_ANNOUNCED && proxy.happened() == 0) {
              switch (commit) {
                case ARRIVES -> proxy.resetWhenServerSends("COMMIT", 1);
                case IS_LOST -> proxy.resetWhenClientSends("COMMIT", 1);
              }
            }
          };
      try (LightningEngine engine =
          engine(sourceBuilder().port(proxy.port()).build(), Duration.ofSeconds(10), watch)) {
        engine.moveIn(sync(), state);
      }
      assertThat(proxy.happened()).isEqualTo(1);
    }
    assertRuns(Runs.LIGHTNING);
    assertNothingIsSentTwice();
  }

  @Test
  @DisplayName("an error after the directory was told takes that back")
  void failingCommitIsTakenBack() throws Exception {
    deliverTenAndChangeOne();
    AtomicBoolean once = new AtomicBoolean(true);
    CrashPoint.Watch watch =
        point -> {
          if (point == CrashPoint.MOVE_ANNOUNCED && once.getAndSet(false)) {
            throw new IllegalStateException("the test says so");
          }
        };
    try (LightningEngine engine = engine(sourceBuilder().build(), Duration.ofSeconds(10), watch)) {
      assertThatThrownBy(() -> engine.moveIn(sync(), state))
          .isInstanceOf(IllegalStateException.class)
          .hasRootCauseMessage("the test says so");
    }
    assertThat(query("select count(*) from fulmar_planner.fulmar_syncs")).isEqualTo("0");
    try (SyncEngine engine = standard()) {
      assertThat(engine.run(sync()).throwIfFailed().total().planned()).isEqualTo(1);
    }
    moveAgain();
    assertConverges();
  }

  private static LightningEngine engine(Source source, Duration lease, CrashPoint.Watch watch) {
    LightningSettings defaults = LightningSettings.DEFAULT;
    LightningSettings settings =
        new LightningSettings(
            Schemas.DEFAULT,
            lease,
            defaults.missingState(),
            defaults.onTimelineChange(),
            defaults.fullDiffEvery(),
            defaults.plan(),
            defaults.logs(),
            defaults.logsOf());
    RunnerSettings runner = RunnerSettings.defaults();
    return StoredEngine.over(
        new LightningStore(source, settings, runner, null, watch), source, runner);
  }

  /**
   * A process that kills itself while it moves.
   *
   * @param args host, port and name of the database, state directory, point
   */
  public static void main(String[] args) {
    TestDatabase database = new TestDatabase(args[0], Integer.parseInt(args[1]), args[2], ROLE);
    CrashPoint at = CrashPoint.valueOf(args[4]);
    CrashPoint.Watch watch =
        point -> {
          if (point == at) {
            Life.killThisProcess();
          }
        };
    Destination same = Destination.of("test:recording", batch -> Delivery.allAccepted());
    Sync sync =
        Sync.builder("crm")
            .model(Model.query("items", "select id, v from item").key("id"))
            .to(same)
            .onRemoved(Removal.DELETE)
            .build();
    try (LightningEngine engine =
        engine(sourceOf(database).build(), Duration.ofSeconds(2), watch)) {
      engine.moveIn(sync, Path.of(args[3]));
    }
    System.out.println("has not died");
  }
}
