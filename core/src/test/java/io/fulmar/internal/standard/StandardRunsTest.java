package io.fulmar.internal.standard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.dynatrace.hash4j.hashing.HashValue128;
import com.dynatrace.hash4j.hashing.Hashing;
import io.fulmar.ChangeSet;
import io.fulmar.HoldKind;
import io.fulmar.InvalidRow;
import io.fulmar.Operation;
import io.fulmar.RunFailedException;
import io.fulmar.RunStatus;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.harness.ManualClock;
import io.fulmar.internal.standard.MemoryModel.Line;
import io.fulmar.spi.Delivery;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Runs of the standard store over a source in memory: what comes back, what is invalid, what is on
 * disk, and what happens when there is no disk. With 0 bytes for the diff there is no filter.
 */
class StandardRunsTest {
  @TempDir Path root;

  private final ManualClock clock = new ManualClock(Instant.parse("2026-01-15T10:00:00Z"));
  private final MemoryModel source = new MemoryModel();
  private final Crm crm = new Crm();
  private final List<Process> processes = new ArrayList<>();

  @AfterEach
  void closeEverything() {
    processes.forEach(Process::close);
  }

  private Process process(Path directory, long diffBytes) {
    Process process =
        new Process(
            directory,
            source,
            clock,
            (stop, duration) -> clock.advance(duration),
            Duration.ofSeconds(10),
            diffBytes);
    processes.add(process);
    return process;
  }

  private Sync sync() {
    return Process.sync(crm).build();
  }

  private void reject(long... keys) {
    crm.mood(
        (batch, apply) -> {
          Delivery.Builder answer = Delivery.acceptedExcept();
          batch.changes().stream()
              .filter(change -> java.util.Arrays.stream(keys).anyMatch(k -> k == Crm.id(change)))
              .forEach(change -> answer.rejected(change, "BAD", "no"));
          if (keys.length == 0) {
            apply.run();
          }
          return answer.build();
        });
  }

  private List<String> run(Process process, Map<Long, String> rows) {
    source.rows(rows);
    SyncReport report = process.run(sync()).throwIfFailed();
    assertThat(report.total().aborted()).isZero();
    return crm.takeSent();
  }

