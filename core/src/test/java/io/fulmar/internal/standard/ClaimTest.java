package io.fulmar.internal.standard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.fulmar.AlreadyRunningException;
import io.fulmar.RunStatus;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.harness.ManualClock;
import io.fulmar.harness.OtherProcess;
import io.fulmar.internal.store.Claim;
import io.fulmar.internal.store.PlanRequest;
import io.fulmar.spi.Delivery;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Who may run a sync of a state directory, and what happens to its files: claims of this process
 * and of others, permissions, interrupts, and state that belongs to something else. The source has
 * ten rows.
 */
class ClaimTest {
  @TempDir Path root;

  private final ManualClock clock = new ManualClock(Instant.parse("2026-01-15T10:00:00Z"));
  private final MemoryModel source = new MemoryModel();
  private final Crm crm = new Crm();

  private StandardStore store() {
    return new StandardStore(source, root, StandardStore.MissingState.BEGIN, 0, clock);
  }

  private Process process(Duration grace) {
    return new Process(
        root, source, clock, (stop, duration) -> clock.advance(duration), grace, 64 << 20);
  }

  private static Sync sync(Crm crm) {
    return Process.sync(crm).build();
  }

  private static Map<Long, String> ten() {
    Map<Long, String> rows = new TreeMap<>();
    for (long id = 1; id <= 10; id++) {
      rows.put(id, "a");
    }
    return rows;
  }

  private Path state() {
    return root.resolve("crm");
  }

  // ---------------------------------------------------------------------------------------- P4

  @Test
  @DisplayName("P4, A-08: an error while a sync is claimed gives it back")
  void errorWhileClaimingGivesTheSyncBack() {
    try (StandardStore store = store();
        StandardStore breaking =
            new StandardStore(
                source,
                root,
                StandardStore.MissingState.BEGIN,
                0,
                clock,
                point -> {
                  throw new StackOverflowError(point.name());
                })) {
      assertThatThrownBy(() -> breaking.claim(sync(crm))).isInstanceOf(StackOverflowError.class);
      store.claim(sync(crm)).close();
    }
  }

  @Test
  @DisplayName("P4: a second engine of this process is refused, and may run once the first is done")
  void secondEngineOfThisProcessIsRefused() {
    try (StandardStore first = store();
        StandardStore second = store()) {
      Claim claim = first.claim(sync(crm));
      assertThatThrownBy(() -> second.claim(sync(crm)))
          .isInstanceOf(AlreadyRunningException.class)
          .hasMessageStartingWith("Cannot run crm: another run holds ")
          .hasMessageEndingWith("Wait for it to end. [sync=crm]");
      claim.close();
      second.claim(sync(crm)).close();
    }
  }

  @Test
  @DisplayName("P4: another process is refused")
  void otherProcessIsRefused() throws Exception {
    try (StandardStore store = store()) {
      Claim claim = store.claim(sync(crm));
      try (OtherProcess other = Claiming.start(root)) {
        assertThat(other.line()).isEqualTo("refused");
      }
      claim.close();
      try (OtherProcess other = Claiming.start(root)) {
        assertThat(other.line()).isEqualTo("claimed");
      }
    }
  }

  @Test
  @DisplayName("P4: another process is refused also after a second engine of this one was")
  void refusalInThisProcessDoesNotOpenTheDoorToAnother() throws Exception {
    try (StandardStore first = store();
        StandardStore second = store()) {
      Claim claim = first.claim(sync(crm));
      assertThatThrownBy(() -> second.claim(sync(crm))).isInstanceOf(AlreadyRunningException.class);
      try (OtherProcess other = Claiming.start(root)) {
        assertThat(other.line()).isEqualTo("refused");
      }
      claim.close();
    }
  }

  @Test
  @DisplayName("P4: no lock survives a process that is killed")
  void lockDoesNotSurviveItsProcess() throws Exception {
    source.rows(ten());
    try (StandardStore store = store();
        OtherProcess other = Claiming.start(root)) {
      assertThat(other.line()).isEqualTo("claimed");
      assertThatThrownBy(() -> store.claim(sync(crm))).isInstanceOf(AlreadyRunningException.class);
      other.kill();
      store.claim(sync(crm)).close();
    }
    try (Process process = process(Duration.ofSeconds(10))) {
      process.run(sync(crm)).throwIfFailed();
    }
    assertThat(crm.rows()).isEqualTo(ten());
  }

  @Test
  @DisplayName("P4: a claim that was given back notes nothing any more")
  void claimThatWasGivenBackNotesNothing() {
    source.rows(ten());
    try (StandardStore store = store()) {
      Claim claim = store.claim(sync(crm));
      claim.open(claim.plan(PlanRequest.RUN, rows -> {}));
      claim.reserve(0, 4, clock.millis() + 1_000);
      claim.close();
      assertThatThrownBy(() -> claim.reserve(4, 8, clock.millis() + 1_000))
          .isInstanceOf(StateException.class)
          .hasMessageStartingWith("Cannot note an outcome of crm: the run is over.");
      assertThatThrownBy(claim::flush).isInstanceOf(StateException.class);
      claim.close();
    }
  }

  // ------------------------------------------------------------------------------------ interrupts

