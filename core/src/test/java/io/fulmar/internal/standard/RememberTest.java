package io.fulmar.internal.standard;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Action;
import io.fulmar.Change;
import io.fulmar.ChangeSet;
import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.Row;
import io.fulmar.RunStatus;
import io.fulmar.Sync;
import io.fulmar.SyncMode;
import io.fulmar.SyncReport;
import io.fulmar.harness.ManualClock;
import io.fulmar.spi.Batch;
import io.fulmar.spi.Capabilities;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Runs of the standard store of which the column v is remembered: what was accepted last is what a
 * change brings as the value before, whatever became of the changes in between. Each run is a
 * process of its own.
 */
class RememberTest {
  @TempDir Path root;

  private final ManualClock clock = new ManualClock(Instant.parse("2026-01-15T10:00:00Z"));
  private final MemoryModel source = new MemoryModel();
  private final List<String> sent = new ArrayList<>();
  private Set<Long> rejected = Set.of();

  private Delivery answer(Batch batch) {
    batch.changes().forEach(change -> sent.add(shown(change)));
    Delivery.Builder answer = Delivery.acceptedExcept();
    batch.changes().stream()
        .filter(change -> rejected.contains(Crm.id(change)))
        .forEach(change -> answer.rejected(change, "BAD", "no"));
    return answer.build();
  }

  private static String shown(Change change) {
    Row row = change.row();
    Row previous = change.operation() == Operation.REMOVED ? row : change.previous();
    boolean known = previous != null && previous.columns().contains("v");
    return change.operation()
        + " "
        + change.key().value("id")
        + (change.operation() == Operation.REMOVED ? "" : "=" + row.text("v"))
        + (known ? " was " + previous.text("v") : "");
  }

  private Sync.Builder sync() {
    Destination crm =
        Destination.of(
            "crm:contacts",
            Capabilities.builder().actions(EnumSet.allOf(Action.class)).build(),
            this::answer);
    return Process.sync(crm);
  }

  private SyncReport report(Sync.Builder sync, Path directory) {
    try (Process process =
        new Process(directory, source, clock, (stop, duration) -> clock.advance(duration))) {
      sent.clear();
      return process.run(sync.build());
    }
  }

  private List<String> run(Sync.Builder sync, Map<Long, String> rows) {
    source.rows(rows);
    clock.advance(Duration.ofDays(2)); // so that no definition is one of the last day
    report(sync, root).throwIfFailed();
    return List.copyOf(sent);
  }

  private List<String> run(Map<Long, String> rows) {
    return run(sync().remember("v"), rows);
  }

  @Test
  void changedAndRemovedBringWhatWasAccepted() {
    assertThat(run(Map.of(1L, "a", 2L, "b", 3L, "c")))
        .containsExactlyInAnyOrder("ADDED 1=a", "ADDED 2=b", "ADDED 3=c");
    assertThat(run(Map.of(1L, "a", 2L, "B")))
        .containsExactly("REMOVED 3 was c", "CHANGED 2=B was b");
    assertThat(run(Map.of(1L, "a", 2L, "B"))).isEmpty();
    assertThat(run(Map.of())).containsExactlyInAnyOrder("REMOVED 1 was a", "REMOVED 2 was B");
    assertThat(run(Map.of(1L, "x")))
        .as("what was removed is forgotten")
        .containsExactly("ADDED 1=x");
  }

  @Test
  void nullWasAValueToo() {
    Map<Long, String> rows = new HashMap<>();
    rows.put(1L, null);
    run(rows);
    rows.put(1L, "a");
    assertThat(run(rows)).containsExactly("CHANGED 1=a was null");
    rows.put(1L, null);
    assertThat(run(rows)).containsExactly("CHANGED 1=null was a");
  }