  @Test
  @DisplayName("J-07: a rejected row that disappears and comes back gets the right operations")
  void rejectedRowThatDisappearsAndComesBack() {
    Process process = process(root, 0);
    reject(1);
    assertThat(run(process, Map.of(1L, "a"))).containsExactly("ADDED 1=a");
    // It was never accepted: there is nothing to remove, and nothing is remembered.
    assertThat(run(process, Map.of())).isEmpty();
    assertThat(process.status(sync()).holds(HoldKind.REJECTED)).isZero();
    assertThat(run(process, Map.of(1L, "a"))).containsExactly("ADDED 1=a");
    reject();
    assertThat(run(process, Map.of(1L, "a"))).containsExactly("ADDED 1=a");
    reject(1);
    assertThat(run(process, Map.of(1L, "b"))).containsExactly("CHANGED 1=b");
    // It goes back to what was accepted: nothing is due.
    assertThat(run(process, Map.of(1L, "a"))).isEmpty();
    assertThat(run(process, Map.of(1L, "c"))).containsExactly("CHANGED 1=c");
    assertThat(run(process, Map.of())).containsExactly("REMOVED 1");
    assertThat(run(process, Map.of())).containsExactly("REMOVED 1");
    // The removal was rejected, so the row that comes back in another version is a change.
    assertThat(run(process, Map.of(1L, "d"))).containsExactly("CHANGED 1=d");
    assertThat(run(process, Map.of())).containsExactly("REMOVED 1");
    reject();
    assertThat(run(process, Map.of())).containsExactly("REMOVED 1");
    assertThat(run(process, Map.of())).isEmpty();
    assertThat(run(process, Map.of(1L, "d"))).containsExactly("ADDED 1=d");
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 64 << 20})
  @DisplayName("P8: rows without a key and keys that occur twice are reported, held as they were")
  void badKeysAreReportedAndHeldAsTheyWere(long diffBytes) {
    Process process = process(root, diffBytes);
    Map<Long, String> rows = new TreeMap<>();
    for (long id = 1; id <= 600; id++) {
      rows.put(id, "a");
    }
    assertThat(run(process, rows)).hasSize(600);
    List<Line> lines = new ArrayList<>();
    rows.forEach((id, v) -> lines.add(new Line(id, v)));
    lines.add(new Line(1L, "a")); // one identical copy more
    lines.add(new Line(2L, "b")); // one unchanged, one changed
    lines.add(3, new Line(900L, "x"));
    lines.add(new Line(900L, "y")); // never synced
    lines.add(new Line(null, "nobody"));
    lines.remove(new Line(3L, "a"));
    lines.add(new Line(3L, "c"));
    lines.add(new Line(3L, "c")); // both changed
    source.rows(lines);
    SyncReport report = process.run(sync());
    assertThat(report.status()).isEqualTo(RunStatus.WARNING);
    assertThat(crm.takeSent()).isEmpty();
    ChangeSet set = report.changeSet();
    assertThat(set.invalid()).isEqualTo(9);
    assertThat(set.invalidRows())
        .extracting(row -> row.reason() + " " + row.key().value("id") + " " + row.rows())
        .containsExactlyInAnyOrder(
            InvalidRow.Reason.NULL_KEY + " null 1",
            InvalidRow.Reason.DUPLICATE_KEY + " 1 2",
            InvalidRow.Reason.DUPLICATE_KEY + " 2 2",
            InvalidRow.Reason.DUPLICATE_KEY + " 3 2",
            InvalidRow.Reason.DUPLICATE_KEY + " 900 2");
    assertThat(process.status(sync()).syncedKeys()).isEqualTo(600);
    rows.put(3L, "c");
    assertThat(run(process, rows)).containsExactly("CHANGED 3=c");
  }

  @Test
  @DisplayName("P1: a filter that takes a changed row for an unchanged one leads to a second read")
  void filterThatErrsLeadsToASecondRead() throws Exception {
    Process process = process(root, 64 << 20);
    Map<Long, String> rows = new TreeMap<>();
    for (long id = 1; id <= 300; id++) {
      rows.put(id, "a");
    }
    run(process, rows);
    int before = source.snapshots();
    rows.put(7L, "b");
    assertThat(run(process, rows)).containsExactly("CHANGED 7=b");
    assertThat(source.snapshots() - before).as("the filter does not err by itself").isEqualTo(1);
    before = source.snapshots();
    long decoy = plantDecoy(new Line(8L, "c"));
    rows.put(8L, "c");
    rows.remove(9L);
    rows.put(301L, "d");
    assertThat(run(process, rows))
        .containsExactlyInAnyOrder("REMOVED 9", "REMOVED " + decoy, "CHANGED 8=c", "ADDED 301=d");
    assertThat(source.snapshots() - before).isEqualTo(2);
    try (Stream<Path> files = Files.list(root.resolve("crm"))) {
      assertThat(files.map(path -> path.getFileName().toString()).toList())
          .allMatch(name -> name.matches("lock.*|sync|state-\\d+"));
    }
  }

  /**
   * Adds a key to the state whose version the filter cannot tell from that of a row: it sits in the
   * same partition, and its version differs in bits that the filter does not keep.
   */
  private long plantDecoy(Line row) throws IOException {
    SyncFile file = SyncFile.read(root.resolve("crm").resolve("sync"));
    long seed = Planning.seeds(file, sync(), MemoryModel.shape()).ofRows();
    HashValue128[] version = new HashValue128[1];
    MemoryModel.send(
        row,
        (buffer, from, to, fields) ->
            version[0] = Hashing.xxh3_128(seed).hashBytesTo128Bits(buffer, from, to - from));
    long mask = 0x0000_0001_0000_0001L;
    int partition = partition(row.id());
    long decoy = 1_000;
    while (partition(decoy) != partition) {
      decoy++;
    }
    StateDirectory directory = new StateDirectory(root, "crm");
    Path old = directory.state(file.generation);
    Path next = directory.path().resolve("rewritten");
    try (StateFile state = StateFile.open(old);
        StateFile.Writer writer = new StateFile.Writer(directory.create(next))) {
      for (int i = 0; i < Partitions.COUNT; i++) {
        StateFile.Cursor cursor = state.read(i);
        while (cursor.next()) {
          writer.plain(cursor.key(), 0, cursor.keyLength(), cursor.high(), cursor.low());
        }
        if (i == partition) {
          byte[] key = key(decoy);
          writer.plain(
              key,
              0,
              key.length,
              version[0].getMostSignificantBits(),
              version[0].getLeastSignificantBits() ^ mask);
        }
        writer.endPartition();
      }
      writer.finish();
    }
    directory.place(next, old);
    return decoy;
  }

  private static byte[] key(long id) {
    return ByteBuffer.allocate(9).put((byte) 8).putLong(id).array();
  }

  private static int partition(long id) {
    return Partitions.of(Partitions.hash(key(id), 0, 9));
  }

  @Test
  @DisplayName("state on disk takes at most 40 bytes a row for an 8-byte key")
  void stateTakesAtMostFortyBytesARow() throws Exception {
    int count = 20_000;
    List<Line> lines = new ArrayList<>();
    for (long id = 0; id < count; id++) {
      lines.add(new Line(id * 7_919, "some value " + id % 100));
    }
    source.rows(lines);
    Process process = process(root, 64 << 20);
    process.run(Process.sync(crm).batchRows(5_000).build()).throwIfFailed();
    assertThat(process.status(sync()).syncedKeys()).isEqualTo(count);
    long bytes = 0;
    try (Stream<Path> files = Files.list(root.resolve("crm"))) {
      for (Path file : files.toList()) {
        bytes += Files.size(file);
      }
    }
    assertThat((double) bytes / count).isBetween(24.0, 40.0);
  }

  @Test
  @DisplayName("a fold that failed and is made up for counts as one failed run")
  void foldThatFailedCountsAsOneFailedRun() throws Exception {
    source.rows(Map.of(1L, "a"));
    FaultyDisk disk = new FaultyDisk(FileSystems.getDefault());
    crm.mood(
        (batch, apply) -> {
          apply.run();
          return Delivery.allAccepted();
        });
    Process process = process(disk.path(root), 0);
    process.run(sync()).throwIfFailed();
    source.rows(Map.of(1L, "a", 2L, "b"));
    disk.strike(FaultyDisk.Fault.ONCE, write("state-2"));
    SyncReport report = process.run(sync());
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.total().accepted()).isEqualTo(1);
    assertThat(report.error())
        .isInstanceOf(StateException.class)
        .hasMessageMatching(
            "Cannot move the state of crm forward: Input/output error\\. What was accepted is"
                + " on record and the next run takes it in; make room or mend the disk\\."
                + " \\[sync=crm run=\\d+]");
    try (Stream<Path> files = Files.list(root.resolve("crm"))) {
      assertThat(files.map(path -> path.getFileName().toString()))
          .as("half a state does not stay on a full disk")
          .doesNotContain("state-2");
    }
    disk.heal();
    List<Integer> failures = new ArrayList<>();
    Sync sync =
        Process.sync(crm)
            .listener(
                event -> {
                  if (event instanceof io.fulmar.RunEvent.Recovered) {
                    failures.add(process.status(sync()).failuresInARow());
                  }
                })
            .build();
    assertThat(process.run(sync).throwIfFailed().total().planned()).isZero();
    assertThat(failures).containsExactly(1);
    assertThat(process.status(sync).failuresInARow()).isZero();
  }

  /** The operation at which the second run of a copy of the state writes this file. */
  private int write(String name) throws IOException {
    Path copy = Files.createDirectories(root.resolve("copy").resolve("crm"));
    try (Stream<Path> files = Files.list(root.resolve("crm"))) {
      for (Path file : files.filter(path -> !path.endsWith("lock")).toList()) {
        Files.copy(file, copy.resolve(file.getFileName().toString()));
      }
    }
    Files.createFile(copy.resolve("lock"));
    FaultyDisk disk = new FaultyDisk(FileSystems.getDefault());
    disk.strike(FaultyDisk.Fault.FULL, Integer.MAX_VALUE);
    process(disk.path(copy.getParent()), 0).run(sync()).throwIfFailed();
    int at = disk.operations().indexOf("write " + name);
    assertThat(at).as("%s in %s", name, disk.operations()).isPositive();
    return at + 1;
  }

  // --------------------------------------------------------------------------------- real disks

  @Test
  @DisplayName("D-04: a disk that is really full fails the run before anything is sent")
  @Tag("mounts")
  void diskThatIsReallyFull() throws Exception {
    Path disk = mounted("size=3m");
    try {
      Map<Long, String> rows = new TreeMap<>();
      for (long id = 1; id <= 1_000; id++) {
        rows.put(id, "a");
      }
      Process process = process(disk.resolve("state"), 64 << 20);
      Sync sync = Process.sync(crm).batchRows(1_000).build();
      source.rows(rows);
      process.run(sync).throwIfFailed();
      crm.takeSent();
      Path ballast = disk.resolve("ballast");
      try (var out = Files.newOutputStream(ballast)) {
        byte[] block = new byte[4_096];
        while (true) {
          out.write(block);
        }
      } catch (IOException full) {
        assertThat(full).hasMessageContaining("No space left");
      }
      rows.replaceAll((id, v) -> "b");
      source.rows(rows);
      SyncReport report = process.run(sync);
      assertThat(report.status()).isEqualTo(RunStatus.FAILED);
      assertThat(report.error())
          .isInstanceOf(StateException.class)
          .hasMessageContaining("ake room");
      assertThatThrownBy(report::throwIfFailed).isInstanceOf(RunFailedException.class);
      assertThat(crm.takeSent()).isEmpty();
      Files.delete(ballast);
      assertThat(process.run(sync).throwIfFailed().counts(Operation.CHANGED).accepted())
          .isEqualTo(1_000);
    } finally {
      unmount(disk);
    }
  }

  @Test
  @DisplayName("D-04: a directory that is read-only fails the run before anything is sent")
  void directoryThatIsReadOnly() throws Exception {
    Path disk = mounted("size=3m");
    try {
      Process process = process(disk.resolve("state"), 64 << 20);
      source.rows(Map.of(1L, "a"));
      process.run(sync()).throwIfFailed();
      crm.takeSent();
      source.rows(Map.of(1L, "b"));
      assertThat(command("mount", "-o", "remount,ro", disk.toString())).isZero();
      assertThatThrownBy(() -> process.run(sync()).throwIfFailed())
          .isInstanceOfAny(StateException.class, RunFailedException.class)
          .hasMessageContaining("Read-only file system")
          .hasMessageContaining("mend the disk");
      assertThat(crm.takeSent()).isEmpty();
      assertThat(command("mount", "-o", "remount,rw", disk.toString())).isZero();
      assertThat(process.run(sync()).throwIfFailed().total().accepted()).isEqualTo(1);
    } finally {
      unmount(disk);
    }
  }

  /** A small file system in memory; the test is skipped where it may not be mounted. */
  private Path mounted(String options) throws Exception {
    Path disk = Files.createDirectory(root.resolve("disk"));
    assumeThat(command("mount", "-t", "tmpfs", "-o", options, "tmpfs", disk.toString()))
        .as("a tmpfs can be mounted (needs root)")
        .isZero();
    return disk;
  }

  private void unmount(Path disk) throws Exception {
    processes.forEach(Process::close);
    processes.clear();
    assertThat(command("umount", disk.toString())).isZero();
  }

  private static int command(String... words) throws InterruptedException {
    try {
      java.lang.Process process =
          new ProcessBuilder(words)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      return process.waitFor(20, TimeUnit.SECONDS) ? process.exitValue() : -1;
    } catch (IOException e) {
      return -1; // there is no such command
    }
  }
}
