package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.fulmar.AlreadyRunningException;
import io.fulmar.Change;
import io.fulmar.RunStatus;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.spi.Delivery;
import io.fulmar.testkit.internal.postgres.ServerProcess;
import io.fulmar.verify.fixture.FakeTime;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The clock of the server, by which leases go, jumps while a run delivers. */
class ServerClockTest extends OwnServerFixture {
  private static final int BATCH = 2;

  @TempDir static Path directory;

  private final AtomicInteger calls = new AtomicInteger();

  @Override
  ServerProcess startServer() throws Exception {
    @Nullable Path library = FakeTime.library();
    assumeTrue(library != null, "there is no libfaketime here");
    Path clock = directory.resolve("clock");
    Files.writeString(clock, "+0");
    return ServerProcess.create(
        database,
        Map.of(),
        Map.of(
            "LD_PRELOAD",
            String.valueOf(library),
            "FAKETIME_TIMESTAMP_FILE",
            clock.toString(),
            "FAKETIME_NO_CACHE",
            "1",
            "FAKETIME_DONT_FAKE_MONOTONIC",
            "1"));
  }

  @BeforeEach
  void setRight() throws Exception {
    Files.writeString(directory.resolve("clock"), "+0");
  }

  private void jump(String by) throws Exception {
    long before = seconds();
    Files.writeString(directory.resolve("clock"), by);
    assertThat(Math.abs(seconds() - before)).as("seconds that the clock jumped").isGreaterThan(60);
  }

  private long seconds() throws Exception {
    return Long.parseLong(
        String.valueOf(query("select extract(epoch from clock_timestamp())::int8")));
  }

  private Sync oneByOne() {
    return syncBuilder().batchRows(BATCH).lanes(1).build();
  }

  private SyncReport runOnce() {
    // Nobody interrupts a call that lasts as long as a whole run of another engine.
    try (LightningEngine engine =
        engineBuilder().lease(Duration.ofSeconds(5)).grace(Duration.ofSeconds(60)).build()) {
      return engine.run(oneByOne());
    }
  }

  private void assertIdsRepeated(int repeats) {
    List<Change> all = destination.changes();
    Set<String> ids = all.stream().map(Change::changeId).collect(Collectors.toSet());
    assertThat(ids).hasSize(ROWS);
    assertThat(all.size() - ids.size()).as("repeats").isLessThanOrEqualTo(repeats);
  }

  @ParameterizedTest
  @ValueSource(strings = {"+2h", "-1h"})
  @DisplayName("I-04: a run that is alone goes on, whatever the clock of the server says")
  void runThatIsAloneGoesOn(String by) throws Exception {
    destination.answers(
        (run, batch) -> {
          if (calls.incrementAndGet() == 3) {
            jump(by);
          }
          return Delivery.allAccepted();
        });

    SyncReport report = runOnce();

    assertThat(report.status()).as(String.valueOf(report.error())).isEqualTo(RunStatus.SUCCEEDED);
    assertIdsRepeated(0);
    database.execute("update item set v = 'later' where id = 1");
    SyncReport next = runOnce().throwIfFailed();
    assertThat(next.run()).isGreaterThan(report.run());
    assertThat(sent(next)).containsExactly("CHANGED 1");
  }

  @Test
  @DisplayName("I-04: a jump ahead lets another in early at worst; who was first is fenced off")
  void earlyTakeOverIsFenced() throws Exception {
    AtomicReference<@Nullable SyncReport> other = new AtomicReference<>();
    destination.answers(
        (run, batch) -> {
          if (calls.incrementAndGet() == 3) {
            jump("+2h");
            try {
              other.set(runOnce());
            } catch (AlreadyRunningException e) {
              // A heartbeat was faster.
            }
          }
          return Delivery.allAccepted();
        });

    SyncReport first = runOnce();

    @Nullable SyncReport second = other.get();
    if (second != null) {
      assertThat(second.status()).as(String.valueOf(second.error())).isEqualTo(RunStatus.SUCCEEDED);
      assertThat(first.status()).isEqualTo(RunStatus.FAILED);
      assertThat(first.error()).hasMessageContaining("lease");
    } else {
      assertThat(first.status()).isEqualTo(RunStatus.SUCCEEDED);
    }
    runOnce().throwIfFailed();
    // What was in flight, and what had been answered just before and was not noted yet.
    assertIdsRepeated(2 * BATCH);
    assertConverges();
  }
}