  @Test
  @DisplayName("P3: a rejected version is not what was accepted")
  void rejectedVersionIsNotRemembered() {
    run(Map.of(1L, "a", 2L, "a"));
    rejected = Set.of(1L, 2L, 3L);
    assertThat(run(Map.of(1L, "b", 3L, "b")))
        .containsExactlyInAnyOrder("REMOVED 2 was a", "ADDED 3=b", "CHANGED 1=b was a");
    assertThat(run(Map.of(1L, "c", 3L, "c")))
        .containsExactlyInAnyOrder("REMOVED 2 was a", "ADDED 3=c", "CHANGED 1=c was a");
    rejected = Set.of();
    assertThat(run(Map.of(1L, "c", 3L, "c")))
        .containsExactlyInAnyOrder("REMOVED 2 was a", "ADDED 3=c", "CHANGED 1=c was a");
    assertThat(run(Map.of(1L, "d", 3L, "d")))
        .containsExactlyInAnyOrder("CHANGED 3=d was c", "CHANGED 1=d was c");
  }

  @Test
  @DisplayName(
      "P2: after a crash the acknowledged version is what was accepted, the others are not")
  void crashIsTakenInWithItsValues() {
    run(Map.of(1L, "a", 2L, "a", 3L, "a", 4L, "a", 5L, "a", 6L, "a", 7L, "a", 8L, "a"));
    Map<Long, String> rows = new HashMap<>();
    for (long id = 1; id <= 8; id++) {
      rows.put(id, "b");
    }
    rows.put(9L, "b");
    source.rows(rows);
    clock.advance(Duration.ofMinutes(1));
    FaultyDisk disk = new FaultyDisk(FileSystems.getDefault());
    int[] calls = new int[1];
    Destination crm =
        Destination.of(
            "crm:contacts",
            Capabilities.builder().actions(EnumSet.allOf(Action.class)).build(),
            batch -> {
              if (++calls[0] == 2) {
                disk.strike(FaultyDisk.Fault.DEATH, 1);
              }
              return Delivery.allAccepted();
            });
    report(Process.sync(crm).remember("v"), disk.path(root));
    assertThat(disk.dead()).isTrue();
    clock.advance(Duration.ofHours(3));

    rows.replaceAll((id, v) -> "c");
    rows.remove(9L);
    List<String> next = run(rows);

    assertThat(next).filteredOn(change -> change.endsWith("=c was b")).hasSize(4);
    assertThat(next)
        .filteredOn(change -> change.endsWith("=c was a"))
        .as("reserved without an answer, or never sent")
        .hasSizeBetween(4, 5);
    rows.replaceAll((id, v) -> "d");
    assertThat(run(rows)).hasSize(8).allMatch(change -> change.endsWith("=d was c"));
  }

  @Test
  void goneKeyKeepsItsValues() {
    Sync.Builder ignoring = sync().remember("v").onRemoved(Removal.IGNORE);
    run(ignoring, Map.of(1L, "a", 2L, "a"));
    assertThat(run(ignoring, Map.of(1L, "a"))).isEmpty();
    assertThat(run(ignoring, Map.of(1L, "b"))).containsExactly("CHANGED 1=b was a");
    assertThat(run(ignoring, Map.of(1L, "b", 2L, "b"))).containsExactly("CHANGED 2=b was a");
    run(ignoring, Map.of());
    assertThat(run(sync().remember("v").onRemoved(Removal.DELETE), Map.of()))
        .containsExactlyInAnyOrder("REMOVED 1 was b", "REMOVED 2 was b");
  }

  @Test
  void rowsAcceptedBeforeHaveNoneUntilTheyAreAcceptedAgain() throws Exception {
    run(sync(), Map.of(1L, "a", 2L, "a", 3L, "a"));
    long plain = sizeOfState();
    assertThat(run(Map.of(1L, "b", 3L, "a"))).containsExactly("REMOVED 2", "CHANGED 1=b");
    assertThat(run(Map.of(1L, "c", 3L, "a"))).containsExactly("CHANGED 1=c was b");
    assertThat(run(sync().remember("v").mode(SyncMode.ALL), Map.of(1L, "c", 3L, "a")))
        .as("accepted again as it was")
        .containsExactlyInAnyOrder("CHANGED 1=c was c", "CHANGED 3=a");
    assertThat(run(Map.of(1L, "c", 3L, "b"))).containsExactly("CHANGED 3=b was a");
    // Without the list they go, and come back as rows are accepted.
    run(sync(), Map.of(1L, "c", 3L, "b", 4L, "a"));
    assertThat(sizeOfState()).as("three keys again").isEqualTo(plain);
    assertThat(run(Map.of(1L, "d", 3L, "b", 4L, "a"))).containsExactly("CHANGED 1=d");
  }

