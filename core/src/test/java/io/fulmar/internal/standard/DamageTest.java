package io.fulmar.internal.standard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.ChangeSet;
import io.fulmar.FulmarException;
import io.fulmar.RunStatus;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.harness.ManualClock;
import io.fulmar.spi.Delivery;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Damage to a small state directory: twelve rows are synced, one of them rejected, and nine changes
 * are due. Whatever bit flips and wherever a file ends early, either the damage is noticed and
 * nothing is sent, or it changes nothing.
 */
class DamageTest {
  private static final int FLIPS = 40;

  private static final List<String> DUE =
      List.of(
          "REMOVED 1",
          "REMOVED 2",
          "CHANGED 3=b",
          "CHANGED 4=b",
          "CHANGED 5=b",
          "ADDED 7=a",
          "ADDED 13=new",
          "ADDED 14=new",
          "ADDED 15=new",
          "ADDED 16=new");

  @TempDir(factory = InMemory.class)
  Path temporary;

  private final ManualClock clock = new ManualClock(Instant.parse("2026-01-15T10:00:00Z"));
  private final MemoryModel source = new MemoryModel();
  private Crm crm = new Crm();
  private boolean remembers;
  private int directories;

  private static Map<Long, String> before() {
    Map<Long, String> rows = new TreeMap<>();
    for (long id = 1; id <= 12; id++) {
      rows.put(id, "a");
    }
    return rows;
  }

  private static Map<Long, String> after() {
    Map<Long, String> rows = before();
    rows.remove(1L);
    rows.remove(2L);
    rows.put(3L, "b");
    rows.put(4L, "b");
    rows.put(5L, "b");
    rows.put(13L, "new");
    rows.put(14L, "new");
    rows.put(15L, "new");
    rows.put(16L, "new");
    return rows;
  }

  private Process process(Path directory) {
    return new Process(
        new FaultyDisk(FileSystems.getDefault()).path(directory),
        source,
        clock,
        (stop, duration) -> clock.advance(duration));
  }

  private Sync sync() {
    return (remembers ? Process.sync(crm).remember("v") : Process.sync(crm)).build();
  }

  private Path synced() throws IOException {
    Path directory = Files.createDirectories(temporary.resolve("state-" + ++directories));
    source.rows(before());
    crm.mood(
        (batch, apply) -> {
          apply.run();
          Delivery.Builder answer = Delivery.acceptedExcept();
          batch.changes().stream()
              .filter(change -> Crm.id(change) == 7)
              .forEach(change -> answer.rejected(change, "BAD", "not today"));
          return answer.build();
        });
    try (Process process = process(directory)) {
      assertThat(process.run(sync()).status()).isEqualTo(RunStatus.WARNING);
    }
    crm.mood(Crm::accept);
    crm.takeSent();
    crm.takeRepeated();
    source.rows(after());
    return directory;
  }

  /** A state of which a run has died: six changes acknowledged, two of them sent in vain. */
  private Path interrupted() throws IOException {
    Path directory = synced();
    FaultyDisk disk = new FaultyDisk(FileSystems.getDefault());
    int[] calls = new int[1];
    crm.mood(
        (batch, apply) -> {
          if (++calls[0] == 3) {
            disk.strike(FaultyDisk.Fault.DEATH, 1);
          }
          apply.run();
          Delivery.Builder answer = Delivery.acceptedExcept();
          batch.changes().stream()
              .filter(change -> Crm.id(change) == 3 || Crm.id(change) == 13)
              .forEach(change -> answer.rejected(change, "BAD", "not today"));
          return answer.build();
        });
    try (Process process =
        new Process(
            disk.path(directory), source, clock, (stop, duration) -> clock.advance(duration))) {
      process.run(sync());
    }
    assertThat(disk.dead()).isTrue();
    crm.mood(Crm::accept);
    crm.takeSent();
    return directory;
  }

  private Path copyOf(Path directory) throws IOException {
    Path copy = temporary.resolve("copy-" + ++directories);
    Files.createDirectories(copy.resolve("crm"));
    for (Path file : files(directory)) {
      Files.copy(file, copy.resolve("crm").resolve(file.getFileName().toString()));
    }
    return copy;
  }

