package io.fulmar.internal.standard;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.FulmarException;
import io.fulmar.Operation;
import io.fulmar.RunEvent;
import io.fulmar.RunFailedException;
import io.fulmar.RunStatus;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.harness.ManualClock;
import io.fulmar.spi.Delivery;
import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Runs of the standard store over a disk on which, at each operation in turn that changes
 * something, the process dies or the disk is full. Twelve rows have been synced; then two are
 * removed, three changed and four added. Afterwards a new process goes on over what is left.
 */
class CrashTest {
  private static final int MANY = 2_000;
  private static final long REJECTED = 4;

  /** Not every operation in each run of the tests, but each in some; 1 for every one. */
  private static final int STRIDE = Integer.getInteger("fulmar.stride", 5);

  @TempDir(factory = InMemory.class)
  Path temporary;

  private final ManualClock clock = new ManualClock(Instant.parse("2026-01-15T10:00:00Z"));
  private final MemoryModel source = new MemoryModel();
  private final List<String> problems = Collections.synchronizedList(new ArrayList<>());
  private Crm crm = new Crm();
  private int directories;

  @BeforeEach
  void theFirstRowsAreThere() {
    source.rows(before());
  }

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
    for (long id = 3; id <= 5; id++) {
      rows.put(id, "b");
    }
    for (long id = 13; id <= 16; id++) {
      rows.put(id, "new");
    }
    return rows;
  }

  private Process process(FaultyDisk disk, Path directory) {
    return new Process(
        disk.path(directory), source, clock, (stop, duration) -> clock.advance(duration));
  }

  private static FaultyDisk disk() {
    return new FaultyDisk(FileSystems.getDefault());
  }

  /** A directory with the files of another one, but not its lock. */
  private Path copyOf(Path directory) throws IOException {
    Path copy = temporary.resolve("state-" + ++directories);
    Files.createDirectories(copy.resolve("crm"));
    if (Files.exists(directory.resolve("crm"))) {
      try (Stream<Path> files = Files.list(directory.resolve("crm"))) {
        for (Path file : files.toList()) {
          if (!file.getFileName().toString().startsWith("lock")) {
            Files.copy(file, copy.resolve("crm").resolve(file.getFileName().toString()));
          }
        }
      }
    }
    return copy;
  }

  /** A state in which the first rows are synced, as {@link #crm} knows. */
  private Path synced() throws IOException {
    Path directory = Files.createDirectories(temporary.resolve("synced-" + ++directories));
    source.rows(before());
    try (Process process = process(disk(), directory)) {
      process.run(Process.sync(crm).build()).throwIfFailed();
    }
    crm.takeSent();
    return directory;
  }

  /** What a process does until it ends or dies. */
  private interface Work {
    SyncReport run(Process process, Sync sync) throws Exception;
  }

  /** What came of work on a faulty disk. */
  private record Ended(@Nullable SyncReport report, @Nullable FulmarException thrown) {
    @Nullable FulmarException error() {
      return thrown != null ? thrown : report == null ? null : report.error();
    }
  }

  private Ended work(FaultyDisk disk, Path directory, FaultyDisk.Fault fault, int at, Work work)
      throws Exception {
    crm.mood(
        (batch, apply) -> {
          if (disk.dead()) {
            throw new IOException(FaultyDisk.DEAD);
          }
          boolean tidying =
              disk.struck()
                  && fault == FaultyDisk.Fault.ONCE
                  && disk.operations().get(at - 1).startsWith("delete");
          if (disk.struck() && !tidying) {
            problems.add("a call after " + disk.operations());
          }
          Delivery.Builder answer = Delivery.acceptedExcept();
          batch.changes().stream()
              .filter(change -> Crm.id(change) == REJECTED)
              .forEach(change -> answer.rejected(change, "BAD", "not today"));
          apply.run();
          return answer.build();
        });
    disk.strike(fault, at);
    try (Process process = process(disk, directory)) {
      return new Ended(work.run(process, Process.sync(crm).build()), null);
    } catch (FulmarException e) {
      return new Ended(null, e);
    } finally {
      crm.mood(Crm::accept);
      disk.heal();
    }
  }

  /** Whether a run is on disk that had begun to deliver and did not fold. */
  private static boolean interrupted(Path directory) throws IOException {
    Path state = directory.resolve("crm");
    SyncFile file = SyncFile.read(state.resolve("sync"));
    try (Stream<Path> files = Files.list(state)) {
      return file != null
          && files
              .map(path -> path.getFileName().toString())
              .filter(name -> name.matches("ledger-\\d+"))
              .map(name -> name.substring("ledger-".length()))
              .anyMatch(
                  number ->
                      Long.parseLong(number) > file.foldedRun
                          && Files.exists(state.resolve("plan-" + number)));
    }
  }

  /** A new process takes over what is left; in the end nothing is lost. */
  private void assertRecovers(Path directory, Ended ended, String about) throws IOException {
    boolean interrupted = interrupted(directory);
    List<RunEvent.Recovered> recovered = new ArrayList<>();
    List<RunStatus> statuses = new ArrayList<>();
    try (Process process = process(disk(), directory)) {
      Sync plain = Process.sync(crm).build();
      Sync sync =
          Process.sync(crm)
              .listener(
                  event -> {
                    if (event instanceof RunEvent.Recovered found) {
                      recovered.add(found);
                      statuses.add(process.status(plain).lastRun().status());
                    }
                  })
              .build();
      SyncReport report = process.run(sync);
      assertThat(report.status()).as(about).isEqualTo(RunStatus.SUCCEEDED);
      assertThat(report.total().aborted()).as(about).isZero();
      assertThat(recovered).as(about).hasSize(interrupted ? 1 : 0);
      if (interrupted) {
        boolean noted = ended.report() != null && ended.report().status() == RunStatus.FAILED;
        assertThat(statuses.get(0))
            .as(about)
            .isIn(RunStatus.INTERRUPTED, noted ? RunStatus.FAILED : RunStatus.INTERRUPTED);
        assertThat(recovered.get(0).interruptedRun()).as(about).isLessThan(report.run());
      }
      assertThat(crm.rows()).as(about).isEqualTo(after());
      SyncReport quiet = process.run(sync).throwIfFailed();
      assertThat(quiet.total().planned()).as(about).isZero();
      assertThat(quiet.changeSet().rows()).as(about).isEqualTo(after().size());
      assertThat(process.status(sync).syncedKeys()).as(about).isEqualTo(after().size());
      assertThat(process.status(sync).unsure()).as(about).isZero();
    }
    try (Stream<Path> files = Files.list(directory.resolve("crm"))) {
      assertThat(files.map(path -> path.getFileName().toString()).toList())
          .as("what is left in the end, " + about)
          .allMatch(name -> name.matches("lock(\\.jvm)?|sync|sync.next|state-\\d+"))
          .filteredOn(name -> name.startsWith("state-"))
          .hasSize(1);
    }
  }

  private static long seed(String what) {
    long seed = Long.getLong("fulmar.seed", System.nanoTime());
    System.out.println("CrashTest, " + what + ": seed " + seed);
    return seed;
  }

  private void sweep(String what, FaultyDisk.Fault fault, Path from, Work work) throws Exception {
    Crm known = crm;
    Map<Long, String> rows = crm.rows();
    Random random = new Random(seed(what + " " + fault));
    for (int at = 1; ; at += 1 + random.nextInt(STRIDE)) {
      assertThat(at).as("the sweep ends").isLessThan(MANY);
      crm = new Crm();
      crm.reset(rows);
      Path directory = copyOf(from);
      source.rows(after());
      FaultyDisk disk = disk();
      Ended ended = work(disk, directory, fault, at, work);
      List<String> operations = disk.operations();
      String about =
          "%s, %s at %d: %s"
              .formatted(
                  what, fault, at, at <= operations.size() ? operations.get(at - 1) : "the end");
      assertThat(problems).as(about).isEmpty();
      if (disk.struck()) {
        assertEndsWell(fault, ended, about);
      }
      assertRecovers(directory, ended, about);
      // Only the batch whose acknowledgement was not written comes again, and what was rejected.
      assertThat(crm.takeRepeated())
          .as(about)
          .filteredOn(change -> !change.contains(" " + REJECTED + "="))
          .hasSizeLessThanOrEqualTo(4);
      if (!disk.struck()) {
        assertThat(at).as("the sweep of " + what + " has met operations").isGreaterThan(15);
        crm = known;
        return;
      }
    }
  }

  private static void assertEndsWell(FaultyDisk.Fault fault, Ended ended, String about) {
    FulmarException error = ended.error();
    if (ended.report() != null && error == null) {
      return; // it struck when everything had been done but tidying up
    }
    assertThat(error).as(about).isInstanceOf(StateException.class);
    if (fault == FaultyDisk.Fault.FULL) {
      assertThat(error)
          .as(about)
          .hasMessageContaining("No space left on device")
          .hasMessageContaining("ake room")
          .hasMessageContaining("[sync=crm");
      if (ended.report() != null) {
        assertThat(ended.report().status()).as(about).isEqualTo(RunStatus.FAILED);
        assertThat(org.assertj.core.api.Assertions.catchThrowable(ended.report()::throwIfFailed))
            .as(about)
            .isInstanceOf(RunFailedException.class);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  @DisplayName("P1, P2, D-04: the first run ends at any moment, and the next one goes on")
  void firstRunEndsAtAnyMoment(FaultyDisk.Fault fault) throws Exception {
    sweep(
        "first run",
        fault,
        Files.createDirectories(temporary.resolve("nothing")),
        (process, sync) -> process.run(sync));
  }

  @ParameterizedTest
  @EnumSource
  @DisplayName("P1, P2, D-04: a later run ends at any moment, and the next one goes on")
  void laterRunEndsAtAnyMoment(FaultyDisk.Fault fault) throws Exception {
    sweep("later run", fault, synced(), (process, sync) -> process.run(sync));
  }

  @ParameterizedTest
  @EnumSource(names = {"ONCE", "TORN"})
  @DisplayName("P1, P2, P7, D-04: an approved plan ends at any moment, and the next run goes on")
  void approvalEndsAtAnyMoment(FaultyDisk.Fault fault) throws Exception {
    sweep(
        "plan and approval",
        fault,
        synced(),
        (process, sync) -> process.runner().apply(sync, process.runner().plan(sync).id()));
  }

  @ParameterizedTest
  @EnumSource(names = {"ONCE", "TORN"})
  @DisplayName("P1, P2, D-04: a recovery ends at any moment, and the next one begins it again")
  void recoveryEndsAtAnyMoment(FaultyDisk.Fault fault) throws Exception {
    Path died = copyOf(synced());
    source.rows(after());
    FaultyDisk first = disk();
    // Dies when the second answer is to be noted.
    crm.takeSent();
    work(first, died, FaultyDisk.Fault.DEATH, secondAnswer(died), (p, sync) -> p.run(sync));
    assertThat(first.dead()).isTrue();
    assertThat(interrupted(died)).isTrue();
    Map<Long, String> rows = crm.rows();
    Random random = new Random(seed("recovery " + fault));
    for (int at = 1; ; at += 1 + random.nextInt(STRIDE)) {
      assertThat(at).isLessThan(MANY);
      crm = new Crm();
      crm.reset(rows);
      Path again = copyOf(died);
      source.rows(after());
      FaultyDisk disk = disk();
      Ended ended = work(disk, again, fault, at, (process, sync) -> process.run(sync));
      String about = "recovery, %s at %d: %s".formatted(fault, at, disk.operations());
      assertThat(problems).as(about).isEmpty();
      if (disk.struck()) {
        assertEndsWell(fault, ended, about);
      }
      assertRecovers(again, ended, about);
      if (!disk.struck()) {
        assertThat(at).isGreaterThan(15);
        return;
      }
    }
  }

  /**
   * The operation that notes the second answer of the run from {@link #before} to {@link #after}.
   */
  private int secondAnswer(Path directory) throws Exception {
    Crm known = crm;
    crm = new Crm();
    FaultyDisk disk = disk();
    int[] calls = new int[1];
    int[] at = new int[1];
    crm.mood(
        (batch, apply) -> {
          if (++calls[0] == 2) {
            at[0] = disk.operations().size() + 1;
          }
          return Delivery.allAccepted();
        });
    disk.strike(FaultyDisk.Fault.FULL, MANY);
    try (Process process = process(disk, copyOf(directory))) {
      process.run(Process.sync(crm).build()).throwIfFailed();
    }
    crm = known;
    return at[0];
  }

  // ------------------------------------------------------------------- what a recovery remembers

  @Test
  @DisplayName("P1, P2: a recovery takes in what was acknowledged and marks the rest as unsure")
  void recoveryTakesInWhatWasAcknowledged() throws Exception {
    Path directory = synced();
    source.rows(after());
    FaultyDisk disk = disk();
    List<String> calls = new ArrayList<>();
    crm.mood(
        (batch, apply) -> {
          calls.add(batch.action() + " " + batch.size());
          if (calls.size() == 3) {
            disk.strike(FaultyDisk.Fault.DEATH, 1); // applied, and nobody hears of it
          }
          return Crm.accept(batch, apply);
        });
    Sync sync = Process.sync(crm).build();
    try (Process process = process(disk, directory)) {
      process.run(sync);
    }
    assertThat(calls).containsExactly("DELETE 2", "UPSERT 2", "UPSERT 4");
    List<String> first = crm.takeSent();
    crm.mood(Crm::accept);
    List<RunEvent> events = new ArrayList<>();
    try (Process process = process(disk(), directory)) {
      SyncReport report = process.run(Process.sync(crm).listener(events::add).build());
      assertThat(report.throwIfFailed().counts(Operation.REMOVED).planned()).isZero();
      assertThat(events)
          .filteredOn(RunEvent.Recovered.class::isInstance)
          .singleElement()
          .satisfies(
              event -> {
                RunEvent.Recovered recovered = (RunEvent.Recovered) event;
                assertThat(recovered.accepted()).isEqualTo(4);
                // One more was reserved with them, and had not gone out.
                assertThat(recovered.unsure()).isEqualTo(5);
              });
    }
    assertThat(crm.takeSent())
        .as("the four in flight and the one that had not gone out")
        .hasSize(5)
        .containsAll(first.subList(4, 8));
    assertThat(crm.takeRepeated()).containsExactlyInAnyOrderElementsOf(first.subList(4, 8));
    assertThat(crm.rows()).isEqualTo(after());
  }

  @Test
  @DisplayName(
      "P1: what an interrupted run may have sent is sent again although the source went back")
  void unsureChangeIsSentAgainAlthoughTheSourceWentBack() throws Exception {
    Path directory = diedInItsFirstCall();
    assertThat(crm.rows()).doesNotContainKeys(1L, 2L);
    source.rows(before());
    try (Process process = process(disk(), directory)) {
      process.run(Process.sync(crm).build()).throwIfFailed();
      assertThat(crm.rows()).isEqualTo(before());
      assertThat(process.status(Process.sync(crm).build()).unsure()).isZero();
    }
  }

  /** What a process left that died when the destination had applied its first batch. */
  private Path diedInItsFirstCall() throws IOException {
    Path directory = synced();
    source.rows(after());
    FaultyDisk disk = disk();
    crm.mood(
        (batch, apply) -> {
          disk.strike(FaultyDisk.Fault.DEATH, 1);
          return Crm.accept(batch, apply);
        });
    try (Process process = process(disk, directory)) {
      process.run(Process.sync(crm).build());
    }
    crm.mood(Crm::accept);
    assertThat(disk.dead()).isTrue();
    return directory;
  }

  // ------------------------------------------------------------------------ a loss of power

  /** Planning forces all but the fields of rows, so these may be gone, or be of any length. */
  @ParameterizedTest
  @ValueSource(ints = {-1, 0, 3})
  @DisplayName("P1, P2: a loss of power may take the fields of a plan that is being delivered")
  void fieldsOfAPlanMayBeLost(int left) throws Exception {
    Path directory = diedInItsFirstCall();
    Path fields = fields(directory);
    if (left < 0) {
      Files.delete(fields);
    } else {
      Files.write(fields, Arrays.copyOf(Files.readAllBytes(fields), left));
    }
    assertRecovers(directory, new Ended(null, null), left + " bytes of the fields are left");
  }

  private static Path fields(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory.resolve("crm"))) {
      return files.filter(path -> path.toString().endsWith(".fields")).findFirst().orElseThrow();
    }
  }

  @Test
  @DisplayName("P7: of a plan that waits for approval, the fields survive a loss of power too")
  void fieldsOfAKeptPlanAreForced() throws Exception {
    List<String> operations =
        operations((process, sync) -> process.runner().plan(sync), Process.sync(crm).build());
    int forced = operations.indexOf("force plan.fields");
    assertThat(forced).isPositive();
    assertThat(operations.subList(forced, operations.size())).contains("move sync");
  }

  @Test
  @DisplayName("P1: a fold reads the fields of what is remembered, so they survive a loss of power")
  void fieldsOfWhatIsRememberedAreForced() throws Exception {
    List<String> plain = operations(Process::run, Process.sync(crm).build());
    assertThat(plain).contains("force plan.rows").doesNotContain("force plan.fields");
    List<String> remembering = operations(Process::run, Process.sync(crm).remember("v").build());
    assertThat(remembering.indexOf("force plan.fields"))
        .isBetween(0, remembering.indexOf("move plan"));
  }

  /** Something that a process does with a sync. */
  private interface Doing {
    Object with(Process process, Sync sync) throws Exception;
  }

  /** What changes on the disk meanwhile, without the numbers of runs. */
  private List<String> operations(Doing doing, Sync sync) throws Exception {
    FaultyDisk disk = disk();
    disk.strike(FaultyDisk.Fault.FULL, MANY);
    Path directory = synced();
    source.rows(after());
    try (Process process = process(disk, directory)) {
      doing.with(process, sync);
    }
    return disk.operations().stream().map(each -> each.replaceAll("-\\d+", "")).toList();
  }
}