  @Test
  void resetTakesTheValuesToo() {
    run(sync(), Map.of(1L, "a", 2L, "a", 3L, "a"));
    source.rows(Map.of(1L, "a", 2L, "b"));
    try (Process process =
        new Process(root, source, clock, (stop, duration) -> clock.advance(duration))) {
      process.runner().reset(sync().remember("v").build());
    }
    assertThat(run(Map.of(1L, "c", 2L, "c")))
        .containsExactlyInAnyOrder("CHANGED 1=c was a", "CHANGED 2=c was b");
  }

  @Test
  void releaseKeepsTheValues() {
    run(Map.of(1L, "a", 2L, "a"));
    rejected = Set.of(1L);
    Sync.Builder quarantining = sync().remember("v").quarantineAfter(1, Duration.ZERO);
    run(quarantining, Map.of(1L, "b", 2L, "a"));
    rejected = Set.of();
    try (Process process =
        new Process(root, source, clock, (stop, duration) -> clock.advance(duration))) {
      assertThat(process.runner().release(quarantining.build(), null)).isEqualTo(1);
    }
    assertThat(run(quarantining, Map.of(1L, "b", 2L, "b")))
        .containsExactlyInAnyOrder("CHANGED 1=b was a", "CHANGED 2=b was a");
  }

  @Test
  void fullResyncTakesTheValuesToo() {
    run(sync(), Map.of(1L, "a", 2L, "a"));
    source.rows(Map.of(1L, "a", 2L, "a"));
    try (Process process =
        new Process(root, source, clock, (stop, duration) -> clock.advance(duration))) {
      process.runner().resync(sync().remember("v").build()).throwIfFailed();
    }
    assertThat(run(Map.of(1L, "b"))).containsExactly("REMOVED 2 was a", "CHANGED 1=b was a");
  }

  private long sizeOfState() throws Exception {
    try (var files = Files.list(root.resolve("crm"))) {
      Path state =
          files.filter(file -> file.getFileName().toString().startsWith("state-")).findAny().get();
      return Files.size(state);
    }
  }

  @Test
  void changesAreCountedByColumn() {
    run(sync().remember("v"), Map.of(1L, "a", 2L, "a", 3L, "a"));
    source.rows(Map.of(1L, "b", 2L, "b", 3L, "a", 4L, "b"));
    SyncReport report = report(sync().remember("v").mode(SyncMode.ALL), root).throwIfFailed();
    ChangeSet set = report.changeSet();
    assertThat(set).isNotNull();
    assertThat(set.planned(Operation.CHANGED)).isEqualTo(3);
    assertThat(set.columnChanges()).isEqualTo(Map.of("v", 2L));
    source.rows(Map.of(1L, "b"));
    assertThat(report(sync(), root).changeSet().columnChanges()).isEmpty();
  }

  @Test
  @DisplayName("P7: a stored plan brings the values that it was made with, and they are folded")
  void storedPlanKeepsItsValues() {
    run(Map.of(1L, "a", 2L, "a"));
    source.rows(Map.of(1L, "b"));
    String plan;
    try (Process process =
        new Process(root, source, clock, (stop, duration) -> clock.advance(duration))) {
      ChangeSet set = process.runner().plan(sync().remember("v").build());
      plan = set.id();
      assertThat(set.columnChanges()).isEqualTo(Map.of("v", 1L));
    }
    source.rows(Map.of(1L, "later"));
    try (Process process =
        new Process(root, source, clock, (stop, duration) -> clock.advance(duration))) {
      sent.clear();
      SyncReport applied = process.runner().apply(sync().remember("v").build(), plan);
      assertThat(applied.status()).isEqualTo(RunStatus.SUCCEEDED);
      assertThat(applied.changeSet().columnChanges()).isEqualTo(Map.of("v", 1L));
      assertThat(sent).containsExactly("REMOVED 2 was a", "CHANGED 1=b was a");
    }
    assertThat(run(Map.of(1L, "later"))).containsExactly("CHANGED 1=later was b");
  }
}