  @Test
  @DisplayName("P1: a call that is interrupted after the grace costs no acknowledgement")
  void interruptAfterTheGraceCostsNoAcknowledgement() throws Exception {
    source.rows(ten());
    CountDownLatch reached = new CountDownLatch(1);
    int[] calls = new int[1];
    crm.mood(
        (batch, apply) -> {
          if (++calls[0] == 2) {
            reached.countDown();
            new CountDownLatch(1).await();
          }
          return Crm.accept(batch, apply);
        });
    try (Process process = process(Duration.ZERO)) {
      FutureTask<SyncReport> run = new FutureTask<>(() -> process.run(sync(crm)));
      new Thread(run, "caller").start();
      assertThat(reached.await(20, TimeUnit.SECONDS)).isTrue();
      process.runner().cancel(sync(crm));
      SyncReport report = run.get();
      assertThat(report.status()).isEqualTo(RunStatus.CANCELLED);
      assertThat(report.total()).isEqualTo(new SyncReport.Counts(10, 4, 0, 4));
      assertThat(process.status(sync(crm)).lastRun().status()).isEqualTo(RunStatus.CANCELLED);
      assertThat(process.status(sync(crm)).syncedKeys()).isEqualTo(4);
      assertThat(process.status(sync(crm)).unsure()).isEqualTo(4);
      crm.mood(Crm::accept);
      assertThat(process.run(sync(crm)).throwIfFailed().total().planned()).isEqualTo(6);
    }
    assertThat(crm.rows()).isEqualTo(ten());
  }

  @Test
  @DisplayName("P1: a destination that leaves its thread interrupted harms no state")
  void destinationThatLeavesItsThreadInterruptedHarmsNoState() {
    source.rows(ten());
    crm.mood(
        (batch, apply) -> {
          apply.run();
          Thread.currentThread().interrupt();
          return Delivery.allAccepted();
        });
    try (Process process = process(Duration.ofSeconds(10))) {
      SyncReport report = process.run(sync(crm));
      // Its own interrupt meets the engine where it waits for its turn, and cancels the run.
      assertThat(report.status()).isIn(RunStatus.CANCELLED, RunStatus.SUCCEEDED);
      assertThat(process.status(sync(crm)).syncedKeys()).isEqualTo(report.total().accepted());
      assertThat(report.total().accepted()).isGreaterThanOrEqualTo(4);
      assertThat(report.total().failed()).isZero();
      crm.mood(Crm::accept);
      assertThat(process.run(sync(crm)).throwIfFailed().total().aborted()).isZero();
    }
    assertThat(crm.rows()).isEqualTo(ten());
    assertThat(crm.takeRepeated()).isEmpty();
  }

  // ----------------------------------------------------------------------------------- permissions

  @Test
  @DisplayName("P11: files are readable by their owner alone")
  void filesAreReadableByTheirOwnerAlone() throws Exception {
    assumeThat(Files.getFileStore(root).supportsFileAttributeView("posix"))
        .as("the file system knows owners")
        .isTrue();
    source.rows(ten());
    crm.mood(
        (batch, apply) -> {
          assertPermissions(); // while plan, ledger and the old state are there
          Delivery.Builder answer = Delivery.acceptedExcept();
          answer.rejected(batch.changes().get(0), "BAD", "no");
          return answer.build();
        });
    try (Process process = process(Duration.ofSeconds(10))) {
      assertThat(process.run(sync(crm)).status()).isEqualTo(RunStatus.WARNING);
      assertThat(process.run(sync(crm)).status()).isEqualTo(RunStatus.WARNING);
      process.runner().plan(sync(crm));
    }
    assertPermissions();
    try (Stream<Path> files = Files.list(state())) {
      assertThat(files.map(path -> path.getFileName().toString()))
          .anyMatch(name -> name.startsWith("plan-"));
    }
  }

  private void assertPermissions() throws IOException {
    try (Stream<Path> files = Files.list(state())) {
      for (Path file : files.toList()) {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
            .as(file.toString())
            .isEqualTo("rw-------");
      }
    }
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(state())))
        .isEqualTo("rwx------");
  }

  // ------------------------------------------------------------------------ state of something
  // else

  @Test
  void stateOfAnotherDestinationIsRefused() {
    source.rows(ten());
    try (Process process = process(Duration.ofSeconds(10))) {
      process.run(sync(crm)).throwIfFailed();
      Sync other =
          Sync.builder("crm")
              .model(MemoryModel.model())
              .to(io.fulmar.spi.Destination.of("crm:other\nline", batch -> Delivery.allAccepted()))
              .build();
      assertThatThrownBy(() -> process.run(other))
          .isInstanceOf(StateException.class)
          .hasMessage(
              "Cannot run crm: its state says what crm:contacts has accepted, and the destination"
                  + " now is crm:other line. If it is the same under another name, rebind the"
                  + " sync; else give a sync to another destination another name. [sync=crm]");
    }
  }

  @Test
  void missingStateIsRefusedIfItIsRequired() {
    try (StandardStore store =
        new StandardStore(source, root, StandardStore.MissingState.REFUSE, 0, clock)) {
      assertThatThrownBy(() -> store.claim(sync(crm)))
          .isInstanceOf(StateException.class)
          .hasMessage(
              "Cannot use the state of crm: there is none in "
                  + state()
                  + ", and it is required. Bring it back, or initialise the sync."
                  + " [sync=crm]");
      assertThat(state()).doesNotExist();
    }
  }

  @Test
  @DisplayName("P2: numbers of runs grow although the clock goes back")
  void numbersOfRunsGrowAlthoughTheClockGoesBack() {
    source.rows(ten());
    long first;
    try (Process process = process(Duration.ofSeconds(10))) {
      first = process.run(sync(crm)).throwIfFailed().run();
      assertThat(first).isEqualTo(clock.millis());
    }
    clock.advance(Duration.ofDays(-30));
    try (Process process = process(Duration.ofSeconds(10))) {
      assertThat(process.run(sync(crm)).throwIfFailed().run()).isEqualTo(first + 1);
      assertThat(process.run(sync(crm)).throwIfFailed().run()).isEqualTo(first + 2);
    }
  }
}
