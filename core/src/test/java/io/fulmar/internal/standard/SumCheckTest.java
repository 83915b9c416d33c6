package io.fulmar.internal.standard;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Change;
import io.fulmar.ChangeSet;
import io.fulmar.Operation;
import io.fulmar.RunOptions;
import io.fulmar.RunStatus;
import io.fulmar.Sync;
import io.fulmar.SyncMode;
import io.fulmar.SyncReport;
import io.fulmar.harness.ManualClock;
import io.fulmar.internal.standard.MemoryModel.Line;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * An unchanged model is added up in its database and not read, as long as nothing else is due. The
 * source counts how often rows were read; it has three customers. The destination rejects the
 * values it is told to.
 */
@DisplayName("P1, P12: unchanged by the sum of the rows")
class SumCheckTest {
  @TempDir Path root;

  private final ManualClock clock = new ManualClock(Instant.parse("2026-01-15T10:00:00Z"));
  private final MemoryModel source = new MemoryModel();
  private final List<String> sent = new ArrayList<>();
  private String rejected = "";

  private final Destination crm =
      Destination.of(
          "crm",
          batch -> {
            Delivery.Builder answer = Delivery.acceptedExcept();
            for (Change change : batch.changes()) {
              sent.add(change.operation() + " " + change.key().text("id"));
              boolean refuses =
                  change.operation() != Operation.REMOVED
                      && rejected.equals(change.row().text("v"));
              if (refuses) {
                answer.rejected(change, "no", "the test says so");
              }
            }
            return answer.build();
          });

  private SyncReport run() {
    return run(builder -> builder);
  }

  private SyncReport run(UnaryOperator<Sync.Builder> settings) {
    sent.clear();
    clock.advance(Duration.ofSeconds(1));
    try (Process process =
        new Process(root, source, clock, (stop, duration) -> clock.advance(duration))) {
      return process.runner().run(settings.apply(Process.sync(crm)).build());
    }
  }

  private static ChangeSet.Way.Kind way(SyncReport report) {
    return report.way().orElseThrow().kind();
  }

  private static ChangeSet changes(SyncReport report) {
    return Objects.requireNonNull(report.changeSet());
  }

  /** Runs until the sum of the rows is known. */
  private void settle() {
    run();
    run();
    run();
    assertThat(way(run())).isEqualTo(ChangeSet.Way.Kind.SUM);
  }

  private void three() {
    source.rows(List.of(new Line(1L, "a"), new Line(2L, "b"), new Line(3L, "c")));
  }

  @Test
  @DisplayName("an unchanged model is read twice more, and added up from then on")
  void anUnchangedModelIsAddedUp() {
    three();
    run();
    assertThat(way(run())).isEqualTo(ChangeSet.Way.Kind.READ);
    assertThat(way(run())).isEqualTo(ChangeSet.Way.Kind.READ);
    int read = source.read();

    SyncReport report = run();

    assertThat(way(report)).isEqualTo(ChangeSet.Way.Kind.SUM);
    assertThat(report.status()).isEqualTo(RunStatus.SUCCEEDED);
    assertThat(changes(report).rows()).isEqualTo(3);
    assertThat(report.total().planned()).isZero();
    assertThat(source.read()).isEqualTo(read);
    assertThat(sent).isEmpty();
  }

  @Test
  @DisplayName("P1: whatever changes, it is found in the next run")
  void changesAreFound() {
    three();
    settle();
    source.rows(List.of(new Line(1L, "a"), new Line(2L, "B"), new Line(3L, "c")));
    run();
    assertThat(sent).containsExactly("CHANGED 2");
    settle();
    source.rows(List.of(new Line(1L, "c"), new Line(2L, "B"), new Line(3L, "a")));
    run();
    assertThat(sent).containsExactlyInAnyOrder("CHANGED 1", "CHANGED 3");
    settle();
    source.rows(List.of(new Line(1L, "c"), new Line(2L, "B"), new Line(4L, "a")));
    run();
    assertThat(sent).containsExactlyInAnyOrder("REMOVED 3", "ADDED 4");
    settle();
    source.rows(List.of(new Line(1L, "c"), new Line(2L, "B"), new Line(2L, "B")));
    SyncReport report = run();
    assertThat(sent).containsExactly("REMOVED 4");
    assertThat(changes(report).invalid()).isEqualTo(2);
  }

