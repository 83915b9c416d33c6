package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.fulmar.Change;
import io.fulmar.RunStatus;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.spi.Delivery;
import io.fulmar.testkit.internal.postgres.ServerProcess;
import io.fulmar.verify.fixture.SmallDisk;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * The server has no room left: on the disk of the engine's tables, or on that of its log. Both are
 * small disks of their own, and twenty rows have been delivered before.
 */
class DiskFullTest extends OwnServerFixture {
  private static final int BATCH = 1_000;
  private static final int CHANGED = 5_000;

  private static @Nullable SmallDisk tables;
  private static @Nullable SmallDisk log;
  private @Nullable Path filler;

  @BeforeAll
  static void mountDisks() throws IOException {
    tables = SmallDisk.mount(24);
    log = SmallDisk.mount(80);
    assumeTrue(tables != null && log != null, "no disks can be mounted here");
  }

  @AfterAll
  static void unmountDisks() throws IOException {
    endServer();
    for (SmallDisk disk : new SmallDisk[] {tables, log}) {
      if (disk != null) {
        disk.close();
      }
    }
  }

  @Override
  ServerProcess startServer() throws Exception {
    ServerProcess server =
        ServerProcess.create(database, Map.of("max_wal_size", "32MB", "min_wal_size", "32MB"));
    server.stop(ServerProcess.Stop.FAST);
    Path ofLog = on(log).directory("pg_wal");
    Path before = server.data().resolve("pg_wal");
    try (var files = Files.list(before)) {
      for (Path file : files.toList()) {
        if (Files.isDirectory(file)) {
          Files.createDirectory(ofLog.resolve(file.getFileName()));
          Files.delete(file);
        } else {
          Files.copy(file, ofLog.resolve(file.getFileName()));
          Files.delete(file);
        }
      }
    }
    Files.delete(before);
    Files.createSymbolicLink(before, ofLog);
    server.start();
    server
        .database()
        .execute("create tablespace small location '" + on(tables).directory("tables") + "'");
    return server;
  }

  private static SmallDisk on(@Nullable SmallDisk disk) {
    if (disk == null) {
      throw new IllegalStateException("the disk has not been mounted");
    }
    return disk;
  }

  @AfterEach
  void makeRoom() throws IOException {
    if (filler != null) {
      Files.deleteIfExists(filler);
    }
  }

  private SyncReport runOnce() {
    return runOnce(engineBuilder());
  }

  /** A run at a time when no call of an earlier one may act any more. */
  private SyncReport runLater() {
    return runOnce(engineBuilder().clock(Clock.offset(Clock.systemUTC(), Duration.ofHours(1))));
  }

  private SyncReport runOnce(LightningEngine.Builder builder) {
    Sync sync = syncBuilder().guardChanges(1, 0).batchRows(BATCH).lanes(1).build();
    try (LightningEngine engine = builder.lease(Duration.ofSeconds(30)).build()) {
      return engine.run(sync);
    }
  }

  /** The engine's tables are on the small disk, and many rows are due. */
  private void deliverAndChange() throws Exception {
    database.execute(
        "grant create on tablespace small to " + ROLE,
        "alter role "
            + ROLE
            + " in database "
            + database.name()
            + " set default_tablespace = small");
    runOnce().throwIfFailed();
    assertThat(
            query(
                "select count(*) from pg_class c join pg_tablespace t on t.oid = c.reltablespace"
                    + " where t.spcname = 'small' and c.relname = 's1_state_0'"))
        .isEqualTo("1");
    database.execute(
        "insert into item select i, repeat('v', 500) || i from generate_series(100, "
            + (100 + CHANGED - 1)
            + ") i");
  }

  private void assertNothingIsSentTwice(int repeats) {
    List<Change> all = destination.changes();
    Set<String> ids = all.stream().map(Change::changeId).collect(Collectors.toSet());
    assertThat(ids).hasSize(ROWS + CHANGED);
    assertThat(all.size() - ids.size()).as("repeats").isLessThanOrEqualTo(repeats);
  }

  @Test
  @DisplayName("D-01: no room for the plan: the run fails before anything is sent, and says why")
  void noRoomForThePlan() throws Exception {
    deliverAndChange();
    filler = on(tables).fill(512);

    SyncReport full = runOnce();

    assertThat(full.status()).isEqualTo(RunStatus.FAILED);
    assertThat(full.error())
        .hasMessageMatching("Cannot .*\\[sync=crm run=\\d+ sqlstate=53100]")
        .hasMessageContaining("room");
    assertThat(destination.changes(full.run())).isEmpty();
    Files.delete(filler);
    runOnce().throwIfFailed();
    assertNothingIsSentTwice(0);
    assertConverges();
  }

  @Test
  @DisplayName("D-01: no room for the state: what was accepted is folded once there is room")
  void noRoomForTheState() throws Exception {
    deliverAndChange();
    AtomicInteger calls = new AtomicInteger();
    destination.answers(
        (run, batch) -> {
          if (calls.incrementAndGet() == 3) {
            filler = on(tables).fill(0);
          }
          return Delivery.allAccepted();
        });

    SyncReport full = runOnce();

    assertThat(full.status()).isEqualTo(RunStatus.FAILED);
    assertThat(full.error()).hasMessageMatching("Cannot .*\\[sync=crm run=\\d+ sqlstate=53100]");
    Files.delete(filler);
    runLater().throwIfFailed();
    assertNothingIsSentTwice(BATCH);
    assertConverges();
  }

  @Test
  @DisplayName("D-02: the log of the server has no room: it ends, and the run outlasts that")
  void noRoomForTheLog() throws Exception {
    runOnce().throwIfFailed();
    database.execute(
        "insert into item select i, 'v' || i from generate_series(100, "
            + (100 + CHANGED - 1)
            + ") i");
    AtomicInteger calls = new AtomicInteger();
    destination.answers(
        (run, batch) -> {
          if (calls.incrementAndGet() == 3) {
            filler = on(log).fill(0);
            panic();
            assertThat(server().log()).contains("PANIC", "No space left on device");
            Files.delete(filler);
            server().stop(ServerProcess.Stop.IMMEDIATE);
            server().start();
          }
          return Delivery.allAccepted();
        });

    SyncReport report = runOnce();

    assertThat(report.status()).as(String.valueOf(report.error())).isEqualTo(RunStatus.SUCCEEDED);
    assertNothingIsSentTwice(0);
    assertConverges();
  }

  /** Writes until there is no room for what the server must write. */
  private void panic() {
    for (int i = 0; i < 200; i++) {
      try {
        database.execute("select pg_logical_emit_message(true, 'fill', repeat('x', 1000000))");
      } catch (SQLException e) {
        return;
      }
    }
    throw new AssertionError("the server found room for everything");
  }
}