  /** The files of the state, without its locks. */
  private static List<Path> files(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory.resolve("crm"))) {
      return files
          .filter(path -> !path.getFileName().toString().startsWith("lock"))
          .sorted()
          .toList();
    }
  }

  private static void flip(Path file, long bit) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    bytes[(int) (bit / 8)] ^= (byte) (1 << (bit % 8));
    Files.write(file, bytes);
  }

  private interface Work {
    SyncReport run(Process process);
  }

  /**
   * Works on a damaged copy: what comes of it is a StateException and nothing is sent, or the
   * destination gets right.
   */
  private boolean isNoticed(Path directory, String about, Work work) {
    Map<Long, String> held = crm.rows();
    Crm known = crm;
    crm = new Crm();
    crm.reset(held);
    FulmarException error = null;
    try (Process process = process(directory)) {
      SyncReport report = work.run(process);
      error = report.error();
      if (error == null) {
        assertThat(report.throwIfFailed().total().planned()).as(about).isPositive();
        if (report.total().aborted() > 0) {
          clock.advance(Duration.ofHours(2)); // no call acts for longer, whatever the record says
          process.run(sync()).throwIfFailed();
        }
        assertThat(crm.rows()).as(about).isEqualTo(after());
        assertThat(process.run(sync()).throwIfFailed().total().planned()).as(about).isZero();
      }
    } catch (FulmarException e) {
      error = e;
    } catch (IllegalStateException e) {
      throw new AssertionError(about, e);
    }
    if (error != null) {
      assertThat(error)
          .as(about)
          .isInstanceOf(StateException.class)
          .hasMessageStartingWith("Cannot ")
          .hasMessageContaining("[sync=crm");
      // Of a plan whose further parts are damaged, the sound ones may have gone out.
      List<String> sent = crm.takeSent();
      if (!about.matches(".*\\.(rows|removed|fields)\\b.*")) {
        assertThat(sent).as(about).isEmpty();
      }
      assertThat(DUE).as(about).containsAll(sent);
    }
    crm = known;
    return error != null;
  }

  private void damageEverywhere(Path from, String noticedIn, long seed, Work work)
      throws IOException {
    Random random = new Random(seed);
    for (Path file : files(from)) {
      String name = file.getFileName().toString();
      long size = Files.size(file);
      int noticed = 0;
      for (int i = 0; i < FLIPS && size > 0; i++) {
        Path copy = copyOf(from);
        // The first bytes and the last ones hold what files are told apart by.
        long bit =
            i < 8
                ? i * 7L % (size * 8)
                : i < 16 ? size * 8 - 1 - (i * 11L) % (size * 8) : random.nextLong(size * 8);
        flip(copy.resolve("crm").resolve(name), bit);
        String about = "bit %d of %s, seed %d".formatted(bit, name, seed);
        noticed += isNoticed(copy, about, work) ? 1 : 0;
      }
      for (int i = 0; i < 5 && size > 0; i++) {
        Path copy = copyOf(from);
        long end = i == 0 ? 0 : i == 1 ? size - 1 : random.nextLong(size);
        Path cut = copy.resolve("crm").resolve(name);
        byte[] bytes = Files.readAllBytes(cut);
        Files.write(cut, java.util.Arrays.copyOf(bytes, (int) end));
        isNoticed(copy, "%s ends at %d of %d".formatted(name, end, size), work);
      }
      if (name.matches(noticedIn)) {
        assertThat(noticed).as("flips of %s that were noticed", name).isGreaterThan(FLIPS / 2);
      }
    }
  }

  private static long seed(String what) {
    long seed = Long.getLong("fulmar.seed", System.nanoTime());
    System.out.println(what + ": seed " + seed);
    return seed;
  }

  @Test
  @DisplayName("P1: damage between runs is noticed, and nothing is sent")
  void damageBetweenRunsIsNoticed() throws Exception {
    damageEverywhere(
        synced(),
        "sync|state-\\d+",
        seed("damageBetweenRunsIsNoticed"),
        process -> process.run(sync()));
  }

  @Test
  @DisplayName("P1: damage to what a dead run left is noticed, and nothing is sent")
  void damageToWhatADeadRunLeftIsNoticed() throws Exception {
    damageEverywhere(
        interrupted(),
        "sync|state-\\d+|plan-\\d+(\\.rows|\\.removed)?",
        seed("damageToWhatADeadRunLeftIsNoticed"),
        process -> {
          SyncReport report = process.run(sync());
          if (report.error() == null && report.total().planned() == 0) {
            throw new AssertionError("nothing was due after a run that died");
          }
          return report;
        });
  }

  @Test
  @DisplayName("P7: damage to a plan that waits for approval is noticed, and nothing is sent")
  void damageToAStoredPlanIsNoticed() throws Exception {
    Path directory = synced();
    ChangeSet plan;
    try (Process process = process(directory)) {
      plan = process.runner().plan(sync());
    }
    damageEverywhere(
        directory,
        "sync|plan-\\d+(\\.rows|\\.removed|\\.fields)?",
        seed("damageToAStoredPlanIsNoticed"),
        process -> process.runner().apply(sync(), plan.id()));
  }

  @Test
  @DisplayName("P1: damage to remembered values, between runs and after a death, is noticed")
  void damageToRememberedValuesIsNoticed() throws Exception {
    remembers = true;
    damageBetweenRunsIsNoticed();
    everyBitOfTheSmallFilesIsCovered();
    damageEverywhere(
        interrupted(),
        "sync|state-\\d+|plan-\\d+(\\.rows|\\.removed|\\.fields)?",
        seed("damageToRememberedValuesIsNoticed"),
        process -> process.run(sync()));
  }

  private void assertMissingIsNoticed(Path directory, String pattern, @Nullable String message)
      throws IOException {
    int found = 0;
    for (Path file : files(directory)) {
      String name = file.getFileName().toString();
      if (name.matches(pattern)) {
        found++;
        Path copy = copyOf(directory);
        Path gone = copy.resolve("crm").resolve(name);
        Files.delete(gone);
        assertThat(isNoticed(copy, name + " is missing", process -> process.run(sync())))
            .as("that %s is missing", name)
            .isTrue();
        if (message != null) {
          try (Process process = process(copy)) {
            assertThatThrownBy(() -> process.run(sync()))
                .isInstanceOf(StateException.class)
                .hasMessage(message.formatted(copy.resolve("crm"), gone));
          }
        }
      }
    }
    assertThat(found).as("files like %s", pattern).isPositive();
  }

  @Test
  @DisplayName("P1: a state file that is missing never passes for a first run")
  void stateFileThatIsMissingIsNoticed() throws Exception {
    assertMissingIsNoticed(
        synced(),
        "state-\\d+",
        "Cannot use the state of crm in %s: the file %s is missing. Forget the sync,"
            + " and its next run sends every row; or forget it and initialise it as BASELINE, if the"
            + " destination holds the present rows. [sync=crm]");
  }

  @Test
  @DisplayName("P1: a sync file that is missing never passes for a first run")
  void syncFileThatIsMissingIsNoticed() throws Exception {
    assertMissingIsNoticed(
        synced(),
        "sync",
        "Cannot use the state of crm in %s: the file %s is missing, though other files are there."
            + " Forget the sync, and its next run sends every row; or forget it and initialise it as BASELINE, if the destination holds the present rows. [sync=crm]");
  }

  @Test
  @DisplayName("P1: parts of a dead run's plan that are missing are noticed")
  void partsOfADeadRunThatAreMissingAreNoticed() throws Exception {
    Path directory = interrupted();
    assertMissingIsNoticed(directory, "plan-\\d+", null);
    assertMissingIsNoticed(directory, "plan-\\d+\\.(rows|removed)", null);
    assertMissingIsNoticed(directory, "ledger-\\d+\\.(details|reasons)", null);
  }

  @Test
  @DisplayName("P1: a state of another format is refused by name")
  void stateOfAnotherFormatIsRefused() throws Exception {
    Path directory = synced();
    Path file = directory.resolve("crm").resolve("sync");
    String text = Files.readString(file).replace("format=1\n", "format=2\n");
    text = text.substring(0, text.lastIndexOf("checksum "));
    CRC32C crc = new CRC32C();
    crc.update(text.getBytes(StandardCharsets.UTF_8));
    Files.writeString(file, text + "checksum " + Long.toHexString(crc.getValue()) + "\n");
    try (Process process = process(directory)) {
      assertThatThrownBy(() -> process.run(sync()))
          .isInstanceOf(StateException.class)
          .hasMessageContaining(
              "the file "
                  + file
                  + " has the format 2, and this version of Fulmar reads 1, so it is best to use the version that wrote it");
    }
    assertThat(crm.takeSent()).isEmpty();
  }

  @Test
  void stateOfAnotherSyncIsRefused() throws Exception {
    Path directory = synced();
    Files.move(directory.resolve("crm"), directory.resolve("other"));
    Sync other = Sync.builder("other").model(MemoryModel.model()).to(crm).build();
    try (Process process = process(directory)) {
      assertThatThrownBy(() -> process.run(other))
          .isInstanceOf(StateException.class)
          .hasMessageContaining("it belongs to the sync crm");
    }
  }

  // --------------------------------------------------------------------------- every single bit

  @Test
  @DisplayName("P1: every single bit of the small files is covered by a checksum")
  void everyBitOfTheSmallFilesIsCovered() throws Exception {
    Random random = new Random(seed("everyBitOfTheSmallFilesIsCovered"));
    Path directory = synced();
    try (Process process = process(directory)) {
      process.runner().plan(sync());
    }
    List<String> seen = new ArrayList<>();
    for (Path file : files(directory)) {
      String name = file.getFileName().toString();
      if (name.equals("sync")) {
        seen.add(name);
        String original = describe(SyncFile.read(file));
        everyDamage(random, file, () -> describe(SyncFile.read(file)), original);
      } else if (name.matches("plan-\\d+")) {
        seen.add("plan");
        String original = describe(PlanHead.read(file));
        everyDamage(random, file, () -> describe(PlanHead.read(file)), original);
      } else if (name.startsWith("state-")) {
        seen.add("state");
        String original = describe(file);
        everyDamage(random, file, () -> describe(file), original);
      }
    }
    assertThat(seen).containsExactlyInAnyOrder("sync", "plan", "state");
  }

  private interface Reading {
    String read() throws IOException;
  }

  /**
   * Damages a file in many ways, in each run others; reading gives an IOException or what it gave
   * before.
   */
  private static void everyDamage(Random random, Path file, Reading reading, String original)
      throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    for (long bit = 0; bit < bytes.length * 8L; bit += step(random, bit / 8, bytes.length)) {
      byte[] damaged = bytes.clone();
      damaged[(int) (bit / 8)] ^= (byte) (1 << (bit % 8));
      Files.write(file, damaged);
      assertNoticed(file + " bit " + bit, reading, original);
    }
    byte[] length = {(byte) 0xff, (byte) 0xff, (byte) 0xff, (byte) 0xff, 5};
    for (int at = 0; at < Math.min(300, bytes.length - length.length); at++) {
      byte[] damaged = bytes.clone();
      System.arraycopy(length, 0, damaged, at, length.length);
      Files.write(file, damaged);
      assertNoticed(file + " with the length of 1,610,612,735 at " + at, reading, original);
    }
    for (int end = 0; end < bytes.length; end += step(random, end, bytes.length)) {
      Files.write(file, java.util.Arrays.copyOf(bytes, end));
      assertNoticed(file + " cut off at " + end, reading, original);
    }
    Files.write(file, bytes);
    assertThat(reading.read()).isEqualTo(original);
  }

  /** Small where files differ from each other, large in their long, regular directories. */
  private static int step(Random random, long at, int size) {
    return 1 + random.nextInt(at < 700 || at > size - 50 ? 10 : 400);
  }

  private static void assertNoticed(String about, Reading reading, String original) {
    String read;
    try {
      read = reading.read();
    } catch (IOException e) {
      return;
    } catch (RuntimeException e) {
      throw new AssertionError(about, e);
    }
    if (!read.equals(original)) {
      throw new AssertionError(about + " is read as " + read);
    }
  }

  private static String describe(@Nullable SyncFile file) {
    return file == null
        ? "none"
        : String.join(
            " ",
            file.sync,
            file.destination,
            file.incarnation,
            file.secret,
            file.key,
            file.fingerprint,
            file.mode + " " + file.removal + " " + file.generation + " " + file.keys,
            file.live + " " + file.unsure + " " + file.holds + " " + file.run,
            file.foldedRun + " " + file.version + " " + file.lastStatus + " " + file.lastEndedAt,
            file.lastSuccessAt + " " + file.failuresInARow + " " + file.upToDateAsOf,
            file.system + " " + file.database + " " + file.timeline + " " + file.position,
            Long.toString(file.keptPlan));
  }

  private static String describe(@Nullable PlanHead head) {
    return head == null
        ? "none"
        : head.plan() + " " + head.stateVersion + " " + head.sections.keySet();
  }

  private static String describe(Path path) throws IOException {
    StringBuilder text = new StringBuilder();
    try (StateFile state = StateFile.open(path)) {
      for (int partition = 0; partition < Partitions.COUNT; partition++) {
        if (state.keys(partition) > 0) {
          StateFile.Cursor cursor = state.read(partition);
          while (cursor.next()) {
            text.append(java.util.HexFormat.of().formatHex(cursor.key(), 0, cursor.keyLength()))
                .append(cursor.memory())
                .append(java.util.Arrays.toString(cursor.values()));
          }
        }
      }
    }
    return text.toString();
  }
}