  @Test
  @DisplayName("P8: a model with invalid rows is read, each time")
  void invalidRowsAreRead() {
    source.rows(List.of(new Line(1L, "a"), new Line(null, "b")));
    run();
    run();
    SyncReport report = run();
    assertThat(way(report)).isEqualTo(ChangeSet.Way.Kind.READ);
    assertThat(changes(report).invalid()).isEqualTo(1);
  }

  @Test
  @DisplayName("P3: a rejected row comes back although nothing has changed")
  void heldRowsComeBack() {
    three();
    rejected = "b";
    for (int i = 0; i < 4; i++) {
      SyncReport report = run();
      assertThat(way(report)).isEqualTo(ChangeSet.Way.Kind.READ);
      assertThat(sent).contains("ADDED 2");
    }
    rejected = "";
    run();
    assertThat(sent).containsExactly("ADDED 2");
    settle();
  }

  @Test
  @DisplayName("where the server has counted a write, rows are read and not added up")
  void countedWrites() {
    three();
    source.writes("1");
    settle();
    source.writes("2");
    assertThat(way(run())).isEqualTo(ChangeSet.Way.Kind.READ);
    assertThat(way(run())).isEqualTo(ChangeSet.Way.Kind.SUM);
    source.writes("3");
    source.rows(List.of(new Line(1L, "A"), new Line(2L, "b"), new Line(3L, "c")));
    run();
    assertThat(way(run())).isEqualTo(ChangeSet.Way.Kind.READ);
    assertThat(way(run())).isEqualTo(ChangeSet.Way.Kind.READ);
    assertThat(way(run())).isEqualTo(ChangeSet.Way.Kind.SUM);
  }

  @Test
  @DisplayName(
      "P1: a server that has not counted a write is found out, and not asked the next time")
  void writesThatAreNotCounted() {
    three();
    source.writes("1");
    settle();
    source.rows(List.of(new Line(1L, "a"), new Line(2L, "B"), new Line(3L, "c")));
    assertThat(way(run())).isEqualTo(ChangeSet.Way.Kind.READ);
    assertThat(sent).containsExactly("CHANGED 2");
    int read = source.read();
    source.rows(List.of(new Line(1L, "a"), new Line(2L, "b"), new Line(3L, "c")));
    run();
    assertThat(sent).containsExactly("CHANGED 2");
    assertThat(source.read()).isEqualTo(read + 1);
  }

  @Test
  @DisplayName("a model that takes too long to add up is read")
  void slowSums() {
    three();
    settle();
    source.slow(true);
    for (int i = 0; i < 4; i++) {
      SyncReport report = run();
      assertThat(way(report)).isEqualTo(ChangeSet.Way.Kind.READ);
      assertThat(report.status()).isEqualTo(RunStatus.SUCCEEDED);
    }
    source.rows(List.of(new Line(1L, "a"), new Line(2L, "B"), new Line(3L, "c")));
    run();
    assertThat(sent).containsExactly("CHANGED 2");
    source.slow(false);
    settle();
  }

  @Test
  @DisplayName("what is asked for beside the changes is read")
  void otherRequests() {
    three();
    settle();
    assertThat(way(run(sync -> sync.mode(SyncMode.ALL)))).isEqualTo(ChangeSet.Way.Kind.READ);
    assertThat(sent).hasSize(3);
    settle();
    assertThat(way(run(sync -> sync.maxRowBytes(2_000_000)))).isEqualTo(ChangeSet.Way.Kind.READ);
    try (Process process =
        new Process(root, source, clock, (stop, duration) -> clock.advance(duration))) {
      Sync sync = Process.sync(crm).build();
      settle();
      SyncReport some = process.runner().run(sync, RunOptions.builder().key("2").build());
      assertThat(way(some)).isEqualTo(ChangeSet.Way.Kind.READ);
      sent.clear();
      process.runner().resync(sync);
      assertThat(sent).hasSize(3);
    }
    assertThat(way(run())).isEqualTo(ChangeSet.Way.Kind.READ);
  }
}
